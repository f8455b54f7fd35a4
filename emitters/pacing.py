"""When lines are written: events in, each appended to the writer when it is due, until the last or a stop.

A slow pace appends line by line; a fast one appends every few milliseconds all lines that have become due. It
refuses to know what an event holds; time comes only through the clock and the sleep it is given.
"""

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

from emitters.writer import Event, Writer

__all__ = ["Fault", "Pace", "PickFault", "stop_on_signals", "write_events"]

# Below this interval a sleep per line costs more than the line; batches are then written once per tick.
_BATCH_BELOW_S = 0.002
_TICK_S = 0.010
_MAX_BATCH_LINES = 512
# The longest a stop goes unnoticed: a sleep is resumed after a signal, so long ones are cut into slices.
_SLICE_S = 0.050


class Pace:
    """The schedule of one run: event i is due i intervals after the Pace was made, unless it is stopped.

    Events that are late, after a fault's pause for instance, are all due at once: event times stay near the
    clock.

    Args:
        interval: Time between two events; zero means as fast as possible.
        clock: Seconds that never go back.
        sleep: Waits for the seconds given.
    """

    def __init__(
        self,
        interval: timedelta,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.is_stopped = False
        self.writes_batches = interval.total_seconds() < _BATCH_BELOW_S
        self._interval_s = interval.total_seconds()
        self._clock, self._sleep = clock, sleep
        self._began = clock()

    def stop(self) -> None:
        """Ask for the end: waits return soon, and no further event is begun."""
        self.is_stopped = True

    def is_due(self, number: int) -> bool:
        """Tell whether event `number` should have been written by now."""
        return self._clock() >= self._due(number)

    def wait(self, number: int) -> None:
        """Sleep until event `number` is due (in batches: at least a tick), or until stopped."""
        now = self._clock()
        self._sleep_until(max(self._due(number), now + _TICK_S if self.writes_batches else now))

    def pause(self, seconds: float) -> bool:
        """Sleep for the seconds given; False if a stop cut it short."""
        self._sleep_until(self._clock() + seconds)
        return not self.is_stopped

    def linger(self, seconds: float) -> None:
        """Sleep for the seconds given, stopped or not: for the middle of something that must be completed."""
        self._sleep(seconds)

    def _due(self, number: int) -> float:
        return self._began + number * self._interval_s

    def _sleep_until(self, moment: float) -> None:
        while not self.is_stopped and (left := moment - self._clock()) > 0:
            self._sleep(min(left, _SLICE_S))


class Fault(Protocol):
    """Something that befalls the file, at the place of one event."""

    def __call__(self, writer: Writer, event: Event, pace: Pace) -> bool:
        """Do it, and append the event; False if a stop came first and the event was not written."""


PickFault = Callable[[int], Fault | None]


def write_events(
    events: Iterable[Event], writer: Writer, pace: Pace, pick_fault: PickFault = lambda number: None
) -> int:
    """Append every event when it is due, until the events end or the pace is stopped.

    Args:
        events: In order; endless is fine.
        writer: Where they go. A line begun is always completed.
        pace: When they go. Nothing is waited for after the last event.
        pick_fault: What befalls the file at event i, if anything.

    Returns:
        How many events were written.

    Raises:
        OSError: The file could not be written.
    """
    pending: list[Event] = []
    written = 0

    def flush() -> int:
        writer.append(*pending)
        lines = len(pending)
        pending.clear()
        return lines

    for number, event in enumerate(events):
        if not pace.is_due(number):
            written += flush()
            pace.wait(number)
        if pace.is_stopped:
            break
        if fault := pick_fault(number):
            written += flush()
            written += fault(writer, event, pace)
            continue
        pending.append(event)
        if not pace.writes_batches or len(pending) >= _MAX_BATCH_LINES:
            written += flush()
    return written + flush()


@contextmanager
def stop_on_signals(pace: Pace) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into a stop of the pace; nothing is interrupted in the middle."""
    previous = {each: signal.signal(each, lambda *_: pace.stop()) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)
