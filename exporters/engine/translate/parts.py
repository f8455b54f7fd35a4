"""Lines with parts -> updates: a part is an event of its own, with the words of its line besides those it reads.

In: decoded events. Out: an `Effect`. Each part of a contract is a level with plans of its own: its events are a line
and an element, and every path begins with which of the two it is read from. A line counts once, whatever its parts do;
one with too many is refused whole. Part of the translate stage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, compress, repeat
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from contracts.model import Condition, Contract, Part, Read, Row, Source, Step
from exporters.engine.fields import attribute_of, ordered_paths
from exporters.engine.translate.effects import effect_of, moving_rows
from exporters.engine.translate.elements import Elements
from exporters.engine.translate.plan import Plan
from exporters.engine.translate.plan_cache import Places, PlanCache
from exporters.engine.translate.planner import Planner
from exporters.engine.values import Count, Effect

__all__ = ["Parts"]

_LINE, _PART = "line", "part"
"""Where a path of a level begins."""

_Pair = msgspec.defstruct("_Pair", [(attribute_of((_LINE,)), object), (attribute_of((_PART,)), object)], gc=False)
"""An event of a level: a line (or the part that is around), and an element."""


class _Level:
    """One part of a source: what it does, how its elements are found, and the levels inside it."""

    def __init__(
        self, name: str, contract: Contract, source: Source, part: Part, environment: Mapping[str, str], places: Places
    ) -> None:
        self.name = f"{name}.{part.name}"
        inner = _source_of(source, part)
        own, has = {read.word for read in part.reads}, {read.word for read in inner.all_reads()}
        self.own = frozenset(name for name, word in contract.words.items() if word.is_filled(own, has))
        self.contract = replace(
            contract,
            sources=(inner,),
            metrics=tuple(metric for metric in contract.metrics if metric.about in self.own),
            pairs=tuple(pair for pair in contract.pairs if pair.id in self.own),
        )
        planner = Planner(self.contract, environment, contract.metrics)
        self.plans = PlanCache(self.contract, planner, places, is_inner=True)
        kinds = {path[1:]: kind for path, kind in ordered_paths(self.contract).items() if path[0] == _PART}
        self._elements = Elements(part.of, kinds)
        first = part.of[0].path if name == source.name else (_PART, *part.of[0].path)
        self._raw = attrgetter(attribute_of(first))
        self.levels = [_Level(self.name, contract, inner, one, environment, places) for one in part.parts]

    def with_inner(self) -> Iterator[_Level]:
        """Yield the level and all levels inside it."""
        yield self
        for level in self.levels:
            yield from level.with_inner()

    def open(self, around: Sequence[object], rows: Sequence[int], odd: list[_Odd]) -> _Opened:
        """Return the events of this level in those of the one around it.

        Args:
            rows: the place of each one's line.
            odd: takes up what could not be opened.
        """
        raws = list(map(self._raw, around))
        is_there = [raw is not None for raw in raws]
        if not all(is_there):
            raws, around, rows = (list(compress(column, is_there)) for column in (raws, around, rows))
        strange: list[tuple[int, str]] = []
        found = self._elements.open_all(raws, strange)
        odd += [_Odd(rows[at], self.name, reason) for at, reason in strange]
        numbers = list(map(len, found))
        events = map(_Pair, _repeated(around, numbers), chain.from_iterable(found))
        return _Opened(self, list(events), list(_repeated(rows, numbers)))


class _Opened(NamedTuple):
    """The events of one level in a batch: each with the place of its line."""

    level: _Level
    events: Sequence[object]
    rows: Sequence[int]

    def without(self, refused: Collection[int]) -> _Opened:
        """Return those that are not in some of the lines."""
        kept = [row not in refused for row in self.rows]
        return _Opened(self.level, list(compress(self.events, kept)), list(compress(self.rows, kept)))


class _Odd(NamedTuple):
    """Something that could not be opened: the place of its line, the level and why."""

    row: int
    level: str
    reason: str


class Parts:
    """Translates the lines of one contract together with their parts."""

    def __init__(self, contract: Contract, environment: Mapping[str, str], plans: PlanCache, places: Places) -> None:
        self._pairs = contract.pairs
        self._plans, self._places = plans, places
        self._levels = {
            source.name: [_Level(source.name, contract, source, part, environment, places) for part in source.parts]
            for source in contract.sources
        }
        self._most = {source.name: source.max_parts for source in contract.sources}

    def plans(self) -> list[PlanCache]:
        """Return the plans of every level."""
        return [one.plans for levels in self._levels.values() for level in levels for one in level.with_inner()]

    def translate(self, events: Sequence[object], now: float) -> Effect:
        """Return what `events` (in file order) and their parts do, judged at wall time `now`."""
        effect = self._together(events, now)
        if effect is None:
            self._places.go_back()
            effect = Effect()
            for event in events:
                effect.add(self._together([event], now) or Effect())
        return effect

    def _together(self, events: Sequence[object], now: float) -> Effect | None:
        """Return what events do, or None if lines and parts move the same so that their order matters."""
        keys, plans = self._plans.before_names(events)
        opened, refused, odd = self._open(events, plans)
        places: Sequence[int] = range(len(events))
        if refused:
            places = [row for row in places if row not in refused]
            keys, plans = [keys[row] for row in places], [plans[row] for row in places]
        kept = [events[row] for row in places] if refused else events
        plans, names = self._plans.take_names(keys, plans)
        line, columns = effect_of(kept, plans, self._pairs, now)
        line.names, line.parts = names, odd
        done = [_Done(line, plans, moving_rows(plans, columns))]
        moved = set(map(places.__getitem__, done[0].moving))
        for level, inner, rows in opened:
            done.append(_done_by(level, inner, now))
            moved.update(map(rows.__getitem__, done[-1].moving))
        if len(events) > 1 and not _are_apart(done):
            return None
        whole = Effect()
        for one in done:
            whole.add(one.effect)
        whole.rejected += Counter(refused.values())
        rejected = whole.rejected.total()
        whole.outcomes = Counter({"applied": len(moved), "ignored": len(events) - rejected - len(moved)})
        return whole

    def _open(
        self, events: Sequence[object], plans: Sequence[Plan]
    ) -> tuple[list[_Opened], dict[int, tuple[str, str]], Counter[tuple[str, str]]]:
        """Return the parts of events, level by level, which lines have too many, with what they are refused as, and
        how often something in the others could not be opened, by level and reason.
        """
        opened: list[_Opened] = []
        refused: dict[int, tuple[str, str]] = {}
        odd: list[_Odd] = []
        for source, levels in self._levels.items():
            rows = [row for row, plan in enumerate(plans) if plan.source == source]
            found = list(_opened(levels, [events[row] for row in rows], rows, odd)) if rows else []
            numbers = Counter(chain.from_iterable(one.rows for one in found))
            most = self._most[source]
            refused |= {row: (source, "too_many_parts") for row, number in numbers.items() if number > most}
            opened += found
        if refused:
            opened = [one.without(refused) for one in opened]
            odd = [one for one in odd if one.row not in refused]
        return [one for one in opened if one.events], refused, Counter((one.level, one.reason) for one in odd)


def _opened(
    levels: Sequence[_Level], around: Sequence[object], rows: Sequence[int], odd: list[_Odd]
) -> Iterator[_Opened]:
    """Yield the events of some levels, each before those inside it."""
    for level in levels:
        found = level.open(around, rows, odd)
        yield found
        if found.events:
            yield from _opened(level.levels, found.events, found.rows, odd)


def _repeated(column: Sequence[Any], numbers: Sequence[int]) -> Iterator[Any]:
    """Yield each value of a column so many times."""
    return chain.from_iterable(map(repeat, column, numbers))


class _Done(NamedTuple):
    """What the lines or the events of a level do, their plans, and the places of those that move something."""

    effect: Effect
    plans: Sequence[Plan]
    moving: Collection[int]


def _done_by(level: _Level, events: Sequence[object], now: float) -> _Done:
    """Return what the events of a level do."""
    plans, names = level.plans.plans_of(events)
    effect, columns = effect_of(events, plans, level.contract.pairs, now)
    moving = moving_rows(plans, columns)
    unmatched = effect.rejected.total()
    outcomes = {"applied": len(moving), "unmatched": unmatched, "ignored": len(events) - unmatched - len(moving)}
    effect.parts = Counter({(level.name, outcome): number for outcome, number in outcomes.items() if number})
    effect.names = names
    effect.rejected, effect.outcomes = Counter(), Counter()
    effect.refused = Counter({key: number for key, number in effect.refused.items() if key[0] in level.own})
    effect.absent = Counter({word: number for word, number in effect.absent.items() if word in level.own})
    return _Done(effect, plans, moving)


def _are_apart(done: Sequence[_Done]) -> bool:
    """Whether lines and levels may be gone through one after the other, and need not be line by line.

    No two of them move a series in which the order of events shows, nor do two show names while there are places taken:
    the first would take those of the other.
    """
    if any(one.effect.names for one in done) and sum(any(plan.names for plan in set(one.plans)) for one in done) > 1:
        return False
    moved = [
        {(update.metric.name, update.labels) for update in one.effect.updates if not isinstance(update, Count)}
        for one in done
    ]
    return len(set(chain.from_iterable(moved))) == sum(map(len, moved))


def _source_of(source: Source, part: Part) -> Source:
    """Return the source of a level: what the line gives, unless the part reads it itself, and what the part does."""
    own = {read.word for read in part.reads}
    is_line = source.max_parts > 0  # whose conditions hold already, unlike those of a part around this one
    return Source(
        name=source.name,
        match=(*_under(_PART, part.match), *(() if is_line else _under(_LINE, source.match))),
        expect=(),
        reads=(*_read_under(_LINE, source.reads, own), *_read_under(_PART, part.reads, set())),
        by=(_LINE, *source.by) if source.by else (),
        rows=tuple(Row(row.value, _read_under(_LINE, row.reads, own)) for row in source.rows),
        parts=tuple(
            replace(inner, of=(Step((_PART, *inner.of[0].path), inner.of[0].opens), *inner.of[1:]))
            for inner in part.parts
        ),
    )


def _under(root: str, conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    return tuple(replace(condition, subject=(root, *condition.subject)) for condition in conditions)


def _read_under(root: str, reads: Sequence[Read], but: set[str]) -> tuple[Read, ...]:
    return tuple(
        Read(read.word, tuple(replace(c, path=(root, *c.path)) if c.path else c for c in read.candidates))
        for read in reads
        if read.word not in but
    )
