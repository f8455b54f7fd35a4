"""A matcher's value is one the label can have: closed lists of the contract, jobs, bucket bounds.

`=` and `!=` name a value of the list, each alternative of `=~` and `!~` matches at least one; values with Grafana
variables are skipped. A misspelt value selects nothing, for ever and in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import promql_parser as pp

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.syntax import alternatives, has_variable, matches, name_of

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_EXACT = (pp.MatchOp.Equal, pp.MatchOp.NotEqual)


def check(tree: Tree) -> Iterator[Claim]:
    """Yield values no series can have."""
    for query in tree.queries:
        for selector in query.selectors():
            series = tree.catalog.find(name_of(selector))
            for matcher in selector.matchers.matchers:
                values = series.labels.get(matcher.name, ()) if series else ()
                for got in _impossible(matcher, values):
                    expected = ", ".join(values)
                    problem = f"{name_of(selector)} never has {matcher.name} {quote(got)} (expected one of {expected})"
                    yield query.place, f"{query.owner}: {problem}; correct the matcher"


def _impossible(matcher: pp.Matcher, values: Sequence[str]) -> Iterator[str]:
    if not values or has_variable(matcher.value):
        return
    if matcher.op in _EXACT:
        if matcher.value not in values and not (matcher.name == "le" and _is_bound(matcher.value, values)):
            yield matcher.value
        return
    for pattern in alternatives(matcher.value):
        if not any(matches(pattern, value) for value in values):
            yield pattern


def _is_bound(text: str, values: Sequence[str]) -> bool:
    """Whether `le` names a bound in another spelling, as 1 for 1.0; Prometheus 3 stores 1.0 and matches both."""
    try:
        return repr(float(text)) in values
    except ValueError:
        return False
