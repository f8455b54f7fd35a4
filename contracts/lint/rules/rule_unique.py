"""A rule has one meaning: its name stands again only with other labels, or for other series.

Two alerts of one name and one severity cannot be told apart by whoever is paged; two recordings of the same series are
duplicates, which Prometheus refuses at every evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.lint.finding import Claim, Place, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield rules that stand twice."""
    first: dict[object, Place] = {}
    for rule in tree.rules:
        labels = tuple(sorted((name, spot.text) for name, spot in rule.labels.items()))
        asked = () if rule.is_alert else tuple(sorted(str(found.matchers) for found in rule.query.selectors()))
        place = first.setdefault((rule.name, labels, asked), rule.place)
        if place is not rule.place:
            yield rule.place, f"{rule.query.owner}: stands in {place.file}:{place.line} already; rename or delete one"
