"""Why one line was refused, for whoever has to find it: the field or condition that failed, never the payload.

In: a contract, a reason and the line. Out: a few words. Pure, and slow, as it is asked once a minute at most. What an
event holds is never shown, only what kind of value it is: any field may hold a secret, and a log is read by many. The
line itself stands where the message says.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence

import msgspec

from contracts.compiler.document import quote
from contracts.compiler.paths import show_path
from contracts.model import WHOLE, Candidate, Condition, Contract, Source, Word
from contracts.spelling import fold, spelling

__all__ = ["Show", "explain", "failing", "value_at"]

_MOST = 80
"""Characters shown of what a parser says."""


Show = Callable[[Sequence[str], object], str]
"""A path and what stands there -> how that is said."""


def explain(contract: Contract, reason: str, line: bytes, show: Show | None = None) -> str:
    """Return what was wrong with a line that was refused for `reason`; "" if there is no more to say.

    Args:
        show: says what stands at a path to somebody who asks about a file of their own; else only its kind is said.
    """
    show = show or _kind_at
    if reason == "invalid_utf8":
        return _utf8_fault(line)
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
        event = json.loads(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return str(error)[:_MOST]
    if reason == "not_object":
        return "the line is a list" if isinstance(event, list) else "the line is a single value"
    if reason == "unknown_schema":
        return _unknown_schema(contract, event, show)
    if reason == "too_many_parts":
        source = _source_of(contract, event)
        return f"source {source.name}: more than {source.max_parts} parts" if source else ""
    return _missing_fields(contract, event, show) if reason == "missing_fields" else ""


def _utf8_fault(line: bytes) -> str:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"byte {error.start} of the line is not UTF-8"
    return ""


def _unknown_schema(contract: Contract, event: object, show: Show) -> str:
    source = _source_of(contract, event)
    if source is None:
        nearest = max(contract.sources, key=lambda one: len(one.match) - len(failing(one.match, event)))
        condition = failing(nearest.match, event)[0]
        return f"no source matches; of the nearest, {nearest.name}, {_said_of(condition, event, show)}"
    missed = failing(source.expect, event)
    if missed:
        return f"source {source.name} expects more: {_said_of(missed[0], event, show)}"
    return f"source {source.name}: {_field(source.by, event, show)}, which has no row"


def _missing_fields(contract: Contract, event: object, show: Show) -> str:
    source = _source_of(contract, event)
    if source is None:
        return ""
    where = f"source {source.name}"
    chosen = _text_at(source.by, event) if source.by else "-"
    if not chosen:
        return f"{where}: {_field(source.by, event, show)}"
    row = next((row for row in source.rows if row.value == fold(chosen)), None)
    for read in (*source.reads, *(row.reads if row else ())):
        word = contract.words[read.word]
        if read.required and not any(_gives(word, candidate, event) for candidate in read.candidates):
            fields = ", ".join(
                _field(one.path, event, show) if one.path else f"the path of its file gives no {one.file}"
                for one in read.candidates
                if one.place
            )
            return f"{where} requires {read.word}: {fields}"
    return f"{where} requires one of {', '.join(source.require_any)}"


def _source_of(contract: Contract, event: object) -> Source | None:
    return next((source for source in contract.sources if not failing(source.match, event)), None)


def failing(conditions: Sequence[Condition], event: object) -> list[Condition]:
    """Return the conditions on fields that do not hold for an event."""
    return [condition for condition in conditions if not _holds(condition, value_at(condition.subject, event))]


def _holds(condition: Condition, value: object) -> bool:
    if condition.test in ("present", "absent"):
        return (value is not None) == (condition.test == "present")
    if condition.test == "within":
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else _in_quotes(value)
        return condition.minimum <= number <= condition.maximum
    is_one = any(isinstance(value, bool) == isinstance(one, bool) and value == one for one in condition.values)
    return is_one == (condition.test != "not")


def _in_quotes(value: object) -> float:
    """Return the number a text is, NaN if it is none."""
    if not isinstance(value, str) or value.strip("0123456789.+-eE"):
        return math.nan
    try:
        return float(value)
    except ValueError:
        return math.nan


def _gives(word: Word, candidate: Candidate, event: object) -> bool:
    """Whether a read gives a required word, which is an enum or a name, a value; it may have no constant."""
    if candidate.file:
        return False  # or the line would not have been refused
    text = _text_at(candidate.path, event)
    if not text or word.kind != "enum":
        return bool(text)
    folded = fold(text)
    known = {*map(fold, word.label_values), *word.aliases, *candidate.aliases}
    parts = any(folded.startswith(part) for part, _ in candidate.prefixes) or any(
        part in folded for part, _ in candidate.contains
    )
    return word.otherwise is not None or folded in known or parts


def _said_of(condition: Condition, event: object, show: Show) -> str:
    """Say what a condition wanted, and what there is."""
    if condition.test == "within":
        low, high = condition.minimum, condition.maximum
        wanted = "a number" + (f" of at least {low:g}" if low > -math.inf else "")
        wanted += f"{' and' if low > -math.inf else ' of'} at most {high:g}" if high < math.inf else ""
    elif not condition.values:
        wanted = "something" if condition.test == "present" else "nothing"
    else:
        wanted = " or ".join(
            quote(value) if isinstance(value, str) else spelling(value) for value in condition.values[:3]
        )
        wanted += " or others" if len(condition.values) > 3 else ""
        wanted = f"anything but {wanted}" if condition.test == "not" else wanted
    return f"{_field(condition.subject, event, show)}, wanted {wanted}"


def _field(path: Sequence[str], event: object, show: Show) -> str:
    """Return a path and what stands there."""
    return f"{show_path(path)} is {show(path, value_at(path, event))}"


def _kind_at(_path: Sequence[str], value: object) -> str:
    """Return what kind of value there is."""
    match value:
        case None:
            return "absent"
        case bool():
            return spelling(value)
        case str():
            return f"a text of {len(value)} character{'' if len(value) == 1 else 's'}"
        case list():
            return "a list"
        case dict():
            return "an object"
    return "a number"


def value_at(path: Sequence[str], event: object) -> object:
    """Return what stands at a path, None if nothing does."""
    for part in path:
        if part == WHOLE:
            return event
        event = event.get(part) if isinstance(event, dict) else None
    return event


def _text_at(path: Sequence[str], event: object) -> str:
    value = value_at(path, event)
    return spelling(value).strip() if isinstance(value, str | int) else ""
