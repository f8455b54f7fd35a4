"""No query looks back further than Prometheus keeps its samples.

A budget over 30 days on a store of 15 is one over 15 days, and nothing says so. Ranges, offsets and subqueries are
added up. How long samples are kept is read from `--storage.tsdb.retention.time` in a compose file, from
`storage.tsdb.retention` in a Prometheus configuration, or from `retention` of peaktrade.toml; where nothing says it,
nothing is judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import promql_parser as pp

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.scrape_files import seconds_of
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.syntax import nodes, seconds_in

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_DAY = 86400.0
_FLAG = re.compile(r"--storage\.tsdb\.retention\.time[= ](\w+)")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield queries that ask for what is gone."""
    kept = min(_kept(tree), default=0.0)
    for query in tree.queries if kept else ():
        if query.tree is not None and (reach := _reach(query.tree)) > kept:
            problem = f"looks back {_shown(reach)}, but samples are kept for {_shown(kept)}"
            yield query.place, f"{query.owner}: {problem}; shorten the range or raise the retention"


def _kept(tree: Tree) -> Iterator[float]:
    """Yield every time, in seconds, that something says samples are kept."""
    stated = [tree.settings.retention]
    stated += [found for file, _ in tree.compose for found in _FLAG.findall(tree.texts[file])]
    stated += [scrape.node.at("storage", "tsdb", "retention").text_of("time") for scrape in tree.scrapes]
    yield from (seconds for text in stated if (seconds := seconds_of(text)))


def _reach(expr: Any) -> float:
    """Return how many seconds before now an expression looks."""
    return max(_reach_of(node) for node in nodes(expr))


def _reach_of(node: Any) -> float:
    if isinstance(node, pp.MatrixSelector):
        return seconds_in(node.range) + seconds_in(node.vector_selector.offset)
    if isinstance(node, pp.SubqueryExpr):
        return seconds_in(node.range) + seconds_in(node.offset) + _reach(node.expr)
    return seconds_in(getattr(node, "offset", None))


def _shown(seconds: float) -> str:
    return f"{seconds / _DAY:g}d" if seconds >= _DAY else f"{seconds:g}s"
