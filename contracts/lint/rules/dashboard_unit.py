"""A panel's unit fits what its expression yields: seconds as `s`, shares as `percentunit`, rates as events per second.

The unit is followed through the expression: `100 * share` under percentunit is a hundred times too large (W-44),
milliseconds under `s` a thousand times. What cannot be told is not judged. A unit Grafana does not know is shown as a
text behind the number.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.dashboards import Panel, Target
from contracts.lint.inputs.tree import Tree
from contracts.lint.inputs.unit_ids import meant
from contracts.lint.promql.infer import infer
from contracts.lint.promql.units import GRAFANA_UNITS, RATIO, Unit

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_TABLES = ("table", "table-old")
"""Panels whose columns are formatted one by one; of several queries it cannot be told which unit is whose."""

_OWN_AXES = ("graph", "singlestat")
"""Panels that are gone, and said their units elsewhere."""

_BARE = ("", "none", "short", "locale")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield panels whose unit says something else than their values."""
    for board in tree.dashboards:
        for panel in board.panels:
            yield from _misspelt(panel)
            is_told = panel.type not in _OWN_AXES and (panel.type not in _TABLES or len(panel.targets) == 1)
            for target in panel.targets if is_told else ():
                expr = target.query.tree
                unit = infer(expr, tree.catalog).unit if expr is not None else None
                if unit is not None and not _fits(panel, target, unit):
                    shown = " or ".join(quote(stated) for stated in panel.units_for(target))
                    expected = _expected(unit)
                    problem = f"the unit does not fit the values (got {shown} for {unit}, expected {expected})"
                    yield target.query.place, f"{target.query.owner}: {problem}; change the unit or the expression"


def _misspelt(panel: Panel) -> Iterator[Claim]:
    config = panel.node.get("fieldConfig", {})
    stated = [(panel.unit, config.get("defaults", panel.node).line_of("unit"))]
    for override in config.get("overrides", []):
        entries = [entry for entry in override.get("properties", []) if entry.get("id") == "unit"]
        stated += [(entry.text_of("value"), entry.line_of("value")) for entry in entries]
    for unit, line in stated:
        if better := meant(unit):
            problem = f"Grafana has no unit {quote(unit)} and shows it as a text; did you mean {quote(better)}?"
            yield panel.place.at(line), f'panel "{panel.title}": {problem}'


def _fits(panel: Panel, target: Target, unit: Unit) -> bool:
    """Whether one of the stated units may show the value; units this table does not know are not judged."""
    stated = panel.units_for(target)
    if unit == RATIO and any(name in _BARE for name in stated):
        return True  # a share, or the cores of rate(..._cpu_seconds_total), as the number it is
    return any(name not in GRAFANA_UNITS or _is_one_of(unit, GRAFANA_UNITS[name]) for name in stated)


def _is_one_of(unit: Unit, shown: tuple[Unit, ...]) -> bool:
    return any(unit.dimension == one.dimension and isclose(unit.scale, one.scale, rel_tol=1e-6) for one in shown)


def _expected(unit: Unit) -> str:
    """Return the most telling of the units that fit."""
    fitting = [name for name, shown in GRAFANA_UNITS.items() if _is_one_of(unit, shown)]
    telling = [name for name in fitting if GRAFANA_UNITS[name] != GRAFANA_UNITS["short"]]
    if unit.dimension == "count" or not telling:
        return quote("short") if fitting else "another scale"
    return quote(telling[0])
