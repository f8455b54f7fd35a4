"""What a contract makes of events, source by source and word by word.

In: a contract and batches of lines. Out: a `Survey`. What is filled, refused and absent is counted by the engine's own
pipeline, under a probing contract; lines are looked at one by one only to find the first of each kind. Lines are taken
together that have the same values wherever a source decides; so a line's source is asked for once per such values.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from contracts.model import Contract
from contracts.sources import Part
from contracts.spelling import fold, spelling
from exporters.commands.contract.fields import Fields
from exporters.commands.contract.inputs import event_of
from exporters.commands.contract.inside import elements_of
from exporters.commands.contract.probe import EVENTS, PREFIX, probe_of
from exporters.engine.pipeline import Pipeline, Processed
from exporters.engine.refusals.explain import value_at
from exporters.engine.values import Batch

__all__ = ["Level", "Line", "Survey", "WordCount", "named_parts", "survey_of"]

_ODD = frozenset({"unmatched", "mistyped", "bad_json"})
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


class Level(Struct):
    """The lines one source took, all rows of it together, or the parts inside them that one part took.

    `odd` counts what of a part's place was not taken: unmatched, mistyped, bad_json.
    """

    matched: int = 0
    words: dict[str, WordCount] = field(default_factory=dict)
    fields: Fields = field(default_factory=Fields)
    odd: Counter[str] = field(default_factory=Counter)


class Survey(Struct):
    """What a contract makes of so many lines.

    `levels` are by the name of their source, or by source.part, source.part.part; `totals` are by word, whoever reads
    or makes it. `refused` are lines by reason, `refused_lines` the first of each with their reasons; `unmatched` are
    lines that no source took, with how many are like each; `samples` are lines a source may tell apart; `moved` is how
    many events moved each metric.
    """

    lines: int = 0
    blank: int = 0
    levels: dict[str, Level] = field(default_factory=dict)
    totals: dict[str, WordCount] = field(default_factory=dict)
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
        self._parts = {source.name: dict(named_parts(source.name, source.parts)) for source in contract.sources}
        names = [name for source in contract.sources for name in (source.name, *self._parts[source.name])]
        self.survey = Survey(
            levels={name: Level() for name in names}, totals={name: WordCount() for name in contract.words}
        )

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
                self._look_at(key[0], event, self._sources[key[0]].parts, number)
            elif event is not None:
                self._note_unmatched(event, line)
        for key, lines in groups.items():
            self._take_group(key, lines)
        return first + len(texts)

    def _look_at(self, name: str, event: dict[str, object], parts: Sequence[Part], number: int) -> None:
        """Note the fields of a line, or of a part, and of the parts inside."""
        self.survey.levels[name].fields.add(event, number)
        for part in parts:
            for inner in elements_of(part, event):
                self._look_at(f"{name}.{part.name}", inner, part.parts, number)

    def _note_unmatched(self, event: dict[str, object], line: Line) -> None:
        values = self._values_of(event)
        first, number = self.survey.unmatched.get(values, (line, 0))
        if number or len(self.survey.unmatched) < _MOST_SIGNATURES:
            self.survey.unmatched[values] = (first, number + 1)

    def _values_of(self, event: dict[str, object]) -> tuple[object, ...]:
        return tuple(_hashable(value_at(path, event)) for path in self._subjects)

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
        by = value_at(self._sources[names[0]].by, event) if self._sources[names[0]].by else None
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
        source = self._sources[name]
        rows = [one for one in source.rows if one.value == row]
        counted: set[str] = set()
        reads = {name: (*source.reads, *(read for one in rows for read in one.reads))}
        reads |= {inner: part.reads for inner, part in self._parts[name].items()}
        for inner, own in reads.items():
            level = self.survey.levels[inner]
            level.matched += _matched_of(done, inner)
            level.odd.update(
                {what: n for (part, what), n in done.effect.parts.items() if part == inner and what in _ODD}
            )
            for read in own:
                if read.word not in counted:
                    counted.add(read.word)
                    word = level.words.setdefault(read.word, WordCount())
                    for problem in _count_word(read.word, word, done, _matched_of(done, inner)):
                        self._find_word(read.word, problem, word, lines, inner)
        for total, word in self.survey.totals.items():
            deque(_count_word(total, word, done, 0), maxlen=0)

    def _find_word(self, name: str, problem: str, word: WordCount, lines: list[Line], level: str) -> None:
        """Note the first line of a group that has a problem with a word."""
        for line in lines:
            done = self._process([line])
            if problem in set(_count_word(name, WordCount(), done, _matched_of(done, level))):
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


def named_parts(name: str, parts: Sequence[Part]) -> Iterator[tuple[str, Part]]:
    """Yield every part of a source by its whole name, those inside others included."""
    for part in parts:
        yield f"{name}.{part.name}", part
        yield from named_parts(f"{name}.{part.name}", part.parts)


def _matched_of(done: Processed, level: str) -> int:
    """Return how many lines a source took, or how many parts a part did."""
    lines = sum(one.events for one in done.updates if one.metric.name == EVENTS and one.labels[0] == level)
    return lines + sum(n for (part, what), n in done.effect.parts.items() if part == level and what not in _ODD)


def _count_word(name: str, word: WordCount, done: Processed, events: int) -> Iterator[str]:
    """Count what became of one word in so many lines or parts; yield each problem that was not met before."""
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


def survey_of(contract: Contract, batches: Iterable[Batch], environment: Mapping[str, str], now: float) -> Survey:
    """Return what a contract makes of all lines of some batches, judged at wall time `now` (UTC epoch seconds)."""
    surveyor = _Surveyor(contract, environment, now)
    numbers: dict[str, int] = {}
    for batch in batches:
        numbers[batch.path] = surveyor.take(batch, numbers.get(batch.path, 1))
    return surveyor.survey


def _hashable(value: object) -> object:
    if isinstance(value, list | dict):
        return type(value)
    return (type(value), value)
