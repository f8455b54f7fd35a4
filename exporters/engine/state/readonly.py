"""Reads a state that is not ours to write: one that a running exporter writes, or one in a read-only folder.

In: the path of a state file. Out: its rows. Changes nothing there, not even a file's owner: opening the state of a
stopped exporter in place would leave SQLite's own files behind, so that one is copied first. Part of the state stage.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import tempfile
from pathlib import Path

from exporters.engine.state.database import SELECT, TROUBLE, translated
from exporters.engine.state.rows import Row, check

__all__ = ["read_copy", "read_rows"]

_TRIES = 20
"""Times a file is read before giving up because it changes all the time; a commit comes about once a second."""

_ENDINGS = ("", "-wal")


def read_rows(path: Path, owner: str) -> list[Row]:
    """Return the rows of a state file that another process may be writing, as of one commit, without disturbing it.

    Raises:
        StoreError, StoreCorruptError: as Store.open().
    """
    if not os.path.exists(f"{path}-wal") or not os.path.exists(f"{path}-shm"):
        return read_copy(path, owner)
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            return check(path, database.execute(SELECT).fetchall(), owner)[0]
    except sqlite3.OperationalError:
        return read_copy(path, owner)
    except TROUBLE as error:
        raise translated(path, error, "read") from error


def read_copy(path: Path, owner: str) -> list[Row]:
    """Return the rows of a state file by way of a copy, taken while nothing was written.

    Raises:
        StoreError, StoreCorruptError: as Store.open().
    """
    try:
        with tempfile.TemporaryDirectory(prefix="peaktrade-state-") as folder:
            copy = _copied(path, Path(folder))
            with contextlib.closing(sqlite3.connect(copy)) as database:
                stored = database.execute(SELECT).fetchall()
    except (*TROUBLE, OSError) as error:
        raise translated(path, error, "read") from error
    return check(path, stored, owner)[0]


def _copied(path: Path, folder: Path) -> Path:
    """Copy the file and its log into `folder`; return the copy."""
    copy = folder / path.name
    for ending, content in zip(_ENDINGS, _still(path), strict=True):
        if content is not None:
            Path(f"{copy}{ending}").write_bytes(content)
    return copy


def _still(path: Path) -> list[bytes | None]:
    """Return the bytes of the file and its log as they were at one moment: read twice, and the same both times.

    Raises:
        OSError: if they cannot be read, or were never still.
    """
    before = None
    for _ in range(_TRIES):
        found = [_read(f"{path}{ending}") for ending in _ENDINGS]
        if found == before and found[0] is not None:
            return found
        before = found
    if before is None or before[0] is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    raise OSError(errno.EBUSY, "it is written all the time", str(path))


def _read(name: str) -> bytes | None:
    try:
        return Path(name).read_bytes()
    except FileNotFoundError:
        return None
