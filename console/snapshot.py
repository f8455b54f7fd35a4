"""The status snapshot: six panels with what there is, the same bytes for the same state.

In: a view. Out: version, time, panels by id, each with a status ok, warn, error or unknown. Its time is that of the
newest data, unless PEAK_TRADE_FIXED_GENERATED_AT_UTC pins it, and ages are told against that time, so nothing in it
depends on when it was asked for. A panel that cannot be made is one that says error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib.resources import files

from console.alerts import stats as alert_stats
from console.alerts import stored_alerts
from console.api.endpoint import Asked, Endpoint
from console.documents import Meta
from console.index import queries
from console.index.tally import Tally
from console.registry import Entry, all_limits, list_sessions, newest_update, stats_of
from console.runs import run_rows
from console.times import show, show_seconds
from console.view import ANYTHING, View

__all__ = ["ENDPOINT", "normalised", "snapshot"]

VERSION = "0.1"

_HOURS = 24
_WORDS = {
    **dict.fromkeys(("ok", "good", "healthy", "pass", "active", "green"), "ok"),
    **dict.fromkeys(("warn", "warning", "caution", "degraded", "yellow"), "warn"),
    **dict.fromkeys(("error", "err", "fail", "critical", "bad", "breach", "red"), "error"),
}
_Panel = tuple[str, object, dict[str, object]]


def normalised(status: object) -> str:
    """Return a status as one of four words.

    >>> [normalised(one) for one in ("healthy", "degraded", "CRITICAL", True, 0, 1, 7, None, "moon")]
    ['ok', 'warn', 'error', 'ok', 'ok', 'warn', 'error', 'unknown', 'unknown']
    """
    if isinstance(status, bool):
        return "ok" if status else "error"
    if isinstance(status, int):
        return ("ok", "warn")[status] if status in (0, 1) else "error" if status > 1 else "unknown"
    return _WORDS.get(str(status).strip().lower(), "unknown")


def snapshot(view: View) -> dict[str, object]:
    """Return the snapshot, made once for each state of the index: nothing in it depends on the moment."""
    return view.hold("snapshot", lambda: _made(view), ANYTHING)


def _made(view: View) -> dict[str, object]:
    newest = _newest(view)
    at = view if newest is None else replace(view, now=newest / 1e9)
    panels = [_panel(name, make, at) for name, make in sorted(_PANELS.items())]
    return {
        "version": VERSION,
        "generated_at": view.settings.fixed_time or show_seconds(newest),
        "panels": panels,
        "meta": {"source": "webui_api", "contract_sha256": _contract(), "conservation": _conservation(view)},
    }


def _newest(view: View) -> int | None:
    """Return the newest time of any event or session (nanoseconds)."""
    return max(newest_update(view), view.newest_at or 0) or None


def _panel(name: str, make: Callable[[View], _Panel], view: View) -> dict[str, object]:
    try:
        title, status, details = make(view)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        title, status, details = name, "error", {"error": type(error).__name__}
    return {"id": name, "title": title, "status": normalised(status), "details": _sorted(details)}


def _sorted(value: object) -> object:
    """Return a value with the keys of all its objects in order."""
    if isinstance(value, dict):
        return {str(name): _sorted(value[name]) for name in sorted(value, key=str)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def _alerts(view: View) -> _Panel:
    found = alert_stats(stored_alerts(view, _HOURS), _HOURS)
    grave = found["by_severity"]
    assert isinstance(grave, dict)
    status = "error" if grave.get("CRITICAL") else "warn" if grave.get("WARN") else "ok"
    return "Alerts", status, found


def _live_sessions(view: View) -> _Panel:
    active, sums = _open(view), stats_of(view)
    silent = [one.session.session_id for one in active if one.liveness == "silent"]
    details = {**sums, "active_sessions": len(active), "silent_sessions": sorted(silent)}
    return "Live sessions", ("unknown" if not sums["total_sessions"] else "warn" if silent else "ok"), details


def _open(view: View) -> list[Entry]:
    return list_sessions(view, status="started")


def _going_on(view: View) -> list[tuple[Meta, Tally]]:
    """Return the runs with steps that have not ended."""
    return [(meta, steps.tally) for meta, steps, _ in run_rows(view) if meta.ended_at is None and steps is not None]


def _portfolio(view: View) -> _Panel:
    equities = [tally.equity for _, tally in _going_on(view) if tally.equity is not None]
    sums = stats_of(view)
    details: dict[str, object] = {
        "total_pnl": sums["total_pnl"],
        "unrealized_pnl": sum(one.number("unrealized_pnl") or 0.0 for one in _open(view)),
        "equity": sum(equities) if equities else None,
        "total_exposure": sum(one.number("total_notional") or 0.0 for one in _open(view)),
        "num_sessions": sums["total_sessions"],
    }
    return "Portfolio", ("ok" if sums["total_sessions"] or equities else "unknown"), details


def _positions(view: View) -> _Panel:
    held = [(meta, tally, tally.position_size) for meta, tally in _going_on(view) if tally.position_size]
    positions = [
        {"run_id": meta.run_id, "symbol": meta.symbol, "size": size, "notional": abs(size) * (tally.price or 0.0)}
        for meta, tally, size in sorted(held, key=lambda one: one[0].run_id)
    ]
    details: dict[str, object] = {
        "open_positions": len(positions),
        "symbols": sorted({meta.symbol for meta, _, _ in held}),
        "total_notional": sum(abs(size) * (tally.price or 0.0) for _, tally, size in held),
        "positions": positions,
        "active_sessions": len(_open(view)),
    }
    return "Positions", ("ok" if run_rows(view) else "unknown"), details


def _risk(view: View) -> _Panel:
    limits = all_limits(view)
    grave = Counter(one.severity for one in _open(view))
    severity = "breach" if grave["breach"] else "warning" if grave["warning"] else "ok"
    details: dict[str, object] = {
        "status": {"breach": "red", "warning": "yellow", "ok": "green"}[severity],
        "severity": severity,
        "limits_enabled": bool(limits),
        "limit_details": limits[:50],
        "violations": [limit for limit in limits if limit.get("severity") == "breach"][:50],
    }
    return "Risk", (severity if stats_of(view)["total_sessions"] else "unknown"), details


def _telemetry(view: View) -> _Panel:
    streams = view.streams("telemetry")
    kinds: Counter[str] = Counter()
    for one in streams:
        kinds.update(one.tally.counts)
    newest = max((one.last_at for one in streams if one.last_at is not None), default=None)
    refused = view.refused
    details: dict[str, object] = {
        "sessions": len(streams),
        "events": sum(one.next for one in streams),
        "by_kind": dict(kinds),
        "last_event": show(newest),
        "lines_refused": refused,
    }
    return "Telemetry", ("unknown" if not streams else "warn" if refused else "ok"), details


_PANELS: Mapping[str, Callable[[View], _Panel]] = {
    "alerts": _alerts,
    "live_sessions": _live_sessions,
    "portfolio": _portfolio,
    "positions": _positions,
    "risk": _risk,
    "telemetry": _telemetry,
}


@cache
def _contract() -> str:
    """Return the digest of the execution watch's contract, whose lines these are."""
    return sha256(files("contracts").joinpath("execution_watch.yaml").read_bytes()).hexdigest()


def _conservation(view: View) -> dict[str, object]:
    """Return how the lines read add up, and how far each file was read; no clock has a part in it."""
    total, kept = queries.files_total(view.database), queries.lines_kept(view.database)
    whole = total["lines"] == kept + total["refused"] + total["passed_over"]
    return {**total, "kept": kept, "adds_up": whole, "offsets": queries.offsets(view.database, 100)}


def _answer(view: View, asked: Asked) -> object:
    return snapshot(view)


ENDPOINT = Endpoint("/api/live/status/snapshot.json", _answer, "Six panels; the same bytes for the same state.")
