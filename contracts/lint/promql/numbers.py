"""The numbers of an expression: constants, windows, quantiles; for comparing them with what a text says.

In: a parsed expression, and the recordings it may ask. Out: sets of floats; windows in seconds. A recording counts as
what it records, so that a text about `...:p95_rate5m` is compared with the 0.95 and the 5m behind it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import add, mul, sub, truediv
from typing import Any

import promql_parser as pp

from contracts.lint.promql.syntax import name_of, nodes, number_of, operator_of, seconds_in, selectors, strip

__all__ = ["Records", "constants", "named_quantiles", "quantiles", "value_of", "windows"]

_QUANTILE = re.compile(
    r"(?<![A-Za-z0-9])[pP](\d{2}(?:\.\d+)?|\d{3})(?![\d.]*[A-Za-z0-9])|\b(\d{2}(?:\.\d+)?)th percentile"
)
_DEPTH = 3

Records = Mapping[str, Sequence[Any]]
"""Name of a recording -> the expressions recorded under it."""


def named_quantiles(text: str) -> set[float]:
    """Return the quantiles a text names.

    >>> sorted(named_quantiles("P95 and p99.9, the 50th percentile, p999"))
    [0.5, 0.95, 0.999]
    """
    found = set()
    for short, long in _QUANTILE.findall(text):
        digits = short or long
        found.add(round(float(f"0.{digits.replace('.', '')}"), 6))
    return found


def constants(expr: Any, records: Records, depth: int = _DEPTH) -> set[float]:
    """Return every number an expression holds, those of constant arithmetic (`4 * 3600`) and of recordings included."""
    found = {value for node in nodes(expr) if (value := value_of(node)) is not None}
    for inner in _recorded(expr, records) if depth else ():
        found |= constants(inner, records, depth - 1)
    return found | {abs(value) for value in found}


def windows(expr: Any, records: Records, depth: int = _DEPTH) -> set[float]:
    """Return the ranges and offsets of an expression in seconds, those of recordings included."""
    found: set[float] = set()
    for node in nodes(expr):
        found |= {abs(seconds_in(getattr(node, name, None))) for name in ("range", "offset")}
    for inner in _recorded(expr, records) if depth else ():
        found |= windows(inner, records, depth - 1)
    return found - {0.0}


def quantiles(expr: Any, records: Records, depth: int = _DEPTH) -> set[float]:
    """Return the quantiles an expression asks for, by function or by the label of a summary."""
    found: set[float] = set()
    for node in nodes(expr):
        if operator_of(node) in ("histogram_quantile", "quantile_over_time"):
            value = value_of(node.args[0])
            found |= {round(value, 6)} if value is not None else set()
        elif operator_of(node) == "quantile":
            value = value_of(node.param)
            found |= {round(value, 6)} if value is not None else set()
    for selector in selectors(expr):
        found |= {float(one.value) for one in selector.matchers.matchers if _is_quantile(one)}
    for inner in _recorded(expr, records) if depth else ():
        found |= quantiles(inner, records, depth - 1)
    return found


def _is_quantile(matcher: pp.Matcher) -> bool:
    return matcher.name == "quantile" and re.fullmatch(r"0?\.\d+|0|1", matcher.value) is not None


def _recorded(expr: Any, records: Records) -> Iterator[Any]:
    for selector in selectors(expr):
        yield from records.get(name_of(selector) or "", ())


def value_of(expr: Any) -> float | None:
    """Return the number an expression is, if it is made of numbers alone; None if it is not, or has none."""
    expr = strip(expr)
    if operator_of(expr) in _OPERATIONS:
        left, right = value_of(expr.lhs), value_of(expr.rhs)
        return _calculated(operator_of(expr), left, right) if left is not None and right is not None else None
    return number_of(expr)


_OPERATIONS: Mapping[str, Callable[[float, float], Any]] = {"+": add, "-": sub, "*": mul, "/": truediv, "^": pow}


def _calculated(operator: str, left: float, right: float) -> float | None:
    try:
        found = _OPERATIONS[operator](left, right)
    except (ArithmeticError, ValueError):
        return None
    return float(found) if isinstance(found, int | float) else None  # a root of what is below 0 is complex
