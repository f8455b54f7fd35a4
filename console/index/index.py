"""Brings the index up to date when somebody asks, and answers only with what has been committed.

In: sources, a clock. Out: a database in which every line stands that was appended before catch_up() was called, unless
there is more to read than the time given allows; `is_behind` says so. One thread at a time is let in.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator

import msgspec

from console.index.documents import Documents
from console.index.held import Held
from console.index.ingest import Ingest
from console.index.store import NAME, open_store, set_aside
from console.index.tables import Tables
from console.index.turns import Turns
from console.parquet import UnreadableParquetError
from console.settings import Settings
from console.sources import Sources
from exporters.reading import Batch, Reading, Row, transaction

__all__ = ["Index"]

_COMMIT_S = 1.0
_SETTLED_NS = 100_000_000
"""Times of folders are coarse; one that changed less than that ago may change again and look the same."""

_ROUND_S = 1.0
"""Seconds within which the folder of each run that has ended is looked at, and each document that was not written to
for long and may be written anew in its place. Open files, and folders of all other runs, are looked at every time."""

_UNSEEN = -1
_PUT = "INSERT OR REPLACE INTO positions VALUES (?, ?, ?)"
_DELETE = "DELETE FROM positions WHERE kind = ? AND key = ?"


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no reference cycles meanwhile: lines make none, and looking is an eighth of the cost of reading them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Index:
    """The index of one console. open() first, close() at the end.

    Attributes:
        version: changes with every commit that changed something.
        held: what answers are made from, as of the last commit.
        errors: how often the index could not be written or had to be begun anew.
    """

    def __init__(self, settings: Settings, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._lock = threading.RLock()
        self._seen_folders: dict[str, int | None] = {}
        self._turns = Turns(_ROUND_S)
        self.sources = Sources(settings)
        self.version = 0
        self.errors = 0
        self.is_behind = True
        self._begun_at = float("-inf")
        self._open()

    def _open(self) -> None:
        self.held = Held()
        self.database = open_store(self._settings.state_dir)
        self._documents = Documents(self.database, self._settings, self.sources, _ROUND_S)
        self._ingest = Ingest(self.database, self.sources, self._documents.chosen)
        self._tables = Tables(self.database, self.sources, self._ingest)
        self._reading = Reading(self.sources.patterns, self.sources.may_follow)
        self._documents.begin()
        self._tables.begin()
        kept = self.database.execute("SELECT kind, key, value FROM positions").fetchall()
        self._seen_folders = {}
        try:
            rows: list[Row] = [(kind, key, msgspec.json.decode(value)) for kind, key, value in kept]
        except (msgspec.DecodeError, TypeError):
            self._begin_anew()
            return
        self._reading.restore(rows, self._monotonic())

    @contextlib.contextmanager
    def reading(self, seconds: float = 0.5) -> Iterator[sqlite3.Connection]:
        """Give the database, brought up to date, to one thread; a damaged one is begun anew.

        Args:
            seconds: how long may be read before the answer is given with what has been read until then.
        """
        asked_at = self._monotonic()
        with self._lock:
            try:
                if self.is_behind or self._begun_at <= asked_at:  # else somebody has looked since
                    self.catch_up(seconds)
                yield self.database
            except sqlite3.DatabaseError:
                self._begin_anew()
                raise

    def catch_up(self, seconds: float) -> None:
        """Read what is new for at most so long, and commit it."""
        with self._lock:
            try:
                self._read_on(self._monotonic() + seconds)
            except sqlite3.OperationalError:
                self.errors += 1
                self._reopen()
            except sqlite3.DatabaseError:
                self._begin_anew()
                self._read_on(self._monotonic() + seconds)

    def _read_on(self, deadline: float) -> None:
        self._begun_at = self._monotonic()
        self._look()
        is_done = False
        while not is_done:
            commit_at = min(deadline, self._monotonic() + _COMMIT_S)
            with self._commit():
                is_done = self._drain(commit_at)
            self._reading.kept(self._monotonic())
            if self._monotonic() >= deadline:
                break
        while self._tables.due and self._monotonic() < deadline:
            self._take_table(next(iter(self._tables.due)))
        self.is_behind = not is_done or bool(self._tables.due)

    def _take_table(self, path: str) -> None:
        """Take in one Parquet file, or note why that cannot be done; in a transaction of its own."""
        folder = os.path.dirname(path)
        self._documents.choose(os.path.basename(folder), folder)
        try:
            with self._commit(documents=True):
                self.database.execute("BEGIN IMMEDIATE")
                self._tables.take(path, time.time())
        except UnreadableParquetError as error:
            with transaction(self.database):
                self._tables.refuse(path, str(error))
            self._note(documents=True)

    def _look(self) -> None:
        """Look for new files, if a folder may have some, and at the documents that changed."""
        monotonic = self._monotonic()
        due = self._turns.due(self.sources.run_folders(), monotonic)
        resting = self._documents.ended.difference(due)
        state = {folder: _state_of(folder) for folder in self.sources.watched() if folder not in resting}
        changed = [folder for folder, mark in state.items() if self._seen_folders.get(folder, _UNSEEN) != mark]
        if changed:
            self._reading.scan(monotonic)
        settled = time.time_ns() - _SETTLED_NS
        for folder in changed:
            mark = state[folder]
            self._seen_folders[folder] = _UNSEEN if mark and mark > settled else mark
        changes = self._documents.changes({*due, *changed}, monotonic)
        self._tables.look(changed, resting)
        if changes:
            with transaction(self.database):
                self._documents.take(changes)
            self._note(documents=True)

    def _note(self, documents: bool = False) -> None:
        """Note what was committed."""
        self.version += 1
        self.held.note(self._ingest.streams.written(), documents)

    @contextlib.contextmanager
    def _commit(self, documents: bool = False) -> Iterator[None]:
        """Write what is taken within, and the positions behind it, in one transaction; nothing if nothing was.

        Args:
            documents: whether documents are among it.
        """
        is_new = False
        try:
            yield
            is_new = self.database.in_transaction
            if is_new:
                self._ingest.flush()
                for kind, key, value in self._reading.positions():
                    if value is None:
                        self.database.execute(_DELETE, (kind, key))
                    else:
                        self.database.execute(_PUT, (kind, key, msgspec.json.encode(value)))
                self.database.execute("COMMIT")
                self._note(documents)
        except BaseException:
            self._ingest.forget()
            with contextlib.suppress(sqlite3.Error):
                self.database.execute("ROLLBACK")
            raise

    @_uncollected()
    def _drain(self, commit_at: float) -> bool:
        """Take what there is until a commit is due; whether all of it was."""
        now = time.time()
        for item in self._reading.read(now, self._monotonic()):
            if not isinstance(item, Batch):
                self._ingest.notice(item)
                continue
            if not self.database.in_transaction:
                self.database.execute("BEGIN IMMEDIATE")
            self._ingest.take(item, now)
            if self._monotonic() >= commit_at:
                return False
        return True

    def _begin_anew(self) -> None:
        """Set a damaged index aside; everything is read again from the files that are there."""
        self.errors += 1
        with contextlib.suppress(sqlite3.Error):
            self.database.close()
        if self._settings.state_dir is not None:
            set_aside(self._settings.state_dir / NAME)
        self._reading.close()
        self._open()

    def _reopen(self) -> None:
        """Go on from the last commit, after one that failed; the reading stands behind lines that were not kept."""
        self._reading.close()
        with contextlib.suppress(sqlite3.Error):
            self.database.close()
        self._open()

    @property
    def problems(self) -> dict[str, str]:
        """Path -> why it cannot be read."""
        return self._reading.problems

    @property
    def lag_bytes(self) -> int:
        """Bytes seen in files that are not in the index yet."""
        return self._reading.lag_bytes

    def close(self) -> None:
        """Give descriptors and index back."""
        with self._lock:
            self._reading.close()
            self.database.close()


def _state_of(folder: str) -> int | None:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return None
