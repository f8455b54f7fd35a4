"""Raw JSON fields -> words: spelling, cutting, scaling and refusing, one small function per kind of word.

In: a read of the contract and raw values. Out: a word's value, or the reason it has none. Pure. `translate` decides
when to ask; nothing here knows metrics.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter

from contracts.model import Candidate, Read, Word
from exporters.engine.values import MISTYPED, attribute_of

__all__ = ["NumberColumn", "TextFiller", "TimeColumn", "Tally"]

Path = tuple[str, ...]
Tally = Counter[tuple[str, str]]
"""(word, reason) -> how often a value was refused; reasons: mistyped, unknown_value, out_of_range, future."""

_Get = Callable[[object], object]


class TextFiller:
    """Fills one enum or name word from the label-relevant fields of an event."""

    def __init__(self, word: Word, read: Read | None, environment: Mapping[str, str]) -> None:
        self.word = word
        self._candidates = read.candidates if read else ()
        self._values = {value.lower(): value for value in word.label_values} | dict(word.aliases)
        self._bad = re.compile(f"[^{word.allow}]+") if word.kind == "name" else None
        self.default = self._map(word.default.resolve(environment)) if word.default else None

    def fill(self, fields: Mapping[Path, object]) -> tuple[str | None, str | None]:
        """Return the word's value (None if it has none) and why a present text was refused (None if none was)."""
        refused: str | None = None
        for candidate in self._candidates:
            if candidate.constant is not None:
                return str(candidate.constant), None
            text = _text_of(fields[candidate.path])
            if text is None:
                refused = refused or "mistyped"
                continue
            value = self._map(text, candidate) if text else None
            value = value or candidate.otherwise
            if value is not None:
                return value, None
            if text:
                refused = refused or "unknown_value"
        if refused == "unknown_value" and self.word.otherwise and self.word.kind == "enum":
            return self.word.otherwise, None
        return self.default, refused

    def _map(self, text: str, candidate: Candidate | None = None) -> str | None:
        if self._bad is not None:
            return self._normalise(text, candidate)
        folded = text.lower()
        if candidate is not None:
            if folded in candidate.aliases:
                return candidate.aliases[folded]
            if folded in self._values:
                return self._values[folded]
            return _by_part(folded, candidate)
        return self._values.get(folded)

    def _normalise(self, text: str, candidate: Candidate | None) -> str | None:
        assert self._bad is not None
        if candidate is not None:
            mapped = candidate.aliases.get(text.lower()) or _by_part(text.lower(), candidate)
            if mapped is not None:
                return mapped
        shown = text.lower() if self.word.fold else text
        return self._bad.sub("_", shown)[: self.word.max_length]


def _by_part(folded: str, candidate: Candidate) -> str | None:
    for prefix, value in candidate.prefixes:
        if folded.startswith(prefix):
            return value
    for part, value in candidate.contains:
        if part in folded:
            return value
    return None


def _text_of(raw: object) -> str | None:
    """Return a field as trimmed text ("" if it is absent), or None if it is of the wrong kind."""
    if raw is None:
        return ""
    if isinstance(raw, str):
        return raw.strip()
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return str(raw) if isinstance(raw, int) else None


class NumberColumn:
    """Reads one number word from many events at once."""

    def __init__(self, word: Word, read: Read) -> None:
        self._word = word
        self._low = word.minimum if word.minimum is not None else float("-inf")
        self._high = word.maximum if word.maximum is not None else float("inf")
        self._constant = next((float(c.constant) for c in read.candidates if c.constant is not None), None)
        self._getters = [(attrgetter(attribute_of(c.path)), c.scale) for c in read.candidates if c.path]

    def read(self, events: Sequence[object], refused: Tally) -> list[float]:
        """Return the word's values in the order of the events, leaving out events that have none."""
        for get, scale in self._getters:
            column = list(map(get, events))
            gaps = column.count(None)
            if gaps == len(column):
                continue
            values = self._scaled(column, scale) if not gaps else None
            return values if values is not None else self._read_each(events, refused)
        return [self._constant] * len(events) if self._constant is not None else []

    def _scaled(self, column: list[object], scale: float) -> list[float] | None:
        """Return a column of plain numbers scaled, or None if any of them needs a closer look."""
        try:
            values = [value * scale for value in column] if scale != 1.0 else column  # type: ignore[operator]
            good = min(values) >= self._low and max(values) <= self._high  # type: ignore[type-var, operator]
        except TypeError:
            return None
        return values if good else None  # type: ignore[return-value]

    def _read_each(self, events: Sequence[object], refused: Tally) -> list[float]:
        found = (self.read_one(event, refused) for event in events)
        return [value for value in found if value is not None]

    def read_one(self, event: object, refused: Tally) -> float | None:
        """Return the word's value in one event, or None."""
        reason = ""
        for get, scale in self._getters:
            raw = get(event)
            if isinstance(raw, float):
                value = raw * scale
                if self._low <= value <= self._high:
                    return value
                reason = "out_of_range"
            elif raw is MISTYPED:
                reason = reason or "mistyped"
        if reason:
            refused[self._word.name, reason] += 1
        return self._constant


class TimeColumn:
    """Reads one time word: UTC epoch seconds, none further ahead of now than the word allows."""

    def __init__(self, word: Word, read: Read) -> None:
        self._word = word
        self._getters: list[tuple[_Get, float]] = [
            (attrgetter(attribute_of(c.path)), c.scale) for c in read.candidates if c.path
        ]

    def newest(self, events: Sequence[object], now: float, refused: Tally) -> float | None:
        """Return the newest time among the events, or None if none has one."""
        get, _ = self._getters[0]
        column = list(map(get, events))
        if None not in column:
            try:
                newest = max(column)  # type: ignore[type-var]
            except TypeError:
                newest = None
            if isinstance(newest, datetime) and (at := _seconds_of(newest)) is not None:
                if at <= now + self._word.max_future_s:
                    return at
        times = [at for event in events if (at := self.read_one(event, now, refused)) is not None]
        return max(times, default=None)

    def read_one(self, event: object, now: float, refused: Tally) -> float | None:
        """Return the word's time in one event, or None."""
        reason = ""
        for get, scale in self._getters:
            raw = get(event)
            if raw is None:
                continue
            if isinstance(raw, datetime):
                at = _seconds_of(raw)
            else:
                at = raw * scale if isinstance(raw, float) else None
            if at is None:
                reason = reason or "mistyped"
            elif at > now + self._word.max_future_s:
                reason = "future"
            else:
                return at
        if reason:
            refused[self._word.name, reason] += 1
        return None


def _seconds_of(stamp: datetime) -> float | None:
    """Return UTC epoch seconds; a time without offset counts as UTC."""
    try:
        return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()
    except OverflowError:
        return None
