"""A range holds enough samples: at least two scrapes, or rate() over it is always empty.

The interval is the longest of all Prometheus configurations; `$__rate_interval` is always right.
"""

from __future__ import annotations

from collections.abc import Iterator

import promql_parser as pp

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.syntax import name_of, operator_of

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_SCRAPES = 2


def check(tree: Tree) -> Iterator[Claim]:
    """Yield ranges that are too short."""
    longest = max((job.interval_s for file in tree.scrapes for job in file.jobs), default=0.0)
    for query in tree.queries:
        for node in query.nodes():
            if not isinstance(node, pp.Call) or operator_of(node) not in (
                "rate",
                "irate",
                "increase",
                "delta",
                "deriv",
            ):
                continue
            inner = node.args[0]
            if isinstance(inner, pp.MatrixSelector) and inner.range.total_seconds() < _SCRAPES * longest:
                got = f"{inner.range.total_seconds():g}s of {name_of(inner.vector_selector)}"
                problem = f"{operator_of(node)} over {got} sees less than {_SCRAPES} scrapes (one every {longest:g}s)"
                yield query.place, f"{query.owner}: {problem}; take at least {_SCRAPES * longest:g}s"
