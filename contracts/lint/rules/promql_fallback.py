"""Missing data stays missing: no `or vector(0)` that makes a dead exporter look healthy.

Accepted behind absent(), where no answer is the good news, and where the constant counts as trouble, as in
`(x or vector(0)) < 1`. Everywhere else show "No data", or alert on absence. Of other people's metrics, which may have
no series before the first event, nothing is said.
Source: W-45 of the fact sheet.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import promql_parser as pp

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
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

_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def check(tree: Tree) -> Iterator[Claim]:
    """Yield constants that stand in for missing data."""
    for query in tree.queries:
        found = query.nodes() if not query.is_asked_by_hand else []
        is_ours = tree.catalog.knows(name_of(selector) for selector in query.selectors())
        alarming = {str(part) for node in found for part in _alarming(node)}
        for node in found if is_ours else ():
            if operator_of(node) == "or" and _hides(node, alarming):
                constant = quote(text_of(strip(node.rhs)))
                problem = f"or {constant} shows a value where there is no data, which looks healthy"
                yield query.place, f"{query.owner}: {problem}; delete it and let missing data be missing"


def _alarming(node: Any) -> Iterator[Any]:
    """Yield each `x or vector(n)` that is compared so that the constant itself is trouble."""
    if not is_comparison(node) or (threshold := number_of(node.rhs)) is None:
        return
    inner = strip(node.lhs)
    while isinstance(inner, pp.AggregateExpr):
        inner = strip(inner.expr)
    if operator_of(inner) != "or":
        return
    constants = [number_of(*part.args) for part in nodes(inner.rhs) if operator_of(part) == "vector"]
    if constants and all(one is not None and _COMPARED[operator_of(node)](one, threshold) for one in constants):
        yield inner


def _hides(node: pp.BinaryExpr, alarming: set[str]) -> bool:
    if str(node) in alarming:
        return False
    if not _is_constant(node.rhs) and not _is_constant(node.lhs):
        return False
    return operator_of(strip(node.lhs)) not in ("absent", "absent_over_time")


def _is_constant(expr: Any) -> bool:
    """Whether an expression yields a vector without asking any metric."""
    made = any(operator_of(node) == "vector" for node in nodes(expr))
    return made and not any(True for _ in selectors(expr))
