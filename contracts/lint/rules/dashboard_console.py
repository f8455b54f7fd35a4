"""Every link of a board or an alert into the console leads to a page it has: `${console}/watch`.

The pages are those the sources in the folder `console` name, as `Endpoint("/path"` or `Route("/path"`; where there is
no such folder nothing is judged. A part in braces stands for any id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Place, Severity
from contracts.lint.inputs.located_json import nodes_in
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_LINK = re.compile(r"\$\{console(?::\w+)?\}([^\s?#\"'<>)]*)")
_ROUTE = re.compile(r"\b(?:Endpoint|Route)\(\s*\"(/[^\"]*)\"")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield links to pages the console has not."""
    routes = _routes(tree)
    if not routes:
        return
    known = re.compile("|".join(_pattern(route) for route in routes))
    for place, path in _links(tree):
        if not known.fullmatch(path or "/"):
            pages = ", ".join(routes)
            yield place, f"the console has no page {quote(path)} (expected one of {pages}); correct the link"


def _routes(tree: Tree) -> list[str]:
    sources = sorted((tree.root / "console").rglob("*.py"))
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in sources]
    return sorted({route for text in texts for route in _ROUTE.findall(text)})


def _pattern(route: str) -> str:
    return "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{\w+\})", route))


def _links(tree: Tree) -> Iterator[tuple[Place, str]]:
    for board in tree.dashboards:
        for node in nodes_in(board.node):
            for key, value in node.items():
                if isinstance(value, str):
                    yield from ((Place(board.file, node.line_of(key)), path) for path in _LINK.findall(value))
    for rule in tree.rules:
        for spot in rule.annotations.values():
            yield from ((rule.place.at(spot.line), path) for path in _LINK.findall(spot.text))
