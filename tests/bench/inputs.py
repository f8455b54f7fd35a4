"""The benchmark's event files, by seed.

In: a folder and a number of events. Out: files; the same seed gives the same bytes. No module of ours takes part.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["LEDGER_BYTES", "SCENARIOS", "write_scenario"]

LEDGER_BYTES = 309
"""Mean size of a ledger line, newline included, as in the measurements of the design."""

_STAGES = ("signal", "intent", "submit", "ack", "fill", "cancel", "risk_block", "error")
_REASONS = ("max_drawdown", "equity_floor", "position_limit", "exposure_limit", "spread_too_wide", "cooldown")
_SYMBOLS = ("BTC/EUR", "ETH/EUR", "SOL/EUR")
_LINE = (
    '{"ts":"2026-01-25T%02d:%02d:%02d.%03dZ","mode":"shadow","run_id":"%s","stage":"%s","strategy_id":"m",'
    '"symbol":"%s","intent_id":"int-%09d","client_order_id":"co-%08x","status":"created","qty":%.4f,"price":%.2f,'
    '"fee":0,"reason":"%s","exchange":"sim","latency_ms":%.1f,"order_type":"market"%s}\n'
)


def _ledger_line(
    chance: random.Random, index: int, stage: str, run_id: str = "bench", intent: int | None = None
) -> str:
    second, milli = divmod(index * 7, 1000)
    line = _LINE % (
        *(second // 3600 % 24, second // 60 % 60, second % 60, milli),
        *(run_id, stage, _SYMBOLS[index % 3], index if intent is None else intent, chance.getrandbits(32)),
        *(chance.random() * 10, chance.random() * 50000),
        _REASONS[index % 6] if stage == "risk_block" else "",
        *(chance.random() * 300, ""),
    )
    pad = LEDGER_BYTES - len(line) - len(',"pad":""')
    return line if pad <= 0 else line[:-2] + ',"pad":"' + "x" * pad + '"}\n'


def ledger(chance: random.Random, number: int) -> Iterator[str]:
    """Yield shadow ledger lines."""
    for index in range(number):
        yield _ledger_line(chance, index, chance.choice(_STAGES))


def with_malformed(share: float) -> Callable[[random.Random, int], Iterator[str]]:
    """Return a ledger of which `share` of the lines is cut off in the middle of its first fields."""

    def lines(chance: random.Random, number: int) -> Iterator[str]:
        for line in ledger(chance, number):
            yield line if chance.random() >= share else line[:50] + "\n"

    return lines


def many_runs(chance: random.Random, number: int) -> Iterator[str]:
    """Yield ledger lines with 100,000 different run ids."""
    for index in range(number):
        yield _ledger_line(chance, index, chance.choice(_STAGES), run_id=f"run-{chance.randrange(100_000):06d}")


def pairs(chance: random.Random, number: int) -> Iterator[str]:
    """Yield intents and, up to eight orders later, their acks; every one of an even number pairs."""
    waiting: list[int] = []
    for index in range(number):
        if len(waiting) < min(8, number - index):
            waiting.append(index)
            yield _ledger_line(chance, index, "intent")
        else:
            intent = waiting.pop(chance.randrange(len(waiting)))
            yield _ledger_line(chance, index, "ack", intent=intent)


_AI = (
    '{"v":1,"ts_utc":"2026-01-25T01:09:%02d.123Z","component":"execution_watch","run_id":"demo","event":"decision",'
    '"decision":"%s","reason":"%s","latency_ms":%.1f,"action":"%s"}\n'
)
_BETA = (
    '{"client_order_id":null,"event_id":"%064x","event_type":"%s","intent_id":"i-%09d","payload":{"side":"buy"},'
    '"reason_code":%s,"request_id":null,"run_id":"demo","schema_version":"BETA_EXEC_V1","session_id":"s",'
    '"symbol":"BTC/EUR","ts_sim":%d,"ts_utc":"2026-01-25T01:09:%02d+00:00"}\n'
)
_V0 = (
    '{"correlation_id":"c-%09d","event_type":"%s","idempotency_key":"k","order_id":"o-%09d","payload":{"n_orders":2},'
    '"run_id":"demo","schema":"execution_event_v0","ts":"2026-01-25T01:09:%02dZ"}\n'
)
_DECISIONS = (("accept", "none", "submit"), ("reject", "risk_limit", "none"), ("noop", "no_signal", "none"))


def mixed_formats(chance: random.Random, number: int) -> Iterator[str]:
    """Yield the three formats of the ai_live file in turn."""
    for index in range(number):
        if index % 3 == 0:
            decision, reason, action = chance.choice(_DECISIONS)
            yield _AI % (index % 60, decision, reason, chance.random() * 100, action)
        elif index % 3 == 1:
            kind = chance.choice(("INTENT", "SUBMIT", "ACK", "FILL", "RISK_REJECT"))
            code = '"RISK_LIMIT_EXCEEDED"' if kind == "RISK_REJECT" else "null"
            yield _BETA % (chance.getrandbits(256), kind, index, code, index, index % 60)
        else:
            kind = chance.choice(("created", "validated", "submitted", "acked", "filled", "canceled", "failed"))
            yield _V0 % (index, kind, index, index % 60)


SCENARIOS: dict[str, tuple[str, Callable[[random.Random, int], Iterator[str]]]] = {
    "a": ("shadow ledger", ledger),
    "b": ("ai_live, mixed formats", mixed_formats),
    "c": ("ledger, 1 % malformed", with_malformed(0.01)),
    "d": ("ledger, 50 % malformed", with_malformed(0.5)),
    "e": ("ledger in 1,000 files", ledger),
    "f": ("100,000 run ids against a cap of 20", many_runs),
    "g": ("every event paired by id", pairs),
}
"""Scenario -> (what it is, its lines)."""


def write_scenario(name: str, folder: Path, number: int, seed: int = 20260125) -> str:
    """Write a scenario's events; return the path or glob of its files."""
    lines = SCENARIOS[name][1](random.Random(seed), number)
    files = 1000 if name == "e" else 1
    for index in range(files):
        with (folder / f"events-{index:04d}.jsonl").open("w") as out:
            for _ in range(number // files):
                out.write(next(lines))
    return str(folder / ("events-*.jsonl" if files > 1 else "events-0000.jsonl"))
