"""Recording rules as series: what `record:` names can be asked for, and what they carry.

In: the catalog of scraped series and the rules. Out: the catalog with the recorded series, labels and units inferred
from their expressions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from contracts.lint.inputs.rule_files import Rule
from contracts.lint.promql.catalog import Catalog, Series
from contracts.lint.promql.infer import infer
from contracts.lint.promql.syntax import name_of

__all__ = ["with_recordings"]


def with_recordings(catalog: Catalog, rules: Sequence[Rule]) -> Catalog:
    """Return the catalog with what the rules record; a recording may use those of any file, in any order."""
    recordings = [rule for rule in rules if not rule.is_alert and rule.name]
    for _ in recordings:  # each time those are known that use what was known before
        found: dict[str, Series] = {}
        for rule in recordings:
            series = _series(rule, catalog)
            found[rule.name] = _merged(found[rule.name], series) if rule.name in found else series
        known, catalog = catalog, catalog.extended(found.values())
        if catalog == known:
            break
    return catalog


def _merged(one: Series, other: Series) -> Series:
    """Return what two rules record under one name, told apart by their labels."""
    labels = {
        label: tuple(dict.fromkeys((*one.labels[label], *other.labels[label])))
        for label in one.labels.keys() & other.labels.keys()
    }
    unit = one.unit if one.unit == other.unit else None
    is_ours = one.is_ours and other.is_ours
    any_label = one.takes_any_label or other.takes_any_label or one.labels.keys() != other.labels.keys()
    return replace(one, labels=labels, unit=unit, top=None, takes_any_label=any_label, is_ours=is_ours)


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
        is_ours=catalog.knows(name_of(selector) for selector in rule.query.selectors()),
    )


def _closed_values(rule: Rule, catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """Return the closed values of labels that every selector of the rule closes alike."""
    closed: dict[str, tuple[str, ...]] = {}
    for selector in rule.query.selectors():
        series = catalog.find(selector.name)
        for label, values in (series.labels if series else {}).items():
            closed[label] = values if closed.get(label, values) == values else ()
    return closed
