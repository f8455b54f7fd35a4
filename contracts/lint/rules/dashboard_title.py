"""A title keeps its promise: "/ min" is a rate per minute, "p95" the 0.95, "(5m)" a window of 5m, "worst" not the best.

Quantiles are compared in legends, too, and windows where the query has some of its own: `$__rate_interval` is whatever
the viewer looks at. A recording counts as what it records. Source: W-44 (worst age by max of the newest source) and
W-48 (per-second rates under "/ min") of the fact sheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.dashboards import Panel, Target
from contracts.lint.inputs.scrape_files import seconds_of
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.catalog import Catalog
from contracts.lint.promql.infer import infer
from contracts.lint.promql.numbers import Records, named_quantiles, quantiles, windows
from contracts.lint.promql.syntax import name_of, operator_of, selectors
from contracts.lint.promql.units import TIMESTAMP, unit_of_name

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_PERIODS = (
    (re.compile(r"/ ?min\b|per minute", re.I), 60.0, "minute"),
    (re.compile(r"/ ?s\b|per second", re.I), 1.0, "second"),
)
_WINDOW = re.compile(r"\((\d+(?:ms|[smhdw]))\)")
_RANGE = re.compile(r"\[[^\]]*\]")
_WORST = re.compile(r"\b(worst|oldest)\b", re.I)


def check(tree: Tree) -> Iterator[Claim]:
    """Yield titles that promise something else."""
    records = tree.records
    for board in tree.dashboards:
        for panel in board.panels:
            for target in panel.targets:
                problem = _wrong_period(panel.title, target, tree.catalog) or _wrong_end(panel.title, target)
                problem = problem or _wrong_quantile(target, records)
                if problem:
                    yield target.query.place, f"{target.query.owner}: {problem}"
            yield from _of_all(panel, records)


def _of_all(panel: Panel, records: Records) -> Iterator[Claim]:
    """Yield what a title says that no query of the panel asks."""
    trees = [tree for target in panel.targets if (tree := target.query.tree) is not None]
    asked = {found for tree in trees for found in quantiles(tree, records)}
    for name in sorted(named_quantiles(panel.title) - asked) if asked else ():
        have = ", ".join(f"{one:g}" for one in sorted(asked))
        yield panel.place, f'panel "{panel.title}": the title says quantile {name:g}, asked is {have}; correct one'
    looked = {found for tree in trees for found in windows(tree, records)}
    is_open = any("$" in text for target in panel.targets for text in _RANGE.findall(target.query.text))
    for text in _WINDOW.findall(panel.title) if looked and not is_open else ():
        if seconds_of(text) not in looked:
            have = ", ".join(f"{one:g}s" for one in sorted(looked))
            yield panel.place, f'panel "{panel.title}": the title says {text}, its windows are {have}; correct one'


def _wrong_quantile(target: Target, records: Records) -> str:
    tree = target.query.tree
    asked, named = quantiles(tree, records) if tree is not None else set(), named_quantiles(target.legend)
    if not asked or not named or named & asked:
        return ""
    said, have = (", ".join(f"{one:g}" for one in sorted(found)) for found in (named, asked))
    return f"the legend says quantile {said}, the expression asks {have}; correct one"


def _wrong_period(title: str, target: Target, catalog: Catalog) -> str:
    expr = target.query.tree
    unit = infer(expr, catalog).unit if expr is not None else None
    for pattern, scale, word in _PERIODS:
        if pattern.search(title) and unit is not None and unit.dimension == "count/s" and unit.scale != scale:
            return f"the title says per {word}, the value is {unit} (expected x {scale:g}); multiply by {scale:g}"
    return ""


def _wrong_end(title: str, target: Target) -> str:
    if not _WORST.search(title):
        return ""
    for node in target.query.nodes():
        if operator_of(node) == "max" and node.modifier is None:
            names = [name for selector in selectors(node.expr) if (name := name_of(selector))]
            if any(unit_of_name(name) == TIMESTAMP for name in names) and "time()" not in str(node.expr):
                return "the title says worst, but max() of a timestamp is the newest; use min()"
    return ""
