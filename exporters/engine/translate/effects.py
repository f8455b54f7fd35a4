"""Events and their plans -> an effect: counters by plan, numbers, times and ids event by event, in columns.

In: events and the plan of each. Out: an `Effect`, and which events move something. Part of the translate stage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import compress
from operator import itemgetter
from typing import Any, NamedTuple

from contracts.model import Condition, Pair
from exporters.engine.translate.columns import Column, Columns
from exporters.engine.translate.plan import Move, Plan
from exporters.engine.translate.times import SECOND
from exporters.engine.values import Count, Effect, End, JoinPlan, Joins, Observe, Put, Update

__all__ = ["effect_of", "moving_rows"]


def effect_of(
    events: Sequence[object], plans: Sequence[Plan], pairs: Sequence[Pair], now: float
) -> tuple[Effect, Columns]:
    """Return what events of these plans do, judged at wall time `now`, and the columns that were read for it."""
    effect, numbers = Effect(), Counter(plans)
    columns = Columns(events, plans, numbers, round(now * SECOND))
    applied = sum([_account(plan, number, columns, effect) for plan, number in numbers.items()])
    ignored = len(plans) - effect.rejected.total() - applied
    effect.outcomes.update({"applied": applied, "ignored": ignored})
    effect.updates += _updates(numbers, columns)
    found = (_joins(pair, numbers.keys(), plans, columns) for pair in pairs)
    effect.joins = [joins for joins in found if joins is not None]
    effect.refused += columns.refused
    effect.absent += columns.absent
    return effect, columns


def moving_rows(plans: Sequence[Plan], columns: Columns) -> Collection[int]:
    """Return the places of the events that move something."""
    distinct = set(plans)
    if all(plan.is_applied for plan in distinct):
        return range(len(plans))
    rows: set[int] = set()
    for plan in distinct:
        rows.update(columns.rows([plan]) if plan.is_applied else _moving(plan, columns))
    return rows


def _account(plan: Plan, number: int, columns: Columns, effect: Effect) -> int:
    """Account for `number` events of one plan and move its counters; return how many of them move anything."""
    if plan.rejected is not None:
        effect.rejected[plan.rejected] += number
        return 0
    effect.updates += [Count(metric, labels, float(number), number) for metric, labels in plan.counts]
    for refusal in plan.refused:
        effect.refused[refusal] += number
    return number if plan.is_applied else len(_moving(plan, columns))


def _moving(plan: Plan, columns: Columns) -> Collection[int]:
    """Return the places of the events of a plan that move anything: of what moves it one has to be there."""
    needs: set[tuple[tuple[str, ...], tuple[Condition, ...]]] = {
        ((move.word,) if move.word else (), move.tests) for move in plan.moves
    }
    needs |= {((step.id, step.at), ()) for step in plan.steps}
    if len(needs) == 1 and not next(iter(needs))[1]:
        ((words, _),) = needs
        found = [columns.of(word) for word in words]
        return [row for row in columns.rows([plan]) if all(column[row] is not None for column in found)]
    moving: set[int] = set()
    for words, tests in needs:
        found = [columns.of(word) for word in words]
        rows = columns.held(columns.rows([plan]), tests)
        moving.update(row for row in rows if all(column[row] is not None for column in found))
    return moving


def _updates(distinct: Iterable[Plan], columns: Columns) -> Iterator[Update]:
    """Yield what single events do to series, series by series; what sets them in the order of the events."""
    series: dict[tuple[str, tuple[str, ...]], dict[Plan, Move]] = {}
    for plan in distinct:
        for move in plan.moves:
            series.setdefault((move.metric.name, move.labels), {})[plan] = move
    newest: dict[object, _Newest | None] = {}
    puts: list[tuple[int, Put | End]] = []
    for moves in series.values():
        move = next(iter(moves.values()))
        if move.metric.job == "counts" and move.word is None:
            yield from _counted(move, columns.held(columns.rows(moves.keys()), move.tests))
        elif move.metric.job in ("sets", "states") and (move.newest_by or not move.metric.keeps):
            puts += _set(moves, columns, newest)
        elif move.metric.ends:
            yield from _until_it_ends(moves, columns)
        else:
            yield from _measured(move, columns.values(move.word or "", moves.keys(), move.tests))
    yield from (put for _, put in sorted(puts, key=itemgetter(0)))


def _counted(move: Move, rows: Sequence[int]) -> Iterator[Update]:
    """Yield that a series counts the events at some places, which is nothing if there are none."""
    if rows:
        yield Count(move.metric, move.labels, float(len(rows)), len(rows))


def _measured(move: Move, values: Column) -> Iterator[Update]:
    """Yield what the numbers or times of events do to a series, which is nothing if there are none."""
    keeps = move.metric.keeps
    if values and keeps:
        kept = max(values) if keeps == "max" else min(values)
        is_time = isinstance(kept, int)  # numbers are floats
        at = kept if move.metric.ends_after else None  # which only times have
        yield Put(move.metric, move.labels, kept // 1000 / 1e6 if is_time else kept, keeps, at, len(values))
    elif values:
        yield Observe(move.metric, move.labels, values)


def _until_it_ends(moves: Mapping[Plan, Move], columns: Columns) -> Iterator[Update]:
    """Yield what the numbers or times of events do to a series that some of them end, in their order."""
    first = next(iter(moves.values()))
    (word,) = {move.word for move in moves.values() if move.word} or {""}
    column = columns.of(word)
    values: Column = []
    for row in columns.held(columns.rows(moves.keys()), first.tests):
        if moves[columns.plans[row]].ends:
            yield from _measured(first, values)
            yield End(first.metric, first.labels)
            values = []
        elif column[row] is not None:
            values.append(column[row])
    yield from _measured(first, values)


def _set(
    moves: Mapping[Plan, Move], columns: Columns, known: dict[object, _Newest | None]
) -> Iterator[tuple[int, Put | End]]:
    """Yield what the newest of events sets a series to, and its place, which is nothing if none of them has a value.

    Args:
        known: takes up which event is the newest of which plans, as all series of one state ask for the same.
    """
    first = next(iter(moves.values()))
    word, ends = next((move.word for move in moves.values() if move.word), None), first.metric.ends
    key = (word, first.newest_by, first.tests, *map(id, moves))
    if key not in known:
        rows = columns.held(columns.rows(moves.keys()), first.tests) if first.tests else columns.rows(moves.keys())
        if word is not None:
            values = columns.of(word)
            rows = [r for r in rows if values[r] is not None or (ends and moves[columns.plans[r]].ends)]
        known[key] = _newest_of(rows, first.newest_by, columns)
    newest = known[key]
    if newest is None:
        return
    move = moves[columns.plans[newest.row]] if ends or not word else first
    if move.ends:
        yield newest.row, End(move.metric, move.labels, newest.at, newest.events)
    else:
        value = columns.of(word)[newest.row] if word else move.value
        if word and word == first.newest_by:
            value = value // 1000 / 1e6
        yield newest.row, Put(move.metric, move.labels, value, at=newest.at, events=newest.events)


class _Newest(NamedTuple):
    """The newest of so many events: its place in the batch, and its time if that is what decides."""

    row: int
    at: int | None
    events: int


def _newest_of(rows: Sequence[int], newest_by: str | None, columns: Columns) -> _Newest | None:
    """Return the newest of the events at some places; one without a time is older than all others."""
    if not rows:
        return None
    if newest_by is None:
        return _Newest(rows[-1], None, len(rows))
    column = columns.of(newest_by)
    times = [column[row] or 0 for row in rows]
    at = max(times)
    return _Newest(rows[len(rows) - 1 - times[::-1].index(at)], at, len(rows))


def _joins(pair: Pair, distinct: Collection[Plan], plans: Sequence[Plan], columns: Columns) -> Joins | None:
    """Return how events take part in a pair, in their order; those that lack the id or the time take none."""
    steps: dict[Hashable, JoinPlan] = {
        plan: step.plan for plan in distinct for step in plan.steps if step.plan.pair == pair.name
    }
    if not steps:
        return None
    found: list[Any] = [columns.of(pair.id), columns.of(pair.at), plans]
    tests: list[Iterable[bool]] = [map(steps.__contains__, plans)] if len(steps) < len(distinct) else []
    tests += [[value is not None for value in columns.of(word)] for word in (pair.id, pair.at) if columns.lacks(word)]
    if tests:
        takes_part = list(map(all, zip(*tests, strict=True)))
        found = [list(compress(column, takes_part)) for column in found]
    ids, times, taking = found
    return Joins(pair.name, ids, times, taking, steps)
