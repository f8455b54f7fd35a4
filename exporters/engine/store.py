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
from pathlib import Path
from typing import Literal

from exporters.engine.rows import TOTAL, Row, StoreBusyError, StoreCorruptError, StoreError, Total, check, pack

__all__ = ["SELECT", "Durability", "Row", "Store", "StoreBusyError", "StoreCorruptError", "StoreError", "translated"]

Durability = Literal["process", "power"]
"""process: a commit survives kill -9 of the exporter; power: it survives power loss too (one fsync per commit)."""

SELECT = "SELECT kind, key, value FROM rows"
"""Reads everything; one statement sees one commit."""

_SCHEMA = "CREATE TABLE rows (kind TEXT, key TEXT, value BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID"
_INSERT = "INSERT INTO rows VALUES (?, ?, ?)"
_UPSERT = f"{_INSERT} ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value"
_DELETE = "DELETE FROM rows WHERE kind = ? AND key = ?"
_DELETE_ALL = "DELETE FROM rows"
_DIGEST = "SELECT hex(substr(value, 1, 8)) FROM rows WHERE kind = ? AND key = ?"

_BUSY_S = 1.0
"""How long a commit waits for someone who holds SQLite's write lock (a person with a shell, in practice)."""

_PASSING = ("locked", "unable to open", "readonly", "disk is full", "disk I/O", "permission")
"""What SQLite says when the trouble is around the file rather than in it."""

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
                _create(self.path, self.owner)
            _refuse_folders(self.path)
            self._database = _connect(self.path, self._durability)
            rows, self._total = check(self.path, self._database.execute(SELECT), self.owner)
        except (sqlite3.DatabaseError, OSError) as error:
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
        database, latest = self._database, {(kind, key): value for kind, key, value in rows}
        assert database is not None, "open() first"
        if not latest and not replace:
            return
        try:
            database.execute("BEGIN IMMEDIATE")
            total = self._change(database, latest, replace)
            database.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                database.execute("ROLLBACK")
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

    def _change(self, database: sqlite3.Connection, latest: dict[tuple[str, str], object], replace: bool) -> Total:
        """Write the rows within the open transaction and return the new total."""
        total = self._total
        if replace:
            database.execute(_DELETE_ALL)
            total = Total()
        upserts: list[tuple[str, str, bytes]] = []
        deletes: list[tuple[str, str]] = []
        for name, value in latest.items():
            before = database.execute(_DIGEST, name).fetchone()
            if before is not None:
                total = total.without(int(before[0] or "0", 16))
            if value is None:
                deletes.append(name)
                continue
            blob, digest = pack(name, value)
            total = total.along(digest)
            upserts.append((*name, blob))
        upserts.append((*TOTAL, total.packed(self.owner)))
        database.executemany(_DELETE, deletes)
        database.executemany(_UPSERT, upserts)
        return total


def translated(path: Path, error: Exception, what: str = "opened") -> StoreError:
    """Tell damage from a state that cannot be had now."""
    passing = isinstance(error, sqlite3.OperationalError) and any(text in str(error) for text in _PASSING)
    if passing or isinstance(error, OSError):
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        return StoreError(f"{path}: the state cannot be {what} ({reason})")
    return StoreCorruptError(f"{path}: the state is damaged ({error})")


def _identity(place: str | int) -> _Identity:
    try:
        info = os.stat(place)
    except OSError:
        return None
    return info.st_dev, info.st_ino


def _refuse_folders(path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        if os.path.isdir(f"{path}{ending}"):
            raise StoreCorruptError(f"{path}: the state is damaged ({path.name}{ending} is a directory)")


def _create(path: Path, owner: str) -> None:
    """Make an empty state, so that there never is a file of ours without a total: one found so has lost its rows."""
    draft = f"{path}.new"
    for name in (draft, f"{draft}-journal", f"{path}-wal", f"{path}-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
    with contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as database:
        database.execute("BEGIN")
        database.execute(_SCHEMA)
        database.execute(_INSERT, (*TOTAL, Total().packed(owner)))
        database.execute("COMMIT")
    os.rename(draft, path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    with contextlib.suppress(OSError):  # some network file systems cannot
        os.fsync(handle)
    os.close(handle)


def _connect(path: Path, durability: Durability) -> sqlite3.Connection:
    """Open the file as it is; it is never made here."""
    address = f"{path.absolute().as_uri()}?mode=rw"
    database = sqlite3.connect(address, uri=True, isolation_level=None, timeout=_BUSY_S, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {'FULL' if durability == 'power' else 'NORMAL'}")
        database.execute("PRAGMA cache_size = -1024")
    except sqlite3.Error:
        database.close()
        raise
    return database
