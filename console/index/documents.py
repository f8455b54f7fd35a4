"""Looks at the files that are no logs: meta.json of every run, the session registry, and Parquet. Part of the index.

In: folders. Out: rows of `documents` for what changed since the last look, told by size, times and inode. A file that
cannot be read or is broken keeps its place, with what is wrong.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator, Set
from pathlib import Path

from console.documents import read_meta, read_session
from console.settings import Settings
from console.sources import STEP_FILES, Sources

__all__ = ["Documents"]

_LARGEST = 4 << 20
"""Bytes; a larger meta.json or session is not read."""

_PUT = "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?)"


class Documents:
    """The documents of one index. `ended`: the folders of runs that say they have ended, met since the start."""

    def __init__(self, database: sqlite3.Connection, settings: Settings, sources: Sources) -> None:
        self._database = database
        self._sessions = settings.sessions_dir
        self._sources = sources
        self._marks: dict[str, str] = {}
        self._chosen: dict[str, str] = {}
        self._folders: list[str] = []
        self.ended: set[str] = set()

    def begin(self) -> None:
        """Take over what the index knows."""
        self._marks = dict(self._database.execute("SELECT path, mark FROM documents"))

    def chosen(self, run_id: str) -> str:
        """Return the name of the file a run's steps are read from; empty if there is no choice to make."""
        return self._chosen.get(run_id, "")

    def changes(self, quiet: Set[str] = frozenset()) -> list[tuple[str, str, str, str]]:
        """Return (path, kind, subject, mark) of every document that is new, other than it was, or gone.

        Args:
            quiet: folders of runs whose documents need not be looked at now.
        """
        found: dict[str, tuple[str, str, str]] = {}
        for folder in self._run_folders():
            path = f"{folder}/meta.json"
            mark = self._marks[path] if folder in quiet and path in self._marks else _mark_of(path)
            if mark:
                found[path] = ("run", os.path.basename(folder), mark)
        for path in self._session_files():
            found[path] = ("session", "", _mark_of(path))
        changed = [(path, *what) for path, what in found.items() if self._marks.get(path) != what[2]]
        return changed + [(path, "", "", "") for path in self._marks.keys() - found.keys()]

    def take(self, changes: list[tuple[str, str, str, str]]) -> None:
        """Write what changed, in the open transaction."""
        for path, kind, subject, mark in changes:
            if not kind:
                self._database.execute("DELETE FROM documents WHERE path = ?", (path,))
                self._marks.pop(path, None)
                self.ended.discard(os.path.dirname(path))
                continue
            body, problem = _read(path)
            found = subject, problem
            if kind == "session" and not problem:
                read = read_session(body)
                found = ("", read) if isinstance(read, str) else (read.session_id, "")
            elif kind == "run" and not problem:
                meta = read_meta(body, subject)
                found = subject, meta if isinstance(meta, str) else ""
                has_ended = not isinstance(meta, str) and meta.ended_at is not None
                (self.ended.add if has_ended else self.ended.discard)(os.path.dirname(path))
                self._choose(subject, os.path.dirname(path))
            self._database.execute(_PUT, (path, kind, found[0], mark, body, found[1]))
            self._marks[path] = mark

    def _choose(self, run_id: str, folder: str) -> None:
        there = [name for name in STEP_FILES if os.path.exists(f"{folder}/{name}")]
        if len(there) > 1:
            self._chosen[run_id] = there[0]

    def _run_folders(self) -> list[str]:
        folders = self._sources.run_folders()
        if folders is not self._folders:
            self._folders = folders
            for folder in folders:
                self._choose(os.path.basename(folder), folder)
        return folders

    def _session_files(self) -> Iterator[str]:
        try:
            with os.scandir(self._sessions) as entries:
                names = [entry.name for entry in entries if entry.name.endswith(".json")]
        except OSError:
            return
        yield from (str(Path(self._sessions) / name) for name in names)


def _mark_of(path: str) -> str:
    """Return what changes when a file does; empty if there is no regular file."""
    try:
        info = os.lstat(path)
    except OSError:
        return ""
    if not stat.S_ISREG(info.st_mode):
        return ""
    return f"{info.st_ino} {info.st_size} {info.st_mtime_ns} {info.st_ctime_ns}"


def _read(path: str) -> tuple[bytes, str]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        return b"", f"cannot be read ({(error.strerror or '').lower()})"
    with open(handle, "rb") as file:
        body = file.read(_LARGEST + 1)
    return (b"", f"is larger than {_LARGEST} bytes") if len(body) > _LARGEST else (body, "")
