"""What an answer is made from: the index as of one moment, the settings, and the moment.

In: a database that has just been brought up to date. Out: a value that every answer, page and snapshot is made from.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from console.settings import Settings

__all__ = ["ACTIVE_S", "View"]

T = TypeVar("T")

ACTIVE_S = 600
"""Seconds without an event after which a run that has not ended is no longer active. Source: facts, 4.1."""


@dataclass(frozen=True, slots=True)
class View:
    """One moment: `now` is in UTC epoch seconds, `is_behind` says that files hold more than has been read.

    `held` is shared by the views of one state of the index; what depends on the moment has no place in it.
    """

    database: sqlite3.Connection
    settings: Settings
    now: float
    is_behind: bool = False
    lag_bytes: int = 0
    problems: Mapping[str, str] = field(default_factory=dict)
    held: dict[str, Any] = field(default_factory=dict)

    def hold(self, name: str, make: Callable[[], T]) -> T:
        """Return what `make` returns, made once for all views of one state of the index."""
        if name not in self.held:
            self.held[name] = make()
        found: T = self.held[name]
        return found

    def age(self, at: int | None) -> float | None:
        """Return how many seconds ago something was; None if it never was."""
        return None if at is None else self.now - at / 1e9
