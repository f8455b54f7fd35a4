"""Works out the plan of a signature, once.

In: a contract and the label-relevant fields of an event. Out: a `Plan`. Pure; `plan_cache` keeps plans, `translate`
runs them. Part of the translate stage.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from functools import partial

from msgspec import Struct

from contracts.model import (
    SOURCE_WORD,
    UNKNOWN_SOURCE,
    Candidate,
    Contract,
    Metric,
    Pair,
    Read,
    Row,
    Source,
)
from contracts.spelling import fold, spelling
from exporters.engine.fields import Path
from exporters.engine.translate.holding import all_hold, field_holds, row_of, word_holds
from exporters.engine.translate.measures import ColumnReader, IdReader, MadeReader, NumberReader
from exporters.engine.translate.plan import Move, Plan, Step
from exporters.engine.translate.readers import TextReader, text_of
from exporters.engine.translate.texts import Meaning, Texts
from exporters.engine.translate.times import TimeReader
from exporters.engine.values import FIRST_PLACE, Close, JoinPlan, Target

__all__ = ["Fields", "Planner"]

Fields = Mapping[Path, object]

Words = Mapping[str, str | None]
"""Label word -> its value, None if it has none."""

_TARGETS_KEPT = 4096
"""Series of pairs whose one object is remembered, so that it can be texts from others by identity."""

_PLANS_KEPT = 8192
"""Plans that are known by what they do."""

_READERS: Mapping[str, type[ColumnReader]] = {"number": NumberReader, "time": TimeReader, "id": IdReader}


class _Form(Struct, frozen=True):
    """What events of one source and row are read with, word by word.

    `of_parts` are words that only parts read, `inherited` the numbers, times and ids that parts may need of their line.
    """

    source: Source
    texts: tuple[TextReader, ...]
    required: tuple[str, ...]
    readers: Mapping[str, ColumnReader]
    made: Mapping[str, MadeReader]
    of_parts: frozenset[str]
    inherited: tuple[str, ...]

    def measures(self, word: str) -> bool:
        """Whether events have a number, a time or an id of that word."""
        return word in self.readers or word in self.made


class Planner:
    """Works out plans for one contract in one environment.

    Args:
        metrics: those that latencies of pairs go into; without it the contract's.
    """

    def __init__(
        self, contract: Contract, environment: Mapping[str, str], metrics: Sequence[Metric] | None = None
    ) -> None:
        self._contract = contract
        self._metrics = contract.metrics if metrics is None else metrics
        self._environment = environment
        self._targets: dict[tuple[str, tuple[str, ...]], Target] = {}
        self._columns: dict[object, ColumnReader] = {}
        self._same: dict[object, Plan] = {}
        self._made = {name: MadeReader(w, w.made_of) for name, w in contract.words.items() if w.made_of is not None}
        self._labels = {name: word for name, word in contract.words.items() if word.is_label}
        self._forms = {
            (source.name, row.value if row else None): self._form_of(source, row)
            for source in contract.sources
            for row in (*source.rows, None)
        }

    def defaults(self) -> dict[str, str | None]:
        """Return the value each label word takes when an event has none."""
        return {name: TextReader(word, None, self._environment).default for name, word in self._labels.items()}

    def texts_at(self, path: Path, distinguished: Mapping[str, Collection[str]]) -> Texts:
        """Return what tells which values at a path are alike: those of which conditions, rows and words make the same.

        Args:
            distinguished: name word -> its values that matter, as they are at any time.
        """
        reads = {
            (reader.word.name, id(candidate)): (reader, candidate)
            for form in self._forms.values()
            for reader in form.texts
            for candidate in reader.candidates
            if candidate.place == path
        }
        meanings: list[Meaning] = []
        spellings: set[str] = set()
        for source in self._contract.sources:
            for condition in (*source.match, *source.expect):
                if condition.subject == path:
                    meanings.append(partial(field_holds, condition))
                    spellings |= {fold(spelling(value)) for value in condition.values}
            if source.by == path:
                rows = {row.value for row in source.rows}
                meanings.append(partial(row_of, rows))
                spellings |= rows
        conditions = [c for source in self._contract.sources for c in (*source.match, *source.expect)]
        is_measured = any(c.test == "within" and c.subject == path for c in conditions)
        is_measured |= any(candidate.capture for _, candidate in reads.values())
        return Texts(tuple(reads.values()), meanings, distinguished, spellings, is_measured)

    def plan(self, fields: Fields) -> Plan:
        """Return the plan of an event whose label-relevant fields are `fields`; plans that do the same are one."""
        plan = self._plan(fields)
        if len(self._same) >= _PLANS_KEPT:
            self._same.clear()
        return self._same.setdefault(plan.content(), plan)

    def _plan(self, fields: Fields) -> Plan:
        source = next((s for s in self._contract.sources if all_hold(s.match, fields)), None)
        if source is None:
            return Plan(rejected=(UNKNOWN_SOURCE, "unknown_schema"))
        if not all_hold(source.expect, fields):
            return Plan(rejected=(source.name, "unknown_schema"))
        row: str | None = None
        if source.by:
            row = (text_of(fields[source.by]) or "").lower()
            if not row:
                return Plan(rejected=(source.name, "missing_fields"))
            if (source.name, row) not in self._forms:
                return Plan(rejected=(source.name, "unknown_schema"))
        return self._plan_known(self._forms[source.name, row], fields)

    def _form_of(self, source: Source, row: Row | None) -> _Form:
        reads = {read.word: read for read in (*source.reads, *(row.reads if row else ()))}
        own = set(reads)
        of_parts = {read.word for part in source.all_parts() for read in part.reads} - own
        made = {name: one for name, one in self._made.items() if set(one.words) <= own}
        return _Form(
            made=made,
            of_parts=frozenset(of_parts),
            inherited=tuple(own - self._labels.keys() if source.parts else ()),
            source=source,
            texts=tuple(TextReader(w, reads.get(n), self._environment) for n, w in self._labels.items()),
            required=tuple(name for name, read in reads.items() if read.required),
            readers={n: self._column(read) for n, read in reads.items() if n not in self._labels},
        )

    def _column(self, read: Read) -> ColumnReader:
        """Return what reads a number, a time or an id: one object for all sources and rows that read it alike."""
        word = self._contract.words[read.word]
        key = (word.name, *map(_identity_of, read.candidates))
        return self._columns.setdefault(key, _READERS[word.kind](word, read))

    def _plan_known(self, form: _Form, fields: Fields) -> Plan:
        words: dict[str, str | None] = {SOURCE_WORD: form.source.name}
        refused: list[tuple[str, str]] = []
        for reader in form.texts:
            words[reader.word.name], reason = reader.fill(fields)
            if reason:
                refused.append((reader.word.name, reason))
        options = form.source.require_any
        lacks = any(words[name] is None for name in form.required)
        if lacks or (options and all(words[name] is None for name in options)):
            return Plan(rejected=(form.source.name, "missing_fields"))
        plan = Plan(refused=tuple(refused))
        for metric in self._contract.metrics:
            if metric.about not in form.of_parts:
                self._add_metric(plan, metric, words, form)
        for pair in self._contract.pairs:
            self._add_pair(plan, pair, words, form)
        plan.source = form.source.name if form.source.parts else ""
        read = [*form.inherited]
        read += [name for move in plan.moves for name in move.words()]
        read += [name for step in plan.steps for name in (step.id, step.at)]
        plan.made = tuple({name: form.made[name] for name in read if name in form.made}.values())
        read += [name for made in plan.made for name in made.words]
        plan.readers = {name: form.readers[name] for name in read if name in form.readers}
        shown = {word for metric in plan.moved() for word in metric.labels.values()}
        names = [(n, words[n]) for n, word in self._labels.items() if n in shown and word.kind == "name"]
        plan.names = tuple((name, value) for name, value in names if value is not None)
        plan.is_applied = bool(plan.counts or any(move.word is None and not move.tests for move in plan.moves))
        return plan

    def _add_metric(self, plan: Plan, metric: Metric, words: Words, form: _Form) -> None:
        labels = _labels_of(metric, words)
        if labels is None:
            return
        tests = tuple(condition for condition in metric.when if condition.subject[0] not in words)
        if any(one.test not in ("not", "absent") and not form.measures(one.subject[0]) for one in tests):
            return
        subject = metric.subject or ""
        newest_by = metric.newest_by
        if metric.ends and metric.keeps == "max" and self._contract.words[subject].kind == "time":
            newest_by = subject  # what is older than its end does not begin it anew
        ends = bool(metric.ends) and all(word_holds(condition, words) for condition in metric.ends)
        move = Move(metric, labels, subject, newest_by=newest_by, tests=tests, ends=ends)
        if metric.job == "counts":
            if subject == "events" or words[subject] is not None:
                self._add_count(plan, move._replace(word=metric.amount), form)
        elif metric.job == "states":
            plan.moves += tuple(self._states(move, words))
        elif ends:
            plan.moves += (move._replace(word=None),)
        elif form.measures(subject):
            plan.moves += (move,)

    @staticmethod
    def _add_count(plan: Plan, move: Move, form: _Form) -> None:
        """Let a plan move a counter by one or by an amount, which its events have to be read for."""
        if move.word is None and not move.tests:
            plan.counts += ((move.metric, move.labels),)
        elif move.word is None or form.measures(move.word):
            plan.moves += (move,)

    def _states(self, move: Move, words: Words) -> Iterator[Move]:
        """Yield what sets every series of a state: that of the present one to 1, the others to 0."""
        subject = move.metric.subject or ""
        at = list(move.metric.labels.values()).index(subject)
        for value in self._contract.words[subject].label_values:
            series = (*move.labels[:at], value, *move.labels[at + 1 :])
            yield move._replace(labels=series, word=None, value=float(value == words[subject]))

    def _add_pair(self, plan: Plan, pair: Pair, words: Words, form: _Form) -> None:
        """Let an event take part in a pair, unless it lacks id, stage or time, or states an edge of its own."""
        stage = words[pair.stage]
        if stage is None or words[pair.edge] is not None or not {pair.id, pair.at} <= form.readers.keys():
            return
        places = {opening: at for at, opening in enumerate(pair.openings, start=FIRST_PLACE)}
        closes = tuple(
            Close(
                places[opening],
                joined_at,
                self._targets_of(pair, {**words, pair.edge: edge}),
                joined=(pair.name, edge, "joined"),
                orphan=(pair.name, edge, "orphan"),
                repeated=(pair.name, edge, "repeated"),
                negative=(pair.name, edge, "negative"),
                evicted=(pair.name, edge, "evicted"),
            )
            for joined_at, (edge, (opening, closing)) in enumerate(pair.edges.items(), start=FIRST_PLACE + len(places))
            if closing == stage
        )
        if stage in places or closes:
            plan.steps += (Step(JoinPlan(pair.name, places.get(stage), closes), pair.id, pair.at),)

    def _targets_of(self, pair: Pair, words: Words) -> tuple[Target, ...]:
        found = []
        for metric in self._metrics:
            labels = _labels_of(metric, words)
            if metric.job == "observes" and metric.subject == pair.latency and labels is not None:
                found.append(self._targets.setdefault((metric.name, labels), (metric, labels)))
        if len(self._targets) > _TARGETS_KEPT:
            self._targets.clear()
        return tuple(found)


def _identity_of(candidate: Candidate) -> Hashable:
    """Return what a number, a time or an id is read with, to be compared."""
    texts = (candidate.none, candidate.capture, candidate.format, candidate.zone)
    return candidate.path, candidate.constant, candidate.scale, texts, *candidate.aliases.items()


def _labels_of(metric: Metric, words: Words) -> tuple[str, ...] | None:
    """Return the label values of `metric`, or None if a word lacks a value or a condition fails."""
    if metric.job in ("rejections", "always"):
        return None
    labels = [words[word] for word in metric.labels.values()]
    tested = (condition for condition in metric.when if condition.subject[0] in words)
    if None in labels or not all(word_holds(condition, words) for condition in tested):
        return None
    return tuple(label for label in labels if label is not None)
