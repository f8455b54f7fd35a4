"""Two contracts compared: what of the change breaks queries, what may, what cannot.

In: the old and the new contracts. Out: `Change`s, the worst first. Breaking: something a query may name is gone or
means something else. Risky: numbers or series change under queries that stay valid. Safe: nothing that exists changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from contracts.compiler.document import quote
from contracts.model import WHOLE, Condition, Contract, Metric, Read, Source, Word

__all__ = ["EFFECTS", "Change", "Effect", "compare", "compare_all"]

Effect = Literal["breaking", "risky", "safe"]
EFFECTS: tuple[Effect, ...] = ("breaking", "risky", "safe")
"""From worst to mildest."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference; `metrics` are the families whose queries it reaches."""

    effect: Effect
    text: str
    metrics: tuple[str, ...] = ()


def compare_all(old: Sequence[Contract], new: Sequence[Contract]) -> list[Change]:
    """Return what changed between two sets of contracts, matched by name; a single pair is matched as it is."""
    if len(old) == len(new) == 1:
        return compare(*old, *new)
    before, after = ({contract.name: contract for contract in side} for side in (old, new))
    found = [
        Change("breaking", f"exporter {name} removed", tuple(metric.name for metric in contract.metrics))
        for name, contract in before.items()
        if name not in after
    ]
    found += [Change("safe", f"exporter {name} added") for name in after if name not in before]
    for name in before.keys() & after.keys():
        found += compare(before[name], after[name])
    return _ordered(found)


def compare(old: Contract, new: Contract) -> list[Change]:
    """Return what changed from one contract to its successor, the worst first."""
    found = [*_of_exporter(old, new), *_of_metrics(old, new), *_of_words(old, new), *_of_sources(old, new)]
    return _ordered(found)


def _ordered(found: Sequence[Change]) -> list[Change]:
    return sorted(dict.fromkeys(found), key=lambda change: (EFFECTS.index(change.effect), change.text))


_EXPORTER: Sequence[tuple[Effect, str, Callable[[Contract], object]]] = (
    ("breaking", "name", lambda contract: contract.name),
    ("breaking", "port", lambda contract: contract.port),
    ("breaking", "job", lambda contract: contract.job),
    ("risky", "port variable", lambda contract: contract.port_env),
    ("breaking", "origin", lambda contract: "a folder" if contract.is_recorded else "files"),
    ("risky", "files variable", lambda contract: contract.files.env),
    ("risky", "default files", lambda contract: ", ".join(contract.files.default)),
    ("risky", "excluded files", lambda contract: ", ".join(contract.files.exclude) or "none"),
    ("risky", "longest line", lambda contract: contract.files.max_line_bytes),
    ("safe", "help", lambda contract: contract.help),
)


def _of_exporter(old: Contract, new: Contract) -> Iterator[Change]:
    every = tuple(metric.name for metric in old.metrics)
    for effect, what, of in _EXPORTER:
        if of(old) != of(new):
            text = f"{what} of the exporter changed (was {of(old)}, is {of(new)})"
            yield Change(effect, text, every if effect == "breaking" else ())


