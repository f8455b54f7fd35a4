"""Every metric a query asks for exists: in a contract, in the exporters' own metrics, in Prometheus, or recorded.

A panel on a renamed metric says "No data", and an alert on it never fires; both look like a healthy system.
Without any contract nothing is known to be missing, and this rule is silent.
"""

from __future__ import annotations

from collections.abc import Iterator

import promql_parser as pp

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity, remedy_for
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.catalog import Catalog
from contracts.lint.promql.syntax import alternatives, has_variable, matches, name_of

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield metric names nobody declares."""
    for query in tree.queries if tree.contracts else ():
        for selector in query.selectors():
            for name in _unknown(selector, tree.catalog):
                if not tree.settings.is_foreign(name):
                    remedy = _remedy(name, tree.catalog)
                    yield query.place, f"{query.owner}: no metric is named {quote(name)}; {remedy}"


def _unknown(selector: pp.VectorSelector, catalog: Catalog) -> Iterator[str]:
    name = name_of(selector)
    if name is not None and catalog.find(name) is None:
        yield name
    for matcher in selector.matchers.matchers:
        if matcher.name == "__name__" and matcher.op == pp.MatchOp.Re and not has_variable(matcher.value):
            for pattern in alternatives(matcher.value):
                if not any(matches(pattern, known) for known in catalog.series):
                    yield pattern


def _remedy(name: str, catalog: Catalog) -> str:
    if name in catalog.families():
        return f"it is a histogram, so use {name}_bucket, {name}_sum or {name}_count"
    return remedy_for(name, catalog.series, "declare it in a contract or correct the name")
