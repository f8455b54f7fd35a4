"""Keeps an exporter's records: on disk, or only in memory, and through the days on which the disk says no.

In: records. Out: those of the last process, and whether the present ones are safe. Part of the state stage. A damaged
state is set aside and begun anew; one that cannot be written is held as it is and tried again at every commit; one that
vanishes under a running exporter is written anew from memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from exporters.engine.records import Change, Saved
from exporters.engine.state.rows import Row, StoreBusyError, StoreCorruptError, StoreError
from exporters.engine.stored import UnreadableError, read_rows, row_of

if TYPE_CHECKING:
    from exporters.engine.state.store import Store

__all__ = ["Keeper", "Loaded", "records_of"]

Changes = Callable[[], Iterable[Change]]


class Loaded(Struct, frozen=True):
    """What load() found.

    `problem`: what the operator should know; empty if all went well. `set_aside`: how many damaged state files stand
    beside the state, if one had to be added; else 0.
    """

    saved: Saved
    problem: str = ""
    set_aside: int = 0


class Keeper:
    """The state's memory.

    Attributes:
        is_ok: whether the last save() succeeded.
        errors: saves that failed since the start, the opening included.
    """

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self.is_ok = True
        self.errors = 0

    @property
    def is_kept(self) -> bool:
        """Whether rows go to disk at all."""
        return self._store is not None

    def load(self, now: float) -> Loaded:
        """Take the state for this process and return what it holds (nothing if there is none).

        Raises:
            StoreBusyError: if another process has it.
            StoreError: if there is none yet and none can be made.
        """
        store = self._store
        if store is None:
            return Loaded(Saved())
        try:
            store.lock()
            return self._open(store, now)
        except StoreError as error:
            if isinstance(error, StoreBusyError) or not os.path.exists(store.path):
                raise
            from exporters.engine.state.readonly import read_copy

            saved = records_of(store.path, read_copy(store.path, store.owner))
            return Loaded(saved, self._fail(error))

    def save(self, now: float, changed: Changes, everything: Changes) -> str:
        """Commit what changed; after a state file vanished, everything. `is_ok` says whether it is safe.

        Returns:
            what the operator should know; empty if all went well.
        """
        store, problem = self._store, ""
        if store is None:
            return problem
        try:
            if store.is_in_place:
                store.write(map(row_of, changed()))
            else:
                problem = self._renew(store, now)
                store.write(map(row_of, everything()), replace=True)
        except StoreError as error:
            return self._fail(error)
        self.is_ok = True
        return problem

    def close(self) -> None:
        """Give the state back."""
        if self._store is not None:
            self._store.close()

    @staticmethod
    def _open(store: Store, now: float) -> Loaded:
        try:
            return Loaded(records_of(store.path, store.open()))
        except StoreCorruptError as error:
            aside = store.set_aside(_dated(now))
            problem = f"{error}; set aside as {aside.name}, starting anew from the files that exist"
            return Loaded(records_of(store.path, store.open()), problem, _count_asides(store))

    def _renew(self, store: Store, now: float) -> str:
        """Open what stands at the path now, to be written over from memory; what is not a state is set aside.

        Returns:
            what the operator should know.
        """
        try:
            store.reopen()
        except StoreCorruptError as error:
            aside = store.set_aside(_dated(now))
            store.open()
            return f"{error}; set aside as {aside.name}, writing it anew"
        return f"{store.path}: the state vanished or was replaced; writing it anew" if self.is_ok else ""

    def _fail(self, error: StoreError) -> str:
        self.is_ok = False
        self.errors += 1
        return f"{error}; holding the last committed values, trying again at every commit"


def _dated(now: float) -> str:
    return f"corrupt-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}"


def _count_asides(store: Store) -> int:
    """Count the damaged states kept: the number goes on growing though each new state begins with nothing."""
    prefix, logs = f"{store.path.name}.corrupt-", ("-wal", "-shm")
    names = os.listdir(store.path.parent)
    return sum(name.startswith(prefix) and not name.endswith(logs) for name in names)


def records_of(path: Path, rows: Iterable[Row]) -> Saved:
    """Return the records that the rows of the state at `path` hold.

    Raises:
        StoreCorruptError: if they are not those of this version.
    """
    try:
        return read_rows(rows)
    except UnreadableError as error:
        raise StoreCorruptError(f"{path}: the state is not one of this version ({error})") from error
