"""The pages and what each shows.

In: a view and what was asked. Out: a template's name and its values. A page is an `Endpoint` like a route of the API,
so its parameters are checked in the same way, and what there is not is a page that says so.
"""

from __future__ import annotations

from console.alerts import CATEGORIES, SEVERITIES, run_alerts, stored_alerts
from console.api.endpoint import Asked, Endpoint, Failure, choice, flag, number, word
from console.decisions import VERDICTS, list_decisions
from console.documents import MODES, STATUSES
from console.executions import find_execution, item_of, list_executions, read_errors, row_of
from console.grafana import board_of
from console.index import queries
from console.pages.ribbon import freshness, ribbon_of
from console.registry import Entry, find_session, list_sessions, stats_of
from console.runbooks import RUNBOOKS
from console.runs import Row, Run, find_run, list_runs, message_of, newest_steps, run_rows, runs_of
from console.telemetry import KINDS, list_telemetry
from console.timeline import orders_of
from console.view import View

__all__ = ["PAGES", "Shown"]

Shown = tuple[str, dict[str, object]]

_ALL = "All"
"""What a link from Grafana says where no run is chosen."""

_LEVELS = ("info", "warning", "error")
_RUN_STATUSES = ("active", "completed", "inactive", "unknown")
_COLUMNS = ("equity", "realized_pnl", "position_size", "steps", "orders", "blocked", "drawdown")


def _home(view: View, asked: Asked) -> Shown:
    rows = _fitting(view, asked)
    return "home.html", {
        "ribbon": ribbon_of(view),
        "runs": [(run, _freshness_of(run)) for run in runs_of(view, rows[: asked["limit"]])],
        "total": _total(rows),
        "hidden": max(0, len(rows) - asked["limit"]),
        "sessions": list_sessions(view, asked["mode"], asked["status"], 20),
        "session_stats": stats_of(view, asked["mode"], asked["status"]),
        "modes": MODES,
        "statuses": STATUSES,
        "run_statuses": _RUN_STATUSES,
        "strategies": sorted({meta.strategy_name for meta, _, _ in run_rows(view)}),
        "broken": view.broken[:20],
    }


def _fitting(view: View, asked: Asked) -> list[Row]:
    """Return the runs that have what is wanted."""
    mode, strategy, status = asked["mode"], asked["strategy"], asked["run_status"]
    rows = [row for row in run_rows(view) if mode in (None, row[0].mode) and strategy in (None, row[0].strategy_name)]
    if status is None:
        return rows
    return [row for row, run in zip(rows, runs_of(view, rows), strict=True) if run.status == status]


def _total(rows: list[Row]) -> dict[str, object]:
    """Return the sums over some runs."""
    tallies = [steps.tally for _, steps, _ in rows if steps is not None]
    return {
        "runs": len(rows),
        "steps": sum(one.steps for one in tallies),
        "orders": sum(one.orders for one in tallies),
        "blocked": sum(one.blocked for one in tallies),
        "realized": sum(one.realized_pnl or 0.0 for one in tallies),
        "modes": sorted({meta.mode for meta, _, _ in rows}),
    }


def _freshness_of(run: Run) -> str:
    """Return how fresh an active run is, by the time its own steps are apart; one that has ended is `ended`."""
    if run.status == "completed":
        return "ended"
    if run.steps is None or run.last_at is None:
        return "missing"
    since = run.steps.first_at
    apart = (run.last_at - since) / 1e9 / max(1, run.tally.steps - 1) if since is not None else 60.0
    return freshness(run.now - run.last_at / 1e9, max(10.0, 2 * apart), max(60.0, 10 * apart))


def _run(view: View, asked: Asked) -> Shown:
    run = find_run(view, asked["run_id"])
    if run is None:
        raise _nothing("run", asked["run_id"])
    curve = queries.curve_of(view.database, run.meta.run_id)
    steps = newest_steps(view, run, asked["limit"])[::-1]
    lines = [one for one in steps if asked["level"] in (None, one.step.level)]
    if asked["text"]:
        lines = [one for one in lines if asked["text"].lower() in message_of(one).lower()]
    limit = run.meta.config_snapshot.get("max_drawdown")
    return "run.html", {
        "ribbon": ribbon_of(view),
        "run": run,
        "freshness": _freshness_of(run),
        "curve": {name: [point[place] for point in curve.points] for place, name in enumerate(_COLUMNS)},
        "limit": float(limit) if isinstance(limit, int | float) and not isinstance(limit, bool) else None,
        "lines": [(one, message_of(one)) for one in lines],
        "levels": _LEVELS,
        "orders": orders_of(view, run.meta.run_id, 20),
        "alerts": run_alerts(view, run.meta.run_id, 10),
        "grafana": board_of(view.settings, run.started_at, run.ended_at, run.meta.mode, run.meta.run_id),
    }


def _nothing(what: str, name: str) -> Failure:
    return Failure(404, f"{what}_not_found", f"{what.capitalize()} not found: {name}")


def _session(view: View, asked: Asked) -> Shown:
    entry = find_session(view, asked["session_id"])
    if entry is None:
        if find_run(view, asked["session_id"]) is not None:
            return _run(view, {**asked, "run_id": asked["session_id"]})
        raise _nothing("session", asked["session_id"])
    return "session.html", {
        "ribbon": ribbon_of(view),
        "entry": entry,
        "row": entry.detail(),
        "telemetry": list_telemetry(view, 20, entry.session.session_id),
        "grafana": _grafana_of(view, entry),
    }


