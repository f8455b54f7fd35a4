"""Raw JSON fields -> words: spelling, cutting, scaling and refusing, one small class per kind of word.

In: a read of the contract and raw values. Out: a word's value, or the reason it has none. Pure. Texts of closed and
name words are read one by one (`plan_cache` asks once per distinct text); numbers, ids and, in `times`, times are read
in columns: one value per event. Nothing here knows metrics. Part of the translate stage.
"""

from __future__ import annotations

import hashlib
import re
import sys
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from contracts.model import Candidate, Read, Word
from contracts.spelling import normaliser
from exporters.engine.fields import Path, attribute_of

__all__ = ["ColumnReader", "Field", "IdReader", "NumberReader", "Tally", "TextReader", "prepared", "text_of"]

Tally = Counter[tuple[str, str]]
"""(word, reason) -> how often a value was refused; reasons: mistyped, unknown_value, out_of_range, future."""

Found = tuple[list[Any], Mapping[int, str]]
"""What a column of raw values comes to: a value or None for each, and where one was refused, why."""

_ID_LENGTH = 128
"""Longest id kept as it is; a longer one is kept as its digest, so that a waiting pair takes bounded memory. So is one
that is not plain ASCII, as JSON can spell texts (lone surrogates) that nothing else can store."""

_DIGITS = "0123456789.+-eE"
"""What a number in quotes is written with: of texts made of these, `float` takes plain decimal ones and no others."""

_PLAIN = frozenset({float, type(None)})


class TextReader:
    """Fills one enum or name word from the label-relevant fields of an event."""

    def __init__(self, word: Word, read: Read | None, environment: Mapping[str, str]) -> None:
        self.word = word
        self.candidates = read.candidates if read else ()
        self._values = {value.lower(): value for value in word.label_values} | dict(word.aliases)
        self.normalise = normaliser(word) if word.kind == "name" else None
        self._find_refused = re.compile(f"[^{word.allow}]" if word.kind == "name" else "").search
        self.default = self._default(environment)

    def fill(self, fields: Mapping[Path, object]) -> tuple[str | None, str | None]:
        """Return the word's value (None if it has none) and why a present text was refused (None if none was).

        The first candidate that gives a value wins. A constant, like a default, stands for a text that is absent: an
        unknown text becomes `otherwise` where there is one.
        """
        fallback, reason = self.default, None
        for candidate in self.candidates:
            if candidate.constant is not None:
                fallback = str(candidate.constant)
                break
            text = text_of(prepared(candidate, fields[candidate.path]))
            value = self.value_of(text, candidate) if text else None
            if value is not None:
                return value, None
            if text is None:
                reason = reason or "mistyped"
            elif candidate.otherwise is not None:
                return candidate.otherwise, None
            elif text:
                reason = "unknown_value"
        if reason == "unknown_value" and self.normalise is None and self.word.otherwise is not None:
            return self.word.otherwise, None
        return fallback, reason

    def spellings(self, candidate: Candidate) -> set[str]:
        """Return every text, folded, that a candidate takes as it stands."""
        return {*candidate.aliases, *candidate.none, *self._values}

    def names_of(self, texts: list[str]) -> list[str]:
        """Return what a name word makes of trimmed texts; all at once where each is a name as it stands."""
        if self._find_refused("".join(texts)) or max(map(len, texts)) > self.word.max_length:
            return list(map(normaliser(self.word), texts))
        return list(map(str.lower, texts)) if self.word.fold else texts

    def _default(self, environment: Mapping[str, str]) -> str | None:
        """Return the default; what a variable says is passed over if the word cannot take it."""
        if self.word.default is None:
            return None
        stated = self.value_of(self.word.default.resolve(environment))
        return stated if stated is not None else self.value_of(self.word.default.value)

    def value_of(self, text: str, candidate: Candidate | None = None) -> str | None:
        """Return the value a text stands for, None if for none."""
        folded = text.lower()
        if candidate is not None and folded in candidate.aliases:
            return candidate.aliases[folded]
        if folded in self._values:
            return self._values[folded]
        value = _by_part(folded, candidate) if candidate is not None else None
        if value is not None or self.normalise is None:
            return value
        return self.normalise(text)


def _by_part(folded: str, candidate: Candidate) -> str | None:
    for prefix, value in candidate.prefixes:
        if folded.startswith(prefix):
            return value
    for part, value in candidate.contains:
        if part in folded:
            return value
    return None


def text_of(raw: object) -> str | None:
    """Return a field as trimmed text ("" if it is absent), or None if it is of the wrong kind.

    A whole number is one however it is written: 200, 200.0 and 2e2 are the text 200; a fraction is no text.
    """
    if raw is None:
        return ""
    if isinstance(raw, str):
        return raw.strip()
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float):
        return str(int(raw)) if raw.is_integer() else None
    return str(raw) if isinstance(raw, int) else None


