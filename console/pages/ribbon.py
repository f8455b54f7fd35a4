"""The status on top of every page: mode, gate, age of the newest event, lines refused, alerts, how far the index is.

In: a view. Out: one value. What is missing or old is said to be; nothing is green because nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass

from console.alerts import stored_alerts
from console.runs import active_runs, run_rows
from console.view import View

__all__ = ["Ribbon", "freshness", "ribbon_of"]

_STALE_S, _SILENT_S, _AHEAD_S = 120, 900, 5
"""Seconds; what lies further ahead than the last is as little to be trusted as what is old."""


@dataclass(frozen=True, slots=True)
class Ribbon:
    """What is shown. `modes` are those of the runs that are active, or of all if none is."""

    modes: tuple[str, ...]
    active: int
    runs: int
    newest_at: int | None
    freshness: str
    refused: int
    broken: int
    unreadable: int
    alerts: int
    critical: int
    is_behind: bool
    lag_bytes: int
    now: float


def freshness(age_s: float | None, stale_s: float = _STALE_S, silent_s: float = _SILENT_S) -> str:
    """Return `fresh`, `stale`, `silent`, or `missing`, of an age."""
    if age_s is None:
        return "missing"
    if age_s < -_AHEAD_S:
        return "stale"
    return "fresh" if age_s <= stale_s else "stale" if age_s <= silent_s else "silent"


def ribbon_of(view: View) -> Ribbon:
    """Return the status of this moment."""
    active, rows = active_runs(view), run_rows(view)
    newest = view.newest_at
    alerts = stored_alerts(view, 24)
    return Ribbon(
        modes=tuple(sorted({run.meta.mode for run in active} or {meta.mode for meta, _, _ in rows})),
        active=len(active),
        runs=len(rows),
        newest_at=newest,
        freshness=freshness(view.age(newest)),
        refused=view.refused,
        broken=len(view.broken),
        unreadable=len(view.problems),
        alerts=len(alerts),
        critical=sum(one["severity"] == "CRITICAL" for one in alerts),
        is_behind=view.is_behind,
        lag_bytes=view.lag_bytes,
        now=view.now,
    )
