"""Docs mention only metrics that exist: names with our prefixes in code, on Markdown pages and in panel descriptions.

A trailing `*` or `_` stands for all names that begin so. Jobs and exporters are names too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Place, Severity, remedy_for
from contracts.lint.inputs.pages import Page
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_ANY = r"(?<![\w:./-])(?:{})[a-z0-9_]*\*?(?![\w:/]|\.\w)"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield names nobody declares."""
    catalog = tree.catalog
    known = {*catalog.series, *catalog.families(), *(job.name for file in tree.scrapes for job in file.jobs)}
    known |= {rule.group for rule in tree.rules}
    named = re.compile(_ANY.format("|".join(map(re.escape, tree.settings.prefixes))))
    for place, code in _code(tree) if tree.settings.prefixes else ():
        for name in named.findall(code):
            stem = name.rstrip("*")
            is_prefix = name.endswith(("*", "_")) and any(other.startswith(stem) for other in known)
            if name not in known and not is_prefix:
                yield place, f"no metric is named {quote(name)}; {remedy_for(name, known)}"


def _code(tree: Tree) -> Iterator[tuple[Place, str]]:
    for page in tree.pages:
        yield from ((Place(page.file, line), code) for line, code in page.code())
    for board in tree.dashboards:
        for panel in board.panels:
            text = panel.node.text_of("description")
            for _, code in Page(board.file, text).code():
                yield panel.place.at(panel.node.line_of("description")), code
