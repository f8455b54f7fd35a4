"""Why events do not move a metric, and what about its numbers looks odd.

In: a contract and the `Survey` of events. Out: findings and remarks. A metric is moved by an event that fills its word
and all its labels, if its conditions hold; so one of these never came true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from contracts.model import SOURCE_WORD, Candidate, Condition, Contract, Metric, Word
from contracts.spelling import spelling
from exporters.commands.contract.report import MetricFinding
from exporters.commands.contract.survey import Line, Survey
from exporters.commands.contract.word_causes import dotted

__all__ = ["metric_findings", "remarks_on"]

_SPOKEN_FOR = ("rejections", "always")
"""Jobs of metrics that good events do not move."""

_ENDINGS = {
    "seconds": {
        "ns": 1e-9, "nanos": 1e-9, "us": 1e-6, "micros": 1e-6,
        "ms": 1e-3, "msec": 1e-3, "millis": 1e-3, "milliseconds": 1e-3,
        "min": 60.0, "mins": 60.0, "minutes": 60.0, "hours": 3600.0,
    },
    "bytes": {"kb": 1e3, "kib": 1024.0, "mb": 1e6, "mib": 1048576.0, "gb": 1e9, "gib": 1073741824.0, "bits": 0.125},
    "ratio": {"pct": 0.01, "percent": 0.01, "percentage": 0.01, "bps": 1e-4},
}  # fmt: skip
"""Unit -> how the name of a field ends that holds another one -> the scale that brings it to the unit."""

_ENOUGH = 5
"""Values needed before their place among the buckets says something."""


def metric_findings(contract: Contract, survey: Survey) -> Iterator[MetricFinding]:
    """Yield each metric that events are to move, with how many did, and if none, why."""
    for metric in contract.metrics:
        if metric.job not in _SPOKEN_FOR:
            events = survey.moved[metric.name]
            yield MetricFinding(metric.name, events, "" if events else _cause(contract, metric, survey))


def _cause(contract: Contract, metric: Metric, survey: Survey) -> str:
    if not any(level.matched for level in survey.levels.values()):
        return "no source matched a line"
    made = {word for pair in contract.pairs for word in (pair.edge, pair.latency)}
    names = [name for name in (metric.subject, metric.amount) if name and name != "events"]
    for name in names:
        if name not in made and not survey.totals[name].filled:
            return f"{name} has no value in any line"
    for label, word in metric.labels.items():
        if (
            word != SOURCE_WORD
            and word not in made
            and not survey.totals[word].filled
            and not contract.words[word].default
        ):
            return f"the label {label} has no value in any line"
    for condition in metric.when:
        never = _never_holds(condition, survey)
        if never:
            return never
    if made & {*names, *metric.labels.values()}:
        return "no edge of its pair joined"
    return "its words, labels and conditions never come together in one line"


def _never_holds(condition: Condition, survey: Survey) -> str:
    """Say what a word was instead, if a condition on it never holds; "" if it does."""
    name = condition.subject[0]
    values, numbers = survey.totals[name].values, survey.totals[name].numbers
    listed = {spelling(value) for value in condition.values}
    is_met = {
        "present": bool(survey.totals[name].filled),
        "within": any(condition.minimum <= number <= condition.maximum for number in numbers),
        "not": bool(values.keys() - listed),
    }.get(condition.test, condition.test == "absent" or bool(listed & values.keys()))
    if is_met:
        return ""
    was = ", ".join(f"{value} {number}" for value, number in values.most_common(5))
    was = f"from {min(numbers):g} to {max(numbers):g}" if numbers else was or "never filled"
    wanted = {
        "present": "present",
        "within": f"within {condition.minimum:g} and {condition.maximum:g}",
        "not": f"not {' or '.join(sorted(listed))}",
    }.get(condition.test, " or ".join(map(spelling, condition.values)))
    return f"when {name} is {wanted} holds in no line; it was {was}"


def remarks_on(contract: Contract, survey: Survey, where: Callable[[Line], str]) -> Iterator[str]:
    """Yield what moved something and yet may be wrong: labels that are absent in some lines, units."""
    for metric in contract.metrics:
        yield from _missed(contract, metric, survey, where)
    for source in contract.sources:
        for read in source.reads_of_all():
            for candidate in read.candidates:
                yield from _unit(contract.words[read.word], candidate)
    for metric in contract.metrics:
        if metric.job == "observes":
            yield from _out_of_buckets(metric, survey)


def _missed(contract: Contract, metric: Metric, survey: Survey, where: Callable[[Line], str]) -> Iterator[str]:
    """Say of which lines a metric that was moved by others is not, for want of a label."""
    if metric.job in _SPOKEN_FOR or not survey.moved[metric.name]:
        return
    needed = [word for word in (metric.subject, metric.amount) if word and word != "events"]
    for name, level in survey.levels.items():
        if any(word not in level.words or not level.words[word].filled for word in needed) or (
            not needed and "." in name
        ):
            continue
        for label, word in metric.labels.items():
            count = level.words.get(word)
            if count is not None and count.lacking and count.first:
                first, what = where(next(iter(count.first.values()))), "parts" if "." in name else "lines"
                yield (
                    f"{metric.name} does not count {count.lacking} of {level.matched} {what} of {name}, which have no"
                    f" {label} (first in {first}); a default would stand for it"
                )


def _unit(word: Word, candidate: Candidate) -> Iterator[str]:
    if not candidate.path:
        return
    name = candidate.path[-1]
    last = re.split(r"[_.\-\s]", re.sub(r"([a-z])([A-Z])", r"\1_\2", name))[-1].lower()
    factor = _ENDINGS.get(word.unit or "", {}).get(last)
    if factor is not None and candidate.scale == 1.0:
        said = f'{word.name} is in {word.unit}, but "{dotted(candidate.path)}" says {last}'
        yield f"{said}; scale: {factor:g} would bring it there"


def _out_of_buckets(metric: Metric, survey: Survey) -> Iterator[str]:
    name = metric.subject or ""
    numbers = survey.totals[name].numbers
    if len(numbers) < _ENOUGH:
        return
    low, high = min(numbers), max(numbers)
    said = ""
    if low > metric.buckets[-1]:
        said = f"above the largest bucket, {metric.buckets[-1]:g}"
    elif high <= metric.buckets[0]:
        said = f"within the smallest bucket, {metric.buckets[0]:g}"
    if said:
        yield f"{metric.name}: every value is {said} (from {low:g} to {high:g}); is {name} in its unit?"
