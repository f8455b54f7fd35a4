"""Vocabulary entries of a checked document -> Words.

In: the `vocabulary` mapping, already of the right shape. Out: `Word`s by name, and a fault for everything that
contradicts itself (a default that is no value, one spelling for two values, a key that this kind of word ignores).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from contracts.document import Faults, Spot, quote
from contracts.model import SOURCE_WORD, Default, Word, WordKind

__all__ = ["build_words", "fold", "read_spellings"]

_KEYS: Mapping[WordKind, frozenset[str]] = {
    "enum": frozenset({"values", "aliases", "otherwise", "default"}),
    "name": frozenset({"allow", "fold", "max_length", "max_values", "otherwise", "default", "aliases"}),
    "number": frozenset({"type", "unit", "min", "max"}),
    "time": frozenset({"type", "max_future"}),
    "id": frozenset({"type"}),
}


def fold(text: str) -> str:
    """Return the form in which spellings are compared: trimmed, lower case.

    >>> fold(" Approved ")
    'approved'
    """
    return text.strip().lower()


def build_words(vocabulary: Spot, faults: Faults) -> dict[str, Word]:
    """Return every word by name; `source` is built in and may not be declared."""
    words: dict[str, Word] = {}
    for name, spot in vocabulary.items():
        if name == SOURCE_WORD:
            faults.add(
                spot, 'the word "source" is built in (the name of the matched source); choose another name'
            )
        kind = _kind_of(spot, faults)
        if kind is None:
            continue
        for key, value in spot.items():
            if key not in _KEYS[kind]:
                faults.add(value, f"{quote(key)} says nothing about a word of kind {kind}; delete it")
        words[name] = _build_word(name, kind, spot, faults)
    return words


def _kind_of(spot: Spot, faults: Faults) -> WordKind | None:
    claims = [key for key in ("type", "values", "allow") if spot.get(key) is not None]
    if len(claims) != 1:
        got = " and ".join(claims) or "none of them"
        faults.add(
            spot, f"got {got}, expected exactly one of type, values, allow; keep the one that is meant"
        )
        return None
    kinds: dict[str, WordKind] = {"values": "enum", "allow": "name"}
    stated: dict[str, WordKind] = {"number": "number", "time": "time", "id": "id"}
    return kinds.get(claims[0]) or stated[spot.text_of("type")]


def _build_word(name: str, kind: WordKind, spot: Spot, faults: Faults) -> Word:
    values = spot.texts_of("values")
    otherwise = spot.text_of("otherwise") or ("other" if kind == "name" else None)
    word = Word(
        name=name,
        kind=kind,
        values=values,
        otherwise=otherwise,
        default=_default_of(spot.get("default")),
        allow=spot.text_of("allow"),
        fold=spot.text_of("fold") == "true",
        max_length=int(spot.number_of("max_length", 64)),
        max_values=int(spot.number_of("max_values", 20)),
        unit=spot.text_of("unit") or None,
        minimum=spot.number_of("min", 0.0) if spot.get("min") else None,
        maximum=spot.number_of("max", 0.0) if spot.get("max") else None,
        max_future_s=spot.number_of("max_future", 5.0),
        aliases=read_spellings(spot.get("aliases"), (*values, otherwise or ""), kind == "enum", faults),
        line=spot.line,
    )
    _check_values(word, spot, faults)
    return word


def _default_of(spot: Spot | None) -> Default | None:
    if spot is None:
        return None
    if isinstance(spot.value, str):
        return Default(spot.value)
    return Default(spot.text_of("value"), spot.text_of("env") or None)


def _check_values(word: Word, spot: Spot, faults: Faults) -> None:
    if word.kind == "enum":
        folded = [fold(value) for value in word.values]
        for value in {value for value in folded if folded.count(value) > 1}:
            faults.add(
                spot, f"the value {quote(value)} stands twice in values (case does not count); delete one"
            )
        default = spot.get("default")
        if word.default and default and word.default.value not in word.label_values:
            expected = ", ".join(word.label_values)
            faults.add(default, f"got the default {quote(word.default.value)}, expected one of {expected}")
    if word.kind == "name":
        try:
            re.compile(f"[^{word.allow}]+")
        except re.error as error:
            faults.add(spot, f"allow is not a regex class ({error}); write characters such as A-Za-z0-9._-")
        for key in ("max_length", "max_values"):
            if spot.get(key) is None:
                faults.add(
                    spot, f"{key} is missing; a name needs it, so that the number of series stays bounded"
                )
    if word.minimum is not None and word.maximum is not None and word.minimum > word.maximum:
        faults.add(spot, f"min {word.minimum:g} is above max {word.maximum:g}; swap them")


def read_spellings(
    spot: Spot | None, values: tuple[str, ...], closed: bool, faults: Faults
) -> Mapping[str, str]:
    """Return folded spelling -> value for an `aliases` mapping; unknown values and double spellings are faults."""
    spellings: dict[str, str] = {}
    for value, listed in spot.items() if spot else ():
        if closed and value not in values:
            known = ", ".join(known for known in values if known)
            faults.add(listed, f"got the value {quote(value)}, expected one of {known}")
        for item in listed.elements():
            key = fold(item.text)
            if spellings.get(key, value) != value:
                faults.add(item, f"{quote(item.text)} is a spelling of {spellings[key]} already; delete one")
            spellings[key] = value
    return spellings
