"""What to do with every event of one signature: the plan, and what it is made of.

In: nothing; `planner` fills these. Out: which counters move, which numbers are observed, or why a line is refused. Part
of the translate stage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from contracts.model import Metric, Source
from exporters.engine.translate.readers import IdReader, NumberReader, TextReader, TimeReader
from exporters.engine.values import JoinPlan, Put, Target

__all__ = ["Form", "Measure", "Plan", "Refusal", "Stamps", "Start", "Step", "Words"]

Words = Mapping[str, str | None]
"""Label word -> its value, None if it has none."""

Refusal = tuple[str, str]
"""A word and why what an event holds for it was refused."""

Measure = tuple[Metric, tuple[str, ...], str]
"""A series and the number or time word that moves it."""

Step = tuple[JoinPlan, str, str]
"""How an event takes part in a pair, its id word and its time word."""


class Form(Struct, frozen=True):
    """What events of one source and row are read with, word by word."""

    source: Source
    enums: tuple[TextReader, ...]
    names: tuple[TextReader, ...]
    required: tuple[str, ...]
    numbers: Mapping[str, NumberReader]
    times: Mapping[str, TimeReader]
    ids: Mapping[str, IdReader]


class Stamps(Struct, frozen=True, eq=False):
    """Gauges of times that an event moves, and how these are read; plans that move the same share one object."""

    measures: tuple[Measure, ...]
    times: Mapping[str, TimeReader]


_NO_STAMPS = Stamps((), {})


class Plan(Struct, eq=False):
    """What one event of a signature does. `rejected` is (source, reason); all else is empty then.

    `measured` holds the number and time words that are read; `shows` the name words that label what it moves: any other
    name could be another one and the plan the same. `needs_events` says whether single events have to be looked at,
    `is_applied` whether any metric is fed; a known line that feeds none is ignored.
    """

    rejected: tuple[str, str] | None = None
    counts: tuple[Target, ...] = ()
    amounts: tuple[Measure, ...] = ()
    observes: tuple[Measure, ...] = ()
    stamps: Stamps = _NO_STAMPS
    levels: tuple[Measure, ...] = ()
    states: tuple[Put, ...] = ()
    steps: tuple[Step, ...] = ()
    refused: tuple[Refusal, ...] = ()
    numbers: Mapping[str, NumberReader] = field(default_factory=dict)
    times: Mapping[str, TimeReader] = field(default_factory=dict)
    ids: Mapping[str, IdReader] = field(default_factory=dict)
    measured: frozenset[str] = frozenset()
    shows: frozenset[str] = frozenset()
    needs_events: bool = False
    is_applied: bool = False

    def moved(self) -> Iterator[Metric]:
        """Yield the metric of every series there is to move."""
        yield from (metric for metric, _ in self.counts)
        yield from (metric for metric, _, _ in (*self.amounts, *self.observes, *self.stamps.measures, *self.levels))
        yield from (put.metric for put in self.states)
        yield from (metric for step, _, _ in self.steps for close in step.closes for metric, _ in close.targets)


class Start(Struct, eq=False):
    """What events that differ at most in names begin with: how to fill the names, and what every other word says."""

    form: Form
    names: tuple[TextReader, ...]
    words: Words
    refused: tuple[Refusal, ...]
