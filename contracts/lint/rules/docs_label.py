"""Docs give metrics only labels they have: `orders_total{status}` and `orders_total{status="failed"}` in code.

Names are compared for every metric of a contract and of the exporters themselves, values where a label has a closed
list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Place, Severity
from contracts.lint.inputs.pages import Page
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.catalog import Series

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_SELECTOR = re.compile(r"(?<![\w:$])([a-z_:][a-z0-9_:]*)\{([^{}]*)\}")
_OF_ANYBODY = ("job", "exporter", "contract", "metric", "pair")
"""Labels whose values a page may make up: it may speak of an exporter of its reader's."""
_LABEL = re.compile(r"\s*([a-zA-Z_]\w*)\s*(?:(=~|!~|!=|=)\s*\"((?:[^\"\\]|\\.)*)\")?\s*")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield labels and values no series has."""
    for place, code in _code(tree):
        for name, inner in _SELECTOR.findall(code):
            series = tree.catalog.find(name) or tree.catalog.find(f"{name}_bucket")
            for problem in _problems(name, inner, series) if series is not None and _is_ours(series) else ():
                yield place, problem


def _is_ours(series: Series) -> bool:
    """Whether the labels are a contract's or an exporter's: those of `up` are what somebody's targets have."""
    return series.is_ours and series.owner != "prometheus"


def _code(tree: Tree) -> Iterator[tuple[Place, str]]:
    for page in tree.pages:
        asked = {query.place.line for query in page.queries()}  # which promql/label judges
        yield from ((Place(page.file, line), code) for line, code in page.code() if line not in asked)
    for board in tree.dashboards:
        for panel in board.panels:
            for _, code in Page(board.file, panel.node.text_of("description")).code():
                yield panel.place.at(panel.node.line_of("description")), code


def _problems(name: str, inner: str, series: Series) -> Iterator[str]:
    parts = [_LABEL.fullmatch(part) for part in inner.split(",") if part.strip()]
    if series.takes_any_label or not all(parts):
        return  # no selector, or one with a comma in a value
    for label, operator, value in (part.groups() for part in parts if part is not None):
        values = series.labels.get(label)
        if values is None:
            have = ", ".join(sorted(series.labels))
            yield f"{name} has no label {quote(label)} (expected one of {have}); correct or delete it"
        elif operator == "=" and label not in _OF_ANYBODY and _is_wrong(value, values):
            yield f"{name} never has {label} {quote(value)} (expected one of {', '.join(values)}); correct it"


def _is_wrong(value: str, values: tuple[str, ...]) -> bool:
    """Whether a value is none of a closed list, and no placeholder such as `...`, `<name>` or `NAME`."""
    return bool(values) and value not in values and not re.search(r"[<>.$]|^[A-Z]+$|\{\{", value)
