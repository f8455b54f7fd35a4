"""ScrapeQueue that wait for the engine: a queue between the HTTP threads and the loop.

In: a scrape and how long it may take. Out: its turn, or its patience's end. Holds no values; the only lock there is.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from msgspec import Struct, field

__all__ = ["ScrapeQueue", "Waiting"]

_DRAIN_SHARE = 0.6
"""Share of a scrape's time that the backlog may take; the rest is for rendering and the way."""

_WAIT_SHARE = 0.9


class Waiting(Struct, eq=False):
    """One scrape: until when the engine should answer it (monotonic seconds)."""

    deadline: float
    done: threading.Event = field(default_factory=threading.Event)


class ScrapeQueue:
    """Thread-safe queue of scrapes."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._lock = threading.Lock()

    def wait(self, monotonic: float, timeout_s: float, wake: threading.Event) -> None:
        """Queue up, wake the engine, and return when answered or when patience ends."""
        one = Waiting(monotonic + timeout_s * _DRAIN_SHARE)
        with self._lock:
            self._waiting.append(one)
        wake.set()
        one.done.wait(timeout_s * _WAIT_SHARE)

    def waiting(self) -> list[Waiting]:
        """Return the scrapes that wait now."""
        with self._lock:
            return list(self._waiting)

    def overdue(self, monotonic: float) -> list[Waiting]:
        """Return the scrapes that can wait no longer."""
        return [one for one in self.waiting() if one.deadline <= monotonic] if self._waiting else []

    def answer(self, scrapes: Sequence[Waiting]) -> None:
        """Let these scrapes go on."""
        with self._lock:
            self._waiting = [one for one in self._waiting if one not in scrapes]
        for one in scrapes:
            one.done.set()
