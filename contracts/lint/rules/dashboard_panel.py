"""A panel is alive and explained: it has a title, a description and a query that is not hidden."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_WITHOUT_QUERY = ("row", "text", "dashlist", "alertlist", "news", "welcome")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield panels that show nothing or do not say what they show."""
    for board in tree.dashboards:
        for panel in board.panels:
            name = f"panel {panel.node.get('id')}" if not panel.title else f'panel "{panel.title}"'
            if panel.type in _WITHOUT_QUERY:
                continue
            if not panel.title:
                yield panel.place, f"{name} has no title; give it one"
            if not panel.node.text_of("description").strip():
                yield panel.place, f"{name} has no description; say what it means and what to do"
            if not any(not target.is_hidden for target in panel.targets):
                yield panel.place, f"{name} asks nothing (got no visible query); give it one or delete it"
