"""The routes of sessions, alerts and telemetry: WebUI v1.x."""

from __future__ import annotations

from console.alerts import CATEGORIES, SEVERITIES, stats, stored_alerts
from console.api.endpoint import Asked, Endpoint, Failure, Text, choice, number, word
from console.documents import MODES, STATUSES
from console.registry import find_session, list_sessions, stats_of
from console.telemetry import KINDS, as_csv, list_telemetry
from console.times import read_time
from console.view import View

__all__ = ["ENDPOINTS"]


def _sessions(view: View, asked: Asked) -> object:
    return [one.row() for one in list_sessions(view, asked["mode"], asked["status"], asked["limit"])]


def _stats(view: View, asked: Asked) -> object:
    return stats_of(view)


def _session(view: View, asked: Asked) -> object:
    entry = find_session(view, asked["session_id"])
    if entry is None:
        raise Failure(404, "session_not_found", f"Session not found: {asked['session_id']}")
    return entry.detail()


def _alerts(view: View, asked: Asked) -> object:
    wanted = {name: asked[name] for name in ("severity", "category", "session_id")}
    alerts = stored_alerts(view, asked["hours"], **wanted)[: asked["limit"]]
    return {"count": len(alerts), "hours": asked["hours"], "alerts": alerts}


def _alert_stats(view: View, asked: Asked) -> object:
    return stats(stored_alerts(view, asked["hours"]), asked["hours"])


def _telemetry(view: View, asked: Asked) -> object:
    bounds = [asked[name] and read_time(asked[name]) for name in ("from", "to")]
    for name, at in zip(("from", "to"), bounds, strict=True):
        if asked[name] and at is None:
            raise Failure(422, "invalid_parameter", f"{name}: expected an ISO 8601 time")
    items = list_telemetry(view, asked["limit"], asked["session_id"], asked["type"], asked["symbol"], *bounds)
    if asked["format"] == "csv":
        return Text(as_csv(items), "text/csv")
    return {"count": len(items), "events": items}


_HOURS = number("hours", 24, 1, 168)

ENDPOINTS = (
    Endpoint(
        "/api/live_sessions",
        _sessions,
        "Sessions, newest first.",
        (number("limit", 10, 1, 100), choice("mode", *MODES), choice("status", *STATUSES)),
    ),
    Endpoint("/api/live_sessions/stats", _stats, "Sums over all sessions."),
    Endpoint(
        "/api/live_sessions/{session_id}",
        _session,
        "All there is of a session.",
        not_found="session_not_found|Session not found: <id>",
    ),
    Endpoint(
        "/api/live/alerts",
        _alerts,
        "Stored alerts of the last hours, newest first.",
        (
            number("limit", 100, 1, 500),
            _HOURS,
            choice("severity", *SEVERITIES),
            choice("category", *CATEGORIES),
            word("session_id"),
        ),
    ),
    Endpoint("/api/live/alerts/stats", _alert_stats, "Sums over them.", (_HOURS,)),
    Endpoint(
        "/api/telemetry",
        _telemetry,
        "What sessions said, newest first, as JSON or CSV.",
        (
            word("session_id"),
            choice("type", *KINDS),
            word("symbol", 64),
            word("from", 40),
            word("to", 40),
            number("limit", 200, 1, 2000),
            choice("format", "json", "csv", default="json"),
        ),
    ),
)
