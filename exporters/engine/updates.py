"""What an event changes: one value of one series at a time, by a count, an observation, or a value put in its place.

In: nothing. Out: frozen nouns, of which `values` is the door.
"""

from __future__ import annotations

from typing import NamedTuple

from contracts.model import Keeps, Metric

__all__ = ["Count", "End", "Observe", "Put", "Update"]


class Count(NamedTuple):
    """Add `amount` to a counter series, for so many events."""

    metric: Metric
    labels: tuple[str, ...]
    amount: float
    events: int = 1


class Observe(NamedTuple):
    """Put `values` (in the metric's unit) into a histogram series, or add them to a counter's, one per event."""

    metric: Metric
    labels: tuple[str, ...]
    values: list[float]

    @property
    def events(self) -> int:
        """How many events these are."""
        return len(self.values)


class Put(NamedTuple):
    """Set a gauge series, for so many events.

    With `keeps` only a larger (max) or smaller (min) value changes anything, and with `at` (UTC epoch nanoseconds of
    the event, 0 if it has no time) none from before the event that last set the series.
    """

    metric: Metric
    labels: tuple[str, ...]
    value: float
    keeps: Keeps | None = None
    at: int | None = None
    events: int = 1


class End(NamedTuple):
    """End a gauge series, for so many events; with `at` as for `Put`."""

    metric: Metric
    labels: tuple[str, ...]
    at: int | None = None
    events: int = 1


Update = Count | Observe | Put | End
