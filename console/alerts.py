"""Alerts: those the runs keep beside their steps, and those that are stored by day.

In: a view. Out: alerts newest first, and their sums. Severities are told in one spelling: INFO, WARN, CRITICAL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from console.index import queries
from console.index.queries import Event
from console.times import show
from console.view import View

__all__ = ["CATEGORIES", "SEVERITIES", "run_alerts", "severity_of", "stats", "stored_alerts"]

SEVERITIES = ("INFO", "WARN", "CRITICAL")
CATEGORIES = ("RISK", "EXECUTION", "SYSTEM")

_DAY_NS = 86_400_000_000_000
_DAYS = 9
"""Days that lie within the longest time asked for, a week, and those it begins and ends in."""

_MOST = 1000
"""Alerts looked at in one answer. Source: facts, 2.8."""


def severity_of(text: object) -> str:
    """Return a severity in the one spelling; what is none is shown as it is, in capitals.

    >>> severity_of("warning"), severity_of("CRITICAL"), severity_of(None)
    ('WARN', 'CRITICAL', 'UNKNOWN')
    """
    word = str(text or "unknown").upper()[:40]
    return {"WARNING": "WARN", "ERROR": "CRITICAL"}.get(word, word)


def run_alerts(view: View, run_id: str, limit: int) -> list[dict[str, object]]:
    """Return the alerts of a run, newest first."""
    stream = queries.stream(view.database, "run_alert", run_id)
    events = queries.events_before(view.database, stream, limit) if stream else []
    return [
        {
            "rule_id": event.body.get("rule_id"),
            "severity": event.body.get("severity"),
            "message": event.body.get("message"),
            "run_id": run_id,
            "timestamp": show(event.at),
        }
        for event in events
    ]


def stored_alerts(view: View, hours: int, **wanted: str | None) -> list[dict[str, object]]:
    """Return the stored alerts of the last hours, newest first, those that have what is wanted."""
    since = int((view.now - hours * 3600) * 1e9)
    days = range(int(view.now * 1e9) // _DAY_NS + 1, since // _DAY_NS - 1, -1)
    recent: list[tuple[int, int, dict[str, object]]] = []
    for day in days:
        recent += [one for one in _of_day(view, day) if one[0] >= since]
    recent.sort(key=lambda one: one[:2], reverse=True)
    alerts = [one for _, _, one in recent[:_MOST]]
    asked = {name: value for name, value in wanted.items() if value is not None}
    return [one for one in alerts if all(one[name] == value for name, value in asked.items())] if asked else alerts


def _of_day(view: View, day: int) -> list[tuple[int, int, dict[str, object]]]:
    """Return (time, position, alert) of the alerts stored on a day; read once until another alert comes."""
    days: dict[int, list[tuple[int, int, dict[str, object]]]] = view.hold("alerts", dict, "alert")
    if day not in days:
        stream = queries.stream(view.database, "alert", str(day))
        events = queries.events_before(view.database, stream, _MOST) if stream else []
        days[day] = [(event.at, event.seq, _alert(event)) for event in events if event.at is not None]
        for past in [one for one in days if one < day - _DAYS]:
            del days[past]
    return days[day]


def _alert(event: Event) -> dict[str, object]:
    body = event.body
    names = ("id", "title", "body", "severity", "category", "source", "session_id", "timestamp", "context", "stored_at")
    told = {name: body.get(name) for name in names}
    category = str(told["category"] or "").upper()[:40]
    return {**told, "severity": severity_of(told["severity"]), "category": category, "timestamp": show(event.at)}


def stats(alerts: Sequence[dict[str, object]], hours: int) -> dict[str, object]:
    """Return the sums over alerts, which are newest first."""
    sessions = {str(one["session_id"]) for one in alerts if one["session_id"]}
    return {
        "total": len(alerts),
        "by_severity": dict(sorted(Counter(str(one["severity"]) for one in alerts).items())),
        "by_category": dict(sorted(Counter(str(one["category"]) for one in alerts).items())),
        "sessions_with_alerts": len(sessions),
        "last_critical": next((one["timestamp"] for one in alerts if one["severity"] == "CRITICAL"), None),
        "hours": hours,
    }
