"""A runbook link leads somewhere: an existing page of this repository, and a heading on it."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield links that lead nowhere."""
    for rule in tree.rules:
        link = rule.annotations.get("runbook_url")
        problem = _problem(tree, link.text) if rule.is_alert and link is not None and link.text else ""
        if link is not None and problem:
            yield rule.place.at(link.line), f"alert {rule.name}: {problem}"


def _problem(tree: Tree, link: str) -> str:
    path, _, anchor = link.partition("#")
    pages = {page.file: page for page in tree.pages}
    file = next((file for file in pages if _is_page(path, file)), None)
    if file is None:
        return f"the runbook {quote(path)} does not exist in this repository; write it or correct runbook_url"
    anchors = pages[file].anchors()
    if anchor and anchor not in anchors:
        known = ", ".join(sorted(anchors))
        return f"{file} has no heading {quote(anchor)} (expected one of {known}); add it or correct runbook_url"
    return ""


def _is_page(path: str, file: str) -> bool:
    """Whether a path, or an address that ends in one, is that of a page."""
    return path == file or ("://" in path and path.endswith(f"/{file}"))
