"""What one pair remembers, cut into rows: an id's newest record stands in one segment, a segment is one row.

In: the ids that changed. Out: rows to write and to delete, and back, what the rows say is remembered. Part of the pairs
stage. A commit writes the changed ids as new segments, and deletes segments none of whose records is the newest of its
id. Ids are forgotten in the order in which they were last heard of, so one number, the order of the last one forgotten,
stands for all their deletions. A row for every id costs a commit 7 us for each that changed, segments 1.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

__all__ = ["HEARD", "ORDER", "SEGMENT", "Entry", "Record", "Segments", "remembered"]

Entry = list[Any]
"""What is remembered of one id: the times of the opening stages and the latencies of the edges, None until they are
known; the pair's newest event time when the id was last heard of, its place in the order of hearing, and the number
of its segment (0: changed since)."""

HEARD, ORDER, SEGMENT = -3, -2, -1

Record = list[Any]
"""An entry as it is stored: the id, then all of the entry but its segment."""

_LENGTH = 256
"""Ids of one segment: a row of about 25 KB."""

_SPARE = 4096
"""Records that may be out of date, beyond as many as there are ids, before segments are written together."""


class Segments:
    """The segments of one pair.

    Attributes:
        changed: ids whose entry changed since the last call of rows(), perhaps more than once; add them here.
    """

    def __init__(self, pair: str) -> None:
        self._pair = pair
        self.changed: list[str] = []
        self._ids: dict[int, list[str]] = {}
        self._newest: dict[int, int] = {}
        self._unwritten: dict[int, None] = {}
        self._gone: list[int] = []
        self._records = 0
        self._last = 0

    def leave(self, number: int) -> None:
        """Note that an id's newest record is no longer the one in this segment."""
        self._newest[number] -= 1
        if not self._newest[number]:
            self._drop(number)

    def rows(self, entries: Mapping[str, Entry], everything: bool) -> Iterator[tuple[str, str, object]]:
        """Yield what differs from what was last settled (or everything)."""
        if everything:
            for number in list(self._ids):
                self._rewrite(number, entries)
        self._place(entries)
        for number in self._gone:
            yield "pair", self._key(number), None
        for number in self._unwritten:
            newest = ((one, entries.get(one)) for one in self._ids[number])
            yield (
                "pair",
                self._key(number),
                [[one, *it[:SEGMENT]] for one, it in newest if it and it[SEGMENT] == number],
            )

    def settled(self) -> None:
        """Note that rows() have been written, or that nothing is kept."""
        self.changed.clear()
        self._unwritten.clear()
        self._gone.clear()

    def restore(self, entries: Mapping[str, Entry], stored: Mapping[int, list[str]]) -> None:
        """Take over the segments that were read (number -> ids), and which ids' newest records stand where."""
        self._ids = dict(sorted(stored.items()))
        self._last = max(self._ids, default=0)
        self._records = sum(map(len, self._ids.values()))
        newest = Counter(entry[SEGMENT] for entry in entries.values())
        self._newest = {number: newest[number] for number in self._ids}
        for number in self._ids.keys() - newest.keys():
            self._drop(number)

    def trim(self, entries: Mapping[str, Entry]) -> None:
        """Keep the changed ids few: those forgotten meanwhile need not be written."""
        if len(self.changed) > 2 * len(entries) + _SPARE:
            self._tidy(entries)

    def _tidy(self, entries: Mapping[str, Entry]) -> None:
        """Leave each changed id once, and only if it is still remembered."""
        found = ((one, entries.get(one)) for one in dict.fromkeys(self.changed))
        self.changed[:] = [one for one, entry in found if entry is not None and not entry[SEGMENT]]

    def _place(self, entries: Mapping[str, Entry]) -> None:
        """Give the changed ids their place in new segments, and those of the oldest segments if there is much waste."""
        while self._ids and self._records + len(self.changed) > 2 * len(entries) + _SPARE:
            self._rewrite(next(iter(self._ids)), entries)
        self._tidy(entries)
        ids = self.changed.copy()
        self.changed.clear()
        for start in range(0, len(ids), _LENGTH):
            self._last += 1
            part = self._ids[self._last] = ids[start : start + _LENGTH]
            self._newest[self._last] = len(part)
            self._unwritten[self._last] = None
            for one in part:
                entries[one][SEGMENT] = self._last
        self._records += len(ids)

    def _rewrite(self, number: int, entries: Mapping[str, Entry]) -> None:
        """Have the ids whose newest record stands in this segment written anew."""
        for one in self._ids[number]:
            entry = entries.get(one)
            if entry is not None and entry[SEGMENT] == number:
                entry[SEGMENT] = 0
                self.changed.append(one)
        self._drop(number)

    def _drop(self, number: int) -> None:
        self._records -= len(self._ids.pop(number))
        del self._newest[number]
        if number in self._unwritten:
            del self._unwritten[number]
        else:
            self._gone.append(number)

    def _key(self, number: int) -> str:
        return json.dumps([self._pair, number])


def remembered(rows: Iterable[tuple[str, str, object]]) -> dict[str, dict[str, Entry]]:
    """Return what stored rows say is remembered: pair -> id -> entry, in the order in which they were heard of."""
    forgotten: dict[str, float] = {}
    segments: list[tuple[str, int, list[Record]]] = []
    for kind, key, value in rows:
        if kind == "newest":
            forgotten[key] = cast(tuple[float | None, int], value)[1]
        elif kind == "pair":
            segments.append((*json.loads(key), cast(list[Record], value)))
    found: dict[str, dict[str, Entry]] = {}
    for pair, number, records in sorted(segments, key=lambda segment: segment[:2]):
        ids = found.setdefault(pair, {})
        ids |= {one: [*rest, number] for one, *rest in records if rest[-1] > forgotten.get(pair, 0)}
    return {pair: dict(sorted(ids.items(), key=lambda item: item[1][ORDER])) for pair, ids in found.items()}
