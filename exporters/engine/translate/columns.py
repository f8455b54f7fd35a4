"""What the single events of a batch hold: a column for each word that some plan needs, read once.

In: the events of a batch and their plans. Out: columns of numbers, times and ids, one value per event and None where
there is none, and how many values were refused or absent. An event is read with what its own plan reads it with,
whatever else is in the batch. Part of the translate stage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain, compress
from typing import Any

from contracts.model import Condition
from exporters.engine.translate.measures import ColumnReader, Tally
from exporters.engine.translate.plan import Plan

__all__ = ["Column", "Columns"]

Column = list[Any]


class Columns:
    """The columns of one batch.

    Attributes:
        plans: the plan of each event.
        refused: (word, reason) -> values refused in the columns read so far.
        absent: word -> events in which it is absent, of those whose plans need it.

    Args:
        distinct: each of them once.
        now: UTC epoch nanoseconds.
    """

    def __init__(self, events: Sequence[object], plans: Sequence[Plan], distinct: Collection[Plan], now: int) -> None:
        self.refused: Tally = Counter()
        self.absent: Counter[str] = Counter()
        self._events = events
        self.plans = plans
        self._distinct = distinct
        self._now = now
        self._rows: dict[Plan, list[int]] = {}
        self._held: dict[Condition, list[bool]] = {}
        words = dict.fromkeys(word for plan in distinct for word in plan.readers)
        self._columns = {word: self._read(word) for word in words}  # all, so that no count depends on what is asked for
        for made in {made.word.name: made for plan in distinct for made in plan.made}.values():
            needed = {plan for plan in distinct if made in plan.made}
            left, right = (self._where(needed, self.of(word)) for word in made.words)
            self._columns[made.word.name] = made.read(left, right, self.refused)

    def of(self, word: str) -> Column:
        """Return the values of a word, one for each event; None where there is none or the plan needs none."""
        return self._columns.get(word) or [None] * len(self.plans)

    def lacks(self, word: str) -> bool:
        """Whether an event whose plan needs a word has no value of it."""
        return self.absent[word] > 0 or any(name == word for name, _ in self.refused)

    def held(self, rows: Iterable[int], tests: Iterable[Condition]) -> list[int]:
        """Return those of some places at which all tests hold."""
        for test in tests:
            if test not in self._held:
                self._held[test] = list(map(_holder_of(test), self.of(test.subject[0])))
            holds = self._held[test]
            rows = [row for row in rows if holds[row]]
        return list(rows)

    def rows(self, plans: Collection[Plan]) -> Sequence[int]:
        """Return the places of all events of these plans, in order."""
        if len(plans) == len(self._distinct):
            return range(len(self.plans))
        if not self._rows:
            self._rows = {plan: [] for plan in self._distinct}
            for at, plan in enumerate(self.plans):
                self._rows[plan].append(at)
        found = [self._rows[plan] for plan in plans]
        return found[0] if len(found) == 1 else sorted(chain.from_iterable(found))

    def values(self, word: str, plans: Collection[Plan], tests: Sequence[Condition] = ()) -> Column:
        """Return the values of a word in the events of these plans that have one and pass the tests, in order."""
        column = self.of(word)
        if tests:
            column = [column[at] for at in self.held(self.rows(plans), tests)]
        elif len(plans) < sum(word in plan.readers or word in plan.made_words for plan in self._distinct):
            column = [column[at] for at in self.rows(plans)]
        return column if all(column) else [value for value in column if value is not None]

    def _where(self, plans: Collection[Plan], column: Column) -> Column:
        """Return a column that holds nothing but for events of these plans."""
        if len(plans) == len(self._distinct):
            return column
        return [value if plan in plans else None for plan, value in zip(self.plans, column, strict=True)]

    def _read(self, word: str) -> Column:
        by_reader: dict[ColumnReader, list[Plan]] = {}
        for plan in self._distinct:
            if word in plan.readers:
                by_reader.setdefault(plan.readers[word], []).append(plan)
        column: Column = []
        for reader, plans in by_reader.items():
            if len(plans) == len(self._distinct):
                column = reader.read(self._events, self._now, self.refused, self.absent)
                break
            needed = list(map(set(plans).__contains__, self.plans))
            values = iter(reader.read(list(compress(self._events, needed)), self._now, self.refused, self.absent))
            if not column:
                column = [next(values) if is_needed else None for is_needed in needed]
            else:
                column = [next(values) if is_needed else known for is_needed, known in zip(needed, column, strict=True)]
        return column


def _holder_of(test: Condition) -> Callable[[Any], bool]:
    """Return what says whether a value, None if there is none, passes a test."""
    values, low, high = test.values, test.minimum, test.maximum
    match test.test:
        case "present":
            return lambda value: value is not None
        case "absent":
            return lambda value: value is None
        case "within":
            return lambda value: value is not None and low <= value <= high
        case "not":
            return lambda value: value not in values
    return lambda value: value in values
