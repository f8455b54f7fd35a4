"""Rows on disk, in SQLite: one transaction per commit, every row and the whole proved by checksums.

In: rows (kind, key, value or None to delete). Out: the same rows after a restart, or StoreError / StoreCorruptError.
Knows nothing of series, files or contracts. SQLite checks its log but not its pages, so a flipped bit is found by our
own digests: one per row, and one over all of them that also notices a missing row.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import msgspec

__all__ = ["Durability", "Row", "Store", "StoreBusyError", "StoreCorruptError", "StoreError", "read_copy", "read_rows"]

Durability = Literal["process", "power"]
"""process: a commit survives kill -9 of the exporter; power: it survives power loss too (one fsync per commit)."""

Row = tuple[str, str, object]
"""(kind, key, value); the value is anything JSON can hold, None deletes the row."""

_FORMAT = 1
_SCHEMA = "CREATE TABLE IF NOT EXISTS rows (kind TEXT, key TEXT, value BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID"
_UPSERT = "INSERT INTO rows VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value"
_DELETE = "DELETE FROM rows WHERE kind = ? AND key = ?"
_TOTAL = ("total", "")


class StoreError(Exception):
    """The state cannot be written or read now (disk full, no permission); trying again later may help."""


class StoreBusyError(StoreError):
    """Another process has the state."""


class StoreCorruptError(StoreError):
    """The state is damaged, or is not ours."""


class Store:
    """One exporter's state file, exclusive to one process from open() to close().

    Args:
        path: the SQLite file; a lock file stands beside it.
        owner: written into the file; another owner's state is refused.
    """

    def __init__(self, path: Path, owner: str, durability: Durability = "process") -> None:
        self.path = path
        self.owner = owner
        self._durability = durability
        self._digests: dict[tuple[str, str], int] = {}
        self._sum = 0
        self._lock: int | None = None
        self._database: sqlite3.Connection | None = None

    def lock(self) -> None:
        """Take the state for this process.

        Raises:
            StoreBusyError: naming the process that has it.
            StoreError: if the folder cannot be written to.
        """
        name = self.path.with_suffix(".lock")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(f"{self.path.parent}: the state cannot be kept here ({_reason(error)})") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(handle)
            raise StoreBusyError(f"{self.path}: process {holder} has this state") from error
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._lock = handle

    def open(self) -> list[Row]:
        """Open the file, made if need be, and return its rows.

        Raises:
            StoreCorruptError: if it is damaged or another owner's; nothing has been changed.
            StoreError: if it cannot be opened for writing.
        """
        assert self._lock is not None, "lock() first"
        try:
            self._database = _connect(self.path, self._durability)
            rows = list(self._database.execute("SELECT kind, key, value FROM rows"))
        except sqlite3.DatabaseError as error:
            self._drop_connection()
            raise _translate(self.path, error) from error
        try:
            return self._verify(rows)
        except StoreCorruptError:
            self._drop_connection()
            raise

    def write(self, rows: Iterable[Row], replace: bool = False) -> None:
        """Commit the rows in one transaction, all of them or none; with `replace` no other row remains.

        Raises:
            StoreError: nothing was written; the same rows may be given again.
        """
        if self._database is None:
            self.reopen()
        assert self._database is not None
        given = list(rows)
        if replace:
            mine = {(kind, key) for kind, key, _ in given}
            given += [(*name, None) for name in self._digests if name not in mine]
        upserts, deletes, changed, total = self._plan(given)
        count = len(self._digests) + sum((key not in self._digests) for key, digest in changed.items() if digest)
        count -= sum(key in self._digests for key, digest in changed.items() if not digest)
        upserts.append((*_TOTAL, _encode([_FORMAT, self.owner, count, total])[0]))
        try:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(_DELETE, deletes)
            self._database.executemany(_UPSERT, upserts)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            raise StoreError(f"{self.path}: the state cannot be written ({error})") from error
        self._sum = total
        for key, digest in changed.items():
            if digest:
                self._digests[key] = digest
            else:
                self._digests.pop(key, None)

    def reopen(self) -> None:
        """Begin with the file that stands at the path now, made if need be; what it holds is written over.

        Raises:
            StoreError: if it cannot be opened for writing.
        """
        self._drop_connection()
        if self._lock is None:
            self.lock()
        try:
            self.open()
        except StoreCorruptError as error:
            raise StoreError(str(error)) from error

    def quarantine(self, stamp: str) -> Path:
        """Move the file and its log aside under a dated name, for someone to look at; return that name."""
        self._drop_connection()
        aside = self.path.with_name(f"{self.path.name}.corrupt-{stamp}")
        for ending in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self.path}{ending}").rename(f"{aside}{ending}")
        self._digests, self._sum = {}, 0
        return aside

    def close(self) -> None:
        """Give the state back."""
        self._drop_connection()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _drop_connection(self) -> None:
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.close()
            self._database = None

    def _verify(self, rows: list[tuple[str, str, bytes]]) -> list[Row]:
        found, digests, total = _check_rows(self.path, rows, self.owner)
        self._digests, self._sum = digests, total
        return found

    def _plan(
        self, rows: Iterable[Row]
    ) -> tuple[list[tuple[str, str, bytes]], list[tuple[str, str]], dict[tuple[str, str], int], int]:
        """Return what to insert, what to delete, the digests that change (0: gone) and the new digest of all."""
        upserts: dict[tuple[str, str], bytes] = {}
        deletes: dict[tuple[str, str], None] = {}
        changed: dict[tuple[str, str], int] = {}
        total = self._sum
        for kind, key, value in rows:
            name = (kind, key)
            total ^= changed.get(name, self._digests.get(name, 0))
            if value is None:
                changed[name] = 0
                deletes[name] = None
                upserts.pop(name, None)
                continue
            upserts[name], changed[name] = _encode(value, name)
            total ^= changed[name]
        return [(*name, blob) for name, blob in upserts.items()], list(deletes), changed, total


def read_rows(path: Path, owner: str) -> list[Row]:
    """Return the rows of a state file that another process may be writing, without disturbing it.

    Raises:
        StoreError, StoreCorruptError: as Store.open().
    """
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            rows = list(database.execute("SELECT kind, key, value FROM rows"))
    except sqlite3.OperationalError:
        return read_copy(path, owner)
    except sqlite3.DatabaseError as error:
        raise _translate(path, error) from error
    return _check_rows(path, rows, owner)[0]


def read_copy(path: Path, owner: str) -> list[Row]:
    """Return the rows of a state file in a folder that cannot be written to, by way of a copy.

    Raises:
        StoreError, StoreCorruptError: as Store.open().
    """
    with tempfile.TemporaryDirectory(prefix="peaktrade-state-") as folder:
        copy = Path(folder) / path.name
        try:
            for ending in ("", "-wal"):
                if ending == "" or Path(f"{path}{ending}").exists():
                    shutil.copyfile(f"{path}{ending}", f"{copy}{ending}")
            with contextlib.closing(_connect(copy, "process")) as database:
                rows = list(database.execute("SELECT kind, key, value FROM rows"))
        except OSError as error:
            raise StoreError(f"{path}: the state cannot be read ({_reason(error)})") from error
        except sqlite3.DatabaseError as error:
            raise _translate(path, error) from error
    return _check_rows(path, rows, owner)[0]


def _connect(path: Path, durability: Durability) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, timeout=1.0, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {'FULL' if durability == 'power' else 'NORMAL'}")
        database.execute("PRAGMA cache_size = -1024")
        database.execute(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _check_rows(
    path: Path, rows: list[tuple[str, str, bytes]], owner: str
) -> tuple[list[Row], dict[tuple[str, str], int], int]:
    """Decode the rows and prove them by their digests."""
    digests: dict[tuple[str, str], int] = {}
    found: list[Row] = []
    total, stated = 0, None
    try:
        for kind, key, blob in rows:
            value, digest = _decode(blob, (kind, key))
            if (kind, key) == _TOTAL:
                stated = value
                continue
            digests[kind, key] = digest
            total ^= digest
            found.append((kind, key, value))
    except (ValueError, TypeError, msgspec.MsgspecError) as error:
        raise StoreCorruptError(f"{path}: the state is damaged (a row does not match its digest)") from error
    if stated is None and not found:
        return [], {}, 0
    if isinstance(stated, list) and len(stated) == 4 and stated[:2] != [_FORMAT, owner]:
        raise StoreCorruptError(f"{path}: the state belongs to {stated[1]!r} (format {stated[0]}), not to {owner!r}")
    if stated != [_FORMAT, owner, len(found), total]:
        raise StoreCorruptError(f"{path}: the state is damaged (rows are missing)")
    return found, digests, total


def _encode(value: object, name: tuple[str, str] = _TOTAL) -> tuple[bytes, int]:
    """Return a value's stored form, digest first, and the digest."""
    text = msgspec.json.encode(value)
    digest = blake2b("\0".join(name).encode() + b"\0" + text, digest_size=8).digest()
    return digest + text, int.from_bytes(digest, "big")


def _decode(blob: bytes, name: tuple[str, str]) -> tuple[object, int]:
    text = bytes(blob[8:])
    digest = blake2b("\0".join(name).encode() + b"\0" + text, digest_size=8).digest()
    if digest != blob[:8]:
        raise ValueError("digest")
    return msgspec.json.decode(text), int.from_bytes(digest, "big")


def _translate(path: Path, error: sqlite3.DatabaseError) -> StoreError:
    """Tell damage from a state that cannot be opened now."""
    passing = ("locked", "unable to open", "readonly", "disk is full", "disk I/O", "permission")
    if isinstance(error, sqlite3.OperationalError) and any(text in str(error) for text in passing):
        return StoreError(f"{path}: the state cannot be opened ({error})")
    return StoreCorruptError(f"{path}: the state is damaged ({error})")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
