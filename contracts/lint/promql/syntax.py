"""PromQL as the lint reads it: text with Grafana's variables -> a tree, and small questions about its nodes.

In: an expression as it stands in a rule or a panel. Out: nodes of the package promql-parser, or `QueryError`.
Positions inside an expression are not known to that parser; a finding names the expression's own line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from typing import Any

import promql_parser as pp

__all__ = [
    "ALLOWANCE",
    "SET_OPERATORS",
    "VARIABLE",
    "QueryError",
    "alternatives",
    "has_variable",
    "is_comparison",
    "is_pattern",
    "matches",
    "name_of",
    "nodes",
    "number_of",
    "operator_of",
    "parse",
    "seconds_in",
    "selectors",
    "strip",
    "text_of",
]

ALLOWANCE = re.compile(r"#\s*lint:\s*allow\s+(?P<id>[\w/-]*)\s*(?::\s*(?P<reason>.*?))?\s*$", re.MULTILINE)
"""An inline exception as a comment, in YAML and in PromQL alike: `# lint: allow area/name: reason`."""

SET_OPERATORS = ("and", "or", "unless")
_COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")
_PIECES = re.compile(
    r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`|#[^\n]*|\$\{?[A-Za-z_]\w*(?::\w+)?\}?|\[\[\w+(?::\w+)?\]\]|[\[\]]|[^\"'`#$\[\]]+|.",
    re.DOTALL,
)
_VARIABLE = re.compile(r"\$\{?[A-Za-z_]\w*|\[\[\w+(?::\w+)?\]\]")
_BACK = re.compile(r"\boffset\s+$")
_LISTED = re.compile(
    r"(?:\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*|\{[^{}\"]*(?:\"[^\"]*\"[^{}\"]*)*)$"
)
_NAMED = re.compile(r"[\w:]|\[|\{|\s*=")

VARIABLE = "_variable_"
"""Stands for a Grafana variable where a name is wanted: what it is cannot be told."""


class QueryError(Exception):
    """An expression that is no PromQL; the message is the parser's."""


def _substitute(text: str) -> str:
    """Drop comments and put a duration, a number or a name for each variable outside of strings.

    >>> _substitute('rate(x{a=~"$a"}[$__rate_interval]) * $n')
    'rate(x{a=~"$a"}[5m]) * 1'
    >>> _substitute("sum by ($label) (rate(${metric}_total[${window}s] offset $back))")
    'sum by (_variable_) (rate(_variable__total[300s] offset 5m))'
    """
    pieces = [piece for piece in _PIECES.findall(text) if not piece.startswith("#")]
    out, in_range = "", False
    for at, piece in enumerate(pieces):
        if piece in ("[", "]"):
            in_range = piece == "["
        after = pieces[at + 1] if at + 1 < len(pieces) else ""
        out += _instead(out, after, in_range) if _VARIABLE.match(piece) else piece
    return out


def _instead(before: str, after: str, in_range: bool) -> str:
    """Return what may stand where a variable does, between two texts."""
    if in_range or _BACK.search(before):
        return "300" if re.match(r"(?:ms|[smhdwy])\b", after) else "5m"
    if _LISTED.search(before) or _NAMED.match(after) or before[-1:].isalnum() or before[-1:] in ("_", ":"):
        return VARIABLE
    return "sum" if re.match(r"\s*(?:\(|by\b|without\b)", after) else "1"


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
    stated = (m.value for m in selector.matchers.matchers if m.name == "__name__" and m.op == pp.MatchOp.Equal)
    name = selector.name or next(stated, "")
    return name if name and not has_variable(name) and VARIABLE not in name else None


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


def is_pattern(text: str) -> bool:
    """Whether one alternative of a matcher is a pattern, not a name.

    >>> is_pattern("node.*"), is_pattern("node-1")
    (True, False)
    """
    return bool(re.search(r"[.*+?\\^$()\[\]{}|]", text))


def text_of(expr: Any) -> str:
    """Return an expression as a reader would write it.

    >>> text_of(parse("sum(x)"))
    'sum(x)'
    """
    return str(expr).replace("{}", "")


def seconds_in(duration: timedelta | None) -> float:
    """Return the length of a range, step or offset in seconds; 0 of one that is not stated."""
    return (duration or timedelta()).total_seconds()
