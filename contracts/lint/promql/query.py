"""One PromQL expression and where it is used.

In: a text and its place. Out: `Query`, parsed once; the rules ask it for its tree, its selectors and its owner.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import promql_parser as pp

from contracts.lint.finding import Place
from contracts.lint.promql.syntax import QueryError, nodes, parse

__all__ = ["Query", "QueryKind"]

QueryKind = Literal["alert", "record", "panel", "variable", "annotation", "page"]


@dataclass(frozen=True, slots=True)
class Query:
    """An expression; `owner` names the rule or panel in words, such as `alert AI_LIVE_StaleEvents`."""

    text: str
    place: Place
    kind: QueryKind
    owner: str

    @property
    def is_asked_by_hand(self) -> bool:
        """Whether a person asks it and sees what comes back, so that habits of panels and alerts do not apply."""
        return self.kind == "page"

    @property
    def tree(self) -> pp.Expr | None:
        """The parsed expression; None if it is no PromQL (which promql/syntax reports)."""
        try:
            return parse(self.text)
        except QueryError:
            return None

    @property
    def problem(self) -> str:
        """Why it is no PromQL, or ''."""
        try:
            parse(self.text)
        except QueryError as error:
            return str(error)
        return ""

    def nodes(self) -> list[Any]:
        """Return every node, parents first; nothing if the expression is no PromQL."""
        return list(_nodes(self.text))

    def selectors(self) -> Iterator[pp.VectorSelector]:
        """Yield every selector; nothing if the expression is no PromQL."""
        return (node for node in self.nodes() if isinstance(node, pp.VectorSelector))


@lru_cache(maxsize=4096)
def _nodes(text: str) -> tuple[Any, ...]:
    """Return the nodes of an expression, walked once for all rules."""
    try:
        return tuple(nodes(parse(text)))
    except QueryError:
        return ()
