"""Scrapes that wait for the engine: a queue between the HTTP thread and the loop.

In: a scrape and how long it may take. Out: a future that is done when its turn has come. Holds no values; the only lock
there is.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future

from msgspec import Struct, field

__all__ = ["ScrapeQueue", "Waiting"]

_DRAIN_SHARE = 0.6
"""Share of a scrape's time that the backlog may take; the rest is for rendering and the way."""


class Waiting(Struct, eq=False):
    """One scrape: until when the engine should answer it (monotonic seconds)."""

    deadline: float
    done: Future[None] = field(default_factory=Future)


class ScrapeQueue:
    """Thread-safe queue of scrapes."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._lock = threading.Lock()
        self._is_closed = False

    def join(self, monotonic: float, timeout_s: float, wake: threading.Event) -> Future[None]:
        """Queue up and wake the engine; return what is done when answered, at once if nobody answers any more."""
        one = Waiting(monotonic + timeout_s * _DRAIN_SHARE)
        with self._lock:
            if self._is_closed:
                one.done.set_result(None)
            else:
                self._waiting.append(one)
        wake.set()
        return one.done

    def waiting(self) -> list[Waiting]:
        """Return the scrapes that wait now."""
        with self._lock:
            return list(self._waiting)

    def overdue(self, monotonic: float) -> list[Waiting]:
        """Return the scrapes that can wait no longer."""
        return [one for one in self.waiting() if one.deadline <= monotonic] if self._waiting else []

    def answer(self, scrapes: Sequence[Waiting]) -> None:
        """Let these scrapes go on, but for those that were let go on before."""
        with self._lock:
            answered = [one for one in self._waiting if one in scrapes]
            self._waiting = [one for one in self._waiting if one not in scrapes]
        for one in answered:
            if one.done.set_running_or_notify_cancel():
                one.done.set_result(None)

    def close(self) -> None:
        """Let all scrapes go on, and those to come."""
        with self._lock:
            self._is_closed = True
        self.answer(self.waiting())
