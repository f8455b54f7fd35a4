"""The execution watch's first routes, under /api/v0/execution/."""

from __future__ import annotations

from console.api.endpoint import Asked, Endpoint, Failure, number
from console.executions import SCHEMA, find_execution, list_executions
from console.index import queries
from console.index.streams import Stream
from console.index.tally import status_of
from console.times import show
from console.view import View

__all__ = ["ENDPOINTS", "FILE_NAME"]

FILE_NAME = "execution_pipeline_events_v0.jsonl"


def _health(view: View, asked: Asked) -> object:
    path = str(view.settings.execution_dir.absolute() / FILE_NAME)
    exists = queries.is_file(view.database, path)
    root = str(view.settings.execution_dir)
    told = {"status": "ok", "watch_only": True, "schema": SCHEMA}
    return {**told, "root": root, "filename": FILE_NAME, "exists": exists}


def _summary(one: Stream) -> dict[str, object]:
    return {
        "started_at": show(one.first_at),
        "last_event_at": show(one.last_at),
        "status": status_of(one.tally),
        "counts": dict(sorted(one.tally.counts.items())),
    }


def _runs(view: View, asked: Asked) -> object:
    rows = [
        {"run_id": one.subject, "correlation_id": one.tally.group, **_summary(one)}
        for one in list_executions(view, asked["limit"])
    ]
    return {"count": len(rows), "runs": rows}


def _run(view: View, asked: Asked) -> object:
    found = find_execution(view, asked["run_id"])
    if found is None:
        raise Failure(404, "run_not_found", "run_not_found")
    events = queries.events_before(view.database, found, asked["limit"])[::-1]
    named = {"run_id": found.subject, "correlation_id": found.tally.group}
    return {**named, "events": [one.body for one in events], "count": len(events), "summary": _summary(found)}


ENDPOINTS = (
    Endpoint("/api/v0/execution/health", _health, "What the execution watch looks at."),
    Endpoint("/api/v0/execution/runs", _runs, "Executions, newest first.", (number("limit", 200, 1, 2000),)),
    Endpoint(
        "/api/v0/execution/runs/{run_id}",
        _run,
        "An execution with its newest events as they stand in the file.",
        (number("limit", 2000, 1, 50_000),),
        "run_not_found",
    ),
)
