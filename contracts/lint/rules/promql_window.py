"""A range holds enough samples: two scrapes for rate() and its kind, one for averages, one step for a subquery.

Below that a function gives nothing, always or from time to time, and an alert on it is blind. The interval is the
longest of all Prometheus configurations; `$__rate_interval` is always right.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import promql_parser as pp

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.syntax import name_of, operator_of, seconds_in, text_of

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_NEEDED = {
    **dict.fromkeys(
        ("rate", "irate", "increase", "delta", "idelta", "deriv", "predict_linear", "changes", "resets"), 2
    ),
    **dict.fromkeys((f"{name}_over_time" for name in ("avg", "sum", "min", "max", "quantile", "stddev", "stdvar")), 1),
}
"""Function -> scrapes a range needs. Of `count`, `last` and `absent` over time an empty range is an answer."""


def check(tree: Tree) -> Iterator[Claim]:
    """Yield ranges that are too short."""
    longest = max((job.interval_s for file in tree.scrapes for job in file.jobs), default=0.0)
    for query in tree.queries:
        for node in query.nodes():
            problem = _problem(node, longest)
            if problem:
                yield query.place, f"{query.owner}: {problem}"


def _problem(node: Any, longest: float) -> str:
    length, step = seconds_in(getattr(node, "range", None)), seconds_in(getattr(node, "step", None))
    if step > length:  # of a subquery; nothing else has a step
        got = f"{length:g}s in steps of {step:g}s"
        return f"the subquery of {text_of(node.expr)} has no step in its range ({got}); widen it"
    name = operator_of(node) if isinstance(node, pp.Call) else ""
    inner = node.args[-1 if name == "quantile_over_time" else 0] if name in _NEEDED else None
    if not isinstance(inner, pp.MatrixSelector):
        return ""
    needed = _NEEDED[name] * longest
    if seconds_in(inner.range) >= needed:
        return ""
    got = f"{seconds_in(inner.range):g}s of {name_of(inner.vector_selector)}"
    scrapes = f"{_NEEDED[name]} scrape{'s' if _NEEDED[name] > 1 else ''}"
    return f"{name} over {got} sees less than {scrapes} (one every {longest:g}s); take at least {needed:g}s"
