"""The forms of PromQL the dashboards use, each written once and right.

In: a `Selector` of a known family. Out: a `Query`: expression, Grafana unit, legend. Three habits keep missing data
missing: nothing is filled with `or vector(0)`, a quotient divides by `(x > 0)`, so that no traffic gives no value, and
a quantile of no traffic (NaN) is dropped by `>= 0`. A window looks back for minutes; of a target that is down it shows
nothing, as what it holds is no longer true.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from grafana.build.catalogue import DashboardError, Family

__all__ = [
    "AUTO",
    "Query",
    "Selector",
    "age",
    "beside",
    "count",
    "grown",
    "is_active",
    "is_present",
    "is_reachable",
    "per_minute",
    "quantile",
    "rate",
    "select",
    "share",
    "slower_than",
    "value",
    "which",
]

AUTO = "$__rate_interval"
"""Grafana's window: never shorter than four scrapes."""

_RATE_UNITS = {"": "cps", "bytes": "binBps", "seconds": "percentunit"}
_PLAIN_UNITS = {"": "short", "bytes": "bytes", "seconds": "s"}


@dataclass(frozen=True, slots=True)
class Selector:
    """A family and label matchers, all checked."""

    family: Family
    matchers: tuple[str, ...] = ()

    def text(self, ending: str = "", *more: str) -> str:
        """Return it as PromQL, `ending` appended to the name, `more` to the matchers."""
        matchers = ",".join((*self.matchers, *more))
        return f"{self.family.name}{ending}" + (f"{{{matchers}}}" if matchers else "")

    def without(self, label: str, *values: str) -> Selector:
        """Return it less the series with one of these values."""
        for text in values:
            self.family.check_value(label, text)
        return replace(self, matchers=(*self.matchers, *(f'{label}!="{text}"' for text in values)))


@dataclass(frozen=True, slots=True)
class Query:
    """One expression of a panel, with the Grafana unit of its values and the families it reads."""

    expr: str
    unit: str
    families: tuple[Family, ...]
    legend: str = ""

    def named(self, legend: str) -> Query:
        """Return it with another legend."""
        return replace(self, legend=legend)

    def of(self, unit: str) -> Query:
        """Return it with a Grafana unit that says more, such as requests instead of counts per second."""
        return replace(self, unit=unit)

    def top(self, number: int) -> Query:
        """Return only its `number` greatest series."""
        return replace(self, expr=f"topk({number}, {self.expr})")


def select(family: Family, **matchers: str) -> Selector:
    """Return a selector. A value beginning with `$` is a dashboard variable and matches as a regular expression."""
    texts = []
    for label, text in matchers.items():
        if text.startswith("$"):
            family.check_label(label)
        else:
            family.check_value(label, text)
        texts.append(f'{label}{"=~" if text.startswith("$") else "="}"{text}"')
    return Selector(family, tuple(texts))


def rate(selector: Selector, *by: str, window: str = AUTO) -> Query:
    """Return what happens per second, summed by labels."""
    expr = _over(selector, "counter", "rate", window, by)
    return Query(expr, _RATE_UNITS[selector.family.unit], (selector.family,), _legend(by))


def per_minute(selector: Selector, *by: str, window: str = AUTO) -> Query:
    """Return what happens per minute, summed by labels."""
    return replace(
        rate(selector, *by, window=window), expr=f"60 * {rate(selector, *by, window=window).expr}", unit="cpm"
    )


def grown(selector: Selector, *by: str, window: str) -> Query:
    """Return how much a counter grew in `window`, summed by labels."""
    expr = _over(selector, "counter", "increase", window, by)
    return Query(expr, _PLAIN_UNITS[selector.family.unit], (selector.family,), _legend(by))


def quantile(part: float, selector: Selector, *by: str, window: str = AUTO) -> Query:
    """Return a quantile of a histogram by labels; no value where nothing was observed."""
    _require(selector, "histogram")
    inner = _while_up(f"rate({selector.text('_bucket')}[{window}])")
    buckets = f"sum by ({', '.join(('le', *_checked(selector, by)))}) ({inner})"
    expr = f"histogram_quantile({part:g}, {buckets}) >= 0"
    return Query(expr, _PLAIN_UNITS[selector.family.unit], (selector.family,), _legend(by) or f"p{part * 100:g}")


