"""What a viewer can choose selects something: values the contracts know, and `=~` where several may be chosen.

Of a `custom` variable each value is compared with the closed list of the label it is used for. With several values, or
All, a variable becomes `a|b`, which `=` compares as it stands, and finds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial

import promql_parser as pp

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.dashboards import Dashboard, Variable
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.query import Query
from contracts.lint.promql.syntax import matches, name_of

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_WHOLE = re.compile(r"\$\{?(\w+)(?::\w+)?\}?")
_EXACT = (pp.MatchOp.Equal, pp.MatchOp.NotEqual)


def check(tree: Tree) -> Iterator[Claim]:
    """Yield choices that find nothing."""
    for board in tree.dashboards:
        variables = {variable.name: variable for variable in board.variables}
        unknown: dict[str, set[str]] = {}
        for query in _queries(board):
            for name, matcher, variable in _used(query, variables):
                if variable.takes_several and matcher.op in _EXACT:
                    operators = ("=", "=~") if matcher.op == pp.MatchOp.Equal else ("!=", "!~")
                    got = f"{matcher.name}{operators[0]}{quote(matcher.value)}"
                    problem = f"{got} compares with all that is chosen at once; write {operators[1]}"
                    yield query.place, f"{query.owner}: {problem}"
                series = tree.catalog.find(name)
                known = series.labels.get(matcher.name, ()) if series is not None else ()
                if known:
                    wrong = {value for value in variable.choices if not any(map(partial(matches, value), known))}
                    unknown[variable.name] = wrong & unknown.get(variable.name, wrong)
        for found, values in unknown.items():
            for value in sorted(values):
                problem = f"the variable {quote(found)} offers {quote(value)}, which no series has"
                yield variables[found].place, f"{problem}; correct or delete it"


def _queries(board: Dashboard) -> Iterator[Query]:
    yield from (target.query for panel in board.panels for target in panel.targets)
    yield from board.annotations


def _used(query: Query, variables: Mapping[str, Variable]) -> Iterator[tuple[str | None, pp.Matcher, Variable]]:
    """Yield (metric, matcher, variable) of each matcher that is one variable."""
    for selector in query.selectors():
        for matcher in selector.matchers.matchers:
            found = _WHOLE.fullmatch(matcher.value)
            if found and found[1] in variables:
                yield name_of(selector), matcher, variables[found[1]]
