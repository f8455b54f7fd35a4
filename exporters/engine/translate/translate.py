"""Events -> updates, by signature: the contract's rules run once per distinct signature, not once per event.

In: decoded events of one batch. Out: an `Effect`. An event is applied whole or refused whole. Only numbers, times and
joins look at single events. Knows no files, no counters' present values and no other stage; of the state's, only which
names have a place within their cap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import compress
from typing import TypeVar

from contracts.model import Contract
from exporters.engine.translate.cardinality import Admitted
from exporters.engine.translate.plan import Plan
from exporters.engine.translate.plan_cache import PlanCache
from exporters.engine.translate.planner import Planner
from exporters.engine.values import Count, Effect, Join, JoinPlan, Observe, Put

__all__ = ["Translator"]

_Part = TypeVar("_Part")


class Translator:
    """Translates batches for one contract.

    Args:
        environment: where words with a default from an environment variable find it.
        seen: the values that capped words have shown so far, as they are at any time; without it every name is planned
            on its own.
    """

    def __init__(self, contract: Contract, environment: Mapping[str, str], admitted: Admitted | None = None) -> None:
        self._planner = Planner(contract, environment)
        self._plans = PlanCache(contract, self._planner, admitted or {})

    def defaults(self) -> dict[str, str | None]:
        """Return the value each label word takes when an event has none."""
        return self._planner.defaults()

    def translate(self, events: Sequence[object], now: float) -> Effect:
        """Return what `events` (in file order) do, judged at wall time `now`."""
        effect = Effect()
        plans = self._plans.plans_of(events)
        numbers = Counter(plans)
        for plan, number in numbers.items():
            self._apply(plan, number, effect)
        if any(plan.needs_events for plan in numbers):
            _measure(numbers.keys(), plans, events, effect)
            _stamp(numbers.keys(), plans, events, now, effect)
            _follow(numbers.keys(), plans, events, effect)
            _join(numbers.keys(), plans, events, now, effect)
        return effect

    @staticmethod
    def _apply(plan: Plan, number: int, effect: Effect) -> None:
        """Account for `number` events of one plan and move its counters."""
        if plan.rejected is not None:
            effect.rejected[plan.rejected] += number
            return
        effect.outcomes["applied" if plan.is_applied else "ignored"] += number
        effect.updates += [Count(metric, labels, float(number), number) for metric, labels in plan.counts]
        for refusal in plan.refused:
            effect.refused[refusal] += number


def _chosen(
    wanted: Mapping[Plan, _Part], plans: Sequence[Plan], events: Sequence[object]
) -> tuple[Sequence[_Part], Sequence[object]]:
    """Return what the plan of each event has that is wanted, and the events, in order, without those that lack it."""
    found = list(map(wanted.get, plans))
    if all(found):
        return found, events  # type: ignore[return-value]  # none is None
    return [part for part in found if part is not None], list(compress(events, found))


def _groups(parts: Sequence[_Part], events: Sequence[object]) -> dict[_Part, Sequence[object]]:
    """Return the events by what they have, in order."""
    distinct = dict.fromkeys(parts)
    if len(distinct) == 1:
        return dict.fromkeys(distinct, events)
    groups: dict[_Part, list[object]] = {part: [] for part in distinct}
    for part, event in zip(parts, events, strict=True):
        groups[part].append(event)
    return {**groups}


def _measure(distinct: Collection[Plan], plans: Sequence[Plan], events: Sequence[object], effect: Effect) -> None:
    """Add what the numbers of events do."""
    wanted = {plan: plan for plan in distinct if plan.observes or plan.amounts}
    for plan, group in _groups(*_chosen(wanted, plans, events)).items() if wanted else ():
        columns: dict[str, list[float]] = {}
        for metric, labels, word in (*plan.observes, *plan.amounts):
            if word not in columns:
                columns[word] = plan.numbers[word].read(group, effect.refused)
            if not columns[word]:
                continue
            if metric.job == "observes":
                effect.updates.append(Observe(metric, labels, columns[word]))
            else:
                effect.updates.append(Count(metric, labels, sum(columns[word]), len(columns[word])))


def _stamp(
    distinct: Collection[Plan], plans: Sequence[Plan], events: Sequence[object], now: float, effect: Effect
) -> None:
    """Add what the times of events do."""
    wanted = {plan: plan.stamps for plan in distinct if plan.stamps.measures}
    for stamps, group in _groups(*_chosen(wanted, plans, events)).items() if wanted else ():
        newest: dict[str, tuple[float | None, int]] = {}
        for metric, labels, word in stamps.measures:
            if word not in newest:
                newest[word] = stamps.times[word].newest(group, now, effect.refused)
            at, number = newest[word]
            if at is not None:
                effect.updates.append(Put(metric, labels, at, only_forward=True, events=number))


def _follow(distinct: Collection[Plan], plans: Sequence[Plan], events: Sequence[object], effect: Effect) -> None:
    """Add what the last event decides: states, and gauges set to numbers."""
    wanted = {plan: plan for plan in distinct if plan.states or plan.levels}
    last: dict[object, Put] = {}
    numbers: Counter[object] = Counter()
    for plan, event in zip(*_chosen(wanted, plans, events), strict=True) if wanted else ():
        for put in (*plan.states, *_levels_of(plan, event, effect)):
            series = put.metric.name, put.labels
            last.pop(series, None)
            last[series] = put
            numbers[series] += 1
    effect.updates += [put._replace(events=numbers[series]) for series, put in last.items()]


def _levels_of(plan: Plan, event: object, effect: Effect) -> list[Put]:
    """Return the gauges one event sets to numbers; a refusal is counted once per word."""
    values: dict[str, float | None] = {}
    for _, _, word in plan.levels:
        if word not in values:
            refused = None if word in plan.measured else effect.refused
            values[word] = plan.numbers[word].read_one(event, refused)
    found = ((metric, labels, values[word]) for metric, labels, word in plan.levels)
    return [Put(metric, labels, value) for metric, labels, value in found if value is not None]


def _join(
    distinct: Collection[Plan], plans: Sequence[Plan], events: Sequence[object], now: float, effect: Effect
) -> None:
    """Add how events take part in pairs, in their order; a refused id or time is counted once per word and event."""
    wanted = {plan: plan for plan in distinct if plan.steps}
    forms = {(id(plan.ids), *step[1:], step[2] in plan.measured) for plan in wanted for step in plan.steps}
    if len(forms) > 1 or any(len(plan.steps) > 1 for plan in wanted):
        joins: list[Join] = []
        for plan, event in zip(*_chosen(wanted, plans, events), strict=True):
            joins += _joins_of(plan, [event], now, effect, [[step] for step, _, _ in plan.steps])
        effect.joins = joins
    elif wanted:
        steps, chosen = _chosen({plan: plan.steps[0][0] for plan in wanted}, plans, events)
        effect.joins = _joins_of(next(iter(wanted)), chosen, now, effect, [steps])


def _joins_of(
    plan: Plan, events: Sequence[object], now: float, effect: Effect, taken: Sequence[Sequence[JoinPlan]]
) -> Iterable[Join]:
    """Return the joins of events read alike, all at once: a column of ids and one of times.

    Args:
        taken: for each of the plan's steps how each event takes it.
    """
    ids = {word: plan.ids[word].read(events, effect.refused) for word in {word for _, word, _ in plan.steps}}
    times = {
        word: plan.times[word].read(events, now, None if word in plan.measured else effect.refused)
        for word in {word for _, _, word in plan.steps}
    }
    columns = [
        (ids[word], times[time_word], steps) for (_, word, time_word), steps in zip(plan.steps, taken, strict=True)
    ]
    return _rows(*columns[0]) if len(columns) == 1 else [row for column in columns for row in _rows(*column)]


def _rows(ids: Sequence[str], times: Sequence[int | None], steps: Sequence[JoinPlan]) -> Iterable[Join]:
    """Return one join for each event that has an id and a time, not before it is asked for."""
    rows = zip(ids, times, steps, strict=True)
    if all(ids) and None not in times:
        return rows  # type: ignore[return-value]  # no time is None
    return [(identity, at, step) for identity, at, step in rows if identity and at is not None]
