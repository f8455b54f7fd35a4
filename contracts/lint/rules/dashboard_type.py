"""A panel is of a type Grafana still has, and one that can show what its query gives.

Grafana has removed the panels built on Angular: `graph`, `singlestat` and `table-old` show an error. A pie or a gauge
of running totals shows how long a process has been up, not what happens now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.infer import infer

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_GONE: Mapping[str, str] = {
    "graph": "timeseries",
    "singlestat": "stat",
    "table-old": "table",
    "grafana-piechart-panel": "piechart",
    "grafana-worldmap-panel": "geomap",
    "natel-discrete-panel": "state-timeline",
    "heatmap-new": "heatmap",
}
"""Type -> what took its place. Source: Grafana 12, "Removal of Angular"."""

_OF_NOW = ("gauge", "bargauge", "piechart", "timeseries", "state-timeline", "status-history", "heatmap")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield panels of a type that is gone, or that does not fit."""
    for board in tree.dashboards:
        for panel in board.panels:
            place = panel.place.at(panel.node.line_of("type"))
            if panel.type in _GONE:
                problem = f"Grafana has no panel {quote(panel.type)} any more; write {quote(_GONE[panel.type])}"
                yield place, f'panel "{panel.title}": {problem}'
            elif not panel.type and panel.targets:
                yield place, f'panel "{panel.title}" has no type, so that nothing is drawn; give it one'
            for target in panel.targets if panel.type in _OF_NOW else ():
                expr = target.query.tree
                if expr is not None and infer(expr, tree.catalog).is_total:
                    problem = f"a {panel.type} of a running total grows for ever; take rate() or increase()"
                    yield target.query.place, f"{target.query.owner}: {problem}"
