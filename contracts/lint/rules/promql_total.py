"""An alert does not compare a raw counter with a number: once true, it stays true until the exporter restarts."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.infer import infer
from contracts.lint.promql.syntax import is_comparison, nodes, number_of, operator_of

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield alerts on totals; `x > 0 unless x offset 10m` asks for a first appearance and does end."""
    for query in tree.queries:
        found = query.nodes() if query.kind == "alert" else []
        ended = {str(part) for node in found if operator_of(node) == "unless" for part in nodes(node.lhs)}
        for node in found:
            if not is_comparison(node) or number_of(node.rhs) is None:
                continue
            if infer(node.lhs, tree.catalog).is_total and str(node) not in ended:
                problem = "compares a running total with a number, so it never ends once it fires"
                yield query.place, f"{query.owner}: {problem}; use increase() over a window"
