"""What the fields of events could be in a contract: closed lists, names, numbers, times; or nothing, and why.

In: `Fields` of events. Out: `Guess`es in the order of the fields, each with its evidence in a few words. Ids, secrets
and free texts are no labels, so they are left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from contracts.times import PLAIN, pattern_of
from exporters.commands.contract.fields import ANY, ELEMENT, Field, Fields, Path
from exporters.commands.contract.shown import is_identifying, looks_random, shown
from exporters.commands.contract.word_causes import dotted

__all__ = ["Guess", "buckets_of", "guesses_of", "snake"]

Kind = Literal["enum", "name", "histogram", "gauge", "time", "none"]

_MOST_CLOSED, _MOST_NAMES, _LONGEST = 12, 100, 64
"""Values of a closed list, of a name; characters of either."""

_MANY_KEYS = 20
"""Keys an object has at least if they may be data rather than names of fields."""

_UNITS = {
    "seconds": {
        "ns": 1e-9, "nanos": 1e-9, "us": 1e-6, "micros": 1e-6, "ms": 1e-3, "msec": 1e-3, "millis": 1e-3,
        "s": 1.0, "sec": 1.0, "secs": 1.0, "seconds": 1.0, "duration": 1.0, "latency": 1.0, "elapsed": 1.0,
    },
    "bytes": {"bytes": 1.0, "size": 1.0, "kb": 1e3, "kib": 1024.0, "mb": 1e6, "mib": 1048576.0},
    "ratio": {"ratio": 1.0, "pct": 0.01, "percent": 0.01},
}  # fmt: skip
"""Unit -> how the name of a field ends that holds such a number -> the scale that brings it to the unit."""

_CODES = re.compile(r"(^|_)(status|code|level|severity|v|version|schema|priority|attempt)$")
_COUNTERS = re.compile(r"(^|_)(seq|sequence|pid|tid|line|lineno|offset|index|idx|port|step|thread|cursor)$")
_TIMES = re.compile(r"(^|_)(ts|time|timestamp|at|date|epoch|when|start|end|started|ended)(_|$)")
_FORMATS = {"": PLAIN} | {text: pattern_of(text) for text in ("%Y-%m-%d %H:%M:%S,%f", "%d/%b/%Y:%H:%M:%S %z")}
"""What a contract says of times written so -> their pattern: RFC 3339, Python's logging, web servers."""

_NOTHING = ("", "-")
"""Texts that stand where a number or a time is not known."""

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")


class Guess(Struct, frozen=True):
    """What one field could be: its kind, the evidence, and what the kind needs.

    `nothing` are texts of a number or a time that mean that there is none.
    """

    path: Path
    kind: Kind
    why: str
    values: tuple[str, ...] = ()
    is_partial: bool = False
    most: int = 0
    longest: int = 0
    unit: str = ""
    scale: float = 1.0
    numbers: tuple[float, ...] = ()
    format: str = ""
    nothing: tuple[str, ...] = ()


def guesses_of(fields: Fields) -> Iterator[Guess]:
    """Yield a guess for every field that holds values; of an object whose keys come and go, one for all of them."""
    changing = _changing(fields)
    for path, number in changing.items():
        there = f"in {fields.known[path].events} of {fields.events} events"
        why = f'{there}; {number} keys and more that come and go; read as parts: of: "{dotted(path)}{{}}"'
        yield Guess(path, "none", why)
    for path, found in fields.leaves():
        if not any(path[:length] in changing for length in range(1, len(path))):
            yield _guess(path, found, fields)


