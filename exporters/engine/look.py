"""Reads a state that is not ours to write: one that a running exporter writes, or one in a read-only folder.

In: the path of a state file. Out: its rows. Changes nothing there, not even a file's owner: opening the state of a
stopped exporter in place would leave SQLite's own files behind, so that one is copied first. Part of the state stage.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

from exporters.engine.rows import Row, check
from exporters.engine.store import SELECT, translated

__all__ = ["read_copy", "read_rows"]

_TRIES = 20
"""Copies taken before giving up on a file that changes under the copying; a commit comes about once a second."""

_State = list[tuple[int, int, int] | None]


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
    except sqlite3.DatabaseError as error:
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
    except (sqlite3.DatabaseError, OSError) as error:
        raise translated(path, error, "read") from error
    return check(path, stored, owner)[0]


def _copied(path: Path, folder: Path) -> Path:
    """Copy the file and its log into `folder`; return the copy.

    Raises:
        OSError: if they cannot be read, or were never still.
    """
    copy = folder / path.name
    for _ in range(_TRIES):
        before = _state_of(path)
        for ending in ("", "-wal"):
            Path(f"{copy}{ending}").unlink(missing_ok=True)
            if ending == "" or os.path.exists(f"{path}{ending}"):
                with contextlib.suppress(FileNotFoundError) if ending else contextlib.nullcontext():
                    shutil.copyfile(f"{path}{ending}", f"{copy}{ending}")
        if _state_of(path) == before:
            return copy
    raise OSError("it is written all the time")


def _state_of(path: Path) -> _State:
    """Return what changes with every commit."""
    state: _State = []
    for ending in ("", "-wal"):
        try:
            info = os.stat(f"{path}{ending}")
        except FileNotFoundError:
            state.append(None)
            continue
        state.append((info.st_ino, info.st_size, info.st_mtime_ns))
    return state
