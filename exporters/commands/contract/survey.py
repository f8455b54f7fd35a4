"""What a contract makes of events, source by source and word by word.

In: a contract and batches of lines. Out: a `Survey`. What is filled, refused and absent is counted by the engine's own
pipeline, under a probing contract; lines are looked at one by one only to find the first of each kind. Lines are taken
together that have the same values wherever a source decides; so a line's source is asked for once per such values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field

from contracts.model import WHOLE, Contract
from contracts.spelling import fold, spelling
from exporters.commands.contract.fields import Fields
from exporters.commands.contract.inputs import event_of
from exporters.commands.contract.probe import EVENTS, PREFIX, probe_of
from exporters.engine.pipeline import Pipeline, Processed
from exporters.engine.values import Batch

__all__ = ["Group", "Line", "Survey", "WordCount", "survey_of"]

_MOST_SIGNATURES, _MOST_SAMPLES, _MOST_REFUSED = 20_000, 200, 20


class Line(Struct, frozen=True):
    """One line: its file, its number in it from 1, and its bytes with the newline."""

    path: str
    number: int
    data: bytes


class WordCount(Struct):
    """What events of one source hold of one word: how many fill it, lack it or are refused, and the first of each."""

    filled: int = 0
    values: Counter[str] = field(default_factory=Counter)
    numbers: list[float] = field(default_factory=list)
    lacking: int = 0
    absent: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    first: dict[str, Line] = field(default_factory=dict)


class Group(Struct):
    """The lines one source took, all rows of it together."""

    matched: int = 0
    words: dict[str, WordCount] = field(default_factory=dict)
    fields: Fields = field(default_factory=Fields)


class Survey(Struct):
    """What a contract makes of so many lines.

    `refused` are lines by reason, `refused_lines` the first of each with their reasons; `unmatched` are lines that no
    source took, with how many are like each; `samples` are lines a source may tell apart; `moved` is how many events
    moved each metric.
    """

    lines: int = 0
    blank: int = 0
    groups: dict[str, Group] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    refused_lines: list[tuple[str, Line]] = field(default_factory=list)
    unmatched: dict[object, tuple[Line, int]] = field(default_factory=dict)
    samples: list[Line] = field(default_factory=list)
    moved: Counter[str] = field(default_factory=Counter)


Key = tuple[str, str]
"""A source and the row its `by` picks ("" without); ("", reason) for lines that are refused before words are read."""


class _Surveyor:
    def __init__(self, contract: Contract, environment: Mapping[str, str], now: float) -> None:
        self._contract, self._now = contract, now
        self._real = Pipeline(contract, environment)
        self._probe = Pipeline(probe_of(contract), environment)
        self._sources = {source.name: source for source in contract.sources}
        subjects = [c.subject for s in contract.sources for c in (*s.match, *s.expect)]
        self._subjects = tuple(dict.fromkeys([*subjects, *(s.by for s in contract.sources if s.by)]))
        self._keys: dict[tuple[object, ...], Key] = {}
        self.survey = Survey(groups={source.name: Group() for source in contract.sources})

    def take(self, batch: Batch, first: int) -> int:
        """Take in a batch whose first line is the `first` of its file; return the number behind its last line."""
        self._count_moves(self._real.process(batch, self._now))
        if batch.too_long:
            self._refuse("too_long", Line(batch.path, first, b""))
            first += 1
        groups: dict[Key, list[Line]] = {}
        texts = batch.data.split(b"\n")[:-1]
        for number, text in enumerate(texts, first):
            line = Line(batch.path, number, text + b"\n")
            self.survey.lines += 1
            if not text.strip(b" \t\r\0"):
                self.survey.blank += 1
                continue
            event = event_of(text)
            key = self._key_of(event, line) if event is not None else ("", "odd")
            groups.setdefault(key, []).append(line)
            if event is not None and key[0]:
                self.survey.groups[key[0]].fields.add(event, number)
            elif event is not None:
                self._note_unmatched(event, line)
        for key, lines in groups.items():
            self._take_group(key, lines)
        return first + len(texts)

    def _note_unmatched(self, event: dict[str, object], line: Line) -> None:
        values = self._values_of(event)
        first, number = self.survey.unmatched.get(values, (line, 0))
        if number or len(self.survey.unmatched) < _MOST_SIGNATURES:
            self.survey.unmatched[values] = (first, number + 1)

    def _values_of(self, event: dict[str, object]) -> tuple[object, ...]:
        return tuple(_hashable(_at(path, event)) for path in self._subjects)

    def _count_moves(self, done: Processed) -> None:
        for update in done.updates:
            self.survey.moved[update.metric.name] += update.events

    def _key_of(self, event: dict[str, object], line: Line) -> Key:
        values = self._values_of(event)
        known = self._keys.get(values)
        if known is None:
            if len(self._keys) >= _MOST_SIGNATURES:
                self._keys.clear()
            known = self._keys[values] = self._ask(event, line)
            if len(self.survey.samples) < _MOST_SAMPLES:
                self.survey.samples.append(line)
        return known

    def _ask(self, event: dict[str, object], line: Line) -> Key:
        """Return the source and row of a line, from the engine."""
        done = self._process([line])
        names = [update.labels[0] for update in done.updates if update.metric.name == EVENTS]
        names += [name for name, reason in done.effect.rejected if reason == "missing_fields"]
        if not names or names[0] not in self._sources:
            return "", next((reason for _, reason in done.effect.rejected), "odd")
        by = _at(self._sources[names[0]].by, event) if self._sources[names[0]].by else None
        by = int(by) if isinstance(by, float) and by.is_integer() else by
        return names[0], fold(spelling(by)) if isinstance(by, str | int) else ""

    def _process(self, lines: list[Line]) -> Processed:
        data = b"".join([line.data for line in lines])
        return self._probe.process(Batch(lines[0].path, 0, len(data), data), self._now)

    def _take_group(self, key: Key, lines: list[Line]) -> None:
        done = self._process(lines)
        reasons = done.refused(Batch("", 0, 0, b""))
        self.survey.refused.update(reasons)
        if reasons:
            self._find_refused(lines, set(reasons))
        if not key[0]:
            return
        name, row = key
        group, source = self.survey.groups[name], self._sources[name]
        events = sum(update.events for update in done.updates if update.metric.name == EVENTS)
        group.matched += events
        rows = [one for one in source.rows if one.value == row]
        for read in (*source.reads, *(read for one in rows for read in one.reads)):
            word = group.words.setdefault(read.word, WordCount())
            for problem in self._count_word(read.word, word, done, events):
                self._find_word(read.word, problem, word, lines)

    def _count_word(self, name: str, word: WordCount, done: Processed, events: int) -> Iterator[str]:
        """Count what became of one word; yield each problem that was not met before."""
        filled = 0
        for update in done.updates:
            if update.metric.name != PREFIX + name:
                continue
            filled += update.events
            if len(update.labels) > 1:
                word.values[update.labels[1]] += update.events
            else:
                word.numbers += [v for v in getattr(update, "values", ()) if isinstance(v, float | int)][:_MOST_SAMPLES]
        refused = {reason: n for (of, reason), n in done.effect.refused.items() if of == name}
        absent = max(0, events - filled - sum(refused.values()))
        word.filled += filled
        word.absent += absent
        word.lacking += max(0, events - filled)
        word.refused.update(refused)
        yield from (problem for problem in (*refused, *(["absent"] if absent else [])) if problem not in word.first)

    def _find_word(self, name: str, problem: str, word: WordCount, lines: list[Line]) -> None:
        """Note the first line of a group that has a problem with a word."""
        for line in lines:
            done = self._process([line])
            probing = WordCount()
            events = sum(update.events for update in done.updates if update.metric.name == EVENTS)
            if problem in set(self._count_word(name, probing, done, events)):
                word.first[problem] = line
                return

    def _find_refused(self, lines: list[Line], reasons: set[str]) -> None:
        """Note lines that were refused, a few of each reason."""
        kept = Counter(reason for reason, _ in self.survey.refused_lines)
        for line in lines:
            if all(kept[reason] >= _MOST_REFUSED for reason in reasons):
                return
            for reason in self._process([line]).refused(Batch("", 0, 0, b"")):
                kept[reason] += 1
                self.survey.refused_lines.append((reason, line))

    def _refuse(self, reason: str, line: Line) -> None:
        self.survey.lines += 1
        self.survey.refused[reason] += 1
        self.survey.refused_lines.append((reason, line))


def survey_of(contract: Contract, batches: Iterable[Batch], environment: Mapping[str, str], now: float) -> Survey:
    """Return what a contract makes of all lines of some batches, judged at wall time `now` (UTC epoch seconds)."""
    surveyor = _Surveyor(contract, environment, now)
    numbers: dict[str, int] = {}
    for batch in batches:
        numbers[batch.path] = surveyor.take(batch, numbers.get(batch.path, 1))
    return surveyor.survey


def _at(path: tuple[str, ...], event: object) -> object:
    for part in path:
        if part == WHOLE:
            return event
        event = event.get(part) if isinstance(event, dict) else None
    return event


def _hashable(value: object) -> object:
    if isinstance(value, list | dict):
        return type(value)
    return (type(value), value)
