"""Every label a query names exists where it is named: in matchers, by(), without(), on(), ignoring(), group_left().

`by (stack)` on a metric without `stack` yields one series without a name, and `{source="x"}` on one without `source`
yields nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import promql_parser as pp

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity, listed
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.catalog import Catalog
from contracts.lint.promql.infer import Labels, infer, union
from contracts.lint.promql.syntax import VARIABLE, name_of, operator_of

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield labels that are not there."""
    for query in tree.queries:
        for node in query.nodes():
            for problem in _problems(node, tree.catalog):
                yield query.place, f"{query.owner}: {problem}"


def _problems(node: Any, catalog: Catalog) -> Iterator[str]:
    if isinstance(node, pp.VectorSelector):
        yield from _in_matchers(node, catalog)
    elif isinstance(node, pp.AggregateExpr) and node.modifier is not None:
        clause = "by" if node.modifier.type == pp.AggModifierType.By else "without"
        inner = infer(node.expr, catalog).labels
        yield from _missing(f"{operator_of(node)} {clause}", node.modifier.labels, inner)
    elif isinstance(node, pp.BinaryExpr) and node.modifier is not None:
        yield from _in_matching(node, catalog)


def _in_matchers(selector: pp.VectorSelector, catalog: Catalog) -> Iterator[str]:
    name = name_of(selector)
    series = catalog.find(name)
    if series is None or series.takes_any_label:
        return
    named = [matcher.name for matcher in selector.matchers.matchers if matcher.name != "__name__"]
    yield from _missing(f"the selector of {name}", named, frozenset(series.labels))


def _in_matching(node: Any, catalog: Catalog) -> Iterator[str]:
    modifier = node.modifier
    left, right = infer(node.lhs, catalog), infer(node.rhs, catalog)
    if modifier.matching is not None:
        on = modifier.matching.type == pp.LabelModifierType.Include
        clause = f"{operator_of(node)} {'on' if on else 'ignoring'}"
        sides = (left.labels, right.labels) if on else (union(left.labels, right.labels),)
        for side in sides:
            yield from _missing(clause, modifier.matching.labels, side)
    if modifier.group_labels:
        is_left = modifier.card == pp.VectorMatchCardinality.ManyToOne
        clause = "group_left" if is_left else "group_right"
        yield from _missing(clause, modifier.group_labels, (right if is_left else left).labels)


def _missing(where: str, named: Iterable[str], known: Labels) -> Iterator[str]:
    if known is None:
        return
    for label in dict.fromkeys(named):
        if label not in known and VARIABLE not in label:
            have = listed(known)
            yield f"{where} names the label {quote(label)}, which is not there (expected one of {have}); correct it"
