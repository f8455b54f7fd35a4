"""What an expression yields: the labels that survive, the unit, the greatest value, whether it is a running total.

In: a parsed expression and the catalog. Out: a `Value`. Where it cannot be told, the field is None, and rules that
ask it stay silent: a finding of the lint is never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import promql_parser as pp

from contracts.lint.promql.catalog import Catalog
from contracts.lint.promql.syntax import VARIABLE, is_comparison, name_of, number_of, operator_of, selectors, strip
from contracts.lint.promql.units import COUNT, SECONDS, TIMESTAMP, Unit, divide, multiply, per_second, unit_of_name

__all__ = ["Labels", "Value", "infer", "union"]

Labels = frozenset[str] | None
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Value:
    """`labels` can be there, `sure` are on every element; `top` is the greatest value; `is_total` a raw counter."""

    labels: Labels = None
    sure: Labels = None
    unit: Unit | None = None
    top: float | None = None
    is_total: bool = False
    is_scalar: bool = False

    def with_labels(self, labels: Labels, sure: Labels) -> Value:
        """Return the same value with other labels."""
        return replace(self, labels=labels, sure=sure)


def infer(expr: Any, catalog: Catalog) -> Value:
    """Return what is known of an expression's value."""
    expr = strip(expr)
    if isinstance(expr, pp.VectorSelector):
        return _selected(expr, catalog)
    if isinstance(expr, pp.MatrixSelector):
        return _selected(expr.vector_selector, catalog)
    if isinstance(expr, pp.SubqueryExpr):
        return infer(expr.expr, catalog)
    if isinstance(expr, pp.UnaryExpr):
        return replace(infer(expr.expr, catalog), top=None)
    if isinstance(expr, pp.AggregateExpr):
        return _aggregated(expr, infer(expr.expr, catalog))
    if isinstance(expr, pp.Call):
        return _called(expr, catalog)
    if isinstance(expr, pp.BinaryExpr):
        return _combined(expr, infer(expr.lhs, catalog), infer(expr.rhs, catalog))
    return Value(_NONE, _NONE, is_scalar=True)


def _selected(selector: pp.VectorSelector, catalog: Catalog) -> Value:
    series = catalog.find(name_of(selector))
    if series is None:
        return Value()
    labels = None if series.takes_any_label else frozenset(series.labels)
    return Value(labels, labels, series.unit, series.top, series.kind != "gauge")


_STAYS_TOTAL = ("sum", "max", "min", "avg")
_KEEPS_BOUND = ("max", "min", "avg", "topk", "bottomk", "quantile", "limitk")


def _aggregated(expr: Any, inner: Value) -> Value:
    operator = str(expr.op)
    unit = COUNT if operator in ("count", "group", "count_values") else inner.unit
    unit = None if operator == "stdvar" else unit
    top = inner.top if operator in _KEEPS_BOUND else 1.0 if operator == "group" else None
    value = Value(unit=unit, top=top, is_total=inner.is_total and operator in _STAYS_TOTAL)
    if operator in ("topk", "bottomk", "limitk", "limit_ratio"):
        return value.with_labels(inner.labels, inner.sure)
    added = frozenset({str(expr.param.val)}) if operator == "count_values" else _NONE
    if expr.modifier is None:
        return value.with_labels(added, added)
    listed = frozenset(expr.modifier.labels)
    if any(VARIABLE in label for label in listed):
        return value.with_labels(None, None)
    if expr.modifier.type == pp.AggModifierType.By:
        sure = None if inner.sure is None else inner.sure & listed | added
        return value.with_labels(listed | added, sure)
    return value.with_labels(
        *(None if known is None else known - listed | added for known in (inner.labels, inner.sure))
    )


def _less(labels: Labels, gone: frozenset[str]) -> Labels:
    return None if labels is None else labels - gone


def _keep(inner: Value) -> Value:
    return replace(inner, is_total=False)


def _reunit(make: Callable[[Unit | None], Unit | None]) -> Callable[[Value], Value]:
    return lambda inner: replace(inner, unit=make(inner.unit), top=None, is_total=False)


