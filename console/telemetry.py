"""Telemetry: what sessions said of gates, intents, orders, fills and errors, as JSON or CSV.

In: a view and what is wanted. Out: events newest first. A gate is told in one way, whichever of its two spellings the
file has. A cell of CSV that a spreadsheet would take for a formula is written so that it does not.
"""

from __future__ import annotations

import csv
import heapq
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from console.index import queries
from console.index.queries import Event
from console.times import show
from console.view import View

__all__ = ["KINDS", "as_csv", "gate_of", "list_telemetry"]

KINDS = ("gate", "intent", "order", "fill", "error")
_COLUMNS = ("seq", "ts", "session_id", "symbol", "mode", "kind", "payload")
_MOST_LOOKED_AT = 20_000
_MOST_STREAMS = 50


def list_telemetry(
    view: View,
    limit: int,
    session_id: str | None = None,
    type_: str | None = None,
    symbol: str | None = None,
    since: int | None = None,
    until: int | None = None,
) -> list[dict[str, object]]:
    """Return telemetry of one session, or of all, newest first; times are nanoseconds."""
    if session_id is not None:
        stream = queries.stream(view.database, "telemetry", session_id)
        streams = [stream] if stream else []
    else:
        streams = view.streams("telemetry")[:_MOST_STREAMS]
    narrow = symbol is not None or since is not None or until is not None
    each = _MOST_LOOKED_AT // max(1, len(streams)) if narrow else limit
    found: list[tuple[int, str, int, Event]] = []
    for one in streams:
        events = queries.events_before(view.database, one, each, type_=type_)
        within = (event for event in events if _is_within(event.at, since, until))
        chosen = (event for event in within if symbol is None or event.body.get("symbol") == symbol)
        found += [(event.at or 0, one.subject, event.seq, event) for event in islice(chosen, limit)]
    return [_told(event, subject) for _, subject, _, event in heapq.nlargest(limit, found)]


def _is_within(at: int | None, since: int | None, until: int | None) -> bool:
    if at is None:
        return since is None and until is None
    return (since is None or at >= since) and (until is None or at <= until)


def _told(event: Event, session_id: str) -> dict[str, object]:
    body = event.body
    return {
        "seq": event.seq,
        "ts": show(event.at),
        "session_id": session_id,
        "symbol": body.get("symbol"),
        "mode": body.get("mode"),
        "kind": event.type,
        "payload": body.get("payload"),
    }


def gate_of(payload: Mapping[str, object]) -> tuple[str, bool | None, str]:
    """Return a gate's name, whether it let pass, and why.

    >>> gate_of({"gate": "risk", "decision": "BLOCK", "reason": "limit"}), gate_of({"gate_name": "x", "passed": True})
    (('risk', False, 'limit'), ('x', True, ''))
    """
    name = payload.get("gate_name") or payload.get("gate") or ""
    passed = payload.get("passed")
    if not isinstance(passed, bool):
        passed = {"ALLOW": True, "BLOCK": False}.get(str(payload.get("decision")).upper())
    return str(name), passed, str(payload.get("reason") or "")


def as_csv(items: Sequence[Mapping[str, object]], columns: Sequence[str] = _COLUMNS) -> str:
    """Return items as CSV with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([*_cells(item, columns)] for item in items)
    return text.getvalue()


def _cells(item: Mapping[str, object], columns: Sequence[str]) -> Iterator[object]:
    for name in columns:
        value = item.get(name)
        if isinstance(value, str):
            yield f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
        elif value is None or isinstance(value, int | float):
            yield value
        else:
            yield msgspec.json.encode(value).decode()
