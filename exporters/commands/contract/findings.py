"""What of a contract did not come true in somebody's events, and why.

In: a contract and the `Survey` of the events. Out: a `Report`. What is shown of events is cut, and of what may be an id
or a secret only the beginning is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from contracts.model import WHOLE, Contract, Read, Source
from contracts.sources import Part
from exporters.commands.contract.fields import Fields, Path
from exporters.commands.contract.inputs import event_of
from exporters.commands.contract.metric_causes import metric_findings, remarks_on
from exporters.commands.contract.probe import alone
from exporters.commands.contract.report import Refused, Report, SourceFinding, WordFinding
from exporters.commands.contract.shown import shown
from exporters.commands.contract.survey import Level, Line, Survey
from exporters.commands.contract.word_causes import dotted, word_remarks
from exporters.engine.refusals.explain import explain, failing

__all__ = ["report_of"]

_MOST_VALUES = 20
_NEAREST = "no source matches; of the nearest, "


def report_of(contract: Contract, survey: Survey, files: tuple[str, ...], environment: Mapping[str, str]) -> Report:
    """Return the report of a survey."""

    def where(line: Line) -> str:
        return f"line {line.number}" if len(files) == 1 else f"{line.path}:{line.number}"

    metrics = tuple(metric_findings(contract, survey))
    return Report(
        contract=contract.path,
        files=files,
        ok=all(metric.events for metric in metrics),
        lines=survey.lines,
        blank=survey.blank,
        sources=tuple(
            finding
            for source in contract.sources
            for finding in _source_findings(contract, source, survey, where, environment)
        ),
        refused=tuple(_refused(contract, survey, where)),
        never_read=_never_read(contract, survey),
        metrics=metrics,
        remarks=tuple(dict.fromkeys(remarks_on(contract, survey, where))),
    )


Where = Callable[[Line], str]


def _source_findings(
    contract: Contract, source: Source, survey: Survey, where: Where, environment: Mapping[str, str]
) -> Iterator[SourceFinding]:
    """Yield what became of a source's lines, then of each of its parts."""
    if not survey.levels[source.name].matched:
        yield SourceFinding(source.name, 0, why=_unmet(contract, source, survey, where))
        return
    for name, around, reads in _levels(source):
        level = survey.levels[name]
        words = tuple(
            _word_finding(contract, source, around, read, level, where, environment)
            for read in _joined(reads)
            if read.word in level.words
        )
        yield SourceFinding(name, level.matched, words, odd=dict(level.odd))


def _levels(source: Source) -> Iterator[tuple[str, tuple[Part, ...], Sequence[Read]]]:
    """Yield a source and each of its parts: name, the parts to go through, what is read there."""
    yield source.name, (), source.all_reads()
    yield from _inner(source.name, (), source.parts)


def _inner(
    name: str, around: tuple[Part, ...], parts: Sequence[Part]
) -> Iterator[tuple[str, tuple[Part, ...], Sequence[Read]]]:
    for part in parts:
        yield f"{name}.{part.name}", (*around, part), part.reads
        yield from _inner(f"{name}.{part.name}", (*around, part), part.parts)


def _joined(reads: Sequence[Read]) -> Iterable[Read]:
    """Return one read for each word, with all ways to fill it in any row."""
    found: dict[str, Read] = {}
    for read in reads:
        known = found.get(read.word)
        found[read.word] = Read(read.word, (*known.candidates, *read.candidates)) if known else read
    return found.values()


def _word_finding(
    contract: Contract,
    source: Source,
    around: tuple[Part, ...],
    read: Read,
    level: Level,
    where: Where,
    environment: Mapping[str, str],
) -> WordFinding:
    count = level.words[read.word]
    remarks = tuple(word_remarks(contract, source, around, read, level, where, environment))
    is_closed = contract.words[read.word].kind == "enum"
    values = dict(count.values.most_common(_MOST_VALUES)) if is_closed else {}
    return WordFinding(read.word, count.filled, count.absent, dict(count.refused), values, remarks)


def _unmet(contract: Contract, source: Source, survey: Survey, where: Where) -> str:
    """Say why a source took no line: another took those it matches, or which condition fails in the nearest line."""
    nearest: tuple[int, Line, str] | None = None
    for line in survey.samples:
        event = event_of(line.data)
        missed = len(failing(source.match, event))
        if not missed:
            taker = next(one.name for one in contract.sources if not failing(one.match, event))
            return f"{where(line)} matches too, but {taker} stands before it and took it; put {source.name} first"
        if nearest is None or missed < nearest[0]:
            why = explain(alone(contract, source.name), "unknown_schema", line.data, shown)
            nearest = (missed, line, why.removeprefix(f"{_NEAREST}{source.name}, "))
    return f"in the nearest, {where(nearest[1])}, {nearest[2]}" if nearest else ""


def _refused(contract: Contract, survey: Survey, where: Where) -> Iterator[Refused]:
    """Yield what was refused, the most frequent first; lines no source took by why they were not."""
    numbers: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], Line] = {}
    for line, number in survey.unmatched.values():
        key = ("unknown_schema", explain(contract, "unknown_schema", line.data, shown))
        numbers[key] += number
        first.setdefault(key, line)
    rest = survey.refused - Counter({"unknown_schema": sum(numbers.values())})
    for reason, line in survey.refused_lines:
        if reason in rest and not any(known == reason for known, _ in first):
            key = (reason, explain(contract, reason, line.data.rstrip(b"\n"), shown) if line.data else "")
            numbers[key], first[key] = rest[reason], line
    for (reason, why), number in numbers.most_common():
        yield Refused(reason, number, where(first[reason, why]), why)


def _never_read(contract: Contract, survey: Survey) -> dict[str, int]:
    """Return the fields of the lines that sources took of which nothing is read -> in how many they are."""
    read = {path[: path.index(WHOLE)] if WHOLE in path else path for path in contract.paths()}
    found: Counter[str] = Counter()
    for source in contract.sources:
        for path, one in _leaves(survey.levels[source.name].fields):
            if not any(path[:length] in read for length in range(1, len(path) + 1)):
                found[dotted(path)] += one
    return dict(found.most_common())


def _leaves(fields: Fields) -> Iterator[tuple[Path, int]]:
    yield from ((path, found.events) for path, found in fields.leaves())
