"""A panel's unit fits what its expression yields: seconds as `s`, shares as `percentunit`, rates as events per second.

The unit is followed through the expression: `100 * share` under percentunit is a hundred times too large (W-44),
milliseconds under `s` a thousand times. What cannot be told is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.dashboards import Panel, Target
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.infer import infer
from contracts.lint.promql.units import GRAFANA_UNITS, Unit

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield panels whose unit says something else than their values."""
    for board in tree.dashboards:
        for panel in board.panels:
            for target in panel.targets:
                expr = target.query.tree
                unit = infer(expr, tree.catalog).unit if expr is not None else None
                if unit is not None and not _fits(panel, target, unit):
                    shown = " or ".join(quote(stated) for stated in panel.units_for(target))
                    expected = _expected(unit)
                    problem = f"the unit does not fit the values (got {shown} for {unit}, expected {expected})"
                    yield target.query.place, f"{target.query.owner}: {problem}; change the unit or the expression"


def _fits(panel: Panel, target: Target, unit: Unit) -> bool:
    """Whether one of the stated units may show the value; units this table does not know are not judged."""
    stated = panel.units_for(target)
    return any(name not in GRAFANA_UNITS or _is_one_of(unit, GRAFANA_UNITS[name]) for name in stated)


def _is_one_of(unit: Unit, shown: tuple[Unit, ...]) -> bool:
    return any(unit.dimension == one.dimension and abs(unit.scale - one.scale) <= 1e-6 * one.scale for one in shown)


def _expected(unit: Unit) -> str:
    """Return the most telling of the units that fit."""
    fitting = [name for name, shown in GRAFANA_UNITS.items() if name and _is_one_of(unit, shown)]
    telling = [name for name in fitting if GRAFANA_UNITS[name] != GRAFANA_UNITS["short"]]
    if unit.dimension == "count" or not telling:
        return quote("short") if fitting else "another scale"
    return quote(telling[0])
