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
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from contracts.model import Candidate, Read, Word
from contracts.spelling import normaliser
from exporters.engine.fields import Path, attribute_of

__all__ = ["ColumnReader", "IdReader", "NumberReader", "Tally", "TextReader", "text_of"]

Tally = Counter[tuple[str, str]]
"""(word, reason) -> how often a value was refused; reasons: mistyped, unknown_value, out_of_range, future."""

Found = tuple[list[Any], Mapping[int, str]]
"""What a column of raw values comes to: a value or None for each, and where one was refused, why."""

_ID_LENGTH = 128
"""Longest id kept as it is; a longer one is kept as its digest, so that a waiting pair takes bounded memory. So is one
that is not plain ASCII, as JSON can spell texts (lone surrogates) that nothing else can store."""


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
            text = text_of(fields[candidate.path])
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
        return {*candidate.aliases, *self._values}

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


class ColumnReader(ABC):
    """Reads one word from many events at once: one value per event, None where there is none."""

    def __init__(self, word: Word, read: Read) -> None:
        self.word = word
        self._fields = [(attrgetter(attribute_of(c.path)), c.scale) for c in read.candidates if c.path]
        self._constant = next((float(c.constant) for c in read.candidates if c.constant is not None), None)

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
        for get, scale in self._fields:
            column = list(map(get, events if len(missing) == len(events) else [events[at] for at in missing]))
            whole = self._whole(column, scale, now)
            found, odd = (whole, {}) if whole is not None else self._each(column, scale, now)
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
    def _whole(self, column: list[Any], scale: float, now: int) -> list[Any] | None:
        """Return the values of a column that has one everywhere, all at once, or None if it may not."""

    @abstractmethod
    def _each(self, column: list[Any], scale: float, now: int) -> Found:
        """Return the values of any column."""


class NumberReader(ColumnReader):
    """Reads a number word; every value is finite and within the word's bounds."""

    def __init__(self, word: Word, read: Read) -> None:
        super().__init__(word, read)
        self._low = word.minimum if word.minimum is not None else -sys.float_info.max
        self._high = word.maximum if word.maximum is not None else sys.float_info.max

    def _whole(self, column: list[Any], scale: float, now: int) -> list[Any] | None:
        if set(map(type, column)) != {float}:
            return None
        values = [value * scale for value in column] if scale != 1.0 else column
        return values if min(values) >= self._low and max(values) <= self._high else None

    def _each(self, column: list[Any], scale: float, now: int) -> Found:
        low, high = self._low, self._high
        values = [raw * scale if type(raw) is float and low <= raw * scale <= high else None for raw in column]
        if column.count(None) == values.count(None):
            return values, {}
        return values, {
            at: "out_of_range" if isinstance(raw, float) else "mistyped"
            for at, (raw, value) in enumerate(zip(column, values, strict=True))
            if value is None and raw is not None
        }


class IdReader(ColumnReader):
    """Reads an id word: a text or a whole number (7 and "7" are the same id)."""

    def _whole(self, column: list[Any], scale: float, now: int) -> list[Any] | None:
        try:
            text = "\n".join(column)
        except TypeError:
            return None
        # plain ids, all at once: nothing that trimming, digesting or emptiness would change. Copies: an id that a pair
        # remembers would keep a page of its batch's memory; all of decoding and joining takes 0.05 us an event longer
        copies = text.split()
        return copies if copies == column and text.isascii() and max(map(len, copies)) <= _ID_LENGTH else None

    def _each(self, column: list[Any], scale: float, now: int) -> Found:
        texts = list(map(text_of, column))
        odd = {at: "mistyped" for at, text in enumerate(texts) if text is None}
        return [_id_of(text) if text else None for text in texts], odd


def _id_of(text: str) -> str:
    if len(text) <= _ID_LENGTH and text.isascii():
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