def preparer(candidate: Candidate) -> Callable[[object], object] | None:
    """Return what a read makes of the raw value at its path before anything else; None if it takes it as it is."""
    none = candidate.none
    if not none:
        return None
    return lambda raw: None if isinstance(raw, str) and raw.strip().lower() in none else raw


def prepared(candidate: Candidate, raw: object) -> object:
    """Return what a read takes for a raw value."""
    prepare = preparer(candidate)
    return raw if prepare is None else prepare(raw)


class Field(NamedTuple):
    """One path a column is read from: how an event is asked for it, and what is made of what it has there.

    `aliases` are folded spellings of numbers.
    """

    get: Callable[[object], Any]
    prepare: Callable[[object], object] | None
    scale: float
    aliases: Mapping[str, float]

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
        return Field(attrgetter(attribute_of(candidate.path)), preparer(candidate), candidate.scale, aliases)

    def read(self, events: Sequence[object], now: int, refused: Tally) -> list[Any]:
        """Return the word's value in each event; the first field that gives one wins.

        Args:
            now: UTC epoch nanoseconds.
            refused: takes up every event in which a value was refused and no other took its place.
        """
        if not events:
            return []
        values: list[Any] = [None] * len(events)
        missing: Sequence[int] = range(len(events))
        reasons: dict[int, str] = {}
        for field in self._fields:
            column = field.column(events if len(missing) == len(events) else [events[at] for at in missing])
            whole = self._whole(column, field, now)
            found, odd = (whole, {}) if whole is not None else self._each(column, field, now)
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
        for at, reason in reasons.items():
            if values[at] is None:
                refused[self.word.name, reason] += 1
        return values if self._constant is None else [self._constant if v is None else v for v in values]

    @abstractmethod
    def _whole(self, column: list[Any], field: Field, now: int) -> list[Any] | None:
        """Return the values of a column that has one everywhere, all at once, or None if it may not."""

    @abstractmethod
    def _each(self, column: list[Any], field: Field, now: int) -> Found:
        """Return the values of any column."""


class NumberReader(ColumnReader):
    """Reads a number word; every value is finite and within the word's bounds."""

    def __init__(self, word: Word, read: Read) -> None:
        super().__init__(word, read)
        self._low = word.minimum if word.minimum is not None else -sys.float_info.max
        self._high = word.maximum if word.maximum is not None else sys.float_info.max

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
        numbers = column if _PLAIN.issuperset(map(type, column)) else list(map(_number_of, column))
        values = [raw * scale if raw is not None and low <= raw * scale <= high else None for raw in numbers]
        for at, raw in enumerate(column if field.aliases else ()):
            text = text_of(raw)
            if text and text.lower() in field.aliases:
                values[at] = field.aliases[text.lower()]
        if column.count(None) == values.count(None):
            return values, {}
        return values, {
            at: "mistyped" if numbers[at] is None else "out_of_range"
            for at, (raw, value) in enumerate(zip(column, values, strict=True))
            if value is None and raw is not None
        }


def _in_quotes(texts: list[str]) -> list[float] | None:
    """Return the numbers that texts are, all at once, or None if one of them may be none."""
    if "".join(texts).strip(_DIGITS):
        return None
    try:
        return list(map(float, texts))
    except ValueError:
        return None


def _number_of(raw: object) -> float | None:
    """Return a number, or the one a text is; None for anything else."""
    if isinstance(raw, float):
        return raw
    found = _in_quotes([raw]) if isinstance(raw, str) else None
    return found[0] if found else None


class IdReader(ColumnReader):
    """Reads an id word: a text or a whole number (7 and "7" are the same id)."""

    def _whole(self, column: list[Any], field: Field, now: int) -> list[Any] | None:
        try:
            text = "\n".join(column)
        except TypeError:
            return None
        # plain ids, all at once: nothing that trimming, digesting or emptiness would change. Copies: an id that a pair
        # remembers would keep a page of its batch's memory; all of decoding and joining takes 0.05 us an event longer
        copies = text.split()
        return copies if copies == column and text.isascii() and max(map(len, copies)) <= _ID_LENGTH else None

    def _each(self, column: list[Any], field: Field, now: int) -> Found:
        texts = list(map(text_of, column))
        odd = {at: "mistyped" for at, text in enumerate(texts) if text is None}
        return [_id_of(text) if text else None for text in texts], odd


def _id_of(text: str) -> str:
    if len(text) <= _ID_LENGTH and text.isascii():
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
