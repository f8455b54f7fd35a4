"""A call -> one number moved, if the contract allows it: closed lists, caps and bounds hold at every call.

In: a metric's name, label values and a number as the session gives them. Out: a cell moved, or a refusal counted.
What is remembered of calls is bounded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from math import isfinite

from contracts.model import Contract, Metric, Word
from contracts.self_metrics import RESERVED_PREFIX
from contracts.spelling import fold, normaliser
from exporters.multiprocess.admission import RECORDED, Series
from exporters.telemetry.cells import Cell

__all__ = ["Recorder"]

_MOST_KNOWN = 4096
_LONGEST = 256
"""Spellings of label sets remembered, all are forgotten when there are more; most characters of a text in them."""

MISTYPED, UNKNOWN_VALUE, OUT_OF_RANGE = "mistyped", "unknown_value", "out_of_range"

_OWN = {metric.name.removeprefix(RESERVED_PREFIX): metric.name for metric in RECORDED}

Labels = tuple[object, ...]

_Known = tuple[Cell | None, Sequence[Cell]]
"""What a call moves, None if it is refused, and what counts that or its names beyond their cap. It stays so: no name
gives up its place."""


class _RefusedError(Exception):
    """A value the contract does not allow: of which word, and why."""

    def __init__(self, word: str, reason: str) -> None:
        super().__init__(word, reason)
        self.word = word
        self.reason = reason


class Recorder:
    """Moves the cells of one contract; safe to be called from several threads.

    Args:
        contract: with `folder`, not files.
        make: returns the cell of a metric and its label values.
    """

    def __init__(self, contract: Contract, make: Callable[[Metric, tuple[str, ...]], Cell]) -> None:
        self._contract = contract
        self._make = make
        self._metrics = {metric.name: metric for metric in (*contract.metrics, *RECORDED)}
        readers = {name: _reader_of(word) for name, word in contract.words.items() if word.is_label}
        self._columns = {
            metric.name: tuple((label, name, readers[name]) for label, name in metric.labels.items())
            for metric in contract.metrics
        }
        self._names: dict[str, dict[str, None]] = {name: {} for name, word in contract.words.items() if word.max_values}
        self._cells: dict[Series, Cell] = {}
        self._known: dict[tuple[str, Labels], _Known] = {}
        self._guard = threading.Lock()

    def begin(self, values: Mapping[Series, float]) -> None:
        """Make the series that exist from the start."""
        for (name, labels), value in values.items():
            for word, label in zip(self._metrics[name].labels.values(), labels, strict=True):
                if word in self._names:
                    self._place(word, label)
            cell = self._cell(name, labels)
            if value:
                cell.set(value)

    def count(self, name: str, labels: Labels) -> None:
        """Add one to a counter."""
        cell = self._find(name, labels)
        if cell is not None:
            cell.inc(1.0)

    def show(self, name: str, bound: Callable[[float], float], number: object, labels: Labels) -> None:
        """Set a gauge to a number, brought within bounds first."""
        word = self._contract.words[self._metrics[name].subject or ""]
        try:
            value = _number_of(word, bound, number)
        except _RefusedError as refusal:
            self._refused(refusal).inc(1.0)
            return
        cell = self._find(name, labels)
        if cell is not None:
            cell.set(value)

    def values(self) -> dict[Series, float]:
        """Return every number."""
        with self._guard:
            cells = dict(self._cells)
        return {series: cell.get() for series, cell in cells.items()}

    def _find(self, name: str, labels: Labels) -> Cell | None:
        """Return what a call moves, None if it is refused; count that, and its names that are beyond their cap."""
        try:
            known = self._known.get((name, labels))
        except TypeError:  # something that is no text and cannot be hashed
            known = None
        cell, counted = known or self._resolve(name, labels)
        for one in counted:
            one.inc(1.0)
        return cell

    def _resolve(self, name: str, given: Labels) -> _Known:
        known: _Known
        try:
            placed, beyond = self._labels(name, given)
            known = self._cell(name, placed), beyond
        except _RefusedError as refusal:
            known = None, [self._refused(refusal)]
        if all(type(value) is str and len(value) <= _LONGEST for value in given):
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[name, given] = known
        return known

    def _labels(self, name: str, given: Labels) -> tuple[tuple[str, ...], list[Cell]]:
        """Return the label values of a call, and what counts those that are beyond their cap."""
        placed, beyond = [], []
        for (label, word, read), value in zip(self._columns[name], given, strict=True):
            text = read(value)
            seen = self._names.get(word)
            if seen is not None and text not in seen and not self._place(word, text):
                text = self._contract.words[word].otherwise or "other"
                beyond.append(self._own("label_overflow_total", name, label))
            placed.append(text)
        return tuple(placed), beyond

    def _place(self, word: str, text: str) -> bool:
        """Give a new name a place; False if its word has no place left."""
        seen, stated = self._names[word], self._contract.words[word]
        if text == stated.otherwise:
            return True
        with self._guard:
            if len(seen) >= stated.max_values and text not in seen:
                return False
            seen[text] = None
        return True

    def _cell(self, name: str, labels: tuple[str, ...]) -> Cell:
        series = name, labels
        cell = self._cells.get(series)
        if cell is not None:
            return cell
        with self._guard:
            if series not in self._cells:
                self._cells[series] = self._make(self._metrics[name], labels)
            return self._cells[series]

    def _refused(self, refusal: _RefusedError) -> Cell:
        return self._own("refused_values_total", refusal.word, refusal.reason)

    def _own(self, name: str, *labels: str) -> Cell:
        return self._cell(_OWN[name], (self._contract.name, *labels))


def _reader_of(word: Word) -> Callable[[object], str]:
    """Return what makes a label value of whatever is given for a word, or refuses it."""
    normalise = normaliser(word) if word.kind == "name" else None
    values = {fold(value): value for value in word.label_values} | dict(word.aliases)

    def read(given: object) -> str:
        if given is None or given == "":
            if word.default is None:
                raise _RefusedError(word.name, MISTYPED if given is None else UNKNOWN_VALUE)
            return word.default.value
        if not isinstance(given, str):
            raise _RefusedError(word.name, MISTYPED)
        found = values.get(fold(given)) or (normalise(given) if normalise is not None else word.otherwise)
        if not found:
            raise _RefusedError(word.name, UNKNOWN_VALUE)
        return found

    return read


def _number_of(word: Word, bound: Callable[[float], float], given: object) -> float:
    if isinstance(given, (bool, str, bytes)) or not hasattr(given, "__float__"):
        raise _RefusedError(word.name, MISTYPED)
    try:
        value = float(given)
    except OverflowError:
        raise _RefusedError(word.name, OUT_OF_RANGE) from None
    value = bound(value) if isfinite(value) else value
    low = word.minimum if word.minimum is not None else value
    high = word.maximum if word.maximum is not None else value
    if not isfinite(value) or not low <= value <= high:
        raise _RefusedError(word.name, OUT_OF_RANGE)
    return value
