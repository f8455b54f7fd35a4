"""What is missing or down never looks healthy: no green for null, no "OK" for no data, no green 0 of an up lamp.

An exporter that died has no series; a panel that maps null to a green "OK", or says `noValue: 0`, tells the operator
that all is well at the very moment when nothing is known. Judged are mappings of null, NaN and empty, `noValue`, and
the colour and text of 0 for values that are 1 when all is well (`up`, `..._up`, `..._ok`, `..._present`,
`..._success`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import promql_parser as pp

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.board_colours import mapped_specials, shown_for
from contracts.lint.inputs.dashboards import Panel
from contracts.lint.inputs.located_json import Node
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.syntax import name_of, operator_of, strip

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_GREEN = re.compile(
    r"green|^#(?:73bf69|56a64b|37872d|299c46|00ff00|0f0|96d98d|c8f2c2)$|rgba?\(50, 172, 45", re.IGNORECASE
)
_WELL = re.compile(
    r"(up|ok|okay|healthy|good|online|alive|running|ready|pass(ed)?|fine|normal|yes|0|0 ?%)", re.IGNORECASE
)
_LAMP = re.compile(r"up|.*_(?:up|ok|present|success|successful|healthy|ready)")
_NOTHING = ("null", "nan", "null+nan", "empty")
_KEEPS = ("min", "max", "avg", "last_over_time", "min_over_time", "max_over_time", "sort", "sort_desc")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield panels that call trouble healthy."""
    for board in tree.dashboards:
        for panel in board.panels:
            names = [name_of(found) for target in panel.targets for found in target.query.selectors()]
            for line, problem in _problems(panel, tree.catalog.knows(names)):
                yield panel.place.at(line), f'panel "{panel.title}": {problem}'


def _problems(panel: Panel, is_ours: bool) -> Iterator[tuple[int, str]]:
    defaults = panel.node.get("fieldConfig", {}).get("defaults", Node(panel.place.line))
    for match, line, (colour, text) in mapped_specials(defaults):
        if match.lower() in _NOTHING and (_GREEN.search(colour) or _is_well(text, is_ours)):
            shown = " ".join(part for part in (colour, text) if part)
            yield line, f"{match} is shown as if all were well (got {quote(shown)}); say that nothing is known"
    missing = str(defaults.get("noValue") if defaults.get("noValue") is not None else "")
    if _is_well(missing, is_ours):
        problem = f"no data is shown as if all were well (got noValue {quote(missing)})"
        yield defaults.line_of("noValue"), f'{problem}; write "no data", or leave it out'
    if any(_is_lamp(target.query.tree) for target in panel.targets if not target.is_hidden):
        colour, text = shown_for(defaults, 0)
        if _GREEN.search(colour) or (_WELL.fullmatch(text.strip()) and text.strip() != "0"):
            shown = " ".join(part for part in (colour, text) if part)
            yield defaults.line, f"0, which is down, is shown as if all were well (got {quote(shown)}); make it red"


def _is_well(text: str, is_ours: bool) -> bool:
    """Whether a text for nothing says that all is well; 0 does of our metrics, which exist from the start."""
    found = _WELL.fullmatch(text.strip())
    return found is not None and (is_ours or not text.strip().startswith("0"))


def _is_lamp(expr: object) -> bool:
    """Whether an expression is a value that is 1 when all is well, as it is scraped or the least of several."""
    inner = strip(expr)
    while operator_of(inner) in _KEEPS:
        inner = strip(inner.expr if isinstance(inner, pp.AggregateExpr) else inner.args[0])
    inner = inner.vector_selector if isinstance(inner, pp.MatrixSelector) else inner
    return isinstance(inner, pp.VectorSelector) and _LAMP.fullmatch(name_of(inner) or "") is not None
