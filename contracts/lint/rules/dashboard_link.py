"""Every link inside Grafana leads to a dashboard of this repository: `/d/<uid>` in links, data links and text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Place, Severity, listed
from contracts.lint.inputs.located_json import Node, nodes_in
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_LINK = re.compile(r"/d/([A-Za-z0-9_-]+)")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield links to dashboards that do not exist."""
    uids = {board.uid for board in tree.dashboards}
    for board in tree.dashboards:
        for node in nodes_in(board.node):
            for line, uid in _links(node):
                if uid not in uids:
                    known = listed(uids - {""})
                    problem = f"the link leads to no dashboard (got {quote(uid)}, expected one of {known}); correct it"
                    yield Place(board.file, line), problem


def _links(node: Node) -> Iterator[tuple[int, str]]:
    for key, value in node.items():
        if isinstance(value, str):
            yield from ((node.line_of(key), uid) for uid in _LINK.findall(value))
