"""PromQL as the lint reads it: text with Grafana's variables -> a tree, and small questions about its nodes.

In: an expression as it stands in a rule or a panel. Out: nodes of the package promql-parser, or `QueryError`.
Positions inside an expression are not known to that parser; a finding names the expression's own line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import promql_parser as pp

__all__ = [
    "ALLOWANCE",
    "SET_OPERATORS",
    "QueryError",
    "alternatives",
    "has_variable",
    "is_comparison",
    "matches",
    "name_of",
    "nodes",
    "number_of",
    "operator_of",
    "parse",
    "selectors",
    "strip",
    "text_of",
]

ALLOWANCE = re.compile(r"#\s*lint:\s*allow\s+(?P<id>[\w/-]*)\s*(?::\s*(?P<reason>.*?))?\s*$", re.MULTILINE)
"""An inline exception as a comment, in YAML and in PromQL alike: `# lint: allow area/name: reason`."""

SET_OPERATORS = ("and", "or", "unless")
_COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")
_PIECES = re.compile(
    r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`|#[^\n]*|\$\{?\w+(?::\w+)?\}?|[\[\]]|[^\"'`#$\[\]]+|.", re.DOTALL
)
_VARIABLE = re.compile(r"\$\{?\w+")


class QueryError(Exception):
    """An expression that is no PromQL; the message is the parser's."""


def _substitute(text: str) -> str:
    """Drop comments and put a duration or a number for each variable outside of strings.

    >>> _substitute('rate(x{a=~"$a"}[$__rate_interval]) * $n')
    'rate(x{a=~"$a"}[5m]) * 1'
    """
    out, in_range = [], False
    for piece in _PIECES.findall(text):
        if piece in ("[", "]"):
            in_range = piece == "["
        if piece.startswith("#"):
            continue
        out.append(("5m" if in_range else "1") if _VARIABLE.match(piece) else piece)
    return "".join(out)


@lru_cache(maxsize=4096)
def parse(text: str) -> pp.Expr:
    """Return the tree of an expression, variables substituted.

    Raises:
        QueryError: if it is no PromQL.
    """
    try:
        return pp.parse(_substitute(text))
    except ValueError as error:
        raise QueryError(str(error)) from error


def nodes(expr: pp.Expr) -> list[Any]:
    """Return every node, parents before children, the selectors of ranges included."""
    found: list[Any] = []
    pp.walk(expr, found.append)
    return found


def selectors(expr: pp.Expr) -> Iterator[pp.VectorSelector]:
    """Yield every selector of an expression."""
    return (node for node in nodes(expr) if isinstance(node, pp.VectorSelector))


def strip(expr: Any) -> Any:
    """Return what stands inside any parentheses."""
    while isinstance(expr, pp.ParenExpr):
        expr = expr.expr
    return expr


def operator_of(expr: Any) -> str:
    """Return the operator of a binary expression or the name of an aggregation or function, else ''."""
    if isinstance(expr, pp.BinaryExpr | pp.AggregateExpr):
        return str(expr.op)
    return str(expr.func.name) if isinstance(expr, pp.Call) else ""


def is_comparison(expr: Any) -> bool:
    """Whether an expression compares its two sides."""
    return isinstance(expr, pp.BinaryExpr) and str(expr.op) in _COMPARISONS


def number_of(expr: Any) -> float | None:
    """Return the number an expression is, sign and parentheses included; None if it is anything else."""
    expr = strip(expr)
    if isinstance(expr, pp.UnaryExpr):
        inner = number_of(expr.expr)
        return None if inner is None else -inner
    return float(expr.val) if isinstance(expr, pp.NumberLiteral) else None


def name_of(selector: pp.VectorSelector) -> str | None:
    """Return the metric name of a selector; None if it is a pattern, a variable or missing."""
    names = [selector.name] if selector.name else []
    names += [m.value for m in selector.matchers.matchers if m.name == "__name__" and m.op == pp.MatchOp.Equal]
    return names[0] if names and not has_variable(names[0]) else None


def has_variable(text: str) -> bool:
    """Whether a text holds a Grafana variable."""
    return bool(_VARIABLE.search(text))


def alternatives(pattern: str) -> list[str]:
    """Return the alternatives of a matcher's pattern; a pattern with groups is one.

    >>> alternatives("a|b"), alternatives("(a|b)c")
    (['a', 'b'], ['(a|b)c'])
    """
    return [pattern] if re.search(r"[()\[\]\\]", pattern) else pattern.split("|")


def matches(pattern: str, text: str) -> bool:
    """Whether a matcher's pattern takes a text; of what only RE2 knows (`[[:alpha:]]`) True, as promtool judges it.

    >>> matches("sub.*", "submit"), matches("sub", "submit")
    (True, False)
    """
    if "[[:" in pattern:
        return True
    try:
        return bool(re.fullmatch(pattern, text))
    except re.error:
        return True


def text_of(expr: Any) -> str:
    """Return an expression as a reader would write it.

    >>> text_of(parse("sum(x)"))
    'sum(x)'
    """
    return str(expr).replace("{}", "")
