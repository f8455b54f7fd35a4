"""The queries of a panel can be told apart and come in the form its panel draws: one refId each, tables as tables.

Grafana keeps one answer per refId: of two queries with the letter A one is lost. A table of `instant` values needs
`format: table`, a heatmap of buckets `format: heatmap`; a graph of an instant query is one point.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.dashboards import Panel
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_OVER_TIME = ("timeseries", "state-timeline", "status-history", "heatmap", "graph")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield queries that are lost or of another form."""
    for board in tree.dashboards:
        for panel in board.panels:
            for line, problem in _problems(panel):
                yield panel.place.at(line), f'panel "{panel.title}": {problem}'


def _problems(panel: Panel) -> Iterator[tuple[int, str]]:
    seen: set[str] = set()
    for node in panel.node.get("targets", []):
        letter = node.text_of("refId")
        if letter and letter in seen:
            yield node.line_of("refId"), f"two queries have the refId {quote(letter)}, so one is lost; give it another"
        seen.add(letter)
        if not node.get("expr") or node.get("hide"):
            continue
        if panel.type in _OVER_TIME and node.get("instant") is True and not node.get("range"):
            yield node.line_of("instant"), f"a {panel.type} of an instant query is one point; ask a range"
        if panel.type == "heatmap" and _is_of_buckets(str(node["expr"])) and node.get("format") != "heatmap":
            got = quote(str(node.get("format") or "time_series"))
            yield (
                node.line_of("format"),
                f"buckets are drawn as they are, each above the last (got format {got}); write heatmap",
            )


def _is_of_buckets(expr: str) -> bool:
    return "_bucket" in expr and "histogram_quantile" not in expr
