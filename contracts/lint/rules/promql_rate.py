"""rate(), irate() and increase() are for counters, and come before sum(), never after.

On a gauge they see every fall as a reset; after a sum they see one exporter's restart as a reset of all. delta() and
deriv() are for gauges: on a counter they turn a restart into a fall.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import promql_parser as pp

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.catalog import Catalog
from contracts.lint.promql.syntax import name_of, nodes, operator_of

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_OF_COUNTERS = ("rate", "irate", "increase", "resets")
_SUMS = ("sum", "avg")
_OF_GAUGES = ("delta", "idelta", "deriv", "predict_linear", "holt_winters", "double_exponential_smoothing")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield functions used on the wrong type, or too late."""
    for query in tree.queries:
        for node in query.nodes():
            for problem in _problems(node, tree.catalog):
                yield query.place, f"{query.owner}: {problem}"


def _problems(call: Any, catalog: Catalog) -> Iterator[str]:
    name = operator_of(call)
    if name not in _OF_COUNTERS + _OF_GAUGES:
        return
    inside: list[Any] = nodes(call.args[0])
    summed = next((operator_of(node) for node in inside if operator_of(node) in _SUMS), "")
    if summed and name in _OF_COUNTERS:
        problem = f"{name}() comes after {summed}(), so one restart looks like a reset of all"
        yield f"{problem}; put {name}() inside"
    for node in inside:
        metric = name_of(node) if isinstance(node, pp.VectorSelector) else None
        series = catalog.find(metric)
        if series is None:
            continue
        if name in _OF_COUNTERS and series.kind == "gauge":
            yield f"{name}() needs a counter, but {metric} is a gauge; use delta() or the gauge itself"
        if name in _OF_GAUGES and series.kind != "gauge":
            yield f"{name}() needs a gauge, but {metric} is a counter; use rate() or increase()"
