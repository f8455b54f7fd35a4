"""Rows on disk, in SQLite: one transaction per commit, every row and the whole proved by digests.

In: rows (kind, key, value or None to delete). Out: the same rows after a restart, or StoreError / StoreCorruptError.
Knows nothing of series, files or contracts. Part of the state stage.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path

from exporters.engine.state.database import (
    INSERT,
    SELECT,
    TROUBLE,
    connect,
    create,
    refuse_folders,
    transaction,
    translated,
)
from exporters.engine.state.rows import (
    TOTAL,
    Durability,
    Row,
    StoreBusyError,
    StoreCorruptError,
    StoreError,
    Total,
    check,
    pack,
)

__all__ = ["Store", "StoreBusyError", "StoreCorruptError", "StoreError"]

_UPSERT = f"{INSERT} ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value"
_DELETE = "DELETE FROM rows WHERE kind = ? AND key = ?"
_DELETE_ALL = "DELETE FROM rows"
_DIGEST = "SELECT hex(substr(value, 1, 8)) FROM rows WHERE kind = ? AND key = ?"

_Identity = tuple[int, int] | None


class Store:
    """One exporter's state file, exclusive to one process from lock() to close().

    Args:
        path: the SQLite file; a lock file stands beside it.
        owner: written into the file; another owner's state is refused.
    """

    def __init__(self, path: Path, owner: str, durability: Durability = "process") -> None:
        self.path = path
        self.owner = owner
        self._durability = durability
        self._total = Total()
        self._lock: int | None = None
        self._database: sqlite3.Connection | None = None
        self._opened: list[_Identity] = []

    def lock(self) -> None:
        """Take the state for this process. The kernel gives it back when the process ends, however it ends.

        Raises:
            StoreBusyError: naming the process that has it.
            StoreError: if the folder cannot be written to.
        """
        name = self._lock_path
        while self._lock is None or _identity(name) != _identity(self._lock):
            self._unlock()
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._lock = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                holder = self._holder()
                self._unlock()
                raise StoreBusyError(f"{self.path}: {holder} has this state") from error
            except OSError as error:
                self._unlock()
                reason = (error.strerror or str(error)).lower()
                raise StoreError(f"{self.path.parent}: the state cannot be kept here ({reason})") from error
        with contextlib.suppress(OSError):
            length = os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)
            os.ftruncate(self._lock, length)

    def open(self) -> list[Row]:
        """Open the file, made if there is none, and return its rows.

        Raises:
            StoreCorruptError: if it is damaged or another owner's; nothing has been changed.
            StoreError: if it cannot be opened for writing.
        """
        assert self._lock is not None, "lock() first"
        try:
            if not os.path.lexists(self.path):
                create(self.path, self.owner)
            refuse_folders(self.path)
            self._database = connect(self.path, self._durability)
            rows, self._total = check(self.path, self._database.execute(SELECT), self.owner)
        except (*TROUBLE, OSError) as error:
            self._drop_connection()
            raise translated(self.path, error) from error
        except StoreCorruptError:
            self._drop_connection()
            raise
        self._opened = self._identities()
        return rows

    @property
    def is_in_place(self) -> bool:
        """Whether the opened file, its log and the lock still are what stands at their paths."""
        return self._database is not None and self._identities() == self._opened

    def write(self, rows: Iterable[Row], replace: bool = False) -> None:
        """Commit the rows in one transaction, all of them or none; with `replace` no other row remains.

        Of several rows with one name the last one stands. Nothing given, nothing is written.

        Raises:
            StoreCorruptError: nothing was written; the file must be opened again.
            StoreError: nothing was written; the same rows may be given again.
        """
        database, coming = self._database, iter(rows)
        assert database is not None, "open() first"
        first = list(islice(coming, 1))
        if not first and not replace:
            return
        try:
            with transaction(database):
                total = self._change(database, chain(first, coming), replace)
        except TROUBLE as error:
            problem = translated(self.path, error, "written")
            if isinstance(problem, StoreCorruptError):
                self._drop_connection()
            raise problem from error
        self._total = total

    def reopen(self) -> list[Row]:
        """Begin with the lock and the file that stand at the paths now, made if need be.

        Raises:
            StoreBusyError, StoreCorruptError, StoreError: as lock() and open().
        """
        self._drop_connection()
        self.lock()
        return self.open()

    def set_aside(self, ending: str) -> Path:
        """Move the file and its log to the name with `.ending`, for someone to look at; return that name.

        Raises:
            StoreError: if they cannot be moved.
        """
        self._drop_connection()
        aside, number = self.path.with_name(f"{self.path.name}.{ending}"), 1
        while os.path.lexists(aside):
            number += 1
            aside = self.path.with_name(f"{self.path.name}.{ending}-{number}")
        try:
            for more in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.rename(f"{self.path}{more}", f"{aside}{more}")
        except OSError as error:
            raise translated(self.path, error, "set aside") from error
        return aside

    def close(self) -> None:
        """Give the state back."""
        self._drop_connection()
        self._unlock()

    @property
    def _lock_path(self) -> str:
        return str(self.path.with_suffix(".lock"))

    def _holder(self) -> str:
        """Return who has the lock, as far as the lock file tells."""
        assert self._lock is not None
        number = os.pread(self._lock, 32, 0).split(b"\n")[0].decode(errors="replace")
        return f"process {number}" if number.isdecimal() else "another process"

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _drop_connection(self) -> None:
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.close()
            self._database = None

    def _identities(self) -> list[_Identity]:
        names: list[str | int] = [str(self.path), f"{self.path}-wal", self._lock_path]
        return [_identity(name) for name in names]

    def _change(self, database: sqlite3.Connection, rows: Iterable[Row], replace: bool) -> Total:
        """Write the rows within the open transaction, each as it comes, and return the new total."""
        total = self._total
        if replace:
            database.execute(_DELETE_ALL)
            total = Total()
        for kind, key, value in rows:
            before = database.execute(_DIGEST, (kind, key)).fetchone()
            if before is not None:
                total = total.without(int(before[0] or "0", 16))
            if value is None:
                database.execute(_DELETE, (kind, key))
                continue
            blob, digest = pack((kind, key), value)
            total = total.along(digest)
            database.execute(_UPSERT, (kind, key, blob))
        database.execute(_UPSERT, (*TOTAL, total.packed(self.owner)))
        return total


def _identity(place: str | int) -> _Identity:
    try:
        info = os.stat(place)
    except OSError:
        return None
    return info.st_dev, info.st_ino
