"""The script everybody writes: read a line, json.loads, count with prometheus_client.

In: what to count and the path or glob of the files. Out: the metrics page. Plain on purpose, and without handicap:
label values are given by position, a line that is not JSON or lacks a field is counted as bad and skipped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from glob import glob
from pathlib import Path
from typing import Any

from prometheus_client import Counter, Histogram, generate_latest

__all__ = ["STORED", "main"]

Event = dict[str, Any]
Count = Callable[[Event], None]


def ledger() -> Count:
    """Count stages, risk blocks and orders of the ledger."""
    events = Counter("events_total", "Events by stage.", ["mode", "stage", "exchange"])
    risk_blocks = Counter("risk_blocks_total", "Risk blocks.", ["risk_reason"])
    orders = Counter("orders_total", "Orders.", ["order_type"])

    def count(event: Event) -> None:
        stage = event["stage"]
        events.labels(event["mode"], stage, event["exchange"]).inc()
        if stage == "risk_block":
            risk_blocks.labels(event["reason"]).inc()
        elif stage == "submit":
            orders.labels(event["order_type"]).inc()

    return count


_BETA_ACTIONS = {"INTENT": "order_intent", "SUBMIT": "submit", "FILL": "fill"}
_V0_ACTIONS = {"created": "order_intent", "submitted": "submit", "filled": "fill", "canceled": "cancel"}


def mixed() -> Count:
    """Count decisions, reasons and actions of three formats."""
    decisions = Counter("decisions_total", "Decisions.", ["decision"])
    actions = Counter("actions_total", "Actions.", ["action"])
    reasons = Counter("reasons_total", "Reasons.", ["reason"])

    def decide(decision: str, reason: str) -> None:
        decisions.labels(decision).inc()
        reasons.labels(reason).inc()

    def count(event: Event) -> None:
        action: str | None
        if event.get("v") == 1:
            decide(event["decision"], event["reason"])
            action = event["action"] if event["action"] != "none" else None
        elif event.get("schema_version") == "BETA_EXEC_V1":
            kind = event["event_type"]
            action = _BETA_ACTIONS.get(kind)
            if kind == "SUBMIT":
                decide("accept", "none")
            elif kind == "RISK_REJECT":
                decide("reject", "risk_limit" if event["reason_code"].startswith("RISK_") else "other")
        else:
            kind = event["event_type"]
            action = _V0_ACTIONS.get(kind)
            if kind == "submitted":
                decide("accept", "none")
            elif kind == "failed":
                decide("reject", "other")
        if action:
            actions.labels(action).inc()

    return count


def runs() -> Count:
    """Count runs up to 20 run ids, the rest as `other`; stages and orders."""
    events = Counter("events_total", "Events.", ["run_id"])
    stages = Counter("stages_total", "Stages.", ["mode", "stage"])
    orders = Counter("orders_total", "Orders.", ["order_type"])
    seen: set[str] = set()

    def count(event: Event) -> None:
        run_id, stage = event["run_id"], event["stage"]
        if run_id not in seen:
            if len(seen) < 20:
                seen.add(run_id)
            else:
                run_id = "other"
        events.labels(run_id).inc()
        stages.labels(event["mode"], stage).inc()
        if stage == "submit":
            orders.labels(event["order_type"]).inc()

    return count


def pairs() -> Count:
    """Count stages and orders, and join intent and ack by id."""
    events = Counter("events_total", "Events by stage.", ["mode", "stage", "exchange"])
    orders = Counter("orders_total", "Orders.", ["order_type"])
    buckets = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
    latency = Histogram("latency_seconds", "Intent to ack.", ["edge"], buckets=buckets)
    waiting: dict[str, datetime] = {}

    def count(event: Event) -> None:
        stage, at = event["stage"], datetime.fromisoformat(event["ts"])
        events.labels(event["mode"], stage, event["exchange"]).inc()
        if stage == "intent":
            orders.labels(event["order_type"]).inc()
            waiting[event["intent_id"]] = at
        elif stage == "ack" and (began := waiting.pop(event["intent_id"], None)):
            latency.labels("intent_to_ack").observe((at - began).total_seconds())

    return count


STORED: dict[str, Callable[[], Count]] = {"ledger": ledger, "mixed": mixed, "runs": runs, "pairs": pairs}


def main(program: str, pattern: str) -> None:
    """Count every line of the files and print the page."""
    count, bad = STORED[program](), 0
    for path in sorted(glob(pattern)):  # the pattern is absolute
        with Path(path).open() as lines:
            for line in lines:
                try:
                    count(json.loads(line))
                except (ValueError, KeyError):
                    bad += 1
    sys.stdout.write(generate_latest().decode())
    print(f"# {bad} bad lines")


if __name__ == "__main__":
    main(*sys.argv[1:])
