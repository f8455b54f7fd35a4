"""What an alert says of its limits is what its expression asks: numbers, minutes, quantiles; so for a recording's name.

A threshold is lowered in the middle of the night, the text is not, and the next one who is paged acts on "above 250 ms"
when it was 100. Compared are numbers behind words such as above, below, more than, for, within the last, with their
units (%, ms, minutes, MiB), in summary and description, and quantiles (`p95`) and windows (`rate5m`) in names. What
stands in templates or code is left out, and so are words ("half", "a minute").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from itertools import product
from math import isclose
from typing import Any

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.rule_files import Rule
from contracts.lint.inputs.scrape_files import seconds_of
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.numbers import Records, constants, named_quantiles, quantiles, windows
from contracts.lint.promql.syntax import name_of

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_TEXTS = ("summary", "title", "message", "description")
_UNITS = r"(?P<unit>%|percent\b|[a-zA-Z]+\b)?"
_LIMIT = re.compile(
    r"(?P<word>\b(?:above|over|more than|greater than|higher than|exceed(?:s|ed|ing)?|below|under|less than|fewer than"
    r"|lower than|longer than|older than|at least|at most"
    r"|(?:limit|threshold) (?:is|of))|[<>]=?)\s+(?P<number>\d+(?:\.\d+)?)(?![\d.:,]*\d)\s?" + _UNITS,
    re.IGNORECASE,
)
_SPAN = re.compile(
    r"\b(?P<word>for|in|within|during|past|last)\s+(?:the\s+)?(?:last\s+|past\s+)?(?P<number>\d+(?:\.\d+)?)\s?"
    + _UNITS,
    re.IGNORECASE,
)
_WAITS = ("longer than", "older than")
_WINDOW = re.compile(r"(?:rate|increase|delta|avg|max|min|sum|changes)_?(\d+(?:ms|[smhdw]))(?![a-z0-9])")
_TIMES = {
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
    **dict.fromkeys(("w", "week", "weeks"), 604800.0),
}
_BYTES = {
    unit: power for power, units in enumerate(("kb kib", "mb mib", "gb gib", "tb tib"), 1) for unit in units.split()
}


def check(tree: Tree) -> Iterator[Claim]:
    """Yield texts and names that say another number than the expression."""
    records = tree.records
    for rule in tree.rules:
        expr = rule.query.tree
        if expr is None:
            continue
        for problem in _named(rule, expr, records):
            yield rule.place, f"{rule.query.owner}: {problem}"
        for name in _TEXTS if rule.is_alert else ():
            spot = rule.annotations.get(name)
            if spot is not None:
                for problem in _said(spot.text, rule, expr, records):
                    yield rule.place.at(spot.line), f"alert {rule.name}: the {name} {problem}"


def _named(rule: Rule, expr: Any, records: Records) -> Iterator[str]:
    """Yield what a name says that its expression does not."""
    asked = quantiles(expr, records)
    for name in sorted(named_quantiles(rule.name.replace("_", " ")) - asked) if asked else ():
        yield f"the name says quantile {name:g}, the expression asks {_list(asked)}; correct one of the two"
    found = windows(expr, records)
    for text in _WINDOW.findall(rule.name.rpartition(":")[2]) if found and not rule.is_alert else ():
        if seconds_of(text) not in found:
            yield f"the name says {text}, the expression looks at {_list(found, 's')}; correct one of the two"


def _said(text: str, rule: Rule, expr: Any, records: Records) -> Iterator[str]:
    text = text.partition("\n\n")[0]
    text = re.sub(r"\{\{.*?\}\}|`[^`]*`|\S+\([^)]*\)?|\([^)]*\bFAQ\)", " ", " ".join(text.split()))
    text = text.partition("First:")[0]
    asked = quantiles(expr, records)
    for name in sorted(named_quantiles(text) - asked) if asked else ():
        yield f"says quantile {name:g}, the expression asks {_list(asked)}; correct one of the two"
    numbers, spans = constants(expr, records), windows(expr, records) | {rule.waits_s, rule.keeps_s}
    spans |= {rule.waits_s + span for span in spans}
    for pattern in (_LIMIT, _SPAN):
        for found in pattern.finditer(text):
            number, unit = float(found["number"]), (found["unit"] or "").lower()
            if unit in _TIMES:
                is_told = pattern is _SPAN or found["word"].lower() in _WAITS or _is_of_time(rule, numbers)
                is_there = not is_told or _is_time(number, _TIMES[unit], numbers, spans)
            else:
                is_there = pattern is _SPAN or not numbers or _is_number(number, unit, found["word"].lower(), numbers)
            if not is_there:
                have = _list(numbers) + (f"; {_list(spans - {0.0}, 's')}" if unit in _TIMES else "")
                problem = f"says {quote(found[0].strip())}, which the expression does not (it has {have})"
                yield f"{problem}; correct one of the two"


def _is_of_time(rule: Rule, numbers: set[float]) -> bool:
    """Whether what is asked is a time by its name: of `slow_requests_total` only its writer knows how slow they are."""
    names = [name_of(found) or "" for found in rule.query.selectors()]
    is_named = any(re.search(r"_(seconds|milliseconds|ms|duration|latency)|p\d\d", name) for name in names)
    return is_named and bool(numbers - {0.0})


def _is_time(number: float, scale: float, numbers: set[float], spans: set[float]) -> bool:
    """Whether a time is a window, a waiting time, or a constant in seconds, milliseconds or the unit itself."""
    seconds = number * scale
    return _meet({seconds}, spans) or _meet({seconds, seconds * 1e3, number}, numbers)


def _is_number(number: float, unit: str, word: str, numbers: set[float]) -> bool:
    wanted = {number}
    if unit in ("%", "percent"):
        wanted |= {number / 100, 100 - number, 1 - number / 100, number * 10}  # the last: ms per second
    if unit == "k":
        wanted = {number * 1000}
    if unit in _BYTES:
        wanted |= {number * 1000 ** _BYTES[unit], number * 1024 ** _BYTES[unit]}
    if word in ("at least", "more than", "above", "over", ">", ">="):
        wanted |= {number - 0.5, number + 0.5, number + 1, number - 1}  # whole things, counted by increase()
    return _meet(wanted, numbers)


def _meet(said: Set[float], asked: Set[float]) -> bool:
    """Whether a number that is said is one that is asked, but for its last digits."""
    return any(isclose(*pair, rel_tol=1e-6) for pair in product(said, asked))


def _list(numbers: set[float], unit: str = "") -> str:
    return ", ".join(f"{number:g}{unit}" for number in sorted(numbers)) or "none"
