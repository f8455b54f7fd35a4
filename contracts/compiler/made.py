"""Numbers made of two words: which, and whether their units allow it.

In: the `is` of a word, already of the right shape, and all words. Out: `Made`, and a fault for words there are not,
kinds that cannot be joined, and a unit that is not what comes of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from contracts.compiler.document import Faults, Spot, quote
from contracts.model import Word
from contracts.vocabulary import Made

__all__ = ["build_made", "check_made"]

_PLAIN = (None, "count", "ratio")
"""Units that a product takes no notice of."""


def build_made(spot: Spot | None) -> Made | None:
    """Return what a word is made of."""
    if spot is None:
        return None
    left, operation, right = spot.text.split()
    return Made(left, "*" if operation == "*" else "-", right)


def check_made(word: Word, spot: Spot, words: Mapping[str, Word], faults: Faults) -> None:
    """Add a fault if a word cannot be made of what it says."""
    if word.made_of is None or faults.touch(spot):
        return
    here = spot.at("is")
    if spot.get("aliases") is not None:
        faults.add(spot.at("aliases"), "aliases say nothing about a number that is made of words; delete them")
    parts = [words.get(name) for name in word.made_of.words]
    for name, part in zip(word.made_of.words, parts, strict=True):
        if part is None or part.kind not in ("number", "time") or part.made_of is not None:
            got = "there is no such word" if part is None else f"it is of kind {part.kind}"
            got = "it is made of words itself" if part is not None and part.made_of is not None else got
            faults.add(here, f"needs two words of type number or time that are read, but {quote(name)}: {got}")
    known = [part for part in parts if part is not None]
    if len(known) == 2 and not faults.touch(here):
        _check_units(word, known[0], known[1], word.made_of.operation, here, faults)


def _check_units(word: Word, left: Word, right: Word, operation: str, spot: Spot, faults: Faults) -> None:
    kinds = {left.kind, right.kind}
    if kinds != {"number"} and (operation == "*" or kinds != {"time"}):
        shown = " ".join((left.kind, operation, right.kind))
        faults.add(spot, f"{shown} says nothing; subtract two times, or join two numbers")
    elif kinds == {"time"}:
        _check_unit(word, "seconds", spot, faults)
    elif operation == "-" and left.unit != right.unit:
        both = " and ".join(unit or "no unit" for unit in (left.unit, right.unit))
        faults.add(spot, f"subtracts numbers of {both}; read both in one unit")
    elif operation == "-":
        _check_unit(word, left.unit, spot, faults)
    elif left.unit not in _PLAIN and right.unit not in _PLAIN:
        faults.add(spot, f"multiplies {left.unit} by {right.unit}, for which there is no unit; use another word")
    else:
        unit = next((unit for unit in (left.unit, right.unit) if unit not in _PLAIN), None)
        if unit is not None or word.unit not in _PLAIN:
            _check_unit(word, unit, spot, faults)


def _check_unit(word: Word, unit: str | None, spot: Spot, faults: Faults) -> None:
    if word.unit != unit:
        remedy = f"write unit: {unit}" if unit else "drop its unit"
        faults.add(spot, f"gives {unit or 'no unit'}, but {quote(word.name)} is in {word.unit or 'no unit'}; {remedy}")
