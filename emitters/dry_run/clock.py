"""The run's own time: it stands still but for what the run says took time.

In: a start, the length of a step. Out: UTC times that never go back. On request each step also waits for the real
clock.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

__all__ = ["StepClock"]


class StepClock:
    """Time by steps; between two steps it is moved by what happens.

    Args:
        start: Time of step 0, timezone-aware.
        step: From one step to the next, at least.
        is_real_time: Whether a step waits until it is due by the machine's clock.
        sleep: Waits for the seconds given.
    """

    def __init__(
        self,
        start: datetime,
        step: timedelta,
        *,
        is_real_time: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._start = self._now = start.astimezone(UTC)
        self._step = step
        self._is_real_time = is_real_time
        self._sleep = sleep
        self._began = time.monotonic()
        self.steps = 0

    def now(self) -> datetime:
        """Return the present moment of the run."""
        return self._now

    def begin_step(self) -> int:
        """Go on to the next step; return its number, from 0."""
        number = self.steps
        self.steps += 1
        self._now = max(self._now, self._start + number * self._step)
        if self._is_real_time:
            due_s = self._began + (number * self._step).total_seconds()
            self._sleep(max(0.0, due_s - time.monotonic()))
        return number

    def advance(self, milliseconds: float) -> None:
        """Let time pass within a step."""
        self._now += timedelta(milliseconds=milliseconds)
