"""Raw JSON fields -> numbers and ids, and in `times` times: in columns, one value per event.

In: a read of the contract and events. Out: the word's value in each, and how many were refused, by reason. A column
of one kind throughout is read all at once. Pure; knows no metrics. Part of the translate stage.
"""

from __future__ import annotations

import hashlib
import math
import sys
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from contracts.model import Candidate, Read, Word
from contracts.vocabulary import Made
from exporters.engine.fields import attribute_of
from exporters.engine.translate.clocks import Clock
from exporters.engine.translate.readers import preparer, text_of

__all__ = ["ColumnReader", "Field", "Found", "IdReader", "MadeReader", "NumberReader", "Tally", "number_of"]

Tally = Counter[tuple[str, str]]
"""(word, reason) -> how often a value was refused; reasons: mistyped, unknown_value, out_of_range, future."""

Found = tuple[list[Any], Mapping[int, str]]
"""What a column of raw values comes to: a value or None for each, and where one was refused, why."""

_ID_LENGTH = 128
"""Longest id kept as it is; a longer one is kept as its digest, so that a waiting pair takes bounded memory. So is one
that is not plain ASCII, as JSON can spell texts (lone surrogates) that nothing else can store."""

_PLAIN = bytes(range(33, 127))
"""The characters of ids of which nothing is trimmed."""

_DIGITS = "0123456789.+-eE"
"""What a number in quotes is written with: of texts made of these, `float` takes plain decimal ones and no others."""

_FLOAT = frozenset({float})


class Field(NamedTuple):
    """One path a column is read from: how an event is asked for it, and what is made of what it has there.

    `aliases` are folded spellings of numbers; `clock` reads times that are written in a way of their own.
    """

    get: Callable[[object], Any]
    prepare: Callable[[object], object] | None
    scale: float
    aliases: Mapping[str, float]
    clock: Clock | None = None

    def column(self, events: Sequence[object]) -> list[Any]:
        """Return what events have at the path, prepared."""
        column = list(map(self.get, events))
        return column if self.prepare is None else list(map(self.prepare, column))


class ColumnReader(ABC):
    """Reads one word from many events at once: one value per event, None where there is none."""

    def __init__(self, word: Word, read: Read) -> None:
        self.word = word
        self._fields = [self._field(candidate) for candidate in read.candidates if candidate.path]
        self._constant = next((float(c.constant) for c in read.candidates if c.constant is not None), None)

    def _field(self, candidate: Candidate) -> Field:
        spellings = {**self.word.aliases, **candidate.aliases} if self.word.kind == "number" else {}
        aliases = {text: float(value) for text, value in spellings.items()}
        clock = Clock(candidate.format, candidate.zone) if candidate.format or candidate.zone else None
        return Field(attrgetter(attribute_of(candidate.path)), preparer(candidate), candidate.scale, aliases, clock)

    def read(self, events: Sequence[object], now: int, refused: Tally, absent: Counter[str]) -> list[Any]:
        """Return the word's value in each event; the first field that gives one wins.

        Args:
            now: UTC epoch nanoseconds.
            refused: takes up every event in which a value was refused and no other took its place.
            absent: takes up every event that has neither a value nor a refused one.
        """
        if not events:
            return []
        values: list[Any] = [None] * len(events)
        missing: Sequence[int] = range(len(events))
        reasons: dict[int, str] = {}
        for field in self._fields:
            column = field.column(events if len(missing) == len(events) else [events[at] for at in missing])
            whole = self._whole(column, field, now)
            found, odd = (whole, {}) if whole is not None else self._values(column, field, now)
            if len(missing) == len(events):
                values = found
            else:
                for at, value in zip(missing, found, strict=True):
                    values[at] = value
            for place, reason in odd.items():
                if reason != "mistyped" or missing[place] not in reasons:
                    reasons[missing[place]] = reason
            missing = (
                [] if whole is not None else [at for at, value in zip(missing, found, strict=True) if value is None]
            )
            if not missing:
                break
        if missing:
            self._account([reasons.get(at) for at in missing], refused, absent)
        if missing and self._constant is not None:
            return [self._constant if value is None else value for value in values]
        return values

    def _account(self, reasons: Sequence[str | None], refused: Tally, absent: Counter[str]) -> None:
        """Account for events without a value, in which one was refused for a reason or is absent."""
        refused.update((self.word.name, reason) for reason in reasons if reason)
        number = reasons.count(None)
        if number and self._constant is None:
            absent[self.word.name] += number

    def _values(self, column: list[Any], field: Field, now: int) -> Found:
        """Return the values of a column that has none at some places, or not of one kind.

        What is absent is left out, so that all else may be read at once.
        """
        present = [raw for raw in column if raw is not None]
        if not present or len(present) == len(column):
            return self._each(column, field, now) if present else (column, {})
        whole = self._whole(present, field, now)
        found, odd = (whole, {}) if whole is not None else self._each(present, field, now)
        values = iter(found)
        places = [at for at, raw in enumerate(column) if raw is not None] if odd else []
        filled = [None if raw is None else next(values) for raw in column]
        return filled, {places[at]: reason for at, reason in odd.items()}

    @abstractmethod
    def _whole(self, column: list[Any], field: Field, now: int) -> list[Any] | None:
        """Return the values of a column that has one everywhere, all at once, or None if it may not."""

    @abstractmethod
    def _each(self, column: list[Any], field: Field, now: int) -> Found:
        """Return the values of any column that has something everywhere."""


