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
    "Query",
    "Selector",
    "age",
    "beside",
    "count",
    "grown",
    "is_active",
    "is_alive",
    "is_present",
    "is_reachable",
    "lasting",
    "newest",
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

HOST = 'instance=~"$instance(:.*)?"'
"""The host chosen at the top of the board, with whatever port; every query has it."""

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

    def text(self, ending: str = "", *more: str) -> str:
        """Return it as PromQL, `ending` appended to the name, `more` to the matchers."""
        return f"{self.family.name}{ending}{{{','.join((*self.matchers, *more, HOST))}}}"

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
    inner = selector.guarded(f"rate({selector.text('_bucket')}[{window}])")
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
    _require(selector, "gauge")
    unit = _PLAIN_UNITS[selector.family.unit]
    return Query(_folded(fold, selector.now, _checked(selector, by)), unit, (selector.family,), _legend(by))


def age(selector: Selector, *by: str, of_oldest: bool = False) -> Query:
    """Return the seconds since a moment, of the host that lags most.

    On each host the newest series counts by default, the one that lags most if asked.
    """
    if not selector.family.is_time:
        raise DashboardError(f"{selector.family.name} holds no time; only a *_timestamp_seconds has an age")
    newest = selector.now if of_oldest else _folded("max", selector.now, (*_checked(selector, by), "job", "instance"))
    return Query(f"clamp_min(time() - {_folded('min', newest, by)}, 0)", "s", (selector.family,), _legend(by) or "age")


def count(selector: Selector, *by: str) -> Query:
    """Return the number of series by labels."""
    expr = _folded("count", selector.text(), _checked(selector, by))
    return Query(expr, "short", (selector.family,), _legend(by))


def which(selector: Selector, label: str, *by: str, at: Selector, fresh_s: int) -> Query:
    """Return the place (from 1) of the current state among the closed values of `label`, on each host; 0 if none is.

    `at` is when the newest event was: beyond `fresh_s` seconds, or without a file, the place is negative, as nobody
    knows whether it still is so. Both families have the labels `by`.
    """
    _require(selector, "gauge")
    if not selector.family.values.get(label):
        raise DashboardError(f"{selector.family.name}: the values of {label} are not closed, so it has no places")
    each = (*_checked(selector, by), "instance")
    parts = []
    for place, text in enumerate(selector.family.values[label], start=1):
        selector.family.check_value(label, text)
        one = _folded("sum", selector.text("", f'{label}="{text}"'), each)
        parts.append(one if place == 1 else f"{place} * {one}")
    newest = _folded("max", at.while_filed.now, (*_checked(at, by), "instance"))
    sign = f"on ({', '.join(each)}) (1 - 2 * (time() - {newest} > bool {fresh_s}))"
    known = f"({' + '.join(parts)})"
    return Query(f"{known} * {sign} or -1 * {known}", "none", (selector.family, at.family), _legend(each))


def beside(counted: Selector, witness: Selector) -> Query:
    """Return how many series there are besides the witness; nothing while there is no witness.

    What is always there, such as an alert that always fires, tells none from nobody looking.
    """
    for selector in (counted, witness):
        _require(selector, "gauge")
    expr = f"count({counted.text()}) - count({witness.text()})"
    return Query(expr, "short", (counted.family,))


def lasting(alerts: Selector, since: Selector, *labels: str) -> Query:
    """Return for how long each alert has been in its state, by the labels a reader needs."""
    kept = f"{since.text()} and ignoring (alertstate) {alerts.text()}"
    return Query(f"time() - min by ({', '.join(labels)}) ({kept})", "s", (alerts.family, since.family))


def is_active(selector: Selector, window: str, recent: str) -> Query:
    """Return 1 if a counter grew in `window` on every host, 2 if on one it did not in `recent`, 0 if on one it did not.

    Nothing if it does not exist.
    """
    long, short = (
        f"min(sum by (job, instance) ({selector.guarded(f'increase({selector.text()}[{window}])')}) > bool 0)"
        for window in (window, recent)
    )
    return Query(f"{long} * (2 - {short})", "none", (selector.family,))


def is_alive(selector: Selector, up: Query) -> Query:
    """Return 1 if every target shows this gauge with 1, 0 if one does not or is down, nothing if there is none."""
    shown = _folded("min", selector.text(), ("job", "instance"))
    return Query(f"min({shown} or on (job, instance) 0 * {up.expr})", "none", (selector.family, *up.families))


def newest(at: Selector, filed: Selector, up: Selector) -> Query:
    """Return the age of the newest event in seconds, of the host that lags most; or why there is none.

    That is -3 while an exporter is down, -2 while its file is gone, -1 if no event was in it yet.
    """
    down = f"min({up.text()}) - 3 == -3 or absent({up.text()}) - 4"
    gone = f"min({filed.text()}) - 2 == -2"
    return Query(f"{down} or {gone} or {age(at).expr} or sum({up.text()}) * 0 - 1", "s", (at.family,), "age")


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
    return _folded("sum", selector.guarded(f"{function}({selector.text()}[{window}])"), _checked(selector, by))


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
