"""A dashboard and its panels can be told apart: one uid per dashboard, one id per panel, a title each.

Grafana overwrites dashboards with the same uid and shuffles panels with the same id. Source: W-46 of the fact sheet.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.dashboards import Dashboard
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield what is missing or doubled."""
    owners: dict[tuple[str, str], str] = {}
    for board in tree.dashboards:
        for key, got in (("uid", board.uid), ("title", board.title)):
            owner = owners.setdefault((key, got), board.file)
            if not got:
                yield board.place_of(key), f"the dashboard has no {key}; give it one"
            elif owner != board.file:
                yield board.place_of(key), f"the {key} {quote(got)} belongs to {owner} already; choose another"
        yield from _panel_ids(board)


def _panel_ids(board: Dashboard) -> Iterator[Claim]:
    titles: dict[int, str] = {}
    for panel in board.panels:
        number = panel.node.get("id")
        if not isinstance(number, int) or number < 1:
            yield (
                panel.place,
                f'panel "{panel.title}" has no id (got {number!r}, expected a whole number from 1); give it one',
            )
        elif number in titles:
            problem = f'panel "{panel.title}" has id {number}, as "{titles[number]}" has; give it another'
            yield panel.place.at(panel.node.line_of("id")), problem
        else:
            titles[number] = panel.title
