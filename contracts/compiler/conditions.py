"""Conditions of a checked document -> Conditions.

In: a `match`, `expect` or `when` mapping, already of the right shape. Out: `Condition`s in file order, and a fault for
each that can never hold. Whether a subject is a JSON path or a word is the caller's business.
"""

from __future__ import annotations

from contracts.compiler.document import Faults, Spot
from contracts.model import Condition, Scalar

__all__ = ["build_conditions"]


def build_conditions(spot: Spot | None, faults: Faults) -> tuple[Condition, ...]:
    """Return the conditions of a mapping from subjects to tests; all must hold."""
    return tuple(_build_condition(name, entry, faults) for name, entry in (spot.items() if spot else ()))


def _build_condition(name: str, spot: Spot, faults: Faults) -> Condition:
    subject = tuple(name.split("."))
    if isinstance(spot.value, str):
        return Condition(subject, "equals", _scalars([spot], spot, faults))
    if isinstance(spot.value, list):
        return Condition(subject, "in", _scalars(list(spot.elements()), spot, faults))
    tests = dict(spot.items())
    if len(tests) != 1:
        got = " and ".join(tests) or "an empty mapping"
        faults.add(spot, f"got {got}, expected exactly one of in, present")
    if "in" in tests:
        return Condition(subject, "in", _scalars(list(tests["in"].elements()), tests["in"], faults))
    return Condition(subject, "present" if spot.text_of("present") != "false" else "absent")


def _scalars(spots: list[Spot], whole: Spot, faults: Faults) -> tuple[Scalar, ...]:
    if {"bool", "int"} <= {spot.tag for spot in spots}:
        faults.add(whole, "true or false and numbers stand in one list, but a field is one or the other; split it")
    return tuple(_scalar(spot, faults) for spot in spots)


def _scalar(spot: Spot, faults: Faults) -> Scalar:
    if spot.tag == "float":
        faults.add(spot, f"got {spot.describe()}, expected a text, true, false or a whole number below 10^18")
    if spot.tag == "bool":
        return spot.is_true
    return int(spot.text) if spot.tag == "int" else spot.text
