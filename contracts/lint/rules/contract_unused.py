"""A metric no rule and no dashboard asks for (info): cheap to keep, but perhaps a panel was forgotten."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.syntax import alternatives, name_of

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "info"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield metrics nobody consumes."""
    used = set(_families_used(tree))
    for contract in tree.contracts:
        for metric in contract.metrics:
            if metric.name not in used:
                problem = f"no rule and no dashboard uses {metric.name}; show it, alert on it, or drop it"
                yield tree.place_of(contract, metric), problem


def _families_used(tree: Tree) -> Iterator[str]:
    for query in tree.queries:
        for selector in query.selectors() if not query.is_asked_by_hand else ():
            names = [name_of(selector) or ""]
            for matcher in selector.matchers.matchers:
                names += alternatives(matcher.value) if matcher.name == "__name__" else []
            yield from (series.family for name in names if (series := tree.catalog.find(name)))
