"""A threshold on a quantile is a bound of the histogram.

Between two bounds histogram_quantile() draws a straight line: with buckets at 0.1 and 0.5 a p95 of 0.3 is a guess, and
an alert above 0.3 fires or not by how the line lies. A threshold on a bound is exact: the quantile is above it when
more than the rest of the observations are.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import promql_parser as pp

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.rule_files import Rule
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.syntax import is_comparison, name_of, number_of, operator_of, selectors, strip

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield alerts whose threshold lies between two buckets."""
    records: dict[str | None, Rule] = {rule.name: rule for rule in tree.rules if not rule.is_alert}
    for query in tree.queries:
        for node in query.nodes() if query.kind == "alert" else ():
            threshold = number_of(node.rhs) if is_comparison(node) else None
            if threshold is None:
                continue
            buckets = _buckets(node.lhs, tree, records)
            if any(low < threshold < high for low, high in pairwise((0.0, *buckets))):
                expected = ", ".join(f"{bound:g}" for bound in buckets)
                problem = f"the threshold lies between two buckets (got {threshold:g}, expected one of {expected})"
                yield query.place, f"{query.owner}: {problem}; take a bound, or add a bucket to the contract"


def _buckets(expr: Any, tree: Tree, records: dict[str | None, Rule]) -> tuple[float, ...]:
    """Return the bounds behind a quantile, also one that was recorded; none if it is no quantile, or scaled."""
    expr = strip(expr)
    while operator_of(expr) in ("max", "min"):
        expr = strip(expr.expr)
    if isinstance(expr, pp.VectorSelector) and (rule := records.get(name_of(expr))) is not None:
        expr = strip(rule.query.tree)
    while operator_of(expr) in ("and", "unless"):
        expr = strip(expr.lhs)
    if operator_of(expr) != "histogram_quantile":
        return ()
    series = [tree.catalog.find(name_of(selector)) for selector in selectors(expr.args[1])]
    bounds = {one.buckets for one in series if one is not None and one.buckets}
    return next(iter(bounds)) if len(bounds) == 1 else ()
