"""A legend uses labels that survive the expression: `{{stage}}` after `sum by (mode)` is always blank.

Source: W-47 of the fact sheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity, listed
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.infer import infer

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield legends with labels that are gone."""
    for board in tree.dashboards:
        for panel in board.panels:
            for target in panel.targets:
                expr = target.query.tree
                sure = infer(expr, tree.catalog).sure if expr is not None else None
                for label in _LABEL.findall(target.legend):
                    if sure is not None and label not in sure:
                        have = listed(sure)
                        problem = f"the legend uses the label {quote(label)}, which is gone (expected one of {have})"
                        yield target.query.place, f"{target.query.owner}: {problem}; keep it in by () or drop it here"
