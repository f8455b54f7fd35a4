"""The series' values: a working copy that batches move, and a committed copy that scrapes see.

In: updates. Out: a `Snapshot` of committed values. `commit` is the one point at which work becomes visible, so that a
value once scraped can never be seen smaller later. Label caps are kept here, because values seen are state: what has
taken no place by the time an update brings it is folded if there is none left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from math import inf

from msgspec import Struct, field

from contracts.model import Contract, Metric, Word
from exporters.engine.records import Change, Gone, MetricMeaning, Record, Saved, SavedName, SavedSeries
from exporters.engine.series.one import Labels, Series, first_value, sample_of
from exporters.engine.values import Sample, Snapshot, Update

__all__ = ["Applied", "Overflow", "Series", "SeriesTable"]

Overflow = Counter[tuple[str, str]]
"""(metric, label) -> events whose label value was folded into `otherwise` because the cap was reached."""


class Applied(Struct):
    """What updates did besides moving series: label values folded, and values by word and reason that were refused."""

    overflow: Overflow = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)


class SeriesTable:
    """Values of one exporter's series. Not thread-safe; snapshots are immutable.

    Args:
        metrics: every metric there can be, in exposition order.
        words: the contract's vocabulary, for the caps on label values.
    """

    def __init__(self, metrics: Sequence[Metric], words: Mapping[str, Word]) -> None:
        self._series: dict[str, dict[Labels, Series]] = {metric.name: {} for metric in metrics}
        self._metrics = tuple(metrics)
        self._meanings = {metric.name: _meaning_of(metric) for metric in metrics}
        self._ends_after = {metric.name: metric.ends_after for metric in metrics if metric.ends_after}
        self._capped = {
            metric.name: [
                (at, label, words[word])
                for at, (label, word) in enumerate(metric.labels.items())
                if word in words and words[word].max_values
            ]
            for metric in metrics
        }
        self._seen: dict[str, dict[str, None]] = {name: {} for name, word in words.items() if word.max_values}
        self._caps = {name: words[name].max_values for name in self._seen}
        self._known: dict[tuple[str, Labels], Series] = {}
        self._changed: dict[tuple[str, Labels], Series] = {}
        self._shown: dict[str, tuple[Sample, ...]] = {}
        self._new_names: list[SavedName] = []
        self._left: list[Record] = []
        self._stored_meanings: Mapping[str, MetricMeaning] = {}

    @property
    def seen(self) -> Mapping[str, Collection[str]]:
        """The values of each capped word that have taken a place within its cap, as they are at any time."""
        return self._seen

    def begin(self, contract: Contract, defaults: Mapping[str, str | None], now: float) -> None:
        """Create the series that exist from the start, at 0 (or at an `always` metric's value)."""
        for metric in contract.metrics:
            for labels, value in _initial_series(contract, metric, defaults):
                known = len(self._series[metric.name])
                series = self._find(metric, labels, now)[0]
                if len(self._series[metric.name]) > known or metric.job == "always":
                    series.value = value

    def apply(self, updates: Iterable[Update], now: float) -> Applied:
        """Move the working values; return which label values were folded, and which values were refused."""
        applied = Applied()
        for update in updates:
            series, folded = self._find(update.metric, update.labels, now)
            refused = series.move(update)
            if refused:
                applied.refused[update.metric.amount or update.metric.subject or "", "out_of_range"] += refused
            for label in folded:
                applied.overflow[update.metric.name, label] += update.events
        return applied

    def admit(self, names: Iterable[tuple[str, str]]) -> None:
        """Give names (word, value) a place within the cap of their word, as long as there is one."""
        for word, value in names:
            if value not in self._seen[word] and len(self._seen[word]) < self._caps[word]:
                self._seen[word][value] = None
                self._new_names.append(SavedName(word, value))

    def changes(self, everything: bool) -> Iterator[Change]:
        """Yield what differs from the last commit (or everything) as records for the state.

        Of two records with one name the later one stands: a series left at the restart may have begun anew.
        """
        yield from map(Gone, self._left)
        for series in self._all() if everything else self._changed.values():
            if everything or series.shown != sample_of(series):
                kept = series.value, series.created, series.buckets, series.at
                yield SavedSeries(series.metric.name, series.labels, *kept)
        seen = [SavedName(word, value) for word, values in self._seen.items() for value in values]
        yield from seen if everything else self._new_names
        for name, meaning in self._meanings.items():
            if everything or self._stored_meanings.get(name) != meaning:
                yield meaning

    def _all(self) -> Iterator[Series]:
        for found in self._series.values():
            yield from found.values()

    def restore(self, saved: Saved, contract: Contract) -> Counter[str]:
        """Take over stored values of metrics whose meaning is unchanged; return how many series were left, by metric.

        The next commit deletes the records of those left. A later return to the old contract begins them anew, too: the
        old values would lack the events read in between, and Prometheus has seen these series end or begin again.
        """
        self._stored_meanings = saved.metric_meanings
        self._left += [one for name, one in saved.metric_meanings.items() if name not in self._meanings]
        self._restore_names(saved.names, contract)
        by_name = {metric.name: metric for metric in self._metrics}
        closed = {metric.name: _closed_values(contract, metric) for metric in self._metrics}
        left: Counter[str] = Counter()
        for one in saved.series:
            name = one.metric
            is_same = name in by_name and self._meanings[name] == saved.metric_meanings.get(name)
            if is_same and _is_within(one.labels, closed[name]):
                self._series[name][one.labels] = _restored(by_name[name], one)
            else:
                left[name] += 1
                self._left.append(one)
        return left

    def _restore_names(self, names: Iterable[SavedName], contract: Contract) -> None:
        """Take over label values as far as their word still has a cap, and up to it."""
        for one in names:
            if one.word in self._seen and len(self._seen[one.word]) < contract.words[one.word].max_values:
                self._seen[one.word][one.value] = None
            else:
                self._left.append(one)

    def commit(self, now: float = -inf) -> None:
        """Make the working values the ones that snapshots show; call it when changes() have been written.

        Args:
            now: UTC epoch seconds; a gauge whose newest event lies too far back of it is shown no longer.
        """
        self._new_names.clear()
        self._left.clear()
        self._stored_meanings = self._meanings
        for series in self._changed.values():
            series.shown = None if series.is_ended else sample_of(series)
            self._shown.pop(series.metric.name, None)
        self._changed.clear()
        for name, seconds in self._ends_after.items():
            for series in self._series[name].values():
                if series.shown is not None and series.at < (now - seconds) * 1e9:
                    series.shown = None
                    self._shown.pop(name, None)

    def snapshot(self) -> Snapshot:
        """Return the committed values; the samples of a metric are the same object until one of them changes."""
        for metric in self._metrics:
            if metric.name not in self._shown:
                ranked = sorted(self._series[metric.name].items())
                self._shown[metric.name] = tuple(one.shown for _, one in ranked if one.shown is not None)
        return tuple((metric, self._shown[metric.name]) for metric in self._metrics)

    def size(self, metrics: Iterable[Metric]) -> int:
        """Return how many series these metrics have."""
        return sum(len(self._series[metric.name]) for metric in metrics)

    def _find(self, metric: Metric, labels: Labels, now: float) -> tuple[Series, tuple[str, ...]]:
        """Return the series of a label set, made if need be and noted as changed, and the labels folded."""
        folded: tuple[str, ...] = ()
        series = self._known.get((metric.name, labels))
        if series is None:
            series, folded = self._resolve(metric, labels, now)
        self._changed[metric.name, series.labels] = series
        return series, folded

    def _resolve(self, metric: Metric, labels: Labels, now: float) -> tuple[Series, tuple[str, ...]]:
        kept, folded = list(labels), []
        for at, label, word in self._capped[metric.name]:
            if labels[at] == word.otherwise:
                continue
            self.admit([(word.name, labels[at])])
            if labels[at] not in self._seen[word.name]:
                kept[at] = word.otherwise or "other"
                folded.append(label)
        final = tuple(kept)
        series = self._series[metric.name].get(final)
        if series is None:
            series = Series(metric, final, now, first_value(metric))
            if metric.type == "histogram":
                series.buckets = [0] * (len(metric.buckets) + 1)
            self._series[metric.name][final] = series
        self._known[metric.name, final] = series  # not under `labels`: of those folded there may be as many as names
        return series, tuple(folded)


def _initial_series(
    contract: Contract, metric: Metric, defaults: Mapping[str, str | None]
) -> Iterable[tuple[Labels, float]]:
    """Yield the label sets that exist from the start, with their first value."""
    if metric.job == "sets" or (metric.job == "states" and not metric.init):
        return
    words = tuple(metric.labels.values())
    for given in metric.init or contract.closed_label_sets(metric):
        labels = tuple(
            label if label is not None else defaults.get(word) or "" for label, word in zip(given, words, strict=True)
        )
        if metric.job == "states":
            at = words.index(metric.subject or "")
            for value in contract.words[words[at]].label_values:
                yield (*labels[:at], value, *labels[at + 1 :]), float(value == given[at])
        else:
            yield labels, metric.value if metric.job == "always" else 0.0


def _meaning_of(metric: Metric) -> MetricMeaning:
    labels = tuple(metric.labels.items())
    kept = metric.amount or metric.keeps
    return MetricMeaning(metric.name, metric.type, metric.job, metric.subject, kept, labels, metric.buckets)


def _restored(metric: Metric, one: SavedSeries) -> Series:
    series = Series(metric, one.labels, one.created, one.value, one.buckets, one.at)
    series.shown = None if series.is_ended else sample_of(series)
    return series


def _closed_values(contract: Contract, metric: Metric) -> list[tuple[str, ...]]:
    """Return the values each label of a metric may have; empty: any."""
    if metric not in contract.metrics:
        return [() for _ in metric.labels]
    return [contract.label_values(metric, label) for label in metric.labels]


def _is_within(labels: Sequence[str], closed: Sequence[tuple[str, ...]]) -> bool:
    """Whether a stored label set still lies within the contract's closed lists."""
    pairs = zip(labels, closed, strict=True)
    return all(not values or value in values for value, values in pairs)
