"""histogram_quantile() works on the rate of a histogram's buckets and keeps `le`.

Without `le` it returns nothing; on `_sum`, on a gauge or on raw buckets it returns a number that means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import promql_parser as pp

from contracts.lint.finding import Claim, Severity, listed
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.catalog import Catalog
from contracts.lint.promql.infer import infer
from contracts.lint.promql.syntax import name_of, nodes, number_of, operator_of, selectors

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield quantiles that cannot be right."""
    for query in tree.queries:
        for node in query.nodes():
            if operator_of(node) == "histogram_quantile":
                for problem in _problems(node, tree.catalog):
                    yield query.place, f"{query.owner}: histogram_quantile {problem}"


def _problems(call: pp.Call, catalog: Catalog) -> Iterator[str]:
    quantile = number_of(call.args[0])
    if quantile is not None and not 0 <= quantile <= 1:
        yield f"asks for an impossible quantile (got {quantile:g}, expected 0 to 1); write 95 % as 0.95"
    known = [(name_of(found), catalog.find(name_of(found))) for found in _measured(call.args[1])]
    for name, series in known:
        if series is not None and series.kind != "bucket" and series.owner != "rule":
            yield f"needs the buckets of a histogram (got {name}); use a metric ending in _bucket"
            return
    value = infer(call.args[1], catalog)
    if value.labels is not None and "le" not in value.labels:
        yield f'loses the label "le" on the way (kept: {listed(value.labels)}); add le to by ()'
    if value.is_total:
        yield "is over all time, as its buckets are raw totals; take rate() of them first"


def _measured(expr: Any) -> list[Any]:
    """Return the selectors a value comes from: what stands after `and` or `unless` only decides whether it is shown."""
    filters = [node.rhs for node in nodes(expr) if operator_of(node) in ("and", "unless")]
    beside = {str(found) for part in filters for found in selectors(part)}
    return [found for found in selectors(expr) if str(found) not in beside]
