"""What one pair remembers, cut into rows: an id's newest record stands in one segment, a segment is one row.

In: the ids that changed. Out: rows to write and to delete, and back, what the rows say is remembered. Part of the pairs
stage. A commit writes the changed ids as new segments, and deletes segments none of whose records is the newest of its
id. Ids are forgotten in the order in which they were last heard of, so one number, the order of the last one forgotten,
stands for all their deletions. A row for every id costs a commit 7 us for each that changed, segments 1.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from exporters.engine.pairs.entry import ORDER, SEGMENT, Entries, Entry
from exporters.engine.records import Change, Gone, Saved, SavedSegment

__all__ = ["Segments", "remembered"]

_LENGTH = 256
"""Ids of one segment: a row of about 25 KB."""

_SPARE = 4096
"""Records that may be out of date, beyond as many as there are ids, before segments are written together."""


class Segments:
    """The segments of one pair.

    Args:
        stored: what is stored of an entry.
    """

    def __init__(self, pair: str, stored: Callable[[Entry], list[Any]]) -> None:
        self._pair = pair
        self._stored = stored
        self._changed: list[str] = []
        self._ids: dict[int, list[str]] = {}
        self._newest: dict[int, int] = {}
        self._unwritten: dict[int, None] = {}
        self._gone: list[int] = []
        self._records = self._last = self._order = 0
        self.forgotten = 0

    def change(self, identity: str, entry: Entry) -> None:
        """Note that what stands in a segment of an id is out of date."""
        self._leave(entry)
        self._changed.append(identity)

    def hear_again(self, entry: Entry) -> None:
        """Note that an id has moved behind all others."""
        self._leave(entry)
        entry[ORDER] = 0

    def forget(self, entry: Entry) -> None:
        """Note that an id that had a place, the first of those that have one, is forgotten."""
        self._leave(entry)
        self.forgotten = entry[ORDER]

    def changes(self, entries: Entries, queue: deque[str], everything: bool) -> Iterator[Change]:
        """Yield what differs from what was last committed (or everything).

        Args:
            queue: the ids in the order of hearing, one that was heard of again also where it was before.
        """
        if everything:
            for number in list(self._ids):
                self._rewrite(number, entries)
        self._place(entries, queue)
        for number in self._gone:
            yield Gone(SavedSegment(self._pair, number, []))
        for number in self._unwritten:
            found = ((one, entries.get(one)) for one in self._ids[number])
            newest = [[one, *self._stored(entry)] for one, entry in found if entry and entry[SEGMENT] == number]
            yield SavedSegment(self._pair, number, newest)

    def committed(self) -> None:
        """Note that changes() have been written, or that nothing is kept."""
        self._unwritten.clear()
        self._gone.clear()

    def restore(self, entries: Mapping[str, Entry], stored: Mapping[int, list[str]]) -> None:
        """Take over the segments that were read (number -> ids), and which ids' newest records stand where."""
        self._ids = dict(sorted(stored.items()))
        self._last = max(self._ids, default=0)
        self._records = sum(map(len, self._ids.values()))
        self._order = max((entry[ORDER] for entry in entries.values()), default=self.forgotten)
        newest = Counter(entry[SEGMENT] for entry in entries.values())
        self._newest = {number: newest[number] for number in self._ids}
        for number in self._ids.keys() - newest.keys():
            self._drop(number)

    def _place(self, entries: Entries, queue: deque[str]) -> None:
        """Give the changed ids their place in new segments, and those of the oldest segments if there is much waste."""
        heard = self._heard_since(entries, queue)
        while self._ids and self._records + len(heard) + len(self._changed) > 2 * len(entries) + _SPARE:
            self._rewrite(next(iter(self._ids)), entries)
        last = self._last
        part: list[str] = []
        for one in (*self._changed, *heard):
            entry = entries.get(one)
            if entry is None or entry[SEGMENT]:
                continue
            if not len(part) % _LENGTH:
                self._last += 1
                part = self._ids[self._last] = []
            part.append(one)
            entry[SEGMENT] = self._last
        self._changed.clear()
        for number in range(last + 1, self._last + 1):
            self._unwritten[number] = None
            self._newest[number] = len(self._ids[number])
            self._records += len(self._ids[number])

    def _heard_since(self, entries: Entries, queue: deque[str]) -> list[str]:
        """Return the ids heard of since the last call, in their order, which they now have written down.

        They are not noted one by one: most are soon forgotten.
        """
        heard: list[str] = []
        before = self._order
        self._order = place = before + len(queue)
        for identity in reversed(queue):
            entry = entries[identity]
            if not entry[ORDER]:
                entry[ORDER] = place
                place -= 1
                heard.append(identity)
            elif entry[ORDER] <= before:
                break
        return heard[::-1]

    def _rewrite(self, number: int, entries: Entries) -> None:
        """Have the ids whose newest record stands in this segment written anew."""
        for one in self._ids[number]:
            entry = entries.get(one)
            if entry is not None and entry[SEGMENT] == number:
                entry[SEGMENT] = 0
                self._changed.append(one)
        self._drop(number)

    def _leave(self, entry: Entry) -> None:
        """Note that the record of an id is no longer its newest."""
        number = entry[SEGMENT]
        if number:
            entry[SEGMENT] = 0
            self._newest[number] -= 1
            if not self._newest[number]:
                self._drop(number)

    def _drop(self, number: int) -> None:
        self._records -= len(self._ids.pop(number))
        del self._newest[number]
        if number in self._unwritten:
            del self._unwritten[number]
        else:
            self._gone.append(number)


def remembered(saved: Saved) -> dict[str, dict[str, tuple[int, list[Any]]]]:
    """Return what pairs remember: pair -> id -> (number of its segment, entry), in the order of hearing.

    The newest record of an id stands; the last element of an entry is its place in the order of hearing, and ids up to
    the last one forgotten are gone.
    """
    forgotten = {progress.pair: progress.forgotten for progress in saved.pair_progress}
    found: dict[str, dict[str, tuple[int, list[Any]]]] = {}
    for one in sorted(saved.segments, key=lambda one: (one.pair, one.number)):
        last, ids = forgotten.get(one.pair, 0), found.setdefault(one.pair, {})
        ids |= {str(identity): (one.number, rest) for identity, *rest in one.entries if rest[-1] > last}
    return {pair: dict(sorted(ids.items(), key=lambda item: item[1][1][-1])) for pair, ids in found.items()}
