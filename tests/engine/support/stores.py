"""SeriesTable files for tests: written, killed and damaged at will.

In: a folder. Out: what stands there afterwards. A kill is played by putting back, after an orderly close, the bytes
that stood on disk before it: all a killed process leaves.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from exporters.engine.state.rows import Row
from exporters.engine.state.store import Store

__all__ = ["Files", "files_of", "kill", "opened", "put_back", "quick_folder", "rows_of"]

Files = dict[str, bytes]


@contextlib.contextmanager
def opened(path: Path, owner: str = "sample") -> Iterator[tuple[Store, list[Row]]]:
    """Give a locked, open store and the rows it found; closed at the end."""
    store = Store(path, owner)
    try:
        store.lock()
        yield store, store.open()
    finally:
        store.close()


def rows_of(path: Path, owner: str = "sample") -> list[Row]:
    """Return what a new process finds, sorted."""
    with opened(path, owner) as (_, rows):
        return sorted(rows, key=lambda row: row[:2])


@contextlib.contextmanager
def quick_folder() -> Iterator[Path]:
    """Give a folder where syncing costs nothing, if the system has one."""
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        yield Path(folder)


def files_of(path: Path) -> Files:
    """Return the bytes of the state file and its log."""
    return {ending: Path(f"{path}{ending}").read_bytes() for ending in ("", "-wal") if Path(f"{path}{ending}").exists()}


def put_back(path: Path, files: Files) -> None:
    """Make the state file and its log these bytes."""
    for ending in ("", "-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
    for ending, content in files.items():
        Path(f"{path}{ending}").write_bytes(content)


def kill(store: Store) -> None:
    """End a store as kill -9 would: what it had not committed is gone, its log stays where it is."""
    left = files_of(store.path)
    store.close()
    put_back(store.path, left)