def slower_than(bound: float, selector: Selector, *, window: str = AUTO) -> Query:
    """Return the share of observations above `bound`, which must be a bucket of the contract."""
    _require(selector, "histogram")
    buckets = selector.family.metric.buckets
    if bound not in buckets:
        listed = ", ".join(f"{edge:g}" for edge in buckets)
        raise DashboardError(f"{selector.family.name} has no bucket {bound:g}; it has {listed}")
    edge = f'le="{float(bound)}"'
    below = _while_up(f"rate({selector.text('_bucket', edge)}[{window}])")
    every = _while_up(f"rate({selector.text('_count')}[{window}])")
    expr = f"1 - sum({below}) / (sum({every}) > 0)"
    return Query(expr, "percentunit", (selector.family,), f"above {bound:g} s")


def share(part: Query, whole: Query) -> Query:
    """Return the part of the whole, 0..1; no value while the whole is 0. Both must have the same labels."""
    families = tuple(dict.fromkeys((*part.families, *whole.families)))
    return Query(f"{part.expr} / ({whole.expr} > 0)", "percentunit", families, part.legend)


def value(selector: Selector, *by: str, fold: str = "max") -> Query:
    """Return a gauge as it is, folded by labels."""
    _require(selector, "gauge")
    unit = _PLAIN_UNITS[selector.family.unit]
    return Query(_folded(fold, selector.text(), _checked(selector, by)), unit, (selector.family,), _legend(by))


def age(selector: Selector, *by: str, of_oldest: bool = False) -> Query:
    """Return the seconds since a moment: of the newest series by default, of the one that lags most if asked."""
    if not selector.family.is_time:
        raise DashboardError(f"{selector.family.name} holds no time; only a *_timestamp_seconds has an age")
    moment = _folded("min" if of_oldest else "max", selector.text(), _checked(selector, by))
    return Query(f"clamp_min(time() - {moment}, 0)", "s", (selector.family,), _legend(by) or "age")


def count(selector: Selector, *by: str) -> Query:
    """Return the number of series by labels."""
    expr = _folded("count", selector.text(), _checked(selector, by))
    return Query(expr, "short", (selector.family,), _legend(by))


def which(selector: Selector, label: str, *by: str) -> Query:
    """Return the place (from 1) of the current state among the closed values of `label`; 0 if none is current."""
    _require(selector, "gauge")
    parts = []
    for place, text in enumerate(selector.family.values.get(label, ()), start=1):
        selector.family.check_value(label, text)
        one = _folded("sum", selector.text("", f'{label}="{text}"'), _checked(selector, by))
        parts.append(one if place == 1 else f"{place} * {one}")
    if not parts:
        raise DashboardError(f"{selector.family.name}: the values of {label} are not closed, so it has no places")
    return Query(" + ".join(parts), "none", (selector.family,), _legend(by))


def beside(counted: Selector, witness: Selector) -> Query:
    """Return how many series there are besides the witness; nothing while there is no witness.

    What is always there, such as an alert that always fires, tells none from nobody looking.
    """
    for selector in (counted, witness):
        _require(selector, "gauge")
    expr = f"count({counted.text()}) - count({witness.text()})"
    return Query(expr, "short", (counted.family,))


def is_active(selector: Selector, window: str) -> Query:
    """Return 1 if a counter grew in `window`, 0 if it did not, nothing if it does not exist."""
    expr = f"{_over(selector, 'counter', 'increase', window, ())} > bool 0"
    return Query(expr, "none", (selector.family,))


def is_present(selector: Selector) -> Query:
    """Return 1 if the family has series, 0 if Prometheus knows none."""
    expr = f"(count({selector.text()}) > bool 0) or (absent({selector.text()}) - 1)"
    return Query(expr, "none", (selector.family,))


def is_reachable(selector: Selector) -> Query:
    """Return 1 if the target answers, 0 if it does not or is not scraped at all."""
    expr = f"min by (job) ({selector.text()}) or (absent({selector.text()}) - 1)"
    return Query(expr, "none", (selector.family,), "{{job}}")


def _over(selector: Selector, kind: str, function: str, window: str, by: tuple[str, ...]) -> str:
    _require(selector, kind)
    return _folded("sum", _while_up(f"{function}({selector.text()}[{window}])"), _checked(selector, by))


def _while_up(expr: str) -> str:
    return f"{expr} and on (job, instance) up == 1"


def _folded(fold: str, expr: str, by: tuple[str, ...]) -> str:
    return f"{fold} by ({', '.join(by)}) ({expr})" if by else f"{fold}({expr})"


def _checked(selector: Selector, by: tuple[str, ...]) -> tuple[str, ...]:
    for label in by:
        selector.family.check_label(label)
    return by


def _require(selector: Selector, kind: str) -> None:
    if selector.family.metric.type != kind:
        raise DashboardError(f"{selector.family.name} is a {selector.family.metric.type}, and a {kind} is needed here")


def _legend(by: tuple[str, ...]) -> str:
    return " ".join(f"{{{{{label}}}}}" for label in by)
