"""The streams being read: their ids, next positions and tallies, held from the first line until the commit.

In: a kind and a subject. Out: the stream, as the index has it or new. What changed is written by flush(), in the same
transaction as the lines.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

import msgspec

from console.index.tally import Curve, Tally

__all__ = ["Stream", "Streams"]

_MOST_HELD = 2048
_MOST_CURVES = 200
"""Curves held from one commit to the next; each takes some 60 kB, and is read again as quickly as it was written."""

_COLUMNS = "id, kind, subject, next, first_at, last_at, tally, curve"
_tally = msgspec.json.Decoder(Tally)
_curve = msgspec.json.Decoder(Curve)


@dataclass(slots=True)
class Stream:
    """One stream; `next` is the position the next line gets."""

    id: int
    kind: str
    subject: str
    next: int = 0
    first_at: int | None = None
    last_at: int | None = None
    tally: Tally = field(default_factory=Tally)
    curve: Curve | None = None
    is_changed: bool = False

    def see(self, at: int | None) -> None:
        """Note the time of a line."""
        if at is None:
            return
        if self.first_at is None or at < self.first_at:
            self.first_at = at
        if self.last_at is None or at >= self.last_at:
            self.last_at = at
        else:
            self.tally.regressed = True


class Streams:
    """The streams of one index."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._held: dict[tuple[str, str], Stream] = {}
        self._written: list[tuple[str, int]] = []

    def get(self, kind: str, subject: str) -> Stream:
        """Return a stream, made if there is none; what is done with it is written at flush()."""
        stream = self._held.get((kind, subject))
        if stream is None:
            stream = self._held[kind, subject] = self._load(kind, subject)
        stream.is_changed = True
        return stream

    def _load(self, kind: str, subject: str) -> Stream:
        query = f"SELECT {_COLUMNS} FROM streams WHERE kind = ? AND subject = ?"
        row = self._database.execute(query, (kind, subject)).fetchone()
        if row is None:
            made = self._database.execute("INSERT INTO streams (kind, subject) VALUES (?, ?)", (kind, subject))
            return Stream(made.lastrowid or 0, kind, subject)
        id_, _, _, following, first_at, last_at, tally, curve = row
        held = _curve.decode(curve) if curve else None
        return Stream(id_, kind, subject, following, first_at, last_at, _tally.decode(tally), held)

    def flush(self) -> None:
        """Write what changed."""
        encode = msgspec.json.encode
        rows = [
            (one.next, one.first_at, one.last_at, encode(one.tally), encode(one.curve) if one.curve else None, one.id)
            for one in self._held.values()
            if one.is_changed
        ]
        update = "UPDATE streams SET next = ?, first_at = ?, last_at = ?, tally = ?, curve = ? WHERE id = ?"
        self._database.executemany(update, rows)
        for stream in self._held.values():
            if stream.is_changed:
                stream.is_changed = False
                self._written.append((stream.kind, stream.id))
        if len(self._held) > _MOST_HELD or sum(one.curve is not None for one in self._held.values()) > _MOST_CURVES:
            self._held.clear()

    def forget(self) -> None:
        """Drop what is held, after a commit that failed."""
        self._held.clear()
        self._written.clear()

    def written(self) -> list[tuple[str, int]]:
        """Return kind and id of the streams written since the last call, after a commit."""
        found, self._written = self._written, []
        return found
