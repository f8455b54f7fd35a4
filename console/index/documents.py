"""Looks at the files that are no logs: meta.json of every run, and the session registry. Part of the index.

In: folders. Out: rows of `documents` for what changed since the last look, told by size, times and inode. A file that
cannot be read or is broken keeps its place, with what is wrong.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Collection

from console.documents import Session, read_meta, read_session
from console.index.session_files import SessionFiles
from console.parquet import is_readable
from console.settings import Settings
from console.sources import STEP_FILES, TABLES, Sources

__all__ = ["Documents", "mark_of"]

_LARGEST = 4 << 20
"""Bytes; a larger meta.json or session is not read."""

_YOUNG_NS = 5_000_000_000
"""Nanoseconds for which a document that was written is looked at every time."""

_PUT = "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?)"


class Documents:
    """The documents of one index. `ended`: the folders of runs that say they have ended, met since the start.

    Args:
        seconds: the time within which each session that has ended is looked at.
    """

    def __init__(self, database: sqlite3.Connection, settings: Settings, sources: Sources, seconds: float) -> None:
        self._database = database
        self._sessions = SessionFiles(settings.sessions_dir, seconds)
        self._sources = sources
        self._marks: dict[str, str] = {}
        self._chosen: dict[str, str] = {}
        self._folders: list[str] = []
        self._runs: frozenset[str] = frozenset()
        self._young: set[str] = set()
        self._has_begun = False
        self._listed: set[str] = set()
        self.ended: set[str] = set()

    def begin(self) -> None:
        """Take over what the index knows."""
        self._marks = dict(self._database.execute("SELECT path, mark FROM documents WHERE kind <> 'table'"))
        query = "SELECT path, body FROM documents WHERE kind = 'session' AND problem = ''"
        for path, body in self._database.execute(query):
            self._note_session(path, read_session(body))

    def chosen(self, run_id: str) -> str:
        """Return the name of the file a run's steps are read from; empty if there is no choice to make."""
        return self._chosen.get(run_id, "")

    def changes(self, folders: Collection[str], monotonic: float) -> list[tuple[str, str, str, str]]:
        """Return (path, kind, subject, mark) of every document that is new, other than it was, or gone.

        Args:
            folders: those of runs that are looked at; of others only documents written to a short time ago are, unless
                runs came or went.
        """
        before, runs = self._folders, self._run_folders()
        is_other = runs is not before
        looked = runs if is_other else self._runs.intersection((*folders, *self._young))
        found: dict[str, tuple[str, str, str]] = {}
        for folder in looked:
            path = f"{folder}/meta.json"
            mark = mark_of(path)
            self._note_age(folder, mark)
            if mark:
                found[path] = ("run", os.path.basename(folder), mark)
        sessions, are_all = self._sessions.due(monotonic)
        for path in sessions:
            found[path] = ("session", "", mark_of(path))
        changed = [(path, *what) for path, what in found.items() if self._marks.get(path) != what[2]]
        known = {f"{one}/meta.json" for one in (before if is_other else looked)}
        known.update(self._listed if are_all else sessions, () if self._has_begun else self._marks)
        gone = (self._marks.keys() & known) - found.keys()
        self._listed = {*sessions} if are_all else self._listed
        self._has_begun = True
        return changed + [(path, "", "", "") for path in gone]

    def _note_age(self, folder: str, mark: str) -> None:
        """Note whether a run's document was written to a short time ago: it may be written to again."""
        is_young = mark and time.time_ns() - int(mark.split()[2]) < _YOUNG_NS
        (self._young.add if is_young else self._young.discard)(folder)

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
                self._note_session(path, read)
            elif kind == "run" and not problem:
                meta = read_meta(body, subject)
                found = subject, meta if isinstance(meta, str) else ""
                has_ended = not isinstance(meta, str) and meta.ended_at is not None
                (self.ended.add if has_ended else self.ended.discard)(os.path.dirname(path))
                self.choose(subject, os.path.dirname(path))
            self._database.execute(_PUT, (path, kind, found[0], mark, body, found[1]))
            self._marks[path] = mark

    def _note_session(self, path: str, read: Session | str) -> None:
        """Note whether a session's file may rest: it has ended, so nobody is to write to it again."""
        has_ended = not isinstance(read, str) and read.status != "started"
        (self._sessions.rest.add if has_ended else self._sessions.rest.discard)(path)

    def choose(self, run_id: str, folder: str) -> None:
        """Choose the file a run's steps are read from, if there are several that can be."""
        names = (name for name in STEP_FILES if os.path.exists(f"{folder}/{name}"))
        there = [name for name in names if name not in TABLES or is_readable()]
        if len(there) > 1:
            self._chosen[run_id] = there[0]

    def _run_folders(self) -> list[str]:
        folders = self._sources.run_folders()
        if folders is not self._folders:
            self._folders, self._runs = folders, frozenset(folders)
            for folder in folders:
                self.choose(os.path.basename(folder), folder)
        return folders


def mark_of(path: str) -> str:
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
