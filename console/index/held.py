"""What answers are made from, made anew only where something it comes from has changed. Part of the index.

In: which streams and documents a commit changed. Out: values and streams as of the last commit, shared by all answers;
nobody may change them, and what depends on the moment has no place among them.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from console.index import queries
from console.index.streams import Stream

__all__ = ["ANYTHING", "DOCUMENTS", "Held"]

T = TypeVar("T")

ANYTHING, DOCUMENTS = "anything", "documents"
"""What a value comes from, besides the kinds of streams: `ANYTHING` is every commit."""

_READ_SINGLY = 200
"""Changed streams of a kind up to which each is read by itself; of more all are."""


class Held:
    """The values of one index."""

    def __init__(self) -> None:
        self._changes: Counter[str] = Counter()
        self._values: dict[str, tuple[list[int], Any]] = {}
        self._streams: dict[str, dict[int, Stream]] = {}
        self._changed: dict[str, set[int]] = {}

    def note(self, streams: Iterable[tuple[str, int]] = (), documents: bool = False) -> None:
        """Note what a commit changed: streams by kind and id, and whether it changed documents."""
        self._changes[ANYTHING] += 1
        self._changes[DOCUMENTS] += documents
        for kind, number in streams:
            self._changes[kind] += 1
            if kind in self._streams:
                self._changed.setdefault(kind, set()).add(number)

    def value(self, name: str, of: tuple[str, ...], make: Callable[[], T]) -> T:
        """Return what `make` returned last, unless something it comes from has changed since."""
        state = [self._changes[one] for one in of]
        found = self._values.get(name)
        if found is None or found[0] != state:
            found = self._values[name] = (state, make())
        made: T = found[1]
        return made

    def streams(self, database: sqlite3.Connection, kind: str) -> list[Stream]:
        """Return the streams of a kind, the one with the newest event first."""
        return self.value(f"streams {kind}", (kind,), lambda: self._sorted(database, kind))

    def _sorted(self, database: sqlite3.Connection, kind: str) -> list[Stream]:
        known, changed = self._streams.get(kind), self._changed.pop(kind, set())
        if known is None or len(changed) > _READ_SINGLY:
            known = self._streams[kind] = {one.id: one for one in queries.streams(database, kind)}
        else:
            known.update((one.id, one) for one in queries.streams_by_id(database, changed))
        return sorted(known.values(), key=_newness, reverse=True)


def _newness(stream: Stream) -> tuple[bool, int, str]:
    return stream.last_at is not None, stream.last_at or 0, stream.subject
