"""An alert on `up{...} == 0` also fires when the target is gone: an absent() of the same job stands beside it.

`up` of a target nobody configured does not exist, so it is never 0. Source: W-48 of the fact sheet.
"""

from __future__ import annotations

from collections.abc import Iterator

import promql_parser as pp

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.query import Query
from contracts.lint.promql.syntax import alternatives, is_comparison, name_of, number_of, operator_of, selectors, strip

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield alerts that miss absent targets."""
    alerts = [rule.query for rule in tree.rules if rule.is_alert]
    watched = {job for query in alerts for job in _jobs_absent(query)}
    for query in alerts:
        for job in sorted(set(_jobs_down(query)) - watched):
            selector = f'up{{job="{job}"}}'
            problem = f"does not fire when the target of {quote(job)} is gone, as then there is no up"
            yield query.place, f"{query.owner}: {problem}; add: or absent({selector})"


def _jobs(selector: pp.VectorSelector) -> Iterator[str]:
    for matcher in selector.matchers.matchers if name_of(selector) == "up" else ():
        if matcher.name == "job" and matcher.op in (pp.MatchOp.Equal, pp.MatchOp.Re):
            yield from [matcher.value] if matcher.op == pp.MatchOp.Equal else alternatives(matcher.value)


def _jobs_down(query: Query) -> Iterator[str]:
    for node in query.nodes():
        if is_comparison(node) and operator_of(node) == "==" and number_of(node.rhs) == 0:
            inner = strip(node.lhs)
            yield from _jobs(inner) if isinstance(inner, pp.VectorSelector) else ()


def _jobs_absent(query: Query) -> Iterator[str]:
    for node in query.nodes():
        if operator_of(node) in ("absent", "absent_over_time"):
            for selector in selectors(node):
                found = list(_jobs(selector))
                yield from found if len(found) == 1 else ()
