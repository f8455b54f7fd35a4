"""Says how things stand, for people: one line a fact, then what is wrong and what is not known.

In: the facts. Out: lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from exporters.commands.status.collect import exit_code

__all__ = ["lines_of"]

_RESULT = {0: "healthy", 1: "not healthy", 2: "cannot tell"}


def lines_of(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield the report."""
    here = {True: "ON", False: "off", None: "unclear"}[facts["gates"]["live_trading_enabled_here"]]
    on = [name for name, enabled in facts["gates"]["live_trading_enabled"].items() if enabled]
    yield _row("live trading", f"{here} here, " + (f"ON in {', '.join(on)}" if on else "on in no exporter"))
    for name, one in facts["exporters"].items():
        yield _row(name, _exporter(one))
        yield from (_row("", _file(file)) for file in one["files"])
    yield _row("orchestrator", facts["orchestrator_state"] or "unknown")
    yield _row("run", facts["run_state"] or "unknown")
    yield _row("open orders", "unknown" if facts["open_orders"] is None else str(facts["open_orders"]))
    yield _row("reconciliation", _reconciliation(facts["reconciliation"]))
    yield _row("alerts", _alerts(facts["alerts"]))
    yield from (f"PROBLEM {one}" for one in facts["problems"])
    yield from (f"UNKNOWN {one}" for one in facts["unknown"])
    yield f"status: {_RESULT[exit_code(dict(facts))]}"


def _row(name: str, text: str) -> str:
    return f"{name:<16}{text}".rstrip()


def _exporter(one: Mapping[str, Any]) -> str:
    if not one["up"]:
        return f"down, {one['address']}"
    if one["lag_bytes"] is None:
        return f"up, {one['address']}"  # it reads no lines
    counts = ", ".join(f"{number} {outcome}" for outcome, number in one["lines"].items()) or "none"
    return f"up, {one['address']}, lines: {counts}; {one['lag_bytes']} bytes behind"


def _file(file: Mapping[str, Any]) -> str:
    if not file["present"]:
        return f"{file['path']}: {file['problem'] or 'not there'}"
    newest = "no event with a time"
    if file["newest_event"]:
        newest = f"newest event {file['newest_event']}, {_age(file['newest_event_age_s'])}"
    return f"{file['path']}: {file['size_bytes']} bytes, {file['problem'] or newest}"


def _age(seconds: float) -> str:
    return f"{seconds:.0f} s ago" if seconds >= 0 else f"{-seconds:.0f} s in the future"


def _reconciliation(one: Mapping[str, Any]) -> str:
    if one["last_ok_age_s"] is None and one["mismatches"] is None:
        return "unknown"
    last = "never without a mismatch" if one["last_ok_age_s"] is None else f"last ok {_age(one['last_ok_age_s'])}"
    counts = ", ".join(f"{number} {code}" for code, number in (one["mismatches"] or {}).items() if number)
    ahead = ", ".join(f"{side} {lag:.0f} s" for side, lag in (one["lag_s"] or {}).items() if lag)
    return f"{last}; mismatches so far: {counts or 'none'}" + (f"; ahead: {ahead}" if ahead else "")


def _alerts(one: Mapping[str, Any]) -> str:
    if not one["asked"]:
        return "not asked; give --prometheus-url"
    return "unknown" if one["firing"] is None else f"firing: {', '.join(one['firing']) or 'none'}"
