"""Every expression is PromQL, with Grafana's variables put in; types of arguments included.

`rate(sum(x))` or `histogram_quantile(x)` end here. Not parsed, so not accepted: duration arithmetic (`[1m+30s]`).
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield expressions that do not parse."""
    for query in tree.queries:
        if query.problem:
            yield query.place, f"{query.owner}: is no PromQL ({query.problem}); correct the expression"
