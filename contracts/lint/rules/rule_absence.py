"""An alert on `up{...} == 0` also fires when the target is gone: an absent() of the same job stands beside it.

`up` of a target nobody configured does not exist, so it is never 0. A pattern stands for the jobs of contracts it
takes, and wants an absent() for each of them: absent() of a pattern is silent as long as one of them is there. Source:
W-48 of the fact sheet.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

import promql_parser as pp

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.query import Query
from contracts.lint.promql.syntax import is_comparison, matches, name_of, number_of, operator_of, selectors, strip

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield alerts that miss absent targets."""
    jobs = {contract.job for contract in tree.contracts}
    alerts = [rule.query for rule in tree.rules if rule.is_alert]
    watched = {job for query in alerts for job in _jobs_absent(query, jobs)}
    for query in alerts:
        for job in sorted(set(_jobs_down(query, jobs)) - watched):
            selector = f'up{{job="{job}"}}'
            problem = f"does not fire when the target of {quote(job)} is gone, as then there is no up"
            yield query.place, f"{query.owner}: {problem}; add: or absent({selector})"


def _jobs(selector: pp.VectorSelector, jobs: Set[str]) -> Iterator[str]:
    """Yield the jobs of contracts a selector of `up` names, its patterns written out."""
    for matcher in selector.matchers.matchers if name_of(selector) == "up" else ():
        if matcher.name == "job" and matcher.op == pp.MatchOp.Equal:
            yield from {matcher.value} & jobs
        elif matcher.name == "job" and matcher.op == pp.MatchOp.Re:
            yield from (job for job in sorted(jobs) if matches(matcher.value, job))


def _jobs_down(query: Query, jobs: Set[str]) -> Iterator[str]:
    for node in query.nodes():
        if is_comparison(node) and operator_of(node) == "==" and number_of(node.rhs) == 0:
            inner = strip(node.lhs)
            yield from _jobs(inner, jobs) if isinstance(inner, pp.VectorSelector) else ()


def _jobs_absent(query: Query, jobs: Set[str]) -> Iterator[str]:
    for node in query.nodes():
        if operator_of(node) in ("absent", "absent_over_time"):
            for selector in selectors(node):
                found = list(_jobs(selector, jobs))
                yield from found if len(found) == 1 else ()
