"""One series: its working value and what is committed of it, and how an update moves it.

In: updates. Out: how many of the values of one were refused. Part of the series stage.
"""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import reduce
from math import inf, isnan, nan
from operator import add

from msgspec import Struct

from contracts.model import Metric
from exporters.engine.values import Count, End, Observe, Put, Sample, Update

__all__ = ["Labels", "Series", "first_value", "sample_of"]

Labels = tuple[str, ...]

_EXACT = 2.0**53 - 1
"""Largest sum of a gauge that adds: beyond it adding 1 may change nothing."""


class Series(Struct):
    """One label set of one metric: its working value (fields as in Sample) and the committed one, `shown`."""

    metric: Metric
    labels: Labels
    created: float
    value: float
    buckets: list[int] | None = None
    at: int = 0
    shown: Sample | None = None

    @property
    def is_ended(self) -> bool:
        """Whether an event ended it; it is not shown until a later event moves it, and begins anew then."""
        return isnan(self.value)

    def move(self, update: Update) -> int:
        """Apply an update; return how many of its values were refused, as a sum would be too large."""
        if isinstance(update, Count):
            self.value += update.amount
            return 0
        if isinstance(update, Observe):
            return self._observe(update.values)
        if update.at is not None and update.at < self.at:
            return 0
        if isinstance(update, End):
            self.value, self.at = nan, update.at or 0
        elif update.keeps is None or self.is_ended or _is_kept(update, self.value):
            self.value, self.at = update.value, update.at or 0
        return 0

    def _observe(self, values: list[float]) -> int:
        if self.is_ended:
            self.value = first_value(self.metric)
        most = _EXACT if self.metric.job == "adds" else sys.float_info.max
        taken = values
        if abs(sum(values, self.value)) > most or (most == _EXACT and abs(self.value) + sum(map(abs, values)) > most):
            taken = _summable(values, self.value, most)
        _put_into(self, taken)
        return len(values) - len(taken)


def first_value(metric: Metric) -> float:
    """Return what a series holds before an event moves it: what any value takes the place of."""
    if metric.job != "sets":
        return 0.0
    return inf if metric.keeps == "min" else -inf


def _is_kept(update: Put, value: float) -> bool:
    """Whether an update of a largest or smallest value takes the place of what there is."""
    return update.value > value if update.keeps == "max" else update.value < value


def sample_of(series: Series) -> Sample:
    """Return the working values of a series."""
    return Sample(series.labels, series.value, series.created, tuple(series.buckets or ()), series.at)


def _summable(values: Iterable[float], total: float, most: float) -> list[float]:
    """Return the values that can be added one after the other without the sum becoming too large, whatever its sign."""
    taken = []
    for value in values:
        if abs(total + value) <= most:
            total += value
            taken.append(value)
    return taken


def _added(total: float, values: Iterable[float]) -> float:
    """Return the total with values added one after the other, so that it does not depend on where batches end.

    From Python 3.12 on `sum` makes up for rounding within one call, so its last digit would depend on that.
    """
    return sum(values, total) if sys.version_info < (3, 12) else reduce(add, values, total)


def _put_into(series: Series, values: list[float]) -> None:
    bounds = series.metric.buckets
    series.value = _added(series.value, values)
    if series.buckets is None:
        return
    if len(values) < 8:
        for value in values:
            series.buckets[bisect_left(bounds, value)] += 1
        return
    ranked = sorted(values)
    below = 0
    for index, bound in enumerate(bounds):
        upto = bisect_right(ranked, bound)
        series.buckets[index] += upto - below
        below = upto
    series.buckets[-1] += len(ranked) - below
