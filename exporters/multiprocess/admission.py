"""Which series found in the files the contract allows: the second look, as anyone can write into the folder.

In: a contract, entries of files. Out: the series they are, or None. The caps on names hold over all processes
together; which names came first is state, so that what once was shown of its own is never folded later.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from contracts.compiler.vocabulary import value_problem
from contracts.model import Contract, Metric, Word
from contracts.self_metrics import LABEL_VALUES, RESERVED_PREFIX, STORED
from exporters.multiprocess.shards import Entry

__all__ = ["RECORDED", "Admission", "Series"]

Series = tuple[str, tuple[str, ...]]
"""A metric's name and its label values, in the contract's order."""

RECORDED = (STORED["refused_values_total"], STORED["label_overflow_total"])
"""What a recording process says about itself: values it refused, names it folded."""

_MOST_KNOWN = 20_000
"""Judgements remembered; a contract allows at most half as many series."""


class Admission:
    """Judges entries by one contract. `names` are the values of each capped word that have taken a place."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._metrics: dict[str, Metric] = {metric.name: metric for metric in (*contract.metrics, *RECORDED)}
        self._known: dict[tuple[str, tuple[tuple[str, str], ...]], Series | None] = {}
        self.names: dict[str, dict[str, None]] = {name: {} for name, word in contract.words.items() if word.max_values}
        self.has_new_names = False

    def admit(self, entry: Entry) -> Series | None:
        """Return the series of an entry, None if the contract does not allow it."""
        metric = self._metrics.get(entry.sample)
        if metric is None or not self._is_possible(metric, entry.value):
            return None
        key = (entry.sample, tuple(entry.labels.items()))
        if key not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = self._judge(metric, entry.labels)
        return self._known[key]

    def take_over(self, names: Mapping[str, list[str]]) -> None:
        """Give back their places to the names of an earlier life, as far as there still are places."""
        for word, values in names.items():
            if word in self.names:
                most = self._contract.words[word].max_values
                self.names[word] = dict.fromkeys(values[:most])

    def labels_of(self, series: Series) -> dict[str, str]:
        """Return the labels of a series."""
        name, values = series
        return dict(zip(self._metrics[name].labels, values, strict=True))

    def _is_possible(self, metric: Metric, value: float) -> bool:
        if metric.type == "counter":
            return isfinite(value) and value >= 0
        if metric.job == "always":
            return value == metric.value
        word = self._contract.words.get(metric.subject or "")
        low = word.minimum if word is not None and word.minimum is not None else -float("inf")
        high = word.maximum if word is not None and word.maximum is not None else float("inf")
        return isfinite(value) and low <= value <= high

    def _judge(self, metric: Metric, labels: Mapping[str, str]) -> Series | None:
        if labels.keys() != metric.labels.keys() or not all(isinstance(value, str) for value in labels.values()):
            return None
        if metric.name.startswith(RESERVED_PREFIX):
            is_sound = all(self._is_own(metric, label, value) for label, value in labels.items())
            return (metric.name, tuple(labels[label] for label in metric.labels)) if is_sound else None
        values = []
        for label, name in metric.labels.items():
            word = self._contract.words[name]
            if value_problem(word, labels[label]):
                return None
            values.append(self._place(word, labels[label]))
        return metric.name, tuple(values)

    def _place(self, word: Word, value: str) -> str:
        seen = self.names.get(word.name)
        if seen is None or value in seen or value == word.otherwise:
            return value
        if len(seen) >= word.max_values:
            return word.otherwise or "other"
        seen[value] = None
        self.has_new_names = True
        return value

    def _is_own(self, metric: Metric, label: str, value: str) -> bool:
        """Whether a metric about the exporter itself can have this label value."""
        contract = self._contract
        closed = {
            "exporter": (contract.name,),
            "word": tuple(contract.words),
            "metric": tuple(one.name for one in contract.metrics),
            "label": tuple(label for one in contract.metrics for label in one.labels),
            "reason": LABEL_VALUES["refused_values_total", "reason"],
        }
        return value in closed[label]
