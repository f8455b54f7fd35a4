"""Keeps an exporter's rows: on disk, or only in memory, and through the days on which the disk says no.

In: rows. Out: the rows of the last process, and whether the present ones are safe. Part of the state stage. A damaged
state is set aside and begun anew; one that cannot be written is held as it is and tried again at every commit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from exporters.engine.store import Row, Store, StoreBusyError, StoreCorruptError, StoreError, read_copy
from exporters.engine.values import FileKey, Mark

__all__ = ["Keeper", "known_of", "mark_rows", "marks_of"]

Rows = Callable[[], Iterable[Row]]


class Keeper:
    """The state's memory.

    Attributes:
        is_ok: whether the last save() succeeded.
        errors: saves that failed since the start.
        problem: why the last save failed, or what was found wrong at the start; empty if nothing was.
        was_corrupt: whether a damaged state was set aside at the start.
    """

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._inode: int | None = None
        self.is_ok = True
        self.errors = 0
        self.problem = ""
        self.was_corrupt = False

    def load(self, now: float) -> list[Row]:
        """Take the state for this process and return its rows (none if there is none).

        Raises:
            StoreBusyError: if another process has it.
            StoreError: if there is none yet and none can be made.
        """
        store = self._store
        if store is None:
            return []
        try:
            store.lock()
            return self._open(store, now)
        except StoreBusyError:
            raise
        except StoreError as error:
            if not store.path.exists():
                raise
            self._fail(error)
            return read_copy(store.path, store.owner)

    def _open(self, store: Store, now: float) -> list[Row]:
        try:
            rows = store.open()
        except StoreCorruptError as error:
            aside = store.quarantine(datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ"))
            self.was_corrupt = True
            self.problem = f"{error}; set aside as {aside.name}, starting anew from the files that exist"
            rows = store.open()
        self._inode = _inode_of(store.path)
        return rows

    def save(self, changed: Rows, everything: Rows) -> bool:
        """Commit what changed; return whether it is safe. After a state file vanished, everything is written anew."""
        store = self._store
        if store is None:
            return True
        try:
            if self._inode is None or _inode_of(store.path) != self._inode:
                store.reopen()
                store.write(everything(), replace=True)
                self._inode = _inode_of(store.path)
            else:
                store.write(changed())
        except StoreError as error:
            self._fail(error)
            return False
        self.is_ok, self.problem = True, ""
        return True

    def close(self) -> None:
        """Give the state back."""
        if self._store is not None:
            self._store.close()

    def _fail(self, error: StoreError) -> None:
        self.is_ok = False
        self.errors += 1
        self.problem = f"{error}; holding the last committed values, trying again at every commit"


def _inode_of(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        return path.stat().st_ino
    return None


def mark_rows(marks: Iterable[Mark], before: dict[int, Mark]) -> Iterable[Row]:
    """Yield the rows by which `marks` differ from those stored before (serial -> mark)."""
    present = set()
    for mark in marks:
        present.add(mark.serial)
        if before.get(mark.serial) != mark:
            yield "mark", str(mark.serial), [getattr(mark, name) for name in Mark.__slots__]
    for serial in before.keys() - present:
        yield "mark", str(serial), None


def marks_of(rows: Iterable[Row]) -> list[Mark]:
    """Return the stored marks in the order of their serials.

    Raises:
        TypeError, ValueError: if a row is not one that mark_rows() yields.
    """
    marks = []
    for kind, _, value in rows:
        if kind == "mark":
            assert isinstance(value, list)
            fields = dict(zip(Mark.__slots__, value, strict=True))
            marks.append(Mark(**{**fields, "key": FileKey(*fields["key"])}))
    return sorted(marks, key=lambda mark: mark.serial)


def known_of(rows: Iterable[Row]) -> frozenset[FileKey] | None:
    """Return the identities of the siblings that existed at the last commit; None if nothing was ever committed."""
    for kind, _, value in rows:
        if kind == "known":
            assert isinstance(value, list)
            return frozenset(FileKey(*key) for key in value)
    return None
