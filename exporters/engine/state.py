"""The series' values: a working copy that batches move, and a committed copy that scrapes see.

In: updates. Out: a `Snapshot` of committed values. `commit` is the one point at which work becomes visible, so that a
value once scraped can never be seen smaller later. Label caps are kept here, because values seen are state.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contracts.model import Contract, Metric, Word
from exporters.engine.values import Count, Observe, Sample, Snapshot, Update

__all__ = ["Overflow", "Series", "State"]

_ALIASES_KEPT = 65536
"""Label sets whose series is remembered; beyond it the memory starts anew, so that odd input cannot fill it."""

Labels = tuple[str, ...]
Overflow = Counter[tuple[str, str]]
"""(metric, label) -> events whose label value was folded into `otherwise` because the cap was reached."""


@dataclass(slots=True)
class Series:
    """One label set of one metric: its working value (fields as in Sample) and the committed one, `shown`."""

    metric: Metric
    labels: Labels
    created: float
    value: float = 0.0
    buckets: list[int] | None = None
    shown: Sample | None = None


class State:
    """Values of one exporter's series. Not thread-safe; snapshots are immutable.

    Args:
        metrics: every metric there can be, in exposition order.
        words: the contract's vocabulary, for the caps on label values.
    """

    def __init__(self, metrics: Sequence[Metric], words: Mapping[str, Word]) -> None:
        self._series: dict[str, dict[Labels, Series]] = {metric.name: {} for metric in metrics}
        self._metrics = tuple(metrics)
        self._capped = {
            metric.name: [
                (at, label, words[word])
                for at, (label, word) in enumerate(metric.labels.items())
                if word in words and words[word].max_values
            ]
            for metric in metrics
        }
        self._seen: dict[str, dict[str, None]] = {name: {} for name, word in words.items() if word.max_values}
        self._aliases: dict[tuple[str, Labels], tuple[Series, tuple[str, ...]]] = {}
        self._changed: dict[tuple[str, Labels], Series] = {}

    def begin(self, contract: Contract, defaults: Mapping[str, str | None], now: float) -> None:
        """Create the series that exist from the start, at 0 (or at an `always` metric's value)."""
        for metric in contract.metrics:
            for labels, value in _initial_series(contract, metric, defaults):
                self._find(metric, labels, now)[0].value = value

    def apply(self, updates: Iterable[Update], now: float) -> Overflow:
        """Move the working values; return which label values were folded."""
        overflow: Overflow = Counter()
        for update in updates:
            series, folded = self._find(update.metric, update.labels, now)
            events = 1
            if isinstance(update, Count):
                series.value += update.amount
                events = 1 if update.metric.amount else int(update.amount)
            elif isinstance(update, Observe):
                _observe(series, update.values)
                events = len(update.values)
            elif not update.only_forward or update.value > series.value:
                series.value = update.value
            for label in folded:
                overflow[update.metric.name, label] += events
        return overflow

    def commit(self) -> None:
        """Make the working values the ones that snapshots show."""
        for series in self._changed.values():
            series.shown = Sample(series.labels, series.value, series.created, tuple(series.buckets or ()))
        self._changed.clear()

    def snapshot(self) -> Snapshot:
        """Return the committed values."""
        return tuple(
            (
                metric,
                tuple(s.shown for _, s in sorted(self._series[metric.name].items()) if s.shown is not None),
            )
            for metric in self._metrics
        )

    def size(self, metrics: Iterable[Metric]) -> int:
        """Return how many series these metrics have."""
        return sum(len(self._series[metric.name]) for metric in metrics)

    def _find(self, metric: Metric, labels: Labels, now: float) -> tuple[Series, tuple[str, ...]]:
        """Return the series of a label set, made if need be and noted as changed, and the labels folded."""
        known = self._aliases.get((metric.name, labels))
        if known is None:
            known = self._resolve(metric, labels, now)
        self._changed[metric.name, known[0].labels] = known[0]
        return known

    def _resolve(self, metric: Metric, labels: Labels, now: float) -> tuple[Series, tuple[str, ...]]:
        kept, folded = list(labels), []
        for at, label, word in self._capped[metric.name]:
            seen = self._seen[word.name]
            if labels[at] in seen:
                continue
            if len(seen) < word.max_values:
                seen[labels[at]] = None
            elif labels[at] != word.otherwise:
                kept[at] = word.otherwise or "other"
                folded.append(label)
        final = tuple(kept)
        series = self._series[metric.name].get(final)
        if series is None:
            series = Series(metric, final, now, float("-inf") if metric.job == "sets" else 0.0)
            if metric.type == "histogram":
                series.buckets = [0] * (len(metric.buckets) + 1)
            self._series[metric.name][final] = series
        if len(self._aliases) >= _ALIASES_KEPT:
            self._aliases.clear()
        known = self._aliases[metric.name, labels] = (series, tuple(folded))
        return known


def _observe(series: Series, values: list[float]) -> None:
    bounds = series.metric.buckets
    assert series.buckets is not None
    series.value += sum(values)
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


def _initial_series(
    contract: Contract, metric: Metric, defaults: Mapping[str, str | None]
) -> Iterable[tuple[Labels, float]]:
    """Yield the label sets that exist from the start, with their first value."""
    if metric.job == "sets" or (metric.job == "states" and not metric.init):
        return
    words = tuple(metric.labels.values())
    for given in metric.init or contract.closed_label_sets(metric):
        labels = tuple(
            label if label is not None else defaults.get(word) or ""
            for label, word in zip(given, words, strict=True)
        )
        if metric.job == "states":
            at = words.index(metric.subject or "")
            for value in contract.words[words[at]].label_values:
                yield (*labels[:at], value, *labels[at + 1 :]), float(value == given[at])
        else:
            yield labels, metric.value if metric.job == "always" else 0.0
