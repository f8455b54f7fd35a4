"""The SQLite file of a state: made whole, opened as it is, and its troubles told apart.

In: a path. Out: a connection, or StoreCorruptError for damage in the file and StoreError for trouble around it. Part of
the state stage.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from exporters.engine.state.rows import TOTAL, Durability, StoreCorruptError, StoreError, Total

__all__ = [
    "INSERT",
    "SELECT",
    "TROUBLE",
    "connect",
    "create",
    "refuse_folders",
    "transaction",
    "translated",
]

SELECT = "SELECT kind, key, value FROM rows"
"""Reads everything; one statement sees one commit."""

INSERT = "INSERT INTO rows VALUES (?, ?, ?)"
_SCHEMA = "CREATE TABLE rows (kind TEXT, key TEXT, value BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID"
_TOUCH = "UPDATE rows SET value = value WHERE kind = 'total'"

TROUBLE = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises; the second when its message quotes damaged text."""

_BUSY_S = 1.0
"""How long a commit waits for someone who holds SQLite's write lock (a person with a shell, in practice)."""

_PASSING = ("locked", "unable to open", "readonly", "disk is full", "disk I/O", "permission")
"""What SQLite says when the trouble is around the file rather than in it."""


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done within, all of it or, after any exception, nothing."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise


def translated(path: Path, error: Exception, what: str = "opened") -> StoreError:
    """Tell damage from a state that cannot be had now."""
    passing = isinstance(error, sqlite3.OperationalError) and any(text in str(error) for text in _PASSING)
    if "readonly" in str(error) and _may_write(path):
        passing = False
    if passing or isinstance(error, OSError):
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        return StoreError(f"{path}: the state cannot be {what} ({reason})")
    return StoreCorruptError(f"{path}: the state is damaged ({error})")


def _may_write(path: Path) -> bool:
    """Whether the system lets this process write the file, what belongs to it, and the folder."""
    files = [f"{path}{ending}" for ending in ("", "-wal", "-shm")]
    return os.access(path.parent, os.W_OK) and all(os.access(name, os.W_OK) for name in files if os.path.exists(name))


def refuse_folders(path: Path) -> None:
    """Find the one damage that SQLite calls an inability to open.

    Raises:
        StoreCorruptError: if a directory stands where a file should.
    """
    for ending in ("", "-wal", "-shm"):
        if os.path.isdir(f"{path}{ending}"):
            raise StoreCorruptError(f"{path}: the state is damaged ({path.name}{ending} is a directory)")


def create(path: Path, owner: str) -> None:
    """Make an empty state, so that there never is a file of ours without a total: one found so has lost its rows."""
    draft = f"{path}.new"
    for name in (draft, f"{draft}-journal", f"{path}-wal", f"{path}-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
    with contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")  # synced below, once
        with transaction(database):
            database.execute(_SCHEMA)
            database.execute(INSERT, (*TOTAL, Total().packed(owner)))
    _sync(draft)
    os.rename(draft, path)
    _sync(str(path.parent))


def _sync(name: str) -> None:
    """Have a file, or the names in a folder, survive power loss."""
    handle = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    with contextlib.suppress(OSError):  # some network file systems cannot
        os.fsync(handle)
    os.close(handle)


def connect(path: Path, durability: Durability) -> sqlite3.Connection:
    """Open the file as it is; it is never made here, and one without rows is left as it is."""
    address = f"{path.absolute().as_uri()}?mode=rw"
    database = sqlite3.connect(address, uri=True, isolation_level=None, timeout=_BUSY_S, check_same_thread=False)
    try:
        database.execute(f"{SELECT} LIMIT 0")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {'FULL' if durability == 'power' else 'NORMAL'}")
        database.execute("PRAGMA cache_size = -1024")
        for statement in ("BEGIN IMMEDIATE", _TOUCH, "ROLLBACK"):  # a damaged header may forbid writing
            database.execute(statement)
    except TROUBLE:
        database.close()
        raise
    return database
