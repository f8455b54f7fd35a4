"""Links between pages lead to files and headings that exist; links to other sites are not followed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, join, normpath

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Place, Severity
from contracts.lint.inputs.pages import Page
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield links that lead nowhere."""
    for page in tree.pages:
        for line, target in page.links():
            problem = "" if "://" in target or target.startswith("mailto:") else _problem(tree, page, target)
            if problem:
                yield Place(page.file, line), problem


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # longer than a name can be, or no name at all
        return False


def _problem(tree: Tree, page: Page, target: str) -> str:
    path, _, anchor = target.partition("#")
    file = normpath(join(dirname(page.file), path)) if path else page.file
    if not _exists(tree.root / file):
        return f"the link leads to no file (got {quote(target)}); correct it"
    other = next((other for other in tree.pages if other.file == file), None)
    if anchor and other is not None and anchor not in other.anchors():
        return f"{file} has no heading {quote(anchor)}; correct the link"
    return ""
