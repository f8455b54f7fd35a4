"""A comparison can come true: the threshold is not above what the value can reach.

A quantile never exceeds the histogram's top bucket, a share never exceeds 1, a state never exceeds 1. An alert beyond
that looks armed and never fires (as a percentage compared with a ratio).
"""

from __future__ import annotations

from collections.abc import Iterator

import promql_parser as pp

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.catalog import Catalog
from contracts.lint.promql.infer import infer
from contracts.lint.promql.syntax import is_comparison, number_of, operator_of

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_MIRRORED = {"<": ">", "<=": ">="}


def check(tree: Tree) -> Iterator[Claim]:
    """Yield comparisons that are never true."""
    for query in tree.queries:
        for node in query.nodes():
            if is_comparison(node):
                problem = _problem(node, tree.catalog)
                if problem:
                    yield query.place, f"{query.owner}: {problem}"


def _problem(node: pp.BinaryExpr, catalog: Catalog) -> str:
    operator, value, threshold = operator_of(node), node.lhs, number_of(node.rhs)
    if threshold is None:
        operator, value, threshold = _MIRRORED.get(operator, operator), node.rhs, number_of(node.lhs)
        if operator == operator_of(node) and operator in (">", ">="):
            return ""
    top = infer(value, catalog).top
    if threshold is None or top is None:
        return ""
    if (operator == ">" and threshold >= top) or (operator in (">=", "==") and threshold > top):
        return f"the value can never be {operator} {threshold:g} (it is at most {top:g}); lower the threshold"
    return ""