def _grafana_of(view: View, entry: Entry) -> str:
    run_id = entry.session.run_id or entry.session.session_id
    return board_of(view.settings, entry.started_at, entry.ended_at, entry.session.mode, run_id)


def _execution(view: View, asked: Asked) -> Shown:
    """Show the timeline of a session, and what it said; of a run by its own id, too."""
    name = asked["session_id"]
    entry = find_session(view, name)
    run_id = (entry.session.run_id if entry else None) or name
    told = list_telemetry(view, asked["limit"], name, asked["kind"])
    orders = orders_of(view, run_id)
    if entry is None and not told and not orders:
        raise _nothing("session", name)
    shown = {"name": name, "run_id": run_id, "kinds": KINDS, "has_run": find_run(view, run_id) is not None}
    return "execution.html", {"ribbon": ribbon_of(view), "orders": orders, "telemetry": told, **shown}


def _watch(view: View, asked: Asked) -> Shown:
    wanted = asked["run_id"] if asked["run_id"] not in ("", _ALL) else None
    chosen = find_execution(view, wanted) if wanted else None
    start = max(0, chosen.next - 50) if chosen else 0
    events = queries.events_after(view.database, chosen, start, 50)[::-1] if chosen else []
    executions = list_executions(view, 100)
    return "execution_watch.html", {
        "ribbon": ribbon_of(view),
        "executions": [row_of(one) | {"last_at": one.last_at, "events": one.next} for one in executions],
        "wanted": wanted,
        "has_run": wanted is not None and find_run(view, wanted) is not None,
        "chosen": row_of(chosen) if chosen else None,
        "events": [(event, item_of(event)) for event in events],
        "orders": orders_of(view, chosen.subject) if chosen else [],
        "errors": read_errors(view),
        "refusals": queries.refusals(view.database, 10),
    }


def _alerts(view: View, asked: Asked) -> Shown:
    wanted = {name: asked[name] for name in ("severity", "category")}
    alerts = stored_alerts(view, asked["hours"], **wanted)
    choices = {"severities": SEVERITIES, "categories": CATEGORIES}
    return "alerts.html", {"ribbon": ribbon_of(view), "alerts": alerts[:200], "count": len(alerts), **choices}


def _runbook(view: View, asked: Asked) -> Shown:
    text = RUNBOOKS.get(asked["name"])
    if text is None:
        raise _nothing("runbook", asked["name"])
    return "runbook.html", {"ribbon": ribbon_of(view), "name": asked["name"], "text": text}


def _telemetry(view: View, asked: Asked) -> Shown:
    items = list_telemetry(view, asked["limit"], asked["session_id"], asked["type"])
    return "telemetry.html", {"ribbon": ribbon_of(view), "items": items, "kinds": KINDS}


def _sources(view: View, asked: Asked) -> Shown:
    return "watch.html", {
        "ribbon": ribbon_of(view),
        "files": queries.files(view.database, 100),
        "refusals": queries.refusals(view.database, 50),
        "reasons": queries.reasons(view.database),
        "broken": view.broken,
        "problems": sorted(view.problems.items()),
        "decisions": list_decisions(view, asked["decision"]),
        "verdicts": VERDICTS,
        "runs": list_runs(view, 20),
    }


_LIMIT = number("limit", 200, 1, 1000)
_PAUSE = flag("pause")
_HOME = (
    choice("mode", *MODES),
    choice("status", *STATUSES),
    choice("run_status", *_RUN_STATUSES),
    word("strategy"),
    number("limit", 100, 1, 1000),
    _PAUSE,
)
_RUN = (choice("level", *_LEVELS), word("text", 100), number("limit", 100, 1, 1000), _PAUSE)

PAGES = (
    Endpoint("/", _home, "Runs and sessions.", _HOME),
    Endpoint("/dashboard", _home, "Runs and sessions.", _HOME),
    Endpoint("/runs/{run_id}", _run, "A run.", _RUN, "run_not_found|Run not found: <id>"),
    Endpoint("/watch/runs/{run_id}", _run, "A run.", _RUN, "run_not_found|Run not found: <id>"),
    Endpoint("/session/{session_id}", _session, "A session.", _RUN, "session_not_found|Session not found: <id>"),
    Endpoint("/sessions/{session_id}", _session, "A session.", _RUN, "session_not_found|Session not found: <id>"),
    Endpoint(
        "/live/execution/{session_id}",
        _execution,
        "Orders and telemetry.",
        (_LIMIT, choice("kind", *KINDS), _PAUSE),
        "session_not_found|Session not found: <id>",
    ),
    Endpoint("/execution_watch", _watch, "Executions.", (word("run_id"), _PAUSE)),
    Endpoint("/watch/execution", _watch, "Executions.", (word("run_id"), _PAUSE)),
    Endpoint(
        "/live/alerts",
        _alerts,
        "Alerts.",
        (number("hours", 24, 1, 168), choice("severity", *SEVERITIES), choice("category", *CATEGORIES), _PAUSE),
    ),
    Endpoint("/live/telemetry", _telemetry, "Telemetry.", (word("session_id"), choice("type", *KINDS), _LIMIT, _PAUSE)),
    Endpoint("/runbooks/{name}", _runbook, "A runbook.", (_PAUSE,), "runbook_not_found|Runbook not found: <id>"),
    Endpoint("/watch", _sources, "What is read.", (choice("decision", *VERDICTS), _PAUSE)),
)
