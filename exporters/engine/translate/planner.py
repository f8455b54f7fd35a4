"""Works out the plan of a signature, once.

In: a contract and the label-relevant fields of an event. Out: a `Plan`, in two steps, as names are many and the rest is
little: a `Start` from all other fields, then a plan from a start and names. Pure; `signature` keeps starts and plans,
`translate` runs them. Part of the translate stage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contracts.model import (
    SOURCE_WORD,
    UNKNOWN_SOURCE,
    Condition,
    Contract,
    Metric,
    Pair,
    Read,
    Row,
    Source,
    Word,
)
from contracts.spelling import spelling
from exporters.engine.translate.plan import Form, Plan, Refusal, Stamps, Start, Words
from exporters.engine.translate.readers import IdReader, NumberReader, TextReader, TimeReader
from exporters.engine.values import MISTYPED, Close, JoinPlan, Put, Target

__all__ = ["Fields", "Planner"]

Fields = Mapping[tuple[str, ...], object]

_OBJECTS_KEPT = 4096
"""Series of pairs, and stamps, whose one object is remembered, so that it can be told from others by identity."""


class Planner:
    """Works out plans for one contract in one environment."""

    def __init__(self, contract: Contract, environment: Mapping[str, str]) -> None:
        self._contract = contract
        self._environment = environment
        self._targets: dict[tuple[str, tuple[str, ...]], Target] = {}
        self._stamps: dict[tuple[object, ...], Stamps] = {}
        self._labels = {name: word for name, word in contract.words.items() if word.is_label}
        self._forms = {
            (source.name, row.value if row else None): self._form_of(source, row)
            for source in contract.sources
            for row in (*source.rows, None)
        }

    def defaults(self) -> dict[str, str | None]:
        """Return the value each label word takes when an event has none."""
        return {name: self._filler(word, None).default for name, word in self._labels.items()}

    def plan(self, fields: Fields) -> Plan:
        """Return the plan of an event whose label-relevant fields are `fields`."""
        start = self.start(fields)
        if isinstance(start, Plan):
            return start
        filled = [reader.fill(fields) for reader in start.names]
        refused = [(reader.word.name, why) for reader, (_, why) in zip(start.names, filled, strict=True) if why]
        return self.finish(start, [value for value, _ in filled], refused)

    def start(self, fields: Fields) -> Plan | Start:
        """Return what all fields but those of names come to: a plan, if no name can matter any more."""
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
            if (source.name, row) not in self._forms:
                return Plan(rejected=(source.name, "unknown_schema"))
        return self._start_known(self._forms[source.name, row], fields)

    def _form_of(self, source: Source, row: Row | None) -> Form:
        reads = {read.word: read for read in (*source.reads, *(row.reads if row else ()))}
        words = {name: self._contract.words[name] for name in reads}
        return Form(
            source=source,
            enums=tuple(self._filler(w, reads.get(n)) for n, w in self._labels.items() if w.kind == "enum"),
            names=tuple(self._filler(w, reads.get(n)) for n, w in self._labels.items() if w.kind == "name"),
            required=tuple(name for name, read in reads.items() if read.required),
            numbers={n: NumberReader(w, reads[n]) for n, w in words.items() if w.kind == "number"},
            times={n: TimeReader(w, reads[n]) for n, w in words.items() if w.kind == "time"},
            ids={n: IdReader(w, reads[n]) for n, w in words.items() if w.kind == "id"},
        )

    def _filler(self, word: Word, read: Read | None) -> TextReader:
        return TextReader(word, read, self._environment)

    def _start_known(self, form: Form, fields: Fields) -> Plan | Start:
        words: dict[str, str | None] = {SOURCE_WORD: form.source.name}
        refused: list[Refusal] = []
        for reader in form.enums:
            words[reader.word.name], reason = reader.fill(fields)
            if reason:
                refused.append((reader.word.name, reason))
        if any(words.get(name, "") is None for name in form.required):
            return Plan(rejected=(form.source.name, "missing_fields"))
        start = Start(form, form.names, words, tuple(refused))
        return start if form.names else self.finish(start, (), ())

    def finish(self, start: Start, names: Sequence[str | None], refused: Sequence[Refusal]) -> Plan:
        """Return the plan of events with this start.

        Args:
            names: the values of the start's names, in their order.
            refused: which of them were refused.
        """
        form = start.form
        words = {**start.words, **{f.word.name: value for f, value in zip(start.names, names, strict=True)}}
        options = form.source.require_any
        lacks = any(words[name] is None for name in form.required)
        if lacks or (options and all(words[name] is None for name in options)):
            return Plan(rejected=(form.source.name, "missing_fields"))
        plan = Plan(refused=(*start.refused, *refused), numbers=form.numbers, times=form.times, ids=form.ids)
        for metric in self._contract.metrics:
            self._add_metric(plan, metric, words)
        for pair in self._contract.pairs:
            self._add_pair(plan, pair, words)
        plan.stamps = self._shared(plan.stamps)
        plan.measured = frozenset(word for _, _, word in (*plan.amounts, *plan.observes, *plan.stamps.measures))
        plan.needs_events = bool(plan.measured or plan.states or plan.levels or plan.steps)
        plan.is_applied = bool(plan.needs_events or plan.counts)
        if form.names:
            shown = {word for metric in plan.moved() for word in metric.labels.values()}
            plan.shows = frozenset(reader.word.name for reader in form.names if reader.word.name in shown)
        return plan

    def _add_metric(self, plan: Plan, metric: Metric, words: Words) -> None:
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
            plan.stamps = Stamps((*plan.stamps.measures, (metric, labels, subject)), plan.times)
        elif metric.job == "sets" and subject in plan.numbers:
            plan.levels += ((metric, labels, subject),)
        elif metric.job == "states":
            plan.states += self._state_puts(metric, labels, words[subject])

    def _shared(self, stamps: Stamps) -> Stamps:
        """Return the one object for these stamps."""
        measures = tuple((metric.name, labels, word) for metric, labels, word in stamps.measures)
        if len(self._stamps) > _OBJECTS_KEPT:
            self._stamps.clear()
        return self._stamps.setdefault((id(stamps.times), measures), stamps) if measures else stamps

    def _state_puts(self, metric: Metric, labels: tuple[str, ...], current: str | None) -> tuple[Put, ...]:
        at = list(metric.labels.values()).index(metric.subject or "")
        others = self._contract.words[metric.subject or ""].label_values
        return tuple(Put(metric, (*labels[:at], value, *labels[at + 1 :]), float(value == current)) for value in others)

    def _add_pair(self, plan: Plan, pair: Pair, words: Words) -> None:
        """Let an event take part in a pair, unless it lacks id, stage or time, or states an edge of its own."""
        stage = words[pair.stage]
        if stage is None or words[pair.edge] is not None or pair.id not in plan.ids or pair.at not in plan.times:
            return
        places = {opening: at for at, opening in enumerate(pair.openings)}
        closes = tuple(
            Close(
                places[opening],
                joined_at,
                self._targets_of(pair, {**words, pair.edge: edge}),
                joined=(pair.name, edge, "joined"),
                orphan=(pair.name, edge, "orphan"),
                repeated=(pair.name, edge, "repeated"),
                negative=(pair.name, edge, "negative"),
            )
            for joined_at, (edge, (opening, closing)) in enumerate(pair.edges.items(), start=len(places))
            if closing == stage
        )
        if stage in places or closes:
            plan.steps += ((JoinPlan(pair.name, places.get(stage), closes), pair.id, pair.at),)

    def _targets_of(self, pair: Pair, words: Words) -> tuple[Target, ...]:
        found = []
        for metric in self._contract.metrics:
            labels = _labels_of(metric, words)
            if metric.job == "observes" and metric.subject == pair.latency and labels is not None:
                found.append(self._targets.setdefault((metric.name, labels), (metric, labels)))
        if len(self._targets) > _OBJECTS_KEPT:
            self._targets.clear()
        return tuple(found)


def _labels_of(metric: Metric, words: Words) -> tuple[str, ...] | None:
    """Return the label values of `metric`, or None if a word lacks a value or a condition fails."""
    if metric.job in ("rejections", "always"):
        return None
    labels = [words[word] for word in metric.labels.values()]
    if None in labels or not all(_word_holds(condition, words) for condition in metric.when):
        return None
    return tuple(label for label in labels if label is not None)


def _word_holds(condition: Condition, words: Words) -> bool:
    value = words[condition.subject[0]]
    if condition.test in ("present", "absent"):
        return (value is not None) == (condition.test == "present")
    return value in {spelling(wanted) for wanted in condition.values}


def _all_hold(conditions: tuple[Condition, ...], fields: Fields) -> bool:
    return all(_field_holds(condition, fields[condition.subject]) for condition in conditions)


def _field_holds(condition: Condition, raw: object) -> bool:
    if condition.test in ("present", "absent"):
        return (raw is not None) == (condition.test == "present")
    if raw is MISTYPED:
        return False
    return any(type(raw) is type(wanted) and raw == wanted for wanted in condition.values)
