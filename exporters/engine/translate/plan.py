"""What to do with every event of one signature: the plan, and what it is made of.

In: nothing; `planner` fills these. Out: which counters move, which numbers are observed, or why a line is refused. Part
of the translate stage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct, field

from contracts.model import Condition, Metric
from exporters.engine.translate.measures import ColumnReader, MadeReader
from exporters.engine.values import Close, JoinPlan, Target

__all__ = ["Move", "Plan", "Step"]


class Move(NamedTuple):
    """A series that single events move.

    Attributes:
        word: the number or time that moves it; None if it is set to `value`.
        newest_by: the time word by which the newest event wins; None if the last line does.
        ends: whether it is ended.
        tests: of numbers, times and ids; only events for which all hold move the series.
    """

    metric: Metric
    labels: tuple[str, ...]
    word: str | None
    value: float = 0.0
    newest_by: str | None = None
    tests: tuple[Condition, ...] = ()
    ends: bool = False

    def words(self) -> Iterator[str]:
        """Yield the numbers, times and ids that have to be read."""
        yield from (name for name in (self.word, self.newest_by) if name)
        yield from (test.subject[0] for test in self.tests)


class Step(NamedTuple):
    """How an event takes part in a pair: with which id word and which time word."""

    plan: JoinPlan
    id: str
    at: str


class Plan(Struct, eq=False):
    """What one event of a signature does. `rejected` is (source, reason); all else is empty then.

    `counts` are moved by every event, `moves` and `steps` as each event's numbers, times and ids say, which `readers`
    read, by word, or which are `made` of these. `refused` are words and why what was there for them was refused.
    `names` are the names that label what is moved, by word. `is_applied` says whether every event moves something.
    `source` names the source of lines that have parts.
    """

    rejected: tuple[str, str] | None = None
    counts: tuple[Target, ...] = ()
    moves: tuple[Move, ...] = ()
    steps: tuple[Step, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    readers: Mapping[str, ColumnReader] = field(default_factory=dict)
    names: tuple[tuple[str, str], ...] = ()
    is_applied: bool = False
    source: str = ""
    made: tuple[MadeReader, ...] = ()

    @property
    def made_words(self) -> tuple[str, ...]:
        """The words that are made."""
        return tuple(one.word.name for one in self.made)

    def content(self) -> tuple[object, ...]:
        """Return what the plan does, to be compared."""
        targets = [(metric.name, labels) for metric, labels in self.counts]
        moves = [(move.metric.name, *move[1:]) for move in self.moves]
        closes = [(c.joined, *[(metric.name, labels) for metric, labels in c.targets]) for c in self._closes()]
        steps = [(step.plan.pair, step.plan.opens, step.id, step.at) for step in self.steps]
        readers = [*map(id, self.readers.values()), *map(id, self.made)]
        return (self.rejected, self.source, *targets, *moves, *closes, *steps, self.refused, self.names, *readers)

    def _closes(self) -> Iterator[Close]:
        for step in self.steps:
            yield from step.plan.closes

    def moved(self) -> Iterator[Metric]:
        """Yield the metric of every series there is to move."""
        yield from (metric for metric, _ in self.counts)
        yield from (move.metric for move in self.moves)
        yield from (metric for close in self._closes() for metric, _ in close.targets)
