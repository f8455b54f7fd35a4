"""The report of `contract check --on`: its nouns, and how they are printed.

In: findings. Out: text, or one JSON object. A line is named by its number, with its file if there are several.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field

__all__ = ["MetricFinding", "Refused", "Report", "SourceFinding", "WordFinding", "text_of"]

_MOST_VALUES, _MOST_NEVER_READ, _MOST_REFUSED = 8, 12, 5


class WordFinding(Struct, frozen=True):
    """One word in one source's events: how many fill it, lack it, or hold what was refused, and why."""

    word: str
    filled: int
    absent: int = 0
    refused: Mapping[str, int] = {}
    values: Mapping[str, int] = {}
    remarks: tuple[str, ...] = ()


class SourceFinding(Struct, frozen=True):
    """One source: how many lines it took; if none, why not. Or one part, as source.part: how many parts of lines.

    `odd` is what of a part's place was not taken: unmatched, mistyped, bad_json.
    """

    source: str
    matched: int
    words: tuple[WordFinding, ...] = ()
    why: str = ""
    odd: Mapping[str, int] = {}

    @property
    def title(self) -> str:
        """What the report calls it."""
        return f"{'part' if '.' in self.source else 'source'} {self.source}"


class Refused(Struct, frozen=True):
    """Lines that were refused for one reason, and the like: how many (0: some of those above), the first, and why."""

    reason: str
    lines: int
    first: str
    why: str = ""


class MetricFinding(Struct, frozen=True):
    """One metric: how many events moved it; if none, why not."""

    metric: str
    events: int
    why: str = ""


class Report(Struct, frozen=True):
    """What a contract makes of so many lines. `ok` says whether every metric was moved."""

    contract: str
    files: tuple[str, ...]
    ok: bool
    lines: int
    blank: int
    sources: tuple[SourceFinding, ...]
    refused: tuple[Refused, ...]
    never_read: Mapping[str, int]
    metrics: tuple[MetricFinding, ...]
    remarks: tuple[str, ...] = field(default=())


def text_of(report: Report) -> Iterator[str]:
    """Yield the lines of a report, aligned."""
    lines = f"{report.lines} line{'' if report.lines == 1 else 's'}"
    yield f"{report.contract} on {', '.join(report.files)}: {lines}" + (
        f", {report.blank} blank" if report.blank else ""
    )
    names = [one.title for one in report.sources]
    names += [f"  word {word.word}" for one in report.sources for word in one.words]
    width = max(map(len, [*names, "never read"])) + 2

    def row(name: str, *texts: str) -> Iterator[str]:
        for number, text in enumerate(texts):
            yield f"{f'{name}  ' if number == 0 else '':{width}}{text}"

    for source in report.sources:
        matched = f"matched {source.matched}" + (f": {source.why}" if source.why else "")
        matched += "".join(f", {what} {number}" for what, number in source.odd.items())
        yield from row(source.title, matched)
        for word in source.words:
            yield from row(f"  word {word.word}", _filled(word), *word.remarks)
    for refused in report.refused[:_MOST_REFUSED]:
        why = f": {refused.why}" if refused.why else ""
        yield from row("refused", f"{refused.lines} {refused.reason}, first in {refused.first}{why}")
    if len(report.refused) > _MOST_REFUSED:
        yield from row("refused", f"and {len(report.refused) - _MOST_REFUSED} more kinds")
    if report.never_read:
        yield from row("never read", _listed(list(report.never_read), _MOST_NEVER_READ))
    for metric in report.metrics:
        said = f"nothing: {metric.why}" if not metric.events else f"{metric.events} event{'s' * (metric.events != 1)}"
        yield from row(f"metric {metric.metric}", said)
    for remark in report.remarks:
        yield from row("look at", remark)


def _filled(word: WordFinding) -> str:
    values = [f"{value} {number}" for value, number in word.values.items()]
    parts = [f"filled {word.filled}" + (f" ({_listed(values, _MOST_VALUES)})" if values else "")]
    parts += [f"absent {word.absent}"] if word.absent else []
    parts += [f"refused {number} {reason}" for reason, number in word.refused.items()]
    return ", ".join(parts)


def _listed(texts: Sequence[str], most: int) -> str:
    more = [f"{len(texts) - most} more"] if len(texts) > most else []
    return ", ".join([*texts[:most], *more])
