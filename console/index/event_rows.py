"""Lines that are an event each, as rows. Part of the index; what the lines say is `lines`' business.

In: lines of one file with their places. Out: rows of `events` and what became of orders; refused lines are added to the
list that is given.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from operator import itemgetter

import msgspec

from console.index.streams import Stream, Streams
from console.index.tally import Tally
from console.lines import PASSED_OVER, Entry, read_entry
from console.sources import Place
from console.steps import read_csv_row

__all__ = ["EventRows"]

_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT = (
    "WITH asked(number, name) AS (VALUES %s)"
    " SELECT stream, key, outcome FROM asked CROSS JOIN outcomes ON stream = number AND key = name"
)
_OUTCOME = "INSERT INTO outcomes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET outcome = excluded.outcome"
_MOST_TYPES = 64
_MOST_WAITING = 8 << 20
"""Bytes of lines that wait to be written together."""

_ASKED_AT_ONCE = 400
"""Orders asked for in one statement; SQLite takes 999 values in one of any age."""

_Row = tuple[int, int, int | None, str, str | None, int, int, bytes]


class EventRows:
    """Writes events into one index, those of many batches together and in the order of the table, as that costs less.

    What waits is written by flush(), in the same transaction.
    """

    def __init__(self, database: sqlite3.Connection, streams: Streams) -> None:
        self._database = database
        self._streams = streams
        self._waiting: list[_Row] = []
        self._bytes = 0
        self._outcomes: dict[tuple[int, str], tuple[Stream, int]] = {}

    def take(
        self,
        place: Place,
        file: int,
        lines: list[tuple[int, bytes]],
        header: list[str] | None,
        refused: list[tuple[int, str]],
    ) -> int:
        """Take the lines; return how many were passed over."""
        passed, waiting, outcomes = 0, self._waiting, self._outcomes
        for start, raw in lines if header is None else _as_json(lines, header, refused):
            entry = read_entry(raw, place)
            if isinstance(entry, Entry):
                stream = self._streams.get(entry.kind, entry.subject)
                waiting.append((stream.id, stream.next, entry.at, entry.type, entry.key, file, start, raw))
                self._bytes += len(raw)
                _count(stream, entry)
                if entry.outcome:
                    order = stream.id, entry.key or ""
                    outcomes[order] = stream, max(outcomes[order][1] if order in outcomes else 0, entry.outcome)
            elif entry == PASSED_OVER:
                passed += 1
            else:
                refused.append((start, entry))
        if self._bytes > _MOST_WAITING:
            self.flush()
        return passed

    def begin_anew(self, kind: str, subject: str) -> None:
        """Drop what was read of a file that was rewritten; positions go on where they stood."""
        self.flush()
        stream = self._streams.get(kind, subject)
        self._database.execute("DELETE FROM events WHERE stream = ?", (stream.id,))
        stream.tally, stream.first_at, stream.last_at = Tally(), None, None

    def flush(self) -> None:
        """Write what waits."""
        self._waiting.sort(key=itemgetter(0, 1))
        self._database.executemany(_EVENT, self._waiting)
        self._judge()
        self.forget()

    def forget(self) -> None:
        """Drop what waits, after a commit that failed."""
        self._waiting, self._bytes, self._outcomes = [], 0, {}

    def _judge(self) -> None:
        """Note what became of orders, and count it in their streams."""
        orders = sorted(self._outcomes)
        before = self._judged(orders)
        changed = [(*order, self._outcomes[order][1]) for order in orders]
        changed = [one for one in changed if one[2] > before.get(one[:2], 0)]
        self._database.executemany(_OUTCOME, changed)
        for number, key, outcome in changed:
            outcomes = self._outcomes[number, key][0].tally.outcomes
            outcomes[before.get((number, key), 0)] -= 1
            outcomes[outcome] += 1

    def _judged(self, orders: list[tuple[int, str]]) -> dict[tuple[int, str], int]:
        """Return what is known of some orders."""
        found: dict[tuple[int, str], int] = {}
        for at in range(0, len(orders), _ASKED_AT_ONCE):
            some = orders[at : at + _ASKED_AT_ONCE]
            query = _SELECT % ", ".join(["(?, ?)"] * len(some))
            rows = self._database.execute(query, [value for order in some for value in order])
            found |= {(number, key): outcome for number, key, outcome in rows}
        return found


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
