"""Looks at the Parquet files of the runs, and takes in those that changed. Part of the index.

In: folders of runs. Out: steps and trades like those of other files, a row at a time, and a row of `documents` for each
file with how far it was taken in. A file that is written anew with more rows at its end goes on there; one that says
something else than before replaces what was read. What cannot be read keeps its place, with what is wrong.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection
from hashlib import blake2b

import msgspec
from msgspec import Struct

from console.index.documents import mark_of
from console.index.ingest import Ingest
from console.parquet import is_readable, rows_of
from console.sources import STEP_FILES, TABLES, Sources

__all__ = ["Tables"]

_PUT = "INSERT OR REPLACE INTO documents VALUES (?, 'table', ?, ?, ?, ?)"


_KINDS = ("step", "trade")


class _Taken(Struct):
    """How many rows of a file were taken in, and their digest."""

    rows: int = 0
    digest: str = ""


class Tables:
    """The Parquet files of one index. `due` are those that changed and are still to be taken in, in order."""

    def __init__(self, database: sqlite3.Connection, sources: Sources, ingest: Ingest) -> None:
        self._database = database
        self._sources = sources
        self._ingest = ingest
        self._marks: dict[str, str] = {}
        self.due: dict[str, None] = {}

    def begin(self) -> None:
        """Take over what the index knows."""
        self._marks = dict(self._database.execute("SELECT path, mark FROM documents WHERE kind = 'table'"))

    def look(self, folders: Collection[str], resting: Collection[str]) -> None:
        """Note what is due.

        Args:
            folders: those whose entries changed since the last look, at first all; known files are looked at besides.
            resting: folders of runs whose known files are not.
        """
        looked = {*folders}.intersection(self._sources.run_folders()) if folders else ()
        paths = {f"{folder}/{name}" for folder in looked for name in TABLES}
        paths.update(path for path in self._marks if os.path.dirname(path) not in resting)
        for path in sorted(paths):
            if self._marks.get(path, "") != _mark(path) and self._sources.place_of(path).kind in _KINDS:
                self.due[path] = None

    def take(self, path: str, now: float) -> None:
        """Take in one file, in the open transaction.

        Raises:
            UnreadableParquetError: if that cannot be done; nothing of the transaction is to be kept.
        """
        mark, place = _mark(path), self._sources.place_of(path)
        is_other_read = place.kind == "step" and os.path.exists(f"{os.path.dirname(path)}/{STEP_FILES[0]}")
        if is_other_read or not mark:
            self._put(path, mark, self._taken(path))
            return
        taken, digest = self._taken(path), blake2b(digest_size=16)
        if not taken.rows or not _goes_on(path, taken, digest):
            taken, digest = _Taken(), blake2b(digest_size=16)
            self._ingest.begin_anew(place)
        for rows in rows_of(path, taken.rows):
            self._ingest.take_rows(place, path, taken.rows, rows, now)
            for row in rows:
                digest.update(row)
            taken.rows += len(rows)
        taken.digest = digest.hexdigest()
        self._ingest.note_size(path, int(mark.split()[1]) if mark else 0)
        self._put(path, mark, taken)

    def refuse(self, path: str, problem: str) -> None:
        """Note in the open transaction that a file cannot be read; what was read of it before stays."""
        mark = _mark(path)
        self._put(path, mark, self._taken(path), problem if mark else "")

    def _put(self, path: str, mark: str, taken: _Taken, problem: str = "") -> None:
        run_id = os.path.basename(os.path.dirname(path))
        self._database.execute(_PUT, (path, run_id, mark, msgspec.json.encode(taken), problem))
        self._marks[path] = mark
        self.due.pop(path, None)

    def _taken(self, path: str) -> _Taken:
        row = self._database.execute("SELECT body FROM documents WHERE path = ?", (path,)).fetchone()
        return msgspec.json.decode(row[0], type=_Taken) if row else _Taken()


def _mark(path: str) -> str:
    """Return what changes when a file does, or when it can be read; empty if there is none."""
    mark = mark_of(path)
    return f"{mark} {is_readable()}" if mark else ""


def _goes_on(path: str, taken: _Taken, digest: blake2b) -> bool:
    """Whether a file begins with the rows that were taken in; if so, `digest` has taken them."""
    left = taken.rows
    for rows in rows_of(path):
        for row in rows[:left]:
            digest.update(row)
        left -= len(rows)
        if left <= 0:
            break
    return left <= 0 and digest.hexdigest() == taken.digest
