"""An alert has one meaning: its name stands once; a recording may stand again only with other labels."""

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
        labels = () if rule.is_alert else tuple(sorted((name, spot.text) for name, spot in rule.labels.items()))
        place = first.setdefault((rule.name, labels), rule.place)
        if place is not rule.place:
            yield rule.place, f"{rule.query.owner}: stands in {place.file}:{place.line} already; rename or delete one"
