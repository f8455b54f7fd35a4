"""The forms of PromQL the dashboards use, each written once and right.

In: a `Selector` of a known family. Out: a `Query`: expression, Grafana unit, legend. Three habits keep missing data
missing: nothing is filled with `or vector(0)`, a quotient divides by `(x > 0)`, so that no traffic gives no value, and
a quantile of no traffic (NaN) is dropped by `>= 0`. A window looks back for minutes; of a target that is down, or whose
file is gone where that is asked for, it shows nothing, as what it holds is no longer true. What speaks of several hosts
shows the worst of them, or each; never the best.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from grafana.build.catalogue import DashboardError, Family

__all__ = [
    "AUTO",
    "HOST",
    "HOST_OR_FLEET",
    "Query",
    "Selector",
    "age",
    "checked",
    "count",
    "folded",
    "grown",
    "legend_of",
    "per_minute",
    "quantile",
    "rate",
    "require",
    "select",
    "share",
    "slower_than",
    "value",
]

AUTO = "$__rate_interval"
"""Grafana's window: never shorter than four scrapes."""

HOST = 'instance=~"$instance(:.*)?"'
"""The host chosen at the top of the board, with whatever port; every query has it."""

HOST_OR_FLEET = 'instance=~"|$instance(:.*)?"'
"""The same for alerts, some of which speak of the whole fleet and name no host."""

_UP = "up == 1"
_FILED = "peak_trade_exporter_file_present == 1"
_RATE_UNITS = {"": "cps", "bytes": "binBps", "seconds": "percentunit"}
_PLAIN_UNITS = {"": "short", "bytes": "bytes", "seconds": "s"}


@dataclass(frozen=True, slots=True)
class Selector:
    """A family and label matchers, all checked; `guard` is what must hold of a target for its series to count."""

    family: Family
    matchers: tuple[str, ...] = ()
    guard: str = _UP

    @property
    def while_filed(self) -> Selector:
        """It, as far as the exporter's event file is there: without it nobody knows how things are."""
        return replace(self, guard=_FILED)

    def while_fresh(self, at: Selector, seconds: int) -> Selector:
        """Return it, as far as the target's newest event is no older: what was said before may be over."""
        return replace(self, guard=f"time() - max by (job, instance) ({at.text()}) <= {seconds}")

    def text(self, ending: str = "", *more: str) -> str:
        """Return it as PromQL, `ending` appended to the name, `more` to the matchers."""
        host = HOST_OR_FLEET if self.family.name.startswith("ALERTS") else HOST
        return f"{self.family.name}{ending}{{{','.join((*self.matchers, *more, host))}}}"

    @property
    def now(self) -> str:
        """It as a gauge is asked for: its series vanish by themselves while the target is down, not without a file."""
        return self.text() if self.guard == _UP else self.guarded(self.text())

    def guarded(self, expr: str) -> str:
        """Return an expression over its series, of those targets alone for which the guard holds."""
        return f"{expr} and on (job, instance) {self.guard}"

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

    def zero_while(self, up: Selector) -> Query:
        """Return it with 0 in place of nothing while a target answers: its series begin with the first of its kind."""
        return replace(self, expr=f"{self.expr} or 0 * sum({up.text()} == 1)")

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
    return Query(expr, _RATE_UNITS[selector.family.unit], (selector.family,), legend_of(by))


def per_minute(selector: Selector, *by: str, window: str = AUTO) -> Query:
    """Return what happens per minute, summed by labels."""
    return replace(
        rate(selector, *by, window=window), expr=f"60 * {rate(selector, *by, window=window).expr}", unit="cpm"
    )


def grown(selector: Selector, *by: str, window: str) -> Query:
    """Return how much a counter grew in `window`, summed by labels."""
    expr = _over(selector, "counter", "increase", window, by)
    return Query(expr, _PLAIN_UNITS[selector.family.unit], (selector.family,), legend_of(by))


