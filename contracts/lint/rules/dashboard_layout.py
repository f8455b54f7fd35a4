"""Panels lie side by side: inside the grid of 24 columns, none on top of another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.dashboards import Dashboard, Panel
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_COLUMNS = 24


def check(tree: Tree) -> Iterator[Claim]:
    """Yield panels outside of the grid, and panels that overlap."""
    for board in tree.dashboards:
        placed = [(panel, _grid(panel)) for panel in board.panels if panel.node.get("gridPos")]
        for panel in board.panels:
            x, _, w, h = _grid(panel)
            if panel.type != "row" and (w < 1 or h < 1 or x < 0 or x + w > _COLUMNS):  # a row is as wide as the board
                got = f"got x {x}, w {w}, h {h}; expected x + w up to {_COLUMNS}"
                yield panel.place, f'panel "{panel.title}" does not lie in the grid ({got}); correct its gridPos'
        yield from _overlaps(board, placed)


def _overlaps(board: Dashboard, placed: list[tuple[Panel, tuple[int, int, int, int]]]) -> Iterator[Claim]:
    folded = {id(inner) for panel in board.panels for inner in panel.node.get("panels", [])}
    for (one, first), (other, second) in combinations(placed, 2):
        if id(one.node) in folded or id(other.node) in folded:
            continue
        (x1, y1, w1, h1), (x2, y2, w2, h2) = first, second
        if x1 < x2 + w2 and x2 < x1 + w1 and y1 < y2 + h2 and y2 < y1 + h1:
            yield other.place, f'panel "{other.title}" lies on "{one.title}" (at x {x2}, y {y2}); correct its gridPos'


def _grid(panel: Panel) -> tuple[int, int, int, int]:
    found = panel.node.get("gridPos") or {}
    return found.get("x", 0), found.get("y", 0), found.get("w", 0), found.get("h", 0)
