"""Missing data stays missing: no `or vector(0)` that makes a dead exporter look healthy.

Accepted only behind absent(), where no answer is the good news. Everywhere else show "No data", or alert on absence.
Source: W-45 of the fact sheet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import promql_parser as pp

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.syntax import nodes, operator_of, selectors, strip, text_of

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield constants that stand in for missing data."""
    for query in tree.queries:
        for node in query.nodes() if not query.is_asked_by_hand else ():
            if isinstance(node, pp.BinaryExpr) and operator_of(node) == "or" and _hides(node):
                constant = quote(text_of(strip(node.rhs)))
                problem = f"or {constant} shows a value where there is no data, which looks healthy"
                yield query.place, f"{query.owner}: {problem}; delete it and let missing data be missing"


def _hides(node: pp.BinaryExpr) -> bool:
    if not _is_constant(node.rhs) and not _is_constant(node.lhs):
        return False
    return operator_of(strip(node.lhs)) not in ("absent", "absent_over_time")


def _is_constant(expr: Any) -> bool:
    """Whether an expression yields a vector without asking any metric."""
    made = any(operator_of(node) == "vector" for node in nodes(expr))
    return made and not any(True for _ in selectors(expr))
