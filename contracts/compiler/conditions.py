"""Conditions of a checked document -> Conditions.

In: a `match`, `expect` or `when`, already of the right shape. Out: `Condition`s in file order, and a fault for each
that can never hold. Whether a subject is a JSON path or a word is the caller's business.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from contracts.compiler.document import Faults, Spot
from contracts.compiler.paths import build_path
from contracts.model import Condition, Scalar

__all__ = ["build_conditions", "conditions_of"]

_TESTS = ("in", "not", "min", "max", "present")


def build_conditions(spot: Spot | None, faults: Faults) -> tuple[Condition, ...]:
    """Return the conditions of a mapping from paths to tests, or of a list of tests with paths; all must hold."""
    if spot is None:
        return ()
    subjects = [(tuple(name.split(".")), entry) for name, entry in spot.items()]
    subjects += [(build_path(entry.get("path")), entry) for entry in spot.elements()]
    return tuple(one for subject, entry in subjects for one in conditions_of(subject, entry, faults))


def conditions_of(
    subject: tuple[str, ...], spot: Spot, faults: Faults, *, may_be_fraction: bool = False
) -> Iterator[Condition]:
    """Yield the conditions on one subject.

    Args:
        may_be_fraction: whether values may have fractions, as those of a number word may.
    """
    if isinstance(spot.value, str):
        yield Condition(subject, "equals", _scalars([spot], spot, faults, may_be_fraction))
        return
    if isinstance(spot.value, list):
        yield Condition(subject, "in", _scalars(list(spot.elements()), spot, faults, may_be_fraction))
        return
    _check_tests(spot, faults)
    if (found := spot.get("in")) is not None:
        yield Condition(subject, "in", _scalars(list(found.elements()), found, faults, may_be_fraction))
    if (found := spot.get("not")) is not None:
        spots = list(found.elements()) if isinstance(found.value, list) else [found]
        yield Condition(subject, "not", _scalars(spots, found, faults, may_be_fraction))
    if spot.get("min") is not None or spot.get("max") is not None:
        low, high = spot.number_of("min", -math.inf), spot.number_of("max", math.inf)
        yield Condition(subject, "within", minimum=low, maximum=high)
    if spot.get("present") is not None:
        yield Condition(subject, "present" if spot.text_of("present") != "false" else "absent")


def _check_tests(spot: Spot, faults: Faults) -> None:
    tests = [key for key, _ in spot.items() if key in _TESTS]
    if not tests:
        faults.add(spot, f"got no test, expected at least one of {', '.join(_TESTS)}")
    if spot.text_of("present") == "false" and len(tests) > 1:
        others = " and ".join(key for key in tests if key != "present")
        faults.add(spot, f"never holds, as what is not present cannot be tested further; drop present or {others}")
    if spot.number_of("min", -math.inf) > spot.number_of("max", math.inf):
        faults.add(spot, f"never holds, as min {spot.text_of('min')} is above max {spot.text_of('max')}; swap them")


def _scalars(spots: list[Spot], whole: Spot, faults: Faults, may_be_fraction: bool) -> tuple[Scalar, ...]:
    if {"bool", "int"} <= {spot.tag for spot in spots}:
        faults.add(whole, "true or false and numbers stand in one list, but a field is one or the other; split it")
    return tuple(_scalar(spot, faults, may_be_fraction) for spot in spots)


def _scalar(spot: Spot, faults: Faults, may_be_fraction: bool) -> Scalar:
    if spot.tag == "float" and may_be_fraction:
        return spot.number
    if spot.tag == "float":
        expected = "a text, true, false or a whole number below 10^18; use min and max for others"
        faults.add(spot, f"got {spot.describe()}, expected {expected}")
    if spot.tag == "bool":
        return spot.is_true
    return int(spot.text) if spot.tag == "int" else spot.text
