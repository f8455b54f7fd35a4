"""The execution watch's routes of v0.2 and later: pages and tails by positions that never move."""

from __future__ import annotations

from console.api.endpoint import Asked, Endpoint, Failure, flag, number, word
from console.executions import dataset, find_execution, item_of, list_executions, read_errors, row_of
from console.index import queries
from console.index.streams import Stream
from console.registry import Entry, list_sessions
from console.settings import Settings
from console.times import show_seconds
from console.view import DOCUMENTS, View

__all__ = ["ENDPOINTS", "WATCHED"]

_VERSION, _META_VERSION = "v0.2", "v0.5"


def _enveloped(view: View, has_more: bool = False, next_cursor: str | None = None, **told: object) -> dict[str, object]:
    now = view.settings.fixed_time or show_seconds(int(view.now * 1e9))
    is_local = view.settings.execution_dir == Settings().execution_dir
    meta = {
        "api_version": _META_VERSION,
        "generated_at_utc": now,
        "has_more": has_more,
        "next_cursor": next_cursor,
        "read_errors": read_errors(view),
        "source": "local" if is_local else "fixture",
        **dataset(view),
    }
    return {"api_version": _VERSION, "generated_at_utc": now, "meta": meta, **told}


def _healthz(view: View, asked: Asked) -> object:
    return _enveloped(view, status="ok", watch_only=True)


def _runs(view: View, asked: Asked) -> object:
    found = list_executions(view, asked["limit"] + 1)
    rows = [row_of(one) for one in found[: asked["limit"]]]
    return _enveloped(view, has_more=len(found) > len(rows), count=len(rows), runs=rows)


def _execution(view: View, asked: Asked) -> Stream:
    found = find_execution(view, asked["run_id"])
    if found is None:
        raise Failure(404, "run_not_found", "run_not_found")
    return found


def _run(view: View, asked: Asked) -> object:
    found = _execution(view, asked)
    return _enveloped(view, run=row_of(found), total_events=found.next)


def _cursor(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise Failure(400, "invalid_cursor", "invalid_cursor")
    return int(text)


def _events(view: View, asked: Asked) -> object:
    """Answer with a page from `cursor` on, or with what came after `since_cursor`."""
    page, tail = _cursor(asked["cursor"]), _cursor(asked["since_cursor"])
    if page is not None and tail is not None:
        raise Failure(400, "invalid_cursor", "invalid_cursor")
    found = _execution(view, asked)
    start = tail + 1 if tail is not None else page or 0
    items = [item_of(one) for one in queries.events_after(view.database, found, start, asked["limit"])]
    end = start + len(items)
    has_more = bool(items) and end < found.next
    if tail is not None:
        following: str | None = str(end - 1) if items else str(min(tail, found.next - 1))
    else:
        following = str(end) if has_more else None
    told = {"run_id": found.subject, "count": len(items), "items": items, "events": items}
    return {**_enveloped(view, has_more, following), **told, "has_more": has_more, "next_cursor": following}


def _sessions(view: View, asked: Asked) -> object:
    found = view.hold("sessions updated last", lambda: _updated_last(view), DOCUMENTS, "telemetry")
    rows = [one.update() for one in found[: asked["limit"]]]
    return _enveloped(view, has_more=len(found) > len(rows), count=len(rows), sessions=rows)


def _updated_last(view: View) -> list[Entry]:
    """Return the sessions, the one updated last first; what is asked of them here does not depend on the moment."""
    return sorted(list_sessions(view), key=lambda one: (one.updated_at, one.session.session_id), reverse=True)


def _health(view: View, asked: Asked) -> object:
    runs = list_executions(view)
    is_sorted = not any(one.tally.regressed for one in runs)
    sorted_note = "no_parseable_timestamps"
    if any(one.last_at is not None for one in runs):
        sorted_note = "ok" if is_sorted else "timestamp_regressed_in_file_order"
    are_whole = _positions_are_whole(view, runs)
    included = bool(asked["include_runtime_metrics"]) and view.settings.runtime_metrics
    invariants = {
        "runtime_metrics_included": included,
        "runtime_metrics": dict(asked["runtime_metrics"]) if included else None,
        "cursor_monotonic": are_whole,
        "cursor_monotonicity_ok": are_whole,
        "ordering_non_decreasing": is_sorted,
        "dataset_nonempty_ok": bool(runs),
        "dataset_nonempty_note": "ok" if runs else "empty_dataset",
        "events_sorted_by_time_ok": is_sorted,
        "events_sorted_by_time_note": sorted_note,
        "runs_sessions_consistency_ok": True,
        "runs_sessions_consistency_note": "no_mapping_defined",
    }
    return _enveloped(view, status="ok", watch_only=True, invariants=invariants)


def _positions_are_whole(view: View, runs: list[Stream]) -> bool:
    """Whether of the newest executions every position up to the last is there, as the index has it."""
    return all(
        [one.seq for one in queries.events_before(view.database, run, 2)]
        == list(range(run.next - 1, max(-1, run.next - 3), -1))
        for run in runs[:20]
    )


_R = "/api/execution/runs/{run_id}"

ENDPOINTS = (
    Endpoint("/api/healthz", _healthz, "Whether the execution watch answers."),
    Endpoint("/api/execution/runs", _runs, "Executions, newest first.", (number("limit", 200, 1, 2000),)),
    Endpoint(_R, _run, "One execution.", not_found="run_not_found"),
    Endpoint(
        f"{_R}/events",
        _events,
        "Events in the order they were read in: a page from `cursor` on, or what came after `since_cursor`.",
        (number("limit", 200, 1, 5000), word("cursor"), word("since_cursor")),
        "run_not_found",
    ),
    Endpoint("/api/execution/health", _health, "Whether what is there is whole.", (flag("include_runtime_metrics"),)),
    Endpoint("/api/live/sessions", _sessions, "Sessions, updated last first.", (number("limit", 50, 1, 500),)),
)

WATCHED = frozenset(endpoint.path for endpoint in ENDPOINTS)
"""The routes whose requests the execution_watch exporter counts."""
