"""The only door time comes through, so that tests can move it.

In: nothing. Out: wall time, monotonic time, and a wait that a wake-up ends early.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """Where the engine gets its time from."""

    def now(self) -> float:
        """Return UTC epoch seconds."""

    def monotonic(self) -> float:
        """Return seconds that never go back, for intervals and deadlines."""

    def wait(self, wake: threading.Event, seconds: float) -> None:
        """Return when `wake` is set (and clear it) or after `seconds`."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Return UTC epoch seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    def wait(self, wake: threading.Event, seconds: float) -> None:
        """Sleep until woken or until `seconds` have passed."""
        if wake.wait(max(0.0, seconds)):
            wake.clear()
