"""Recording rules as series: what `record:` names can be asked for, and what they carry.

In: the catalog of scraped series and the rules. Out: the catalog with the recorded series, labels and units inferred
from their expressions.
"""

from __future__ import annotations

from collections.abc import Sequence

from contracts.lint.catalog import Catalog, Series
from contracts.lint.infer import infer
from contracts.lint.rule_files import Rule

__all__ = ["with_recordings"]


def with_recordings(catalog: Catalog, rules: Sequence[Rule]) -> Catalog:
    """Return the catalog with what the rules record; a recording may use those of any file, in any order."""
    recordings = [rule for rule in rules if not rule.is_alert and rule.name]
    for _ in range(3):  # deeper than rules on rules on rules nobody should record
        catalog = catalog.extended(_series(rule, catalog) for rule in recordings)
    return catalog


def _series(rule: Rule, catalog: Catalog) -> Series:
    tree = rule.query.tree
    value = infer(tree, catalog) if tree is not None else None
    known = value.labels if value is not None else None
    values = _closed_values(rule, catalog)
    labels = {label: values.get(label, ()) for label in known or ()}
    labels |= {label: (spot.text,) for label, spot in rule.labels.items()}
    return Series(
        name=rule.name,
        kind="gauge",
        labels=labels,
        unit=value.unit if value is not None else None,
        family=rule.name,
        owner="rule",
        top=value.top if value is not None else None,
        takes_any_label=known is None,
    )


def _closed_values(rule: Rule, catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """Return the closed values of labels that every selector of the rule closes alike."""
    closed: dict[str, tuple[str, ...]] = {}
    for selector in rule.query.selectors():
        series = catalog.find(selector.name or "")
        for label, values in (series.labels if series else {}).items():
            closed[label] = values if closed.get(label, values) == values else ()
    return closed
