"""A title keeps its promise: "/ min" shows a rate per minute, "/ s" one per second, "worst age" not the best one.

Source: W-44 (worst age by max of the newest source) and W-48 (per-second rates under "/ min") of the fact sheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import promql_parser as pp

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.dashboards import Target
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.catalog import Catalog
from contracts.lint.promql.infer import infer
from contracts.lint.promql.syntax import name_of, operator_of, selectors
from contracts.lint.promql.units import TIMESTAMP, unit_of_name

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_PERIODS = (
    (re.compile(r"/ ?min\b|per minute", re.I), 60.0, "minute"),
    (re.compile(r"/ ?s\b|per second", re.I), 1.0, "second"),
)
_WORST = re.compile(r"\b(worst|oldest)\b", re.I)


def check(tree: Tree) -> Iterator[Claim]:
    """Yield titles that promise something else."""
    for board in tree.dashboards:
        for panel in board.panels:
            for target in panel.targets:
                problem = _wrong_period(panel.title, target, tree.catalog) or _wrong_end(panel.title, target)
                if problem:
                    yield target.query.place, f"{target.query.owner}: {problem}"


def _wrong_period(title: str, target: Target, catalog: Catalog) -> str:
    expr = target.query.tree
    unit = infer(expr, catalog).unit if expr is not None else None
    for pattern, scale, word in _PERIODS:
        if pattern.search(title) and unit is not None and unit.dimension == "count/s" and unit.scale != scale:
            return f"the title says per {word}, the value is {unit} (expected x {scale:g}); multiply by {scale:g}"
    return ""


def _wrong_end(title: str, target: Target) -> str:
    if not _WORST.search(title):
        return ""
    for node in target.query.nodes():
        if isinstance(node, pp.AggregateExpr) and operator_of(node) == "max" and node.modifier is None:
            names = [name_of(selector) or "" for selector in selectors(node.expr)]
            if any(unit_of_name(name) == TIMESTAMP for name in names) and "time()" not in str(node.expr):
                return "the title says worst, but max() of a timestamp is the newest; use min()"
    return ""
