"""Tests of words: which events move a metric, and which end its series.

In: a `when` or `ends` of a metric, already of the right shape, and the words. Out: conditions, and a fault for each
that can never hold.
"""

from __future__ import annotations

from collections.abc import Mapping

from contracts.compiler.conditions import conditions_of
from contracts.compiler.document import Faults, Spot, quote
from contracts.compiler.vocabulary import number_problem, value_problem
from contracts.model import SOURCE_WORD, Condition, Scalar, Word
from contracts.spelling import spelling

__all__ = ["build_ends", "build_when", "unknown"]


def build_ends(spot: Spot | None, words: Mapping[str, Word], faults: Faults) -> tuple[Condition, ...]:
    """Return the conditions under which an event ends its series; an end has to be told before numbers are read."""
    for name, entry in spot.items() if spot else ():
        if name in words and not words[name].is_label:
            problem = f"ends tests words with values or allow, but {quote(name)} is of kind {words[name].kind}"
            faults.add(entry, f"{problem}; use another word")
    return build_when(spot, words, faults)


def build_when(spot: Spot | None, words: Mapping[str, Word], faults: Faults) -> tuple[Condition, ...]:
    """Return the conditions on words of a mapping; all must hold."""
    found: list[Condition] = []
    for name, entry in spot.items() if spot else ():
        word = words.get(name)
        if word is None:
            faults.add(entry, unknown(name))
            continue
        is_number = word.kind == "number"
        conditions = [*conditions_of((name,), entry, faults, may_be_fraction=is_number)]
        for condition in conditions:
            problems = [_test_problem(word, condition), *(_compared_problem(word, one) for one in condition.values)]
            for problem in filter(None, problems):
                faults.add(entry, problem)
        found += conditions
    return tuple(found)


def _test_problem(word: Word, condition: Condition) -> str:
    """Say why a word cannot be tested so; "" if it can."""
    if condition.test == "within" and word.kind != "number":
        return f"{quote(word.name)} is of kind {word.kind}: min and max test numbers; drop them"
    if condition.values and word.kind in ("time", "id"):
        return f"{quote(word.name)} is of kind {word.kind}: it can only be tested for being present"
    return ""


def _compared_problem(word: Word, value: Scalar) -> str:
    """Say why a word can never be this value; "" if it can."""
    return number_problem(word, spelling(value)) if word.kind == "number" else value_problem(word, spelling(value))


def unknown(name: str) -> str:
    """Say that there is no word of that name."""
    if name == SOURCE_WORD:
        return (
            'the built-in word "source" can only be a label; let its source read a constant into a word, and use that'
        )
    return f"unknown word {quote(name)}; declare it under vocabulary"
