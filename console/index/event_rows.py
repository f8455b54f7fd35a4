"""Lines that are an event each, as rows. Part of the index; what the lines say is `lines`' business.

In: lines of one file with their places. Out: rows of `events` and what became of orders; refused lines are added to the
list that is given.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec

from console.index.streams import Stream, Streams
from console.lines import PASSED_OVER, Entry, read_entry
from console.sources import Place
from console.steps import read_csv_row

__all__ = ["EventRows"]

_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT outcome FROM outcomes WHERE stream = ? AND key = ?"
_OUTCOME = "INSERT INTO outcomes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET outcome = excluded.outcome"
_MOST_TYPES = 64


class EventRows:
    """Writes events into one index."""

    def __init__(self, database: sqlite3.Connection, streams: Streams) -> None:
        self._database = database
        self._streams = streams

    def take(
        self,
        place: Place,
        file: int,
        lines: list[tuple[int, bytes]],
        header: list[str] | None,
        refused: list[tuple[int, str]],
    ) -> int:
        """Write the lines; return how many were passed over."""
        rows, passed = [], 0
        outcomes: dict[tuple[str, str, str], int] = {}
        for start, raw in lines if header is None else _as_json(lines, header, refused):
            entry = read_entry(raw, place)
            if isinstance(entry, Entry):
                stream = self._streams.get(entry.kind, entry.subject)
                rows.append((stream.id, stream.next, entry.at, entry.type, entry.key, file, start, raw))
                _count(stream, entry)
                if entry.outcome:
                    order = (entry.kind, entry.subject, entry.key or "")
                    outcomes[order] = max(outcomes.get(order, 0), entry.outcome)
            elif entry == PASSED_OVER:
                passed += 1
            else:
                refused.append((start, entry))
        self._database.executemany(_EVENT, rows)
        self._judge(outcomes)
        return passed

    def _judge(self, outcomes: dict[tuple[str, str, str], int]) -> None:
        """Note what became of orders, and count it in their streams."""
        for (kind, subject, key), outcome in outcomes.items():
            stream = self._streams.get(kind, subject)
            row = self._database.execute(_SELECT, (stream.id, key)).fetchone()
            before = row[0] if row else 0
            if outcome > before:
                self._database.execute(_OUTCOME, (stream.id, key, outcome))
                stream.tally.outcomes[before] -= 1
                stream.tally.outcomes[outcome] += 1


def _count(stream: Stream, entry: Entry) -> None:
    stream.next += 1
    stream.see(entry.at)
    counts = stream.tally.counts
    if entry.type in counts or len(counts) < _MOST_TYPES:
        counts[entry.type] = counts.get(entry.type, 0) + 1
    if entry.group is not None and stream.tally.group is None:
        stream.tally.group = entry.group


def _as_json(
    lines: list[tuple[int, bytes]], header: list[str], refused: list[tuple[int, str]]
) -> Iterator[tuple[int, bytes]]:
    for start, raw in lines:
        row = read_csv_row(raw, header)
        if isinstance(row, str):
            refused.append((start, row))
        else:
            yield start, msgspec.json.encode(row)
