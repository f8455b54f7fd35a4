"""What an answer is made from: the index as of one moment, the settings, and the moment.

In: a database that has just been brought up to date. Out: a value that every answer, page and snapshot is made from.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from console.index import queries
from console.index.held import ANYTHING, DOCUMENTS, Held
from console.index.streams import Stream
from console.settings import Settings

__all__ = ["ACTIVE_S", "ANYTHING", "DOCUMENTS", "View"]

T = TypeVar("T")

ACTIVE_S = 600
"""Seconds without an event after which a run that has not ended is no longer active. Source: facts, 4.1."""


@dataclass(frozen=True, slots=True)
class View:
    """One moment: `now` is in UTC epoch seconds, `is_behind` says that files hold more than has been read.

    `held` is shared by all views; what depends on the moment has no place in it.
    """

    database: sqlite3.Connection
    settings: Settings
    now: float
    is_behind: bool = False
    lag_bytes: int = 0
    problems: Mapping[str, str] = field(default_factory=dict)
    held: Held = field(default_factory=Held)

    def hold(self, name: str, make: Callable[[], T], *of: str) -> T:
        """Return what `make` returns, made once until something it comes from changes.

        Args:
            of: kinds of streams, DOCUMENTS, or ANYTHING.
        """
        return self.held.value(name, of, make)

    def streams(self, kind: str) -> list[Stream]:
        """Return the streams of a kind, the one with the newest event first."""
        return self.held.streams(self.database, kind)

    @property
    def refused(self) -> int:
        """How many lines were refused."""
        return self.hold("refused", lambda: queries.refused_total(self.database), ANYTHING)

    @property
    def newest_at(self) -> int | None:
        """The time of the newest event there is (nanoseconds)."""
        return self.hold("newest", lambda: queries.newest_event(self.database), ANYTHING)

    @property
    def broken(self) -> list[tuple[str, str]]:
        """(path, what is wrong) of the documents that are not in order."""
        return self.hold("broken", lambda: queries.broken_documents(self.database), DOCUMENTS)

    def age(self, at: int | None) -> float | None:
        """Return how many seconds ago something was; None if it never was."""
        return None if at is None else self.now - at / 1e9
