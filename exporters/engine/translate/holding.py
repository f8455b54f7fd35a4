"""Whether conditions hold, for the fields and words that decide plans.

In: conditions, raw values and words. Out: yes or no. Pure. Part of the translate stage.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from contracts.model import Condition
from contracts.spelling import spelling
from exporters.engine.fields import Path
from exporters.engine.objects import Flag
from exporters.engine.translate.measures import number_of
from exporters.engine.translate.readers import text_of

__all__ = ["all_hold", "field_holds", "row_of", "word_holds"]


def word_holds(condition: Condition, words: Mapping[str, str | None]) -> bool:
    """Whether a condition on a label word holds."""
    value = words[condition.subject[0]]
    if condition.test in ("present", "absent"):
        return (value is not None) == (condition.test == "present")
    return (value in {spelling(wanted) for wanted in condition.values}) == (condition.test != "not")


def all_hold(conditions: tuple[Condition, ...], fields: Mapping[Path, object]) -> bool:
    """Whether conditions on paths hold."""
    return all(field_holds(condition, fields[condition.subject]) for condition in conditions)


def field_holds(condition: Condition, raw: object) -> bool:
    """Whether a condition on a path holds for what stands there."""
    if condition.test in ("present", "absent"):
        return (raw is not None) == (condition.test == "present")
    if condition.test == "within":
        number = number_of(raw)
        return number is not None and condition.minimum <= number <= condition.maximum
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    if isinstance(raw, Flag):
        raw = raw.value
    is_one = any(type(raw) is type(wanted) and raw == wanted for wanted in condition.values)
    return is_one == (condition.test != "not")


def row_of(rows: Collection[str], raw: object) -> str | None:
    """Return the row a value picks, "" if it is missing, None if there is no such row."""
    row = (text_of(raw) or "").lower()
    return row if not row or row in rows else None
