"""Keeps an exporter's rows: on disk, or only in memory, and through the days on which the disk says no.

In: rows. Out: the rows of the last process, and whether the present ones are safe. Part of the state stage. A damaged
state is set aside and begun anew; one that cannot be written is held as it is and tried again at every commit; one that
vanishes under a running exporter is written anew from memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import asdict

from exporters.engine.state.records import CHECKPOINT, check_shapes
from exporters.engine.state.rows import Row, StoreBusyError, StoreCorruptError, StoreError
from exporters.engine.values import Checkpoint, FileKey

if TYPE_CHECKING:
    from exporters.engine.state.store import Store

__all__ = ["Keeper", "checkpoint_rows", "checkpoints_of", "known_of"]

Rows = Callable[[], Iterable[Row]]


class Keeper:
    """The state's memory.

    Attributes:
        is_ok: whether the last save() succeeded.
        errors: saves that failed since the start, the opening included.
        problem: what the operator should know of the last load() or save(); empty if all went well.
        set_aside: damaged state files standing beside the state, if load() had to add one; else 0.
    """

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self.is_ok = True
        self.errors = 0
        self.problem = ""
        self.set_aside = 0

    @property
    def is_kept(self) -> bool:
        """Whether rows go to disk at all."""
        return self._store is not None

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
            if not os.path.exists(store.path):
                raise
            from exporters.engine.state.readonly import read_copy

            rows = read_copy(store.path, store.owner)
            check_shapes(store.path, rows)
            self._fail(error)
            return rows

    def save(self, now: float, changed: Rows, everything: Rows) -> bool:
        """Commit what changed; return whether it is safe. After a state file vanished, everything is written anew."""
        store, self.problem = self._store, ""
        if store is None:
            return True
        try:
            if store.is_in_place:
                store.write(changed())
            else:
                self._renew(store, now)
                store.write(everything(), replace=True)
        except StoreError as error:
            self._fail(error)
            return False
        self.is_ok = True
        return True

    def close(self) -> None:
        """Give the state back."""
        if self._store is not None:
            self._store.close()

    def _open(self, store: Store, now: float) -> list[Row]:
        try:
            rows = store.open()
            check_shapes(store.path, rows)
        except StoreCorruptError as error:
            aside = store.set_aside(_dated(now))
            self.set_aside = _count_asides(store)
            self.problem = f"{error}; set aside as {aside.name}, starting anew from the files that exist"
            rows = store.open()
        return rows

    def _renew(self, store: Store, now: float) -> None:
        """Open what stands at the path now, to be written over from memory; what is not a state is set aside."""
        if self.is_ok:
            self.problem = f"{store.path}: the state vanished or was replaced; writing it anew"
        try:
            store.reopen()
        except StoreCorruptError as error:
            aside = store.set_aside(_dated(now))
            self.problem = f"{error}; set aside as {aside.name}, writing it anew"
            store.open()

    def _fail(self, error: StoreError) -> None:
        self.is_ok = False
        self.errors += 1
        self.problem = f"{error}; holding the last committed values, trying again at every commit"


def _dated(now: float) -> str:
    return f"corrupt-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}"


def _count_asides(store: Store) -> int:
    """Count the damaged states kept: the number goes on growing though each new state begins with nothing."""
    prefix, logs = f"{store.path.name}.corrupt-", ("-wal", "-shm")
    names = os.listdir(store.path.parent)
    return sum(name.startswith(prefix) and not name.endswith(logs) for name in names)


def checkpoint_rows(checkpoints: Iterable[Checkpoint], before: dict[int, Checkpoint]) -> Iterable[Row]:
    """Yield the rows by which `checkpoints` differ from those stored before (serial -> mark)."""
    present = set()
    for checkpoint in checkpoints:
        present.add(checkpoint.serial)
        if before.get(checkpoint.serial) != checkpoint:
            values = asdict(checkpoint)
            values["path"] = os.fsencode(checkpoint.path).decode("latin-1")  # a name need not be UTF-8, a row is
            yield "mark", str(checkpoint.serial), list(values.values())
    for serial in before.keys() - present:
        yield "mark", str(serial), None


def checkpoints_of(rows: Iterable[Row]) -> list[Checkpoint]:
    """Return the stored checkpoints in the order of their serials."""
    checkpoints = []
    for kind, _, value in rows:
        if kind == "mark":
            serial, path, *others = msgspec.convert(value, CHECKPOINT)
            checkpoints.append(Checkpoint(serial, os.fsdecode(path.encode("latin-1")), *others))
    return sorted(checkpoints, key=lambda checkpoint: checkpoint.serial)


def known_of(rows: Iterable[Row]) -> frozenset[FileKey]:
    """Return the identities of the backups that existed at the last commit."""
    found: list[FileKey] = []
    for kind, _, value in rows:
        if kind == "known":
            found += msgspec.convert(value, list[FileKey])
    return frozenset(found)