_FUNCTIONS: Mapping[str, Callable[[Value], Value]] = {
    **dict.fromkeys(("rate", "irate", "deriv"), _reunit(per_second)),
    **dict.fromkeys(("increase", "delta", "idelta"), _reunit(lambda u: SECONDS if u == TIMESTAMP else u)),
    **dict.fromkeys(("changes", "resets", "count_over_time"), _reunit(lambda _: COUNT)),
    **dict.fromkeys(("sum_over_time",), _reunit(lambda _: None)),
    **dict.fromkeys(("timestamp",), _reunit(lambda _: TIMESTAMP)),
    **dict.fromkeys(("avg_over_time", "min_over_time", "max_over_time", "last_over_time"), lambda inner: inner),
    **dict.fromkeys(("quantile_over_time", "sort", "sort_desc", "round", "ceil", "floor"), _keep),
    **dict.fromkeys(
        ("abs", "clamp_min", "clamp_max", "clamp", "predict_linear"), lambda v: replace(_keep(v), top=None)
    ),
}


def _called(expr: pp.Call, catalog: Catalog) -> Value:
    name, args = str(expr.func.name), list(expr.args)
    if name == "time":
        return Value(_NONE, _NONE, TIMESTAMP, is_scalar=True)
    if name in ("vector", "scalar"):
        [inside] = args
        return Value(_NONE, _NONE, infer(inside, catalog).unit, number_of(inside), is_scalar=name == "scalar")
    if name in ("absent", "absent_over_time"):
        return _absence(*args)
    if name == "histogram_quantile":
        return _quantile(args[1], catalog)
    if name in ("label_replace", "label_join"):
        inner, added = infer(args[0], catalog), frozenset({str(args[1].val)})
        return inner.with_labels(*(None if known is None else known | added for known in (inner.labels, inner.sure)))
    values = [infer(arg, catalog) for arg in args]
    vector = next((value for value in values if not value.is_scalar), None)
    if vector is None:
        return Value(_NONE, _NONE, is_scalar=not args)
    change = _FUNCTIONS.get(name)
    return change(vector) if change else Value(vector.labels, vector.sure)


def _absence(arg: Any) -> Value:
    """An absent() has the labels its selector pins with `=`."""
    found = next(selectors(arg), None)
    pinned = [m.name for m in found.matchers.matchers if m.op == pp.MatchOp.Equal] if found is not None else []
    labels = frozenset(pinned) - {"__name__"}
    return Value(labels, labels, COUNT, top=1.0)


def _quantile(arg: Any, catalog: Catalog) -> Value:
    inner, gone = infer(arg, catalog), frozenset({"le"})
    found = (catalog.find(name_of(selector)) for selector in selectors(arg))
    families = {one.family: one for one in found if one and one.buckets}  # what it is compared with has none
    series = next(iter(families.values())) if len(families) == 1 else None
    unit = unit_of_name(series.family) if series else None
    top = max(series.buckets, default=None) if series else None
    return Value(_less(inner.labels, gone), _less(inner.sure, gone), unit, top)


def _combined(expr: pp.BinaryExpr, left: Value, right: Value) -> Value:
    operator = operator_of(expr)
    if is_comparison(expr):
        kept = right if left.is_scalar else left
        flag = expr.modifier is not None and expr.modifier.return_bool
        value = replace(kept, unit=COUNT, top=1.0, is_total=False) if flag else kept
    elif operator in ("and", "unless"):
        value = left
    elif operator == "or":
        same = left.unit == right.unit or right.unit is None
        top = None if left.top is None or right.top is None else max((left.top, right.top))
        return Value(union(left.labels, right.labels), _both(left.sure, right.sure), left.unit if same else None, top)
    else:
        value = _calculated(expr, operator, left, right)
    if operator in ("and", "unless"):
        return value
    return value.with_labels(*_matched(expr, left, right))


def union(left: Labels, right: Labels) -> Labels:
    """Return the labels of either side; unknown if one of them is."""
    return None if left is None or right is None else left | right


def _both(left: Labels, right: Labels) -> Labels:
    return None if left is None or right is None else left & right


