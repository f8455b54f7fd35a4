"""Two sides of an operator can match: they have the same labels, or say on() or ignoring().

`sum by (a) (x) / sum by (b) (y)` matches nothing and returns nothing. Sides of which the labels cannot be told are
skipped.
"""

from __future__ import annotations

from collections.abc import Iterator

import promql_parser as pp

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.catalog import Catalog
from contracts.lint.promql.infer import infer
from contracts.lint.promql.syntax import operator_of

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield operators whose sides never meet."""
    for query in tree.queries:
        for node in query.nodes():
            if isinstance(node, pp.BinaryExpr) and operator_of(node) != "or":
                problem = _problem(node, tree.catalog)
                if problem:
                    yield query.place, f"{query.owner}: {problem}; add on () or ignoring ()"


def _problem(node: pp.BinaryExpr, catalog: Catalog) -> str:
    if node.modifier is not None and node.modifier.matching is not None:
        return ""
    left, right = infer(node.lhs, catalog), infer(node.rhs, catalog)
    if left.is_scalar or right.is_scalar or left.sure is None or right.sure is None:
        return ""
    if left.sure == right.sure or left.labels != left.sure or right.labels != right.sure:
        return ""
    sides = [", ".join(sorted(side)) or "no labels" for side in (left.sure, right.sure)]
    return f"the sides of {operator_of(node)} never match (left has {sides[0]}; right has {sides[1]})"
