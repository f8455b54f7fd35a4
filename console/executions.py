"""Executions: runs and events of schema execution_event_v0, as the execution watch shows them.

In: a view. Out: rows of the API. An event's `seq` is its place in the order its run's lines were read in; it never
changes, so that an event that comes late is delivered once, wherever its time lies.
"""

from __future__ import annotations

from console.index import queries
from console.index.queries import Event
from console.index.streams import Stream
from console.index.tally import status_of
from console.times import show, show_seconds
from console.view import ANYTHING, DOCUMENTS, View

__all__ = ["SCHEMA", "dataset", "find_execution", "item_of", "list_executions", "read_errors", "row_of"]

SCHEMA = "execution_event_v0"


def list_executions(view: View, limit: int | None = None) -> list[Stream]:
    """Return the executions, the one with the newest event first, and of equals the one with the greater id."""
    return view.streams("execution")[:limit]


def find_execution(view: View, run_id: str) -> Stream | None:
    """Return one execution, or None if there is no event of it."""
    return queries.stream(view.database, "execution", run_id)


def row_of(execution: Stream) -> dict[str, object]:
    """Return an execution as a row of their list."""
    return {
        "run_id": execution.subject,
        "correlation_id": execution.tally.group,
        "started_at_utc": show(execution.first_at),
        "last_event_at_utc": show(execution.last_at),
        "status": status_of(execution.tally),
        "counts": dict(sorted(execution.tally.counts.items())),
    }


def item_of(event: Event) -> dict[str, object]:
    """Return an event as an item of a page."""
    body = event.body
    return {
        "seq": event.seq,
        "ts": body.get("ts") if event.at is None else show(event.at),
        "event_type": event.type,
        "order_id": body.get("order_id"),
        "idempotency_key": body.get("idempotency_key"),
        "payload": body.get("payload"),
    }


def read_errors(view: View) -> int:
    """Return how many lines of the execution files were refused; what is of no interest is no error."""

    def count() -> int:
        return queries.refused_total(view.database, f"{view.settings.execution_dir.absolute()}/*")

    return view.hold("read errors", count, ANYTHING)


def dataset(view: View) -> dict[str, object]:
    """Return what there is as a whole."""
    return view.hold("dataset", lambda: _dataset(view), "execution", DOCUMENTS)


def _dataset(view: View) -> dict[str, object]:
    runs = list_executions(view)
    newest = max((one.last_at for one in runs if one.last_at is not None), default=None)
    return {
        "last_event_utc": show_seconds(newest),
        "dataset_stats": {
            "runs_count": len(runs),
            "events_count": sum(one.next for one in runs),
            "sessions_count": queries.sessions_count(view.database),
        },
    }