class NumberReader(ColumnReader):
    """Reads a number word; every value is finite and within the word's bounds."""

    def __init__(self, word: Word, read: Read) -> None:
        super().__init__(word, read)
        self._low, self._high = _bounds_of(word)

    def _whole(self, column: list[Any], field: Field, now: int) -> list[Any] | None:
        kinds, scale = set(map(type, column)), field.scale
        if kinds == {str} and not field.aliases:
            numbers = _in_quotes(column)
            if numbers is None:
                return None
        elif kinds != {float} or field.aliases:
            return None
        else:
            numbers = column
        values = [number * scale for number in numbers] if scale != 1.0 else numbers
        return values if min(values) >= self._low and max(values) <= self._high else None

    def _each(self, column: list[Any], field: Field, now: int) -> Found:
        low, high, scale = self._low, self._high, field.scale
        numbers = column if _FLOAT.issuperset(map(type, column)) else list(map(number_of, column))
        values = [raw * scale if raw is not None and low <= raw * scale <= high else None for raw in numbers]
        for at, raw in enumerate(column if field.aliases else ()):
            text = text_of(raw)
            if text and text.lower() in field.aliases:
                values[at] = field.aliases[text.lower()]
        if None not in values:
            return values, {}
        odd = (at for at, value in enumerate(values) if value is None)
        return values, {at: "mistyped" if numbers[at] is None else "out_of_range" for at in odd}


def _in_quotes(texts: list[str]) -> list[float] | None:
    """Return the numbers that texts are, all at once, or None if one of them may be none."""
    if "".join(texts).strip(_DIGITS):
        return None
    try:
        return list(map(float, texts))
    except ValueError:
        return None


def number_of(raw: object) -> float | None:
    """Return a number, or the one a text is; None for anything else."""
    if isinstance(raw, float):
        return raw
    if isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw) if abs(raw) <= sys.float_info.max else math.inf if raw > 0 else -math.inf
    found = _in_quotes([raw]) if isinstance(raw, str) else None
    return found[0] if found else None


class MadeReader:
    """Makes a number word of two other columns; a value is absent where one of theirs is, which is counted there."""

    def __init__(self, word: Word, made: Made) -> None:
        self.word = word
        self.words = made.words
        self._is_product = made.operation == "*"
        self._low, self._high = _bounds_of(word)

    def read(self, left: list[Any], right: list[Any], refused: Tally) -> list[Any]:
        """Return the word's value in each event.

        Args:
            refused: takes up values that are out of the word's bounds.
        """
        pairs = zip(left, right, strict=True)
        if self._is_product:
            made = [None if a is None or b is None else a * b for a, b in pairs]
        else:
            made = [None if a is None or b is None else _difference(a, b) for a, b in pairs]
        values = [value if value is not None and self._low <= value <= self._high else None for value in made]
        odd = values.count(None) - made.count(None)
        if odd:
            refused[self.word.name, "out_of_range"] += odd
        return values


def _difference(a: float, b: float) -> float:
    """Return a minus b: of times, which are whole nanoseconds, in seconds."""
    return (a - b) / 1e9 if isinstance(a, int) else a - b


def _bounds_of(word: Word) -> tuple[float, float]:
    """Return the smallest and the largest value a number word takes; all it takes is finite."""
    low = word.minimum if word.minimum is not None else -sys.float_info.max
    return low, word.maximum if word.maximum is not None else sys.float_info.max


class IdReader(ColumnReader):
    """Reads an id word: a text or a whole number (7 and "7" are the same id)."""

    def _whole(self, column: list[Any], field: Field, now: int) -> list[Any] | None:
        try:
            lines = "\n".join(column)
        except TypeError:
            return list(map(str, column)) if set(map(type, column)) == {int} else None
        # plain ids, all at once: nothing that trimming, digesting or emptiness would change
        if not lines.isascii() or len(lines.encode().translate(None, _PLAIN)) >= len(column):
            return None
        first = len(column[0])
        if lines[first :: first + 1] == "\n" * (len(column) - 1):  # all but the last are as long as the first
            lengths = {first, len(column[-1])}
        else:
            lengths = set(map(len, column))
        return column if min(lengths) > 0 and max(lengths) <= _ID_LENGTH else None

    def _each(self, column: list[Any], field: Field, now: int) -> Found:
        texts = list(map(text_of, column))
        odd = {at: "mistyped" for at, text in enumerate(texts) if text is None}
        return [_id_of(text) if text else None for text in texts], odd


def _id_of(text: str) -> str:
    if len(text) <= _ID_LENGTH and text.isascii():
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