def _of_metrics(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = ({metric.name: metric for metric in contract.metrics} for contract in (old, new))
    gone = [metric for name, metric in before.items() if name not in after]
    fresh = [metric for name, metric in after.items() if name not in before]
    for metric in gone:
        heir = next((other for other in fresh if _look(metric) == _look(other)), None)
        fresh = [other for other in fresh if other is not heir]
        text = f"metric {metric.name} " + (f"renamed to {heir.name}" if heir else "removed")
        yield Change("breaking", text, (metric.name,))
    yield from (Change("safe", f"metric {metric.name} added") for metric in fresh)
    for name in before.keys() & after.keys():
        shape = _of_shape(old, before[name], new, after[name])
        for effect, text in (*shape, *_of_movement(before[name], after[name])):
            yield Change(effect, f"metric {name}: {text}", (name,))


def _look(metric: Metric) -> tuple[object, ...]:
    """Return what a metric keeps when it is renamed."""
    return metric.type, metric.job, metric.subject, metric.when, metric.labels


def _of_shape(old: Contract, before: Metric, new: Contract, after: Metric) -> Iterator[tuple[Effect, str]]:
    """Yield what changed in what the metric looks like."""
    if before.type != after.type:
        yield "breaking", f"type changed (was {before.type}, is {after.type})"
    units = tuple(_unit(contract, metric) for contract, metric in ((old, before), (new, after)))
    if units[0] != units[1]:
        yield "breaking", f"unit changed (was {units[0]}, is {units[1]})"
    yield from _of_labels(old, before, new, after)
    gone, added = set(before.buckets) - set(after.buckets), set(after.buckets) - set(before.buckets)
    yield from (("breaking", f"bucket {bound:g} removed") for bound in sorted(gone))
    yield from (("risky", f"bucket {bound:g} added") for bound in sorted(added))
    if after.budget != before.budget:
        grown = after.budget > before.budget
        yield "risky" if grown else "safe", f"budget changed (was {before.budget}, is {after.budget})"
    if before.help != after.help:
        yield "safe", "help changed"


def _of_movement(before: Metric, after: Metric) -> Iterator[tuple[Effect, str]]:
    """Yield what changed in what moves the metric."""
    movers = _mover(before), _mover(after)
    if movers[0] != movers[1]:
        yield "risky", f"moved by something else (was {movers[0]}, is {movers[1]})"
    elif before.newest_by != after.newest_by:
        decides = [f"the newest by {one.newest_by}" if one.newest_by else "the last line" for one in (before, after)]
        yield "risky", f"set by {decides[1]} (was {decides[0]})"
    if (before.ends, before.ends_after) != (after.ends, after.ends_after):
        yield "risky", "its series end in another way"
    if before.when != after.when or before.reasons != after.reasons:
        yield "risky", "the events it looks at changed"
    if set(before.init) - set(after.init):
        yield "risky", "series that existed from the start no longer do"
    elif before.init != after.init:
        yield "safe", "more series exist from the start"


def _mover(metric: Metric) -> str:
    kept = f" and keeps {metric.keeps}" if metric.keeps else ""
    return f"{metric.job} {metric.amount or metric.subject or metric.value}{kept}"


def _unit(contract: Contract, metric: Metric) -> str:
    word = contract.words.get(metric.about) if metric.about else None
    return (word.unit or word.kind) if word is not None and word.kind in ("number", "time") else "none"


def _of_labels(old: Contract, before: Metric, new: Contract, after: Metric) -> Iterator[tuple[Effect, str]]:
    for label in before.labels:
        if label not in after.labels:
            yield "breaking", f"label {label} removed"
            continue
        had, has = old.label_values(before, label), new.label_values(after, label)
        if bool(had) != bool(has):
            yield "risky", f"label {label} became {'closed' if has else 'open'}"
            continue
        yield from (("breaking", f"value {quote(value)} of label {label} removed") for value in had if value not in has)
        yield from (("safe", f"value {quote(value)} of label {label} added") for value in has if value not in had)
    yield from (("risky", f"label {label} added") for label in after.labels if label not in before.labels)


def _default(word: Word) -> str:
    if word.default is None:
        return "none"
    return f"${word.default.env} or {word.default.value}" if word.default.env else word.default.value


_WORD: Sequence[tuple[str, Callable[[Word], object]]] = (
    ("kind", lambda word: word.kind),
    ("default", _default),
    ("otherwise", lambda word: word.otherwise),
    (
        "words it is made of",
        lambda word: word.made_of and f"{f' {word.made_of.operation} '.join(word.made_of.words)}",
    ),
    ("characters", lambda word: (word.allow, word.fold, word.max_length, word.max_values)),
    ("limits", lambda word: (word.minimum, word.maximum, word.max_future_s)),
)


def _of_words(old: Contract, new: Contract) -> Iterator[Change]:
    for name in old.words.keys() & new.words.keys():
        before, after = old.words[name], new.words[name]
        reached = _reached(old, name)
        for what, of in _WORD:
            if of(before) != of(after):
                yield Change("risky", f"word {name}: {what} changed (was {of(before)}, is {of(after)})", reached)
        for spelling, value in before.aliases.items():
            if after.aliases.get(spelling) != value:
                yield Change("risky", f"word {name}: spelling {quote(spelling)} no longer means {value}", reached)
        for spelling, value in after.aliases.items():
            if spelling not in before.aliases:
                yield Change("safe", f"word {name}: spelling {quote(spelling)} of {value} added")


def _reached(contract: Contract, word: str) -> tuple[str, ...]:
    """Return the metrics that a word has to do with."""
    return tuple(metric.name for metric in contract.metrics if word in _words_of(contract, metric))


def _words_of(contract: Contract, metric: Metric) -> set[str]:
    """Return the words of a metric: those it names, what those are made of, and those of the pairs it looks at."""
    tested = (name for condition in (*metric.when, *metric.ends) for name in condition.subject)
    named = {*metric.labels.values(), metric.subject, metric.amount, metric.newest_by, *tested}
    pairs = [pair for pair in contract.pairs if not named.isdisjoint((pair.edge, pair.latency))]
    words = [word for name, word in contract.words.items() if name in named]
    parts = (part for word in words if word.made_of for part in word.made_of.words)
    named |= {*parts, *(name for pair in pairs for name in (pair.id, pair.stage, pair.at))}
    return {name for name in named if name is not None}


def _of_sources(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = ({source.name: source for source in contract.sources} for contract in (old, new))
    for name, source in before.items():
        if name not in after:
            yield Change("breaking", f"source {name} removed, its events become unknown", _all_names(old))
        elif _rules_of(source) != _rules_of(after[name]):
            yield Change("risky", f"source {name} takes other events", _all_names(old))
        else:
            for word in _reread(source.reads_of_all(), after[name].reads_of_all()):
                yield Change("risky", f"source {name} fills {word} in another way", _reached(old, word))
    yield from (Change("safe", f"source {name} added") for name in after if name not in before)
    if [_bare(pair) for pair in old.pairs] != [_bare(pair) for pair in new.pairs]:
        yield Change("risky", "pairs changed", ())


def _all_names(contract: Contract) -> tuple[str, ...]:
    return tuple(metric.name for metric in contract.metrics)


def _rules_of(source: Source) -> object:
    tests = [_bare_tests(conditions) for conditions in (source.match, source.expect)]
    parts = [(part.name, part.of, _bare_tests(part.match)) for part in source.all_parts()]
    return tests, source.require_any, source.by, [row.value for row in source.rows], parts, source.max_parts


def _bare_tests(conditions: Sequence[Condition]) -> list[Condition]:
    """Return conditions as they were written: whether other fields of an object are read changes none of them."""
    return [replace(c, subject=tuple(part for part in c.subject if part != WHOLE)) for c in conditions]


def _bare(pair: object) -> str:
    return repr(pair).rsplit("line=", 1)[0]


def _reread(before: Sequence[Read], after: Sequence[Read]) -> list[str]:
    """Return the words two lists of reads fill differently."""
    words = dict.fromkeys(read.word for read in (*before, *after))
    return [word for word in words if _of_word(before, word) != _of_word(after, word)]


def _of_word(reads: Sequence[Read], word: str) -> list[Read]:
    return [read for read in reads if read.word == word]
