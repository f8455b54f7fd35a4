"""Events -> updates, by signature: the contract's rules run once per distinct signature, not once per event.

In: decoded events of one batch. Out: an `Effect`. An event is applied whole or refused whole. Only numbers, times and
joins look at single events. Knows no files, no counters' present values and no other stage; of the state's, only which
names have a place within their cap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from contracts.model import Contract
from exporters.engine.names import Seen
from exporters.engine.plan import Plan, Planner
from exporters.engine.signature import Plans
from exporters.engine.values import Count, Effect, JoinPlan, Observe, Put

__all__ = ["Translator"]


class Translator:
    """Translates batches for one contract.

    Args:
        environment: where words with a default from an environment variable find it.
        seen: the values that capped words have shown so far, as they are at any time; without it every name is planned
            on its own.
    """

    def __init__(self, contract: Contract, environment: Mapping[str, str], seen: Seen | None = None) -> None:
        self._planner = Planner(contract, environment)
        self._plans = Plans(contract, self._planner, seen or {})

    def defaults(self) -> dict[str, str | None]:
        """Return the value each label word takes when an event has none."""
        return self._planner.defaults()

    def translate(self, events: Sequence[object], now: float) -> Effect:
        """Return what `events` (in file order) do, judged at wall time `now`."""
        effect = Effect()
        keys, distinct, plan_of = self._plans.sort(events)
        numbers: dict[Plan, int] = {}
        for key, number in distinct.items():
            plan = plan_of[key]
            numbers[plan] = numbers.get(plan, 0) + number
        for plan, number in numbers.items():
            self._apply(plan, number, effect)
        if any(plan.needs_events for plan in numbers):
            plans = list(map(plan_of.__getitem__, keys))
            for plan, group in _groups(plans, events).items():
                _measure(plan, group, now, effect)
            _follow(plans, events, effect)
            _join(plans, events, now, effect)
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


def _groups(plans: Sequence[Plan], events: Sequence[object]) -> dict[Plan, list[object]]:
    """Return the events of each plan that measures them, in order."""
    distinct = dict.fromkeys(plans)
    groups: dict[Plan, list[object]] = {plan: [] for plan in distinct if plan.measured}
    if groups and len(distinct) == 1:
        return {plans[0]: list(events)}
    if groups:
        for plan, event in zip(plans, events, strict=True):
            if plan.measured:
                groups[plan].append(event)
    return groups


def _measure(plan: Plan, group: list[object], now: float, effect: Effect) -> None:
    """Add what the numbers and times of one signature's events do."""
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
    newest: dict[str, tuple[float | None, int]] = {}
    for metric, labels, word in plan.stamps:
        if word not in newest:
            newest[word] = plan.times[word].newest(group, now, effect.refused)
        at, number = newest[word]
        if at is not None:
            effect.updates.append(Put(metric, labels, at, only_forward=True, events=number))


def _follow(plans: Sequence[Plan], events: Sequence[object], effect: Effect) -> None:
    """Add what the last event decides: states, and gauges set to numbers."""
    if not any(plan.states or plan.levels for plan in set(plans)):
        return
    last: dict[object, Put] = {}
    numbers: dict[object, int] = {}
    for plan, event in zip(plans, events, strict=True):
        puts = (*plan.states, *_levels_of(plan, event, effect)) if plan.levels else plan.states
        for put in puts:
            series = put.metric.name, put.labels
            last.pop(series, None)
            last[series] = put
            numbers[series] = numbers.get(series, 0) + 1
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


def _join(plans: Sequence[Plan], events: Sequence[object], now: float, effect: Effect) -> None:
    """Add how events take part in pairs, in their order; a refused id or time is counted once per word and event."""
    distinct = dict.fromkeys(plans)
    joining = [plan for plan in distinct if plan.steps]
    forms = {(id(plan.ids), *step[1:], step[2] in plan.measured) for plan in joining for step in plan.steps}
    if len(forms) > 1 or any(len(plan.steps) > 1 for plan in joining):
        for plan, event in zip(plans, events, strict=True):
            if plan.steps:
                effect.joins += _joins_of(plan, [event], now, effect)
    elif joining:
        step_of = {plan: plan.steps[0][0] for plan in joining}
        if len(joining) == len(distinct):
            steps, chosen = list(map(step_of.__getitem__, plans)), events
        else:
            steps = [step_of[plan] for plan in plans if plan.steps]
            chosen = [event for plan, event in zip(plans, events, strict=True) if plan.steps]
        effect.joins += _joins_of(joining[0], chosen, now, effect, steps)


def _joins_of(
    plan: Plan, events: Sequence[object], now: float, effect: Effect, steps: Sequence[JoinPlan] = ()
) -> Iterator[tuple[str, float, JoinPlan]]:
    """Yield the joins of events read alike, all at once: a column of ids and one of times.

    Args:
        steps: how each event takes part; without them each takes all of the plan's own.
    """
    ids = {word: plan.ids[word].read(events, effect.refused) for word in {word for _, word, _ in plan.steps}}
    times = {
        word: plan.times[word].read(events, now, None if word in plan.measured else effect.refused)
        for word in {word for _, _, word in plan.steps}
    }
    for step, id_word, time_word in plan.steps:
        rows = zip(ids[id_word], times[time_word], steps or [step] * len(events), strict=True)
        if all(ids[id_word]) and None not in times[time_word]:
            yield from rows
        else:
            yield from ((identity, at, taken) for identity, at, taken in rows if identity and at is not None)
