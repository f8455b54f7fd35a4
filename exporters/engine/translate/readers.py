"""Raw JSON fields -> the words that labels are made of: spelling, cutting and refusing.

In: a read of the contract and raw values. Out: a word's value, or the reason it has none. Pure. Texts of closed and
name words are read one by one (`plan_cache` asks once per distinct text); what else there is, `measures` reads. Nothing
here knows metrics. Part of the translate stage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from contracts.model import Candidate, Read, Word
from contracts.spelling import normaliser
from exporters.engine.fields import Path
from exporters.engine.objects import Flag

__all__ = ["TextReader", "prepared", "preparer", "text_of"]


class TextReader:
    """Fills one enum or name word from the label-relevant fields of an event."""

    def __init__(self, word: Word, read: Read | None, environment: Mapping[str, str]) -> None:
        self.word = word
        self.candidates = read.candidates if read else ()
        self._values = {value.lower(): value for value in word.label_values} | dict(word.aliases)
        self.normalise = normaliser(word) if word.kind == "name" else None
        self._find_refused = re.compile(f"[^{word.allow}]" if word.kind == "name" else "").search
        self._allowed = bytes(code for code in range(128) if not self._find_refused(chr(code)))
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
            text = text_of(prepared(candidate, fields[candidate.place]))
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
        if max(map(len, texts)) > self.word.max_length or self._refuses("".join(texts)):
            return list(map(normaliser(self.word), texts))
        return list(map(str.lower, texts)) if self.word.fold else texts

    def _refuses(self, text: str) -> bool:
        """Whether a name with such characters is not taken as it stands."""
        if text.isascii() and not text.encode().translate(None, self._allowed):  # a tenth of the time of the search
            return False
        return self._find_refused(text) is not None

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
    if isinstance(raw, int):
        return str(raw)
    return text_of(raw.value) if isinstance(raw, Flag) else None


def preparer(candidate: Candidate) -> Callable[[object], object] | None:
    """Return what a read makes of the raw value at its path before anything else; None if it takes it as it is."""
    none = candidate.none
    search = re.compile(candidate.capture, re.DOTALL).search if candidate.capture else None
    if search is None and not none:
        return None

    def prepare(raw: object) -> object:
        if isinstance(raw, str) and search is not None:
            found = search(raw.strip())
            raw = found[1] if found else None
        return None if isinstance(raw, str) and raw.strip().lower() in none else raw

    return prepare


def prepared(candidate: Candidate, raw: object) -> object:
    """Return what a read takes for a raw value."""
    prepare = preparer(candidate)
    return raw if prepare is None else prepare(raw)
