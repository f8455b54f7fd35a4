"""Times of events: from a text or a number to whole nanoseconds since 1970, exactly.

In: raw JSON values. Out: integers. A text is RFC 3339 (a blank may stand for T; without an offset it is UTC); digits
beyond nanoseconds are cut off. A whole number is exact; of one with a fraction the microseconds are, as no more can be
told from how it is written. Part of the translate stage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Context, Decimal
from math import floor, isfinite
from typing import Any

import msgspec

from contracts.model import Read, Word
from exporters.engine.translate.measures import ColumnReader, Field, Found
from exporters.engine.translate.one_day import times_of_one_day

__all__ = ["SECOND", "TimeReader", "nanoseconds_of"]

SECOND = 1_000_000_000
"""Nanoseconds of a second."""

_DAY = 86_400 * SECOND

_HEAD = 19
"""Characters up to the second: 2026-01-25T05:13:20."""

_FINE = 23
"""Characters up to the millisecond."""

_TEXTS_KEPT = 4096
_FEW = 32
"""Values that are read one by one if they cannot be read all at once."""

_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_MOST_DIGITS = 20
"""Of a number in quotes, before the point; one with more is no time."""
_DECIMAL = Context(prec=64, rounding=ROUND_FLOOR, traps=[])
"""Takes every number in quotes: of one with very many digits the first, of one that is far too large an infinity."""

_TAIL = re.compile(r"(?:\.([0-9]+))?(?:[Zz]|([+-])([01][0-9]|2[0-3]):?([0-5][0-9]))?")
_SIXTY: Mapping[str, int] = {f"{second:02}": second * SECOND for second in range(60)}
_MILLIS: Mapping[str, int] = {f".{milli:03}": milli * 1_000_000 for milli in range(1000)}


class _Memory(dict[str, int]):
    """Texts whose nanoseconds have been worked out; bounded, as it begins anew when it is full."""

    def __init__(self, work_out: Callable[[str], int]) -> None:
        self._work_out = work_out

    def __missing__(self, text: str) -> int:
        found = self._work_out(text)
        if len(self) >= _TEXTS_KEPT:
            self.clear()
        self[text] = found
        return found


def _begin_of(text: str) -> int:
    """Return what date and time of day up to the second stand for, as UTC."""
    return int(msgspec.convert(text, datetime).replace(tzinfo=UTC).timestamp()) * SECOND


def _day_of(text: str) -> int:
    """Return the beginning of a date: 2026-01-25."""
    return _begin_of(f"{text}T00:00:00")


def _minute_of(text: str) -> int:
    """Return what stands between a date and the seconds, T05:13:, in nanoseconds of the day."""
    return _begin_of(f"1970-01-01{text}00")


def _seconds_of(text: str) -> int:
    """Return date and time of day up to the second: where hardly two are the same, days and minutes still are."""
    return _days[text[:10]] + _minutes[text[10:17]] + _SIXTY[text[17:]]


def _later_seconds_of(text: str) -> int:
    """Return the same, but refuse what is so early that with an offset it could lie before 1970."""
    found = _seconds_of(text)
    if found < _DAY:
        raise ValueError(text)
    return found


def _tail_of(text: str) -> int:
    """Return what stands behind the second: a fraction and an offset, both of which may be missing."""
    found = _TAIL.fullmatch(text)
    if found is None:
        raise ValueError(text)
    fraction, sign, hours, minutes = found.groups()
    offset = (int(hours) * 60 + int(minutes)) * 60 * SECOND if sign else 0
    return int((fraction or "")[:9].ljust(9, "0")) + (offset if sign == "-" else -offset)


def _fine_tail_of(text: str) -> int:
    """Return what stands behind the millisecond, if the fraction goes on there."""
    rest = text.lstrip("0123456789")
    if rest.startswith("."):
        raise ValueError(text)
    return int(f"{text[: len(text) - len(rest)][:6]:0<6}") + _tails[rest]


_days, _minutes = _Memory(_day_of), _Memory(_minute_of)
_seconds, _later_seconds = _Memory(_seconds_of), _Memory(_later_seconds_of)
_tails, _fine_tails = _Memory(_tail_of), _Memory(_fine_tail_of)


def nanoseconds_of(text: str) -> int | None:
    """Return the nanoseconds since 1970 that a text stands for, None if it is no time.

    >>> nanoseconds_of("1970-01-01T01:00:02.000000003+01:00")
    2000000003
    """
    if len(text) < _HEAD:
        return None
    try:
        if _is_fine(text):
            return _seconds[text[:_HEAD]] + _MILLIS[text[_HEAD:_FINE]] + _fine_tails[text[_FINE:]]
        return _seconds[text[:_HEAD]] + _tails[text[_HEAD:]]
    except (KeyError, ValueError):
        return None


def _is_fine(text: str) -> bool:
    """Whether a fraction goes beyond milliseconds: it is cut there, as hardly two longer ones are the same."""
    return len(text) > _FINE and text[_HEAD] == "." and text[_HEAD + 1 : _FINE + 1].isdigit()


class TimeReader(ColumnReader):
    """Reads a time word: UTC epoch nanoseconds, not before 1970 and no further ahead of now than the word allows."""

    def __init__(self, word: Word, read: Read) -> None:
        super().__init__(word, read)
        self._ahead = round(word.max_future_s * SECOND)
        self._factors = {field.scale: _factor_of(field.scale) for field in self._fields}

    def _whole(self, column: list[Any], field: Field, now: int) -> list[Any] | None:
        times = self._parsed(column, field)
        return times if times and max(times) <= now + self._ahead else None

    def _parsed(self, column: list[Any], field: Field) -> list[int] | None:
        """Return the times that a column holds, however late, all at once, or None if they have to be looked at."""
        seconds, tails, fine, millis = _later_seconds, _tails, _fine_tails, _MILLIS
        if field.clock is not None:
            return None
        try:
            if type(column[0]) is not str:
                times = self._whole_numbers(column, self._factors[field.scale])
                return times if min(times) >= 0 else None
            if found := times_of_one_day(column, seconds.__getitem__, tails.__getitem__):
                return found
            if _is_fine(column[0]):
                return [seconds[text[:19]] + millis[text[19:23]] + fine[text[23:]] for text in column]
            return [seconds[text[:19]] + tails[text[19:]] for text in column]
        except (KeyError, OverflowError, TypeError, ValueError):
            return None

    @staticmethod
    def _whole_numbers(column: list[Any], factor: int | Decimal) -> list[int]:
        kinds = set(map(type, column))
        if kinds == {int} and isinstance(factor, int):
            return [raw * factor for raw in column]
        if kinds == {float}:
            micros = float(factor) / 1000
            return [round(raw * micros) * 1000 for raw in column]
        raise TypeError(kinds)

    def _each(self, column: list[Any], field: Field, now: int) -> Found:
        """Return the values of any column: of halves all at once where they may be, of few one by one."""
        times = self._parsed(column, field)
        if times is not None:
            latest = now + self._ahead
            taken = [at if at <= latest else None for at in times]
            return taken, {place: "future" for place, at in enumerate(taken) if at is None}
        if len(column) <= _FEW:
            return self._one_by_one(column, field, now)
        half = len(column) // 2
        values, odd = self._each(column[:half], field, now)
        more, reasons = self._each(column[half:], field, now)
        return [*values, *more], {**odd, **{half + at: reason for at, reason in reasons.items()}}

    def _one_by_one(self, column: list[Any], field: Field, now: int) -> Found:
        factor, latest = self._factors[field.scale], now + self._ahead
        values: list[int | None] = []
        odd: dict[int, str] = {}
        for raw in column:
            if type(raw) is str:
                at = _text_time(raw, factor) if field.clock is None else field.clock(raw)
            else:
                at = _scaled(raw, factor)
            if at is not None and 0 <= at <= latest:
                values.append(at)
                continue
            odd[len(values)] = _reason_of(raw, at)
            values.append(None)
        return values, odd


def _reason_of(raw: object, at: int | None) -> str:
    """Say why a value is no time, or why its time is not taken."""
    if at is None:
        is_number = isinstance(raw, float) or (isinstance(raw, str) and _NUMBER.fullmatch(raw))
        return "out_of_range" if is_number else "mistyped"  # of numbers, only those that are far too large are no times
    return "out_of_range" if at < 0 else "future"


def _text_time(text: str, factor: int | Decimal) -> int | None:
    """Return the nanoseconds of a text: a time, or a number, which is exact as far as nanoseconds go."""
    if len(text) > _HEAD and text[4] == text[7] == "-":  # no number
        return nanoseconds_of(text)
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and isinstance(factor, int):
        return int(text) * factor
    whole, _, fraction = text.partition(".")
    if factor == SECOND and f"{whole}{fraction}".isdecimal() and text.isascii() and 0 < len(whole) <= _MOST_DIGITS:
        return int(whole) * SECOND + int(f"{fraction[:9]:0<9}")  # as below, in a third of the time
    if not _NUMBER.fullmatch(text):
        return nanoseconds_of(text)
    exact = _DECIMAL.create_decimal(text)
    return floor(_DECIMAL.multiply(exact, Decimal(factor))) if 0 <= exact < 10**_MOST_DIGITS else None


def _factor_of(scale: float) -> int | Decimal:
    """Return how many nanoseconds one is, as a whole number if it is one."""
    exact = Decimal(repr(scale)) * SECOND
    return int(exact) if exact == int(exact) else exact


def _scaled(raw: object, factor: int | Decimal) -> int | None:
    """Return a number in nanoseconds, None if it is none."""
    if type(raw) is int:
        return raw * factor if isinstance(factor, int) else round(_DECIMAL.multiply(raw, Decimal(factor)))
    if type(raw) is float and isfinite(raw):
        return round(raw * (float(factor) / 1000)) * 1000
    return None
