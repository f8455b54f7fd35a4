"""A division cannot divide by zero: the denominator is clamped, filtered, or the quotient is guarded.

Accepted: `/ clamp_min(x, 1e-9)`, `/ (x > 0)`, `a / x and x > 0`, a number, count(). Without traffic `0 / 0` is NaN:
panels show nothing, and an alert on it neither fires nor is absent. What other people's metrics can be is not known,
and not judged. Source: W-48 of the fact sheet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.numbers import value_of
from contracts.lint.promql.syntax import (
    is_comparison,
    name_of,
    nodes,
    number_of,
    operator_of,
    selectors,
    strip,
    text_of,
)

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield divisions without a guard."""
    for query in tree.queries:
        found = query.nodes() if not query.is_asked_by_hand else []
        guarded = {text for node in found for text in _guarded_by_and(node)}
        for node in found:
            if operator_of(node) in ("/", "%") and not _is_safe(node.rhs):
                divisor = text_of(strip(node.rhs))
                is_ours = tree.catalog.knows(name_of(found) for found in selectors(node.rhs))
                if divisor not in guarded and is_ours:
                    problem = f"the division by {quote(divisor)} is not guarded against zero"
                    yield query.place, f"{query.owner}: {problem}; write clamp_min(..., 1e-9) or (... > 0)"


def _is_safe(divisor: Any) -> bool:
    """Whether an expression can never be zero; every part of a product must be safe."""
    divisor = strip(divisor)
    number = value_of(divisor)
    if number is not None:
        return number != 0
    if operator_of(divisor) == "clamp_min":
        floor = number_of(divisor.args[1])
        return floor is not None and floor > 0
    if operator_of(divisor) == "*":
        return _is_safe(divisor.lhs) and _is_safe(divisor.rhs)
    if operator_of(divisor) in ("or", "and", "unless"):
        return _is_safe(divisor.lhs) and (operator_of(divisor) != "or" or _is_safe(divisor.rhs))
    return operator_of(divisor) in ("count", "time") or _is_filter(divisor)


def _is_filter(node: Any) -> bool:
    """Whether a comparison lets only numbers other than zero through."""
    if not is_comparison(node) or node.modifier is not None:  # beside a number, `bool` is all there can be
        return False
    threshold, operator = number_of(node.rhs), operator_of(node)
    if threshold is None:
        return False
    return (
        (operator == ">" and threshold >= 0)
        or (operator == ">=" and threshold > 0)
        or (operator, threshold) == ("!=", 0)
    )


def _guarded_by_and(node: Any) -> Iterator[str]:
    """Yield what the other side of an `and` keeps from being zero."""
    if operator_of(node) == "and":
        for part in nodes(node.rhs):
            if _is_filter(part):
                yield text_of(strip(part.lhs))
