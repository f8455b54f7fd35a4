"""Says how a run ended, in files: health, status (also to read) and metrics. Source: seed 004, sections 3 and 6.

In: the orchestrator at its end, what the exporters show, where both differ. Out: JSON with sorted keys and a page of
Markdown. Nothing in them depends on where or when they are written: the same run gives the same bytes.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from emitters.dry_run.exporter import Difference, shown_as
from emitters.dry_run.journal import Journal
from emitters.dry_run.mock_broker import Report
from emitters.dry_run.orchestrator import Orchestrator
from emitters.dry_run.tally import Series
from emitters.slots import timestamp
from emitters.writer import Writer

__all__ = ["NAMES", "write_broker", "write_snapshots"]

NAMES = (
    "dryrun_health_snapshot.json",
    "dryrun_status_snapshot.json",
    "dryrun_status_snapshot.md",
    "dryrun_metrics_snapshot.json",
)
"""The files of seed 004, in a run's folder."""

Shown = Mapping[str, Mapping[Series, float]]
Snapshot = dict[str, object]


def write_broker(path: Path, reports: Sequence[Report], at: datetime) -> None:
    """Write the broker's side, one order a line, for `peaktrade reconcile`."""
    with Writer(path) as writer:
        for report in reports:
            paid = sum(fill.qty * fill.price for fill in report.fills)
            writer.append(
                {
                    "schema": "mock_broker_v1",
                    "ts": timestamp(at),
                    "placed_ts": timestamp(report.placed_at),
                    "broker_order_id": report.broker_order_id,
                    "client_order_id": report.request.client_order_id,
                    "symbol": report.request.symbol,
                    "side": report.request.side,
                    "qty": str(report.request.qty),
                    "filled_qty": str(report.filled),
                    "price": str(paid / report.filled) if report.filled else "0",
                    "fee": str(sum(fill.fee for fill in report.fills)),
                    "status": report.status,
                    "broker_signal": None,
                }
            )


def write_snapshots(
    folder: Path, run: Orchestrator, journal: Journal, shown: Shown, found: Sequence[Difference]
) -> None:
    """Write the four files; each replaces the one of an earlier run."""
    status = _status(run, found)
    texts = (_text(_health(run)), _text(status), _page(status), _text(_metrics(run, journal, shown, found)))
    for name, text in zip(NAMES, texts, strict=True):
        (folder / name).write_text(text, encoding="utf-8")


def _text(snapshot: Snapshot) -> str:
    return json.dumps(snapshot, indent=2, sort_keys=True) + "\n"


def _health(run: Orchestrator) -> Snapshot:
    return {
        "orchestrator_state": run.state,
        "last_audit_event_ts": _moment(run, "peak_trade_last_audit_event_timestamp_seconds"),
        "reconciler_last_ok_ts": _moment(run, "peak_trade_reconciler_last_ok_timestamp_seconds"),
        "safety_rail_trips_total": int(run.tally.value("peak_trade_safety_rail_trips_total")),
        "live_trading_enabled": False,
    }


def _moment(run: Orchestrator, metric: str) -> str | None:
    """Return a time as its event says it: half a millisecond more, as a float may lie just below it."""
    seconds = run.tally.values.get((metric, ()))
    return None if seconds is None else timestamp(datetime.fromtimestamp(seconds + 0.0005, UTC))


def _status(run: Orchestrator, found: Sequence[Difference]) -> Snapshot:
    plan, last = run.plan, run.last_reconciliation
    names = ("orders_place", "orders_cancel", "orders_query", "retry_attempts", "reconcile_mismatches")
    return {
        "run_id": plan.run_id,
        "strategy_id": plan.strategy_id,
        "seed": plan.seed,
        "steps": plan.steps,
        "status": run.state,
        "ended_ts": timestamp(run.clock.now()),
        "gates": {"live_trading_enabled": False, "broker": "mock"},
        "orders": dict(sorted(Counter(order.state for order in run.book.orders.values()).items())),
        "open_orders": len(run.book.open_orders()),
        "rails": {"halted": run.rails.is_halted, "killed": run.rails.is_killed},
        "totals": {name: int(run.tally.value(f"peak_trade_{name}_total")) for name in names},
        "last_reconciliation": None if last is None else sorted(code for code, _ in last) or "ok",
        "differences": [{"series": series, "run": own, "exporter": theirs} for series, own, theirs in found],
    }


def _page(status: Snapshot) -> str:
    plain = ("run_id", "strategy_id", "seed", "steps", "status", "ended_ts", "open_orders", "last_reconciliation")
    lines = ["# Dry run", "", "| what | value |", "|---|---|"]
    lines += [f"| {name} | {status[name]} |" for name in plain]
    for group in ("gates", "orders", "rails", "totals"):
        values = status[group]
        assert isinstance(values, dict)
        lines += [f"| {group}: {name} | {value} |" for name, value in values.items()]
    differing = status["differences"]
    assert isinstance(differing, list)
    lines += ["", f"The run's own counts and the exporters' differ in {len(differing)} series."]
    lines += [f"- `{one['series']}`: run {one['run']}, exporter {one['exporter']}" for one in differing]
    return "\n".join(lines) + "\n"


def _metrics(run: Orchestrator, journal: Journal, shown: Shown, found: Sequence[Difference]) -> Snapshot:
    plan = run.plan
    return {
        "schema_version": "C2_DRYRUN_METRICS_V1",
        "run_id": plan.run_id,
        "strategy_id": plan.strategy_id,
        "seed": plan.seed,
        "status": run.state,
        "events_emitted": sum(journal.lines.values()),
        "audit_events": run.audit.events,
        "sink_retries": journal.sink_retries,
        "exporters": {
            name: {shown_as(key): value for key, value in sorted(series.items())} for name, series in shown.items()
        },
        "differences": [series for series, _, _ in found],
    }
