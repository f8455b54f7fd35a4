"""Time slots of events: from a start, a count and an interval to numbered UTC times, and a time's text.

It refuses to know the wall clock: the same arguments give the same times.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

__all__ = ["slots", "timestamp"]


def slots(start: datetime, n: int | None, interval: timedelta) -> Iterator[tuple[int, datetime]]:
    """Number the events and give each its time.

    Args:
        start: Time of event 0, timezone-aware.
        n: How many slots; `None` is endless.
        interval: Time between two neighbours.

    Yields:
        `(i, start + i * interval)` in UTC, i from 0. Computed from the start each time: no error adds up.
    """
    first = start.astimezone(UTC)
    for number in count() if n is None else range(n):
        yield number, first + number * interval


def timestamp(moment: datetime) -> str:
    """Write a timezone-aware time as RFC 3339 text in UTC, cut to milliseconds.

    >>> timestamp(datetime(2026, 1, 25, 1, 9, 48, 123_900, tzinfo=UTC))
    '2026-01-25T01:09:48.123Z'
    """
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