def _changing(fields: Fields) -> dict[Path, int]:
    """Return the objects whose keys are data: many, of which each is in few of the events; and how many there are."""
    keys: dict[Path, list[int]] = {}
    for path, found in fields.known.items():
        if len(path) > 1 and ELEMENT not in path:
            keys.setdefault(path[:-1], []).append(found.events)
    most = {path: fields.known[path].events / 8 for path in keys}
    return {
        path: len(numbers)
        for path, numbers in keys.items()
        if len(numbers) >= _MANY_KEYS and sorted(numbers)[len(numbers) // 2] <= most[path]
    }


def _guess(path: Path, found: Field, fields: Fields) -> Guess:
    there = f"in {found.events} of {fields.events} events"
    if ELEMENT in path:
        return Guess(path, "none", f"{there}; what is in a list is read as parts")
    if ANY in path or len(path) > 32:
        return Guess(path, "none", f"{there}; an object with ever new keys is read as parts")
    if found.kinds["object"] or found.kinds["list"]:
        return Guess(path, "none", f"{there}; also an object or a list, so no value can be read")
    name = snake(path[-1])
    if any(map(is_identifying, path)):
        return Guess(path, "none", f"{there}; an id, an account or a secret can never be a label")
    is_blank = any(isinstance(value, str) and not value.strip() for value in found.values)
    partial = found.events < fields.events or bool(found.kinds["null"]) or is_blank
    odd = next((value for value in found.values if isinstance(value, str) and looks_random(value)), None)
    if odd is not None:
        return Guess(path, "none", f"{there}; texts like {shown(path, odd)}, which seem to be ids")
    numbers = _numbers(found)
    if found.kinds["flag"]:
        values = tuple(dict.fromkeys(["true", "false", *_spelled(found)]))
        return Guess(path, "enum", f"{there}; {_listed(path, found)}", values, partial)
    if numbers is not None:
        return _of_numbers(path, name, found, there, partial, numbers)
    return _of_texts(path, found, there, partial)


def _numbers(found: Field) -> list[float] | None:
    """Return the numbers a field holds, in quotes or not, or None if it holds anything else."""
    if not found.kinds["text"]:
        return found.numbers
    texts = [value for value in _texts(found) if value.strip() not in _NOTHING]
    if not texts or not all(map(_NUMBER.fullmatch, texts)):
        return None
    return [*found.numbers, *(float(text) for text in texts)]


def _of_numbers(path: Path, name: str, found: Field, there: str, partial: bool, numbers: Sequence[float]) -> Guess:
    low, high = min(numbers), max(numbers)
    between = f"from {low:g} to {high:g}"
    whole = all(number.is_integer() for number in numbers)
    if whole and _CODES.search(name) and len(found.values) <= _MOST_CLOSED and not found.is_open:
        return Guess(path, "enum", f"{there}; {_listed(path, found)}", _spelled(found), partial)
    scale = _epoch_scale(low, high)
    if scale and (_TIMES.search(name) or whole):
        return Guess(path, "time", f"{there}; {between}, Unix time", scale=scale, nothing=_nothing(found))
    if _COUNTERS.search(name):
        return Guess(path, "none", f"{there}; {between}, a number that only names or counts")
    unit, factor = _unit_of(name)
    kept = tuple(number * factor for number in numbers)
    said = f"{there}; {between}" + (f", so {unit}" if unit else "")
    if low < 0:
        return Guess(
            path, "gauge", f"{said}; below 0, so no histogram", unit=unit, scale=factor, nothing=_nothing(found)
        )
    return Guess(path, "histogram", said, unit=unit, scale=factor, numbers=kept, nothing=_nothing(found))


def _texts(found: Field) -> list[str]:
    return [value for value in found.values if isinstance(value, str)]


def _nothing(found: Field) -> tuple[str, ...]:
    return tuple(text for text in _NOTHING if text in map(str.strip, _texts(found)))


def _of_texts(path: Path, found: Field, there: str, partial: bool) -> Guess:
    texts = _texts(found)
    number = len(found.values)
    times = [text.strip() for text in texts if text.strip() not in _NOTHING]
    for written, pattern in _FORMATS.items():
        if times and all(re.fullmatch(pattern, text) for text in times):
            return Guess(
                path, "time", f"{there}; like {shown(path, times[0])}", format=written, nothing=_nothing(found)
            )
    is_short = found.longest <= _LONGEST and not any("\n" in text for text in texts)
    if number <= _MOST_CLOSED and not found.is_open and is_short and (number * 2 <= found.events or number == 1):
        return Guess(path, "enum", f"{there}; {_listed(path, found)}", _spelled(found), partial)
    blanks = sum(text.strip().count(" ") >= 2 for text in texts)
    if found.is_open or number > _MOST_NAMES or not is_short or blanks * 2 > len(texts):
        many = "more than " if found.is_open else ""
        return Guess(path, "none", f"{there}; {many}{number} different texts, too many or too free for a label")
    most = next(limit for limit in (10, 20, 50, 100, 200) if limit >= 2 * number or limit == 200)
    return Guess(
        path, "name", f"{there}; {number} values", is_partial=partial, most=most, longest=max(16, found.longest)
    )


def _listed(path: Path, found: Field) -> str:
    texts = [f"{shown(path, value)} {number}" for value, number in found.values.most_common(4)]
    more = f", {len(found.values) - 4} more" if len(found.values) > 4 else ""
    return ", ".join(texts) + more


def _spelled(found: Field) -> tuple[str, ...]:
    """Return the values of a closed list, each spelling once whatever its case."""
    values: dict[str, str] = {}
    for value in found.values:
        whole = isinstance(value, float) and value.is_integer()
        text = str(value).lower() if isinstance(value, bool) else str(int(value)) if whole else str(value).strip()
        if text:
            values.setdefault(text.lower(), text)
    return tuple(values.values())


def _epoch_scale(low: float, high: float) -> float:
    for scale in (1.0, 1e-3, 1e-6, 1e-9):
        if low * scale > 9e8 and high * scale < 4e9:
            return scale
    return 0.0


def _unit_of(name: str) -> tuple[str, float]:
    last = name.rpartition("_")[2]
    return next(((unit, ends[last]) for unit, ends in _UNITS.items() if last in ends), ("", 1.0))


def snake(name: str) -> str:
    """Return a key in the form of a word.

    >>> snake("tookMs"), snake("HTTP-Status"), snake("2xx")
    ('took_ms', 'http_status', 'x2xx')
    """
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    text = re.sub(r"[^a-z0-9]+", "_", split.lower()).strip("_")
    return text if text[:1].isalpha() else f"x{text}"


def buckets_of(numbers: Sequence[float]) -> list[float]:
    """Return upper bounds around the middle 98 percent of some numbers: at most 12, 1, 2.5 and 5 times powers of 10."""
    positive = sorted(number for number in numbers if number > 0)
    if not positive:
        return [1.0]
    low, high = positive[len(positive) // 100], positive[-1 - len(positive) // 100]
    exponents = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    ladder = [float(f"{step}e{exponent}") for exponent in exponents for step in (1, 2.5, 5)]
    begin = max(0, next(at for at, bound in enumerate(ladder) if bound >= low) - 1)
    end = next(at for at, bound in enumerate(ladder) if bound >= high)
    kept = ladder[begin : end + 1]
    step = math.ceil(len(kept) / 12)
    return kept[::-1][::step][::-1]
