"""Events -> updates, by signature: the contract's rules run once per distinct signature, not once per event.

In: decoded events of one batch. Out: an `Effect`. An event is applied whole or refused whole. Only numbers, times and
joins look at single events. Knows no files, no counters' present values and no other stage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

from contracts.model import Contract
from exporters.engine.plan import Plan, Planner
from exporters.engine.values import Count, Effect, JoinPlan, Observe, Put, attribute_of

__all__ = ["Translator"]

_PLANS_KEPT = 8192
_KEY_LENGTH = 2048
"""Signatures whose plans are remembered, and most characters of one; beyond the first the memory starts anew, and a
longer one is worked out each time, so that odd input cannot fill it."""

Key = tuple[object, ...]


class Translator:
    """Translates batches for one contract.

    Args:
        environment: where words with a default from an environment variable find it.
    """

    def __init__(self, contract: Contract, environment: Mapping[str, str]) -> None:
        self._planner = Planner(contract, environment)
        self._paths = _signature_paths(contract)
        names = [attribute_of(path) for path in self._paths]
        self._signature = attrgetter(*names) if names else (lambda event: ())
        self._is_single = len(names) == 1
        self._plans: dict[object, Plan] = {}

    def defaults(self) -> dict[str, str | None]:
        """Return the value each label word takes when an event has none."""
        return self._planner.defaults()

    def translate(self, events: Sequence[object], now: float) -> Effect:
        """Return what `events` (in file order) do, judged at wall time `now`."""
        effect = Effect()
        keys: list[object] = list(map(self._signature, events))
        numbers = Counter(keys)
        plans = {key: self._plan_of(key) for key in numbers}
        for key, number in numbers.items():
            self._apply(plans[key], number, effect)
        measured = {key: plan for key, plan in plans.items() if plan.measured}
        if measured:
            for key, group in _groups(measured, keys, events).items():
                _measure(plans[key], group, now, effect)
        last = {key: plan for key, plan in plans.items() if plan.states or plan.levels}
        if last:
            _follow(last, keys, events, effect)
        joining = {key: plan for key, plan in plans.items() if plan.steps}
        if joining:
            _join(joining, keys, events, now, effect)
        return effect

    def _plan_of(self, key: object) -> Plan:
        plan = self._plans.get(key)
        if plan is not None:
            return plan
        values: Key = (key,) if self._is_single else key  # type: ignore[assignment]
        plan = self._planner.plan(dict(zip(self._paths, values, strict=True)))
        if sum(len(value) for value in values if isinstance(value, str)) <= _KEY_LENGTH:
            if len(self._plans) >= _PLANS_KEPT:
                self._plans.clear()
            self._plans[key] = plan
        return plan

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


def _groups(
    plans: Mapping[object, Plan], keys: Sequence[object], events: Sequence[object]
) -> dict[object, list[object]]:
    """Return the events of each of these signatures, in order."""
    groups: dict[object, list[object]] = {key: [] for key in plans}
    if len(groups) == 1 and len(set(keys)) == 1:
        return {keys[0]: list(events)}
    for key, event in zip(keys, events, strict=True):
        if key in groups:
            groups[key].append(event)
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
    newest: dict[str, float | None] = {}
    for metric, labels, word in plan.stamps:
        if word not in newest:
            newest[word] = plan.times[word].newest(group, now, effect.refused)
        at = newest[word]
        if at is not None:
            effect.updates.append(Put(metric, labels, at, only_forward=True, events=len(group)))


def _follow(plans: Mapping[object, Plan], keys: Sequence[object], events: Sequence[object], effect: Effect) -> None:
    """Add what the last event decides: states, and gauges set to numbers."""
    last: dict[object, Put] = {}
    for key, event in zip(keys, events, strict=True):
        plan = plans.get(key)
        if plan is None:
            continue
        puts = (*plan.states, *_levels_of(plan, event, effect)) if plan.levels else plan.states
        for put in puts:
            series = put.metric.name, put.labels
            last.pop(series, None)
            last[series] = put
    effect.updates += last.values()


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
    plans: Mapping[object, Plan], keys: Sequence[object], events: Sequence[object], now: float, effect: Effect
) -> None:
    """Add how events take part in pairs, in their order; a refused id or time is counted once per word and event."""
    forms = {(id(plan.ids), *step[1:], step[2] in plan.measured) for plan in plans.values() for step in plan.steps}
    if len(forms) > 1 or any(len(plan.steps) > 1 for plan in plans.values()):
        for key, event in zip(keys, events, strict=True):
            if key in plans:
                effect.joins += _joins_of(plans[key], [event], now, effect)
        return
    step_of = {key: plan.steps[0][0] for key, plan in plans.items()}
    if plans.keys() >= set(keys):
        steps, chosen = list(map(step_of.__getitem__, keys)), events
    else:
        steps = [step_of[key] for key in keys if key in step_of]
        chosen = [event for key, event in zip(keys, events, strict=True) if key in step_of]
    effect.joins += _joins_of(next(iter(plans.values())), chosen, now, effect, steps)


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


def _signature_paths(contract: Contract) -> tuple[tuple[str, ...], ...]:
    """Return the paths that decide an event's plan: conditions, row keys and whatever fills a label word."""
    paths: dict[tuple[str, ...], None] = {}
    for source in contract.sources:
        paths |= {condition.subject: None for condition in (*source.match, *source.expect)}
        if source.by:
            paths[source.by] = None
        for read in source.all_reads():
            if contract.words[read.word].is_label:
                paths |= {candidate.path: None for candidate in read.candidates if candidate.path}
    return tuple(paths)
