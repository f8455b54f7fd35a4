"""A runbook link leads somewhere: an existing page of this repository, and a heading on it.

The address the pages are served under is given once, as an external label of Prometheus, and links begin with it:
`{{ $externalLabels.runbooks }}/no-metrics.md#exporter_down`. Every Prometheus configuration has to have that label.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_BASE = re.compile(r"^\{\{\s*\$externalLabels\.(\w+)\s*\}\}/")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield links that lead nowhere."""
    for rule in tree.rules:
        link = rule.annotations.get("runbook_url")
        if rule.is_alert and link is not None and link.text and (problem := _problem(tree, link.text)):
            yield rule.place.at(link.line), f"alert {rule.name}: {problem}"


def _problem(tree: Tree, link: str) -> str:
    if link.startswith(tree.settings.runbook_bases):
        return ""  # served elsewhere, where nobody is asked
    base = _BASE.match(link)
    for scrape in tree.scrapes:
        if base and base[1] not in scrape.external_labels:
            return f"{scrape.file} has no external label {base[1]}, with which the link begins; add it there"
    path, _, anchor = link[base.end() if base else 0 :].partition("#")
    pages = {page.file: page for page in tree.pages}
    served = tree.runbooks if base else list(pages)
    file = next((file for file in pages if _is_page(path, file, file in served, base is not None)), None)
    if file is None:
        return f"the runbook {quote(path)} does not exist in this repository; write it or correct runbook_url"
    anchors = pages[file].anchors()
    if anchor and anchor not in anchors:
        known = ", ".join(sorted(anchors))
        return f"{file} has no heading {quote(anchor)} (expected one of {known}); add it or correct runbook_url"
    return ""


def _is_page(path: str, file: str, is_served: bool, is_below: bool) -> bool:
    """Whether a path, or an address that ends in one, is that of a page; `is_below` the address of the runbooks."""
    if is_below:
        return is_served and f"/{file}".endswith(f"/{path}")
    return path == file or ("://" in path and path.endswith(f"/{file}"))
