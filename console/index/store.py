"""The SQLite file of the index, or the same in memory: for this process alone, and begun anew where it is damaged.

In: a folder, or None. Out: a connection. Nothing is lost with an index: all of it can be read again. A damaged one is
set aside under another name, so that it can be looked at.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from console.index.schema import TABLES, VERSION
from exporters.reading import transaction

__all__ = ["IndexBusyError", "IndexStoreError", "open_store"]

NAME = "console.index.sqlite"
_ENDINGS = ("", "-wal", "-shm", "-journal")


class IndexStoreError(Exception):
    """The index cannot be had: the folder, or somebody who has it."""


class IndexBusyError(IndexStoreError):
    """Another process has the index."""


def open_store(folder: Path | None) -> sqlite3.Connection:
    """Return the index in `folder`, made if there is none, or one in memory.

    Raises:
        IndexBusyError: if another process has it.
        IndexStoreError: if the folder cannot be written to.
    """
    if folder is None:
        return _made(_connect(":memory:"))
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _made(_connect(str(path)))
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise IndexBusyError(
                f"{path}: another console has this index; stop it, or give another --state-dir"
            ) from error
        if not path.exists() or not os.access(path, os.W_OK):
            raise IndexStoreError(
                f"{folder}: the index cannot be kept here ({error}); give another --state-dir"
            ) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise IndexStoreError(
            f"{folder}: the index cannot be kept here ({reason}); give another --state-dir"
        ) from error
    except sqlite3.DatabaseError:
        pass
    set_aside(path)
    return _made(_connect(str(path)))


def set_aside(path: Path) -> None:
    """Give a damaged index another name; what came of an earlier damage is overwritten."""
    for ending in _ENDINGS:
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{path}{ending}", f"{path}.damaged{ending}")


def _connect(name: str) -> sqlite3.Connection:
    database = sqlite3.connect(name, isolation_level=None, check_same_thread=False, timeout=0.1)
    try:
        for pragma in (
            "page_size = 8192",  # blocks and curves are of some 10 kB; a file that is there keeps its own
            "locking_mode = EXCLUSIVE",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "cache_size = -16384",
            "wal_autocheckpoint = 4000",
            "temp_store = MEMORY",
        ):
            database.execute(f"PRAGMA {pragma}")
        database.execute("BEGIN IMMEDIATE")
        database.execute("COMMIT")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _made(database: sqlite3.Connection) -> sqlite3.Connection:
    """Make the tables unless they are there; those of another version are replaced."""
    try:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            _empty(database)
            with transaction(database):
                for statement in filter(str.strip, TABLES.split(";")):
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {VERSION}")
        else:
            (state,) = database.execute("PRAGMA quick_check(1)").fetchone() if _is_small(database) else ("ok",)
            if state != "ok":
                raise sqlite3.DatabaseError(state)
            database.execute("SELECT count(*) FROM streams").fetchone()
    except sqlite3.Error:
        database.close()
        raise
    return database


def _is_small(database: sqlite3.Connection) -> bool:
    """Whether looking through the whole file costs a start little: up to some 60 MiB."""
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    return bool(pages < 16_000)


def _empty(database: sqlite3.Connection) -> None:
    names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (name,) in names:
        database.execute(f'DROP TABLE "{name}"')