def quantile(part: float, selector: Selector, *by: str, window: str = AUTO) -> Query:
    """Return a quantile of a histogram by labels; no value where nothing was observed."""
    require(selector, "histogram")
    inner = selector.guarded(f"rate({selector.text('_bucket')}[{window}])")
    buckets = f"sum by ({', '.join(('le', *checked(selector, by)))}) ({inner})"
    expr = f"histogram_quantile({part:g}, {buckets}) >= 0"
    return Query(expr, _PLAIN_UNITS[selector.family.unit], (selector.family,), legend_of(by) or f"p{part * 100:g}")


def slower_than(bound: float, selector: Selector, *, window: str = AUTO) -> Query:
    """Return the share of observations above `bound`, which must be a bucket of the contract."""
    require(selector, "histogram")
    buckets = selector.family.metric.buckets
    if bound not in buckets:
        listed = ", ".join(f"{edge:g}" for edge in buckets)
        raise DashboardError(f"{selector.family.name} has no bucket {bound:g}; it has {listed}")
    edge = f'le="{float(bound)}"'
    below = selector.guarded(f"rate({selector.text('_bucket', edge)}[{window}])")
    every = selector.guarded(f"rate({selector.text('_count')}[{window}])")
    expr = f"1 - sum({below}) / (sum({every}) > 0)"
    return Query(expr, "percentunit", (selector.family,), f"above {bound:g} s")


def share(part: Query, whole: Query) -> Query:
    """Return the part of the whole, 0..1; no value while the whole is 0. Both must have the same labels."""
    families = tuple(dict.fromkeys((*part.families, *whole.families)))
    return Query(f"{part.expr} / ({whole.expr} > 0)", "percentunit", families, part.legend)


def value(selector: Selector, *by: str, fold: str = "max") -> Query:
    """Return a gauge as it is, folded by labels."""
    require(selector, "gauge")
    unit = _PLAIN_UNITS[selector.family.unit]
    return Query(folded(fold, selector.now, checked(selector, by)), unit, (selector.family,), legend_of(by))


def age(selector: Selector, *by: str, of_oldest: bool = False) -> Query:
    """Return the seconds since a moment, of the host that lags most.

    On each host the newest series counts by default, the one that lags most if asked.
    """
    if not selector.family.is_time:
        raise DashboardError(f"{selector.family.name} holds no time; only a *_timestamp_seconds has an age")
    newest = selector.now if of_oldest else folded("max", selector.now, (*checked(selector, by), "job", "instance"))
    return Query(f"clamp_min(time() - {folded('min', newest, by)}, 0)", "s", (selector.family,), legend_of(by) or "age")


def count(selector: Selector, *by: str) -> Query:
    """Return the number of series by labels."""
    expr = folded("count", selector.text(), checked(selector, by))
    return Query(expr, "short", (selector.family,), legend_of(by))


def _over(selector: Selector, kind: str, function: str, window: str, by: tuple[str, ...]) -> str:
    require(selector, kind)
    return folded("sum", selector.guarded(f"{function}({selector.text()}[{window}])"), checked(selector, by))


def folded(fold: str, expr: str, by: tuple[str, ...]) -> str:
    """Return an expression folded by labels, such as `sum by (mode) (...)`."""
    return f"{fold} by ({', '.join(by)}) ({expr})" if by else f"{fold}({expr})"


def checked(selector: Selector, by: tuple[str, ...]) -> tuple[str, ...]:
    """Return the labels; DashboardError if the family lacks one."""
    for label in by:
        selector.family.check_label(label)
    return by


def require(selector: Selector, kind: str) -> None:
    """Raise DashboardError unless the family is of this kind."""
    if selector.family.metric.type != kind:
        raise DashboardError(f"{selector.family.name} is a {selector.family.metric.type}, and a {kind} is needed here")


def legend_of(by: tuple[str, ...]) -> str:
    """Return a legend of the labels."""
    return " ".join(f"{{{{{label}}}}}" for label in by)