def _calculated(expr: pp.BinaryExpr, operator: str, left: Value, right: Value) -> Value:
    """Return unit and greatest value of an arithmetic operation; what is not known of it stays unknown."""
    value = Value(is_scalar=left.is_scalar and right.is_scalar)
    rule = _ARITHMETIC.get(operator)
    return rule(expr, left, right, value) if rule else value


def _product(expr: Any, left: Value, right: Value, value: Value) -> Value:
    """A rate times a constant has the rate's unit, scaled: seconds times 1000 are milliseconds."""
    factor, second = number_of(expr.lhs), number_of(expr.rhs)
    if second is not None:
        return _scaled(left, second, value)
    if factor is not None:
        return _scaled(right, factor, value)
    return replace(value, unit=right.unit if left.unit == COUNT else left.unit if right.unit == COUNT else None)


def _scaled(kept: Value, number: float, value: Value) -> Value:
    top = None if kept.top is None else kept.top * number
    return replace(value, unit=multiply(kept.unit, number) if number else None, top=top)


def _quotient(expr: pp.BinaryExpr, left: Value, right: Value, value: Value) -> Value:
    """A part of something over all of it is at most 1; anything over a constant is scaled."""
    divisor = number_of(expr.rhs)
    if divisor:
        top = None if left.top is None else left.top / divisor
        return replace(value, unit=multiply(left.unit, 1 / divisor), top=top)
    unit = divide(left.unit, right.unit) if number_of(expr.lhs) is None else None
    return replace(value, unit=unit, top=1.0 if _is_share(expr.lhs, expr.rhs) else None)


def _sum(expr: pp.BinaryExpr, left: Value, right: Value, value: Value) -> Value:
    """Things of one unit added, or a constant added, have that unit."""
    if number_of(expr.lhs) is not None:
        return replace(value, unit=right.unit)
    is_same = number_of(expr.rhs) is not None or left.unit == right.unit
    return replace(value, unit=left.unit) if is_same else value


def _difference(expr: pp.BinaryExpr, left: Value, right: Value, value: Value) -> Value:
    """A moment less a moment is a duration; any other difference has the unit of a sum."""
    if left.unit == right.unit == TIMESTAMP:
        return replace(value, unit=SECONDS)
    return _sum(expr, left, right, value)


_ARITHMETIC = {"*": _product, "/": _quotient, "+": _sum, "-": _difference}


def _is_share(part: Any, whole: Any) -> bool:
    """Whether `part` selects some of what `whole` selects and is otherwise the same, so at most the whole."""
    part, whole = strip(part), strip(whole)
    if operator_of(whole) == "clamp_min":
        whole = strip(whole.args[0])
    if is_comparison(whole):
        whole = strip(whole.lhs)
    some, every = ([set(map(str, found.matchers.matchers)) for found in selectors(expr)] for expr in (part, whole))
    is_within = len(some) == len(every) == 1 and all(wide <= narrow for narrow, wide in zip(some, every, strict=True))
    return is_within and _bare(part) == _bare(whole)


def _bare(expr: Any) -> str:
    return re.sub(r"\{[^}]*\}", "", str(expr))


def _matched(expr: pp.BinaryExpr, left: Value, right: Value) -> tuple[Labels, Labels]:
    """Return the labels of an operation between two sides, by Prometheus' rules of vector matching."""
    if left.is_scalar:
        return right.labels, right.sure
    modifier: Any = expr.modifier
    matching = modifier.matching if modifier is not None else None
    card = modifier.card if modifier is not None else pp.VectorMatchCardinality.OneToOne
    if card in (pp.VectorMatchCardinality.ManyToOne, pp.VectorMatchCardinality.OneToMany):
        many, one = (left, right) if card == pp.VectorMatchCardinality.ManyToOne else (right, left)
        brought = frozenset(modifier.group_labels)
        sure = None if many.sure is None or one.sure is None else many.sure | (brought & one.sure)
        return union(many.labels, brought), sure
    if matching is None:
        return left.labels, left.sure
    named = frozenset(matching.labels)
    if any(VARIABLE in label for label in named):
        return None, None
    if matching.type == pp.LabelModifierType.Include:
        return named, _both(_both(left.sure, right.sure), named)
    return _less(left.labels, named), _less(left.sure, named)
