"""Times: whole nanoseconds of UTC inside, texts at the edges. Times are compared as times, however they are written.

In: what a line or a request says. Out: nanoseconds since 1970, or None for what is no time. A time without an offset is
UTC: the producers of these files write such times.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

__all__ = ["ago", "read_time", "show", "show_seconds"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_UTC = _EPOCH.replace(tzinfo=None)
_SECOND = 1_000_000_000
_UNITS = ((60, 1, "s"), (6000, 60, "min"), (172_800, 3600, "h"), (float("inf"), 86_400, "d"))
"""Seconds below which a unit is used, its length in seconds, its name."""

_LAST_S = 7_258_118_400  # the year 2200


@lru_cache(maxsize=4096)
def _read_text(text: str) -> int | None:
    """Return the nanoseconds of an ISO time; of what is written alike the answer is remembered."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    seconds = since.days * 86_400 + since.seconds
    return seconds * _SECOND + since.microseconds * 1000 if 0 <= seconds < _LAST_S else None


def read_time(value: object) -> int | None:
    """Return the nanoseconds a value stands for: an ISO text, or seconds since 1970.

    >>> read_time("1970-01-01T00:00:01Z"), read_time("1970-01-01T02:00:01+02:00"), read_time("soon"), read_time(True)
    (1000000000, 1000000000, None, None)
    """
    if isinstance(value, str):
        return _read_text(value) if 10 <= len(value) <= 40 else None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < _LAST_S:
        return int(value * _SECOND)
    return None


def show(at: int | None) -> str | None:
    """Return a time as ISO text in UTC, to the microsecond where that says more than the second.

    >>> show(1_500_000_000), show(None)
    ('1970-01-01T00:00:01.500000Z', None)
    """
    if at is None:
        return None
    return f"{(_EPOCH_UTC + timedelta(microseconds=at // 1000)).isoformat()}Z"


def show_seconds(at: int | None) -> str | None:
    """Return a time as ISO text in UTC, to the second."""
    return None if at is None else show(at // _SECOND * _SECOND)


def ago(at: int | None, now: float) -> str:
    """Return an age in words: `12 s ago`; what lies ahead is said to.

    >>> ago(0, 90.0), ago(100_000_000_000, 90.0), ago(None, 1.0)
    ('1 min ago', '10 s ahead', 'never')
    """
    if at is None:
        return "never"
    seconds = now - at / _SECOND
    size = abs(seconds)
    length, unit = next((length, unit) for limit, length, unit in _UNITS if size < limit)
    return f"{size // length:.0f} {unit} {'ago' if seconds >= -0.5 else 'ahead'}"
