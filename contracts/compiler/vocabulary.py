"""Vocabulary entries of a checked document -> Words.

In: the `vocabulary` mapping, already of the right shape. Out: `Word`s by name, and a fault for everything that
contradicts itself (a default that is no value, one spelling for two values, a key that this kind of word ignores).
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping

from contracts.compiler.document import Faults, Spot, quote
from contracts.compiler.made import build_made, check_made
from contracts.model import SOURCE_WORD, Default, Word
from contracts.spelling import fold, normalise
from contracts.vocabulary import WordKind

__all__ = ["build_words", "check_number_spellings", "number_problem", "read_spellings", "value_problem"]

_KEYS: Mapping[WordKind, frozenset[str]] = {
    "enum": frozenset({"values", "aliases", "otherwise", "default"}),
    "name": frozenset({"allow", "fold", "max_length", "max_values", "otherwise", "default", "aliases"}),
    "number": frozenset({"type", "unit", "min", "max", "aliases", "is"}),
    "time": frozenset({"type", "max_future"}),
    "id": frozenset({"type"}),
}
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BUILT_IN = {
    SOURCE_WORD: "the name of the source an event matched",
    "events": "`counts: events` counts every event",
}


def value_problem(word: Word, text: str) -> str:
    """Say why `text` can never be shown as a value of an enum or name word; "" if it can."""
    if word.kind == "enum" and text not in word.label_values:
        return f"got {quote(text)}, expected a value of {quote(word.name)}: {', '.join(word.label_values)}"
    if word.kind == "name" and not _class_problem(word.allow) and normalise(word, text) != text:
        shown = quote(normalise(word, text))
        return f"got {quote(text)}, but {quote(word.name)} shows it as {shown}; write that"
    return ""


def build_words(vocabulary: Spot, faults: Faults) -> dict[str, Word]:
    """Return every word by name; built-in words may not be declared."""
    words: dict[str, Word] = {}
    for name, spot in vocabulary.items():
        if name in _BUILT_IN:
            faults.add(spot, f"the word {quote(name)} is built in ({_BUILT_IN[name]}); choose another name")
        kind = _kind_of(spot, faults)
        if kind is None:
            continue
        for key, value in spot.items():
            if key not in _KEYS[kind]:
                faults.add(value, f"{quote(key)} says nothing about a word of kind {kind}; delete it")
        words[name] = _build_word(name, kind, spot, faults)
    for name, word in words.items():
        check_made(word, vocabulary.at(name), words, faults)
    return words


def _kind_of(spot: Spot, faults: Faults) -> WordKind | None:
    claims = [key for key in ("type", "values", "allow") if spot.get(key) is not None]
    if len(claims) != 1:
        got = " and ".join(claims) or "none of them"
        faults.add(spot, f"got {got}, expected exactly one of type, values, allow; keep the one that is meant")
        return None
    kinds: dict[str, WordKind] = {"values": "enum", "allow": "name"}
    stated: dict[str, WordKind] = {"number": "number", "time": "time", "id": "id"}
    [claim] = claims
    return kinds.get(claim) or stated[spot.text_of("type")]


def _build_word(name: str, kind: WordKind, spot: Spot, faults: Faults) -> Word:
    otherwise = spot.text_of("otherwise") or ("other" if kind == "name" else None)
    values = spot.texts_of("values")
    closed = tuple(dict.fromkeys((*values, *([otherwise] if otherwise else ())))) if kind == "enum" else ()
    longest = int(spot.number_of("max_length", 64)) if kind == "name" else 0
    most = int(spot.number_of("max_values", 20)) if kind == "name" else 0
    word = Word(
        name=name,
        kind=kind,
        values=values,
        otherwise=otherwise,
        default=_default_of(spot.get("default")),
        allow=spot.text_of("allow"),
        fold=spot.text_of("fold") == "true",
        max_length=longest,
        max_values=most,
        unit=spot.text_of("unit") or None,
        minimum=spot.number_of("min", None),
        maximum=spot.number_of("max", None),
        max_future_s=spot.number_of("max_future", 5.0),
        made_of=build_made(spot.get("is")),
        aliases=read_spellings(spot.get("aliases"), closed, faults, {fold(value): value for value in closed}),
        line=spot.line,
    )
    _CHECKS[kind](word, spot, faults)
    return word


def _default_of(spot: Spot | None) -> Default | None:
    if spot is None:
        return None
    if isinstance(spot.value, str):
        return Default(spot.value)
    return Default(spot.text_of("value"), spot.text_of("env") or None)


def _check_enum(word: Word, spot: Spot, faults: Faults) -> None:
    folded: set[str] = set()
    for item in (*spot.at("values").elements(), *([spot.at("otherwise")] if spot.get("otherwise") else ())):
        text = item.text
        if fold(text) in folded and not (item.path.endswith("otherwise") and text in word.values):
            faults.add(item, f"the value {quote(text)} stands here twice (case does not count); delete one")
        if text != text.strip():
            faults.add(item, f"the value {quote(text)} begins or ends with a blank, but texts are trimmed; trim it")
        folded.add(fold(text))
    _check_default(word, spot, faults)


def _check_name(word: Word, spot: Spot, faults: Faults) -> None:
    for key in ("max_length", "max_values"):
        if spot.get(key) is None:
            faults.add(spot, f"{key} is missing; a name needs it, so that the number of series stays bounded")
    problem = _class_problem(word.allow)
    if problem:
        faults.add(spot.at("allow"), f"not the inside of a regex class ({problem}); write e.g. A-Za-z0-9._-")
    _check_default(word, spot, faults)


def _check_default(word: Word, spot: Spot, faults: Faults) -> None:
    problem = value_problem(word, word.default.value) if word.default else ""
    if problem:
        faults.add(spot.at("default"), problem)


def _class_problem(allow: str) -> str:
    if re.search(r"(?<!\\)(?:\\\\)*[\[\]]", allow):
        return r"a bracket is written \[ or \]"
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        try:
            re.compile(f"[^{allow}]+")
        except (re.error, FutureWarning) as error:
            return str(error)
    return ""


def number_problem(word: Word, text: str) -> str:
    """Say why `text` is no number that a number word takes; "" if it is one."""
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(number):
        return f"got {quote(text)}, expected a number, as {quote(word.name)} is one"
    low = word.minimum if word.minimum is not None else number
    high = word.maximum if word.maximum is not None else number
    if not low <= number <= high:
        return f"got {quote(text)}, which is outside the min and max of {quote(word.name)}; correct one"
    return ""


def check_number_spellings(word: Word, spot: Spot | None, faults: Faults) -> None:
    """Add a fault for each value of an `aliases` mapping that is no number of a number word."""
    for text, listed in spot.items() if spot else ():
        problem = number_problem(word, text)
        if problem:
            faults.add(listed, problem)


def _check_number(word: Word, spot: Spot, faults: Faults) -> None:
    check_number_spellings(word, spot.get("aliases"), faults)
    if word.minimum is not None and word.maximum is not None and word.minimum > word.maximum:
        faults.add(spot, f"min {word.minimum:g} is above max {word.maximum:g}; swap them")


def _check_nothing(word: Word, spot: Spot, faults: Faults) -> None:
    """Times and ids cannot contradict themselves."""


_CHECKS = {
    "enum": _check_enum,
    "name": _check_name,
    "number": _check_number,
    "time": _check_nothing,
    "id": _check_nothing,
}


def read_spellings(
    spot: Spot | None, values: tuple[str, ...], faults: Faults, taken: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """Return folded spelling -> value for an `aliases` mapping.

    Args:
        values: those that may be meant; if empty, any may.
        taken: spellings that mean a value already.
    """
    spellings: dict[str, str] = {}
    for value, listed in spot.items() if spot else ():
        if values and value not in values:
            faults.add(listed, f"got the value {quote(value)}, expected one of {', '.join(values)}")
        for item in listed.elements():
            key = fold(item.text)
            if spellings.get(key, value) != value:
                faults.add(item, f"{quote(item.text)} means {quote(spellings[key])} already; delete one of the two")
            if (taken or {}).get(key, value) != value:
                faults.add(item, f"{quote(item.text)} is a value itself, so it cannot mean another; delete it here")
            spellings[key] = value
    return spellings
