"""Times in formats and time zones of their own -> whole nanoseconds since 1970.

In: texts. Out: integers, None for a text that does not fit. A text that says its offset is taken by it; any other is
local time of the zone. An hour that exists twice counts as the first, one that does not exist as the hour after it.
Part of the translate stage.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

from contracts.times import MONTHS, PLAIN, pattern_of

__all__ = ["Clock"]

_KEPT = 4096
_SECOND = 1_000_000_000


def _zone_of(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo  # a start without zones need not pay for it

    return ZoneInfo(name)


class Clock:
    """Reads times written in one format, RFC 3339 if none is given, in one zone, UTC if none is given."""

    def __init__(self, format_: str | None, zone: str | None) -> None:
        self._fit = re.compile(pattern_of(format_) if format_ else PLAIN).fullmatch
        self._zone = _zone_of(zone) if zone else UTC
        self._known: dict[tuple[str | None, ...], int | None] = {}

    def __call__(self, text: str) -> int | None:
        """Return the nanoseconds since 1970 that a text stands for, None if it is no time."""
        found = self._fit(text.strip())
        if found is None:
            return None
        parts = found.groupdict()
        fraction, offset = parts.pop("f", None), parts.pop("z", None)
        key = (*parts.values(), offset)
        if key not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[key] = _seconds_of(parts, offset, self._zone)
        seconds = self._known[key]
        return None if seconds is None else seconds * _SECOND + int((fraction or "0")[:9].ljust(9, "0"))


def _seconds_of(parts: dict[str, str | None], offset: str | None, zone: tzinfo) -> int | None:
    """Return whole seconds since 1970, None if there is no such day or hour."""
    month = MONTHS.get((parts.get("b") or "").lower()) or int(parts.get("m") or 0)
    hour, minute, second = (int(parts.get(letter) or 0) for letter in ("H", "M", "S"))
    day = int(parts["d"] or 0)
    try:
        local = datetime(int(parts["Y"] or 0), month, day, hour, minute, second, tzinfo=UTC if offset else zone)
        found = int(local.timestamp())
    except (ValueError, OverflowError):
        return None
    if not offset or offset in "Zz":
        return found
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    return found + minutes * (60 if offset[0] == "-" else -60)
