"""What to do with every event of one signature, worked out once.

In: a contract and the label-relevant fields of an event (its signature). Out: a `Plan`: which counters move, which
numbers are observed, or why the line is refused. Pure; `translate` keeps the plans and runs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from contracts.model import (
    SOURCE_WORD,
    UNKNOWN_SOURCE,
    Condition,
    Contract,
    Metric,
    Pair,
    Read,
    Source,
    Word,
)
from exporters.engine.fill import NumberColumn, TextFiller, TimeColumn
from exporters.engine.values import MISTYPED, Close, JoinPlan, Put, Target, attribute_of

__all__ = ["Fields", "Plan", "Planner"]

Fields = Mapping[tuple[str, ...], object]


@dataclass(slots=True)
class Plan:
    """What one event of a signature does. `rejected` is (source, reason); all else is empty then."""

    rejected: tuple[str, str] | None = None
    counts: tuple[Target, ...] = ()
    amounts: tuple[tuple[Metric, tuple[str, ...], str], ...] = ()
    observes: tuple[tuple[Metric, tuple[str, ...], str], ...] = ()
    stamps: tuple[tuple[Metric, tuple[str, ...], str], ...] = ()
    levels: tuple[tuple[Metric, tuple[str, ...], str], ...] = ()
    states: tuple[Put, ...] = ()
    numbers: Mapping[str, NumberColumn] = field(default_factory=dict)
    times: Mapping[str, TimeColumn] = field(default_factory=dict)
    join: tuple[JoinPlan, tuple[attrgetter[object], ...], TimeColumn] | None = None
    refused: tuple[tuple[str, str], ...] = ()

    @property
    def is_applied(self) -> bool:
        """Whether any metric is fed; a known line that feeds none is ignored."""
        feeds = (self.counts, self.amounts, self.observes, self.stamps, self.levels, self.states, self.join)
        return any(feeds)

    @property
    def is_ordered(self) -> bool:
        """Whether the order among events of other signatures matters."""
        return bool(self.states or self.levels or self.join)


class Planner:
    """Works out plans for one contract in one environment."""

    def __init__(self, contract: Contract, environment: Mapping[str, str]) -> None:
        self._contract = contract
        self._environment = environment
        self._labels = {name: word for name, word in contract.words.items() if word.is_label}
        self._reads = {
            (source.name, row.value if row else None): self._reads_of(source, row.reads if row else ())
            for source in contract.sources
            for row in (*source.rows, None)
        }
        self._fillers: dict[tuple[str, int], TextFiller] = {}

    def defaults(self) -> dict[str, str | None]:
        """Return the value each label word takes when an event has none."""
        return {name: self._filler(word, None).default for name, word in self._labels.items()}

    def plan(self, fields: Fields) -> Plan:
        """Return the plan of an event whose label-relevant fields are `fields`."""
        source = next((s for s in self._contract.sources if _all_hold(s.match, fields)), None)
        if source is None:
            return Plan(rejected=(UNKNOWN_SOURCE, "unknown_schema"))
        if not _all_hold(source.expect, fields):
            return Plan(rejected=(source.name, "unknown_schema"))
        row: str | None = None
        if source.by:
            chosen = fields[source.by]
            row = str(chosen).strip().lower() if isinstance(chosen, str | int) else ""
            if not row:
                return Plan(rejected=(source.name, "missing_fields"))
            if (source.name, row) not in self._reads:
                return Plan(rejected=(source.name, "unknown_schema"))
        return self._plan_known(source, self._reads[source.name, row], fields)

    @staticmethod
    def _reads_of(source: Source, more: tuple[Read, ...]) -> dict[str, Read]:
        return {read.word: read for read in (*source.reads, *more)}

    def _filler(self, word: Word, read: Read | None) -> TextFiller:
        key = (word.name, id(read))
        if key not in self._fillers:
            self._fillers[key] = TextFiller(word, read, self._environment)
        return self._fillers[key]

    def _plan_known(self, source: Source, reads: Mapping[str, Read], fields: Fields) -> Plan:
        words: dict[str, str | None] = {SOURCE_WORD: source.name}
        refused: list[tuple[str, str]] = []
        for name, word in self._labels.items():
            words[name], reason = self._filler(word, reads.get(name)).fill(fields)
            if reason:
                refused.append((name, reason))
        required = [name for name, read in reads.items() if read.required]
        lacks = any(words[name] is None for name in required)
        if lacks or (source.require_any and all(words[name] is None for name in source.require_any)):
            return Plan(rejected=(source.name, "missing_fields"))
        kinds = {name: self._contract.words[name] for name in reads}
        plan = Plan(
            numbers={n: NumberColumn(w, reads[n]) for n, w in kinds.items() if w.kind == "number"},
            times={n: TimeColumn(w, reads[n]) for n, w in kinds.items() if w.kind == "time"},
            refused=tuple(refused),
        )
        for metric in self._contract.metrics:
            self._add_metric(plan, metric, words)
        for pair in self._contract.pairs:
            self._add_pair(plan, pair, words, reads)
        return plan

    def _add_metric(self, plan: Plan, metric: Metric, words: Mapping[str, str | None]) -> None:
        labels = _labels_of(metric, words)
        if labels is None:
            return
        subject = metric.subject or ""
        if metric.job == "counts" and (subject == "events" or words[subject] is not None):
            if metric.amount is None:
                plan.counts += ((metric, labels),)
            elif metric.amount in plan.numbers:
                plan.amounts += ((metric, labels, metric.amount),)
        elif metric.job == "observes" and subject in plan.numbers:
            plan.observes += ((metric, labels, subject),)
        elif metric.job == "sets" and subject in plan.times:
            plan.stamps += ((metric, labels, subject),)
        elif metric.job == "sets" and subject in plan.numbers:
            plan.levels += ((metric, labels, subject),)
        elif metric.job == "states":
            plan.states += self._state_puts(metric, labels, words[subject])

    def _state_puts(self, metric: Metric, labels: tuple[str, ...], current: str | None) -> tuple[Put, ...]:
        at = list(metric.labels.values()).index(metric.subject or "")
        others = self._contract.words[metric.subject or ""].label_values
        return tuple(
            Put(metric, (*labels[:at], value, *labels[at + 1 :]), float(value == current)) for value in others
        )

    def _add_pair(
        self, plan: Plan, pair: Pair, words: Mapping[str, str | None], reads: Mapping[str, Read]
    ) -> None:
        stage, read = words[pair.stage], reads.get(pair.id)
        if stage is None or words[pair.edge] is not None or read is None or pair.at not in plan.times:
            return
        opens = any(stage == opening for opening, _ in pair.edges.values())
        closes = tuple(
            Close(edge, opening, self._targets_of(pair, {**words, pair.edge: edge}))
            for edge, (opening, closing) in pair.edges.items()
            if closing == stage
        )
        if opens or closes:
            getters = tuple(attrgetter(attribute_of(c.path)) for c in read.candidates if c.path)
            plan.join = (JoinPlan(pair.name, stage, opens, closes), getters, plan.times[pair.at])

    def _targets_of(self, pair: Pair, words: Mapping[str, str | None]) -> tuple[Target, ...]:
        found = []
        for metric in self._contract.metrics:
            labels = _labels_of(metric, words)
            if metric.job == "observes" and metric.subject == pair.latency and labels is not None:
                found.append((metric, labels))
        return tuple(found)


def _labels_of(metric: Metric, words: Mapping[str, str | None]) -> tuple[str, ...] | None:
    """Return the label values of `metric`, or None if a word lacks a value or a condition fails."""
    if metric.job in ("rejections", "always"):
        return None
    labels = [words[word] for word in metric.labels.values()]
    if None in labels or not all(_word_holds(condition, words) for condition in metric.when):
        return None
    return tuple(label for label in labels if label is not None)


def _word_holds(condition: Condition, words: Mapping[str, str | None]) -> bool:
    value = words[condition.subject[0]]
    if condition.test in ("present", "absent"):
        return (value is not None) == (condition.test == "present")
    return value in {_spelling(wanted) for wanted in condition.values}


def _spelling(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _all_hold(conditions: tuple[Condition, ...], fields: Fields) -> bool:
    return all(_field_holds(condition, fields[condition.subject]) for condition in conditions)


def _field_holds(condition: Condition, raw: object) -> bool:
    if condition.test in ("present", "absent"):
        return (raw is not None) == (condition.test == "present")
    if raw is MISTYPED:
        return False
    return any(type(raw) is type(wanted) and raw == wanted for wanted in condition.values)
