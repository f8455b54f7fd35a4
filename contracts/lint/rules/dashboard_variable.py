"""Variables fit together: each one a query uses is defined, each one defined is used, each lists values that exist.

`label_values(metric, label)` is checked like any query. An undefined variable is sent to Prometheus as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.dashboards import Dashboard, Variable
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.query import Query
from contracts.lint.promql.syntax import name_of, selectors

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_USE = re.compile(r"\$\{?([A-Za-z_]\w*)")
_VALUES = re.compile(r"label_values\((?:(?P<selector>.+),\s*)?(?P<label>\w+)\)")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield undefined, unused and empty variables."""
    for board in tree.dashboards:
        defined = {variable.name for variable in board.variables}
        for query in _queries(board):
            for name in dict.fromkeys(_USE.findall(query.text)):
                if name not in defined and not name.startswith("__"):
                    problem = f"{query.owner}: the variable {quote(name)} is not defined on this dashboard"
                    yield query.place, f"{problem}; define it or correct the expression"
        text = tree.texts[board.file]
        for variable in board.variables:
            if not re.search(rf"\$\{{?{re.escape(variable.name)}\b", text):
                problem = f"the variable {quote(variable.name)} is used by no panel; use it or delete it"
                yield variable.place, problem
            problem = _problem(tree, variable)
            if problem:
                yield variable.place, f"the variable {quote(variable.name)}: {problem}"


def _queries(board: Dashboard) -> Iterator[Query]:
    yield from (target.query for panel in board.panels for target in panel.targets)
    yield from board.annotations


def _problem(tree: Tree, variable: Variable) -> str:
    found = _VALUES.search(variable.query) if variable.type == "query" else None
    if found is None or not found["selector"]:
        return ""
    query = Query(found["selector"], variable.place, "variable", variable.name)
    expr = query.tree
    names = [name_of(selector) for selector in selectors(expr)] if expr is not None else []
    for name in names:
        series = tree.catalog.find(name)
        if series is None and (not tree.contracts or name is None or tree.settings.is_foreign(name)):
            continue
        if series is None:
            return f"no metric is named {quote(str(name))}; correct label_values()"
        if found["label"] not in series.labels and not series.takes_any_label:
            have = ", ".join(sorted(series.labels))
            return f"{name} has no label {quote(found['label'])} (expected one of {have}); correct label_values()"
    return ""
