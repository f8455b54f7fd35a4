"""What an exporter keeps across restarts: every kind of record, and all of them together.

In: records of the stages. Out: what they were, after a restart. How each is stored is known to `stored` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from msgspec import Struct, field

from exporters.engine.values import Checkpoint, FileKey, Refusal

__all__ = [
    "Change",
    "Gone",
    "KnownBackups",
    "MetricMeaning",
    "PairMeaning",
    "PairProgress",
    "Record",
    "Saved",
    "SavedName",
    "SavedSegment",
    "SavedSeries",
]


class SavedSeries(Struct, frozen=True):
    """One series: labels in the metric's order, value (a histogram's sum), creation time (UTC epoch seconds).

    `at` is the time of the event that gave the value (UTC epoch nanoseconds), 0 if that does not matter.
    """

    metric: str
    labels: tuple[str, ...]
    value: float
    created: float
    buckets: list[int] | None
    at: int


class SavedName(Struct, frozen=True):
    """A value that has taken a place within the cap of its word."""

    word: str
    value: str


class MetricMeaning(Struct, frozen=True):
    """What the stored values of a metric depend on; values under another meaning are not its own.

    `job`, `subject` and `amount` are the contract's; `labels` are label and word, in the order of a series' labels.
    """

    name: str
    type: str
    job: str
    subject: str | None
    amount: str | None
    labels: tuple[tuple[str, str], ...]
    buckets: tuple[float, ...]


class PairMeaning(Struct, frozen=True):
    """What the stored entries of a pair depend on; under another meaning their stages are something else."""

    name: str
    meaning: str


class PairProgress(Struct, frozen=True):
    """A pair's newest event time, the last id it forgot, and when the last it evicted was heard of (in nanoseconds)."""

    pair: str
    newest: float
    forgotten: int
    evicted: float = -inf


class SavedSegment(Struct, frozen=True):
    """Some of the ids a pair remembers: each id, then what is remembered of it, at last its place in their order."""

    pair: str
    number: int
    entries: list[list[Any]]


class KnownBackups(Struct, frozen=True):
    """Identities of the rotated backups that existed; those that appear later have not been read."""

    keys: frozenset[FileKey]


Meaning = MetricMeaning | PairMeaning
Record = SavedSeries | SavedName | Meaning | PairProgress | SavedSegment | Checkpoint | KnownBackups | Refusal


class Gone(Struct, frozen=True):
    """The record of that name is not kept any longer; only what names it counts."""

    record: Record


Change = Record | Gone


class Saved(Struct):
    """All records of one state; checkpoints in the order of their serials."""

    series: list[SavedSeries] = field(default_factory=list)
    names: list[SavedName] = field(default_factory=list)
    metric_meanings: dict[str, MetricMeaning] = field(default_factory=dict)
    pair_meanings: dict[str, str] = field(default_factory=dict)
    pair_progress: list[PairProgress] = field(default_factory=list)
    segments: list[SavedSegment] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    known: frozenset[FileKey] = frozenset()
    number: int = 0

    def add(self, record: Record) -> None:
        """Put a record where it belongs."""
        self.number += 1
        match record:
            case MetricMeaning():
                self.metric_meanings[record.name] = record
            case PairMeaning():
                self.pair_meanings[record.name] = record.meaning
            case KnownBackups():
                self.known |= record.keys
            case _:
                getattr(self, _LISTS[type(record)]).append(record)


_LISTS: Mapping[type, str] = {
    SavedSeries: "series",
    SavedName: "names",
    PairProgress: "pair_progress",
    SavedSegment: "segments",
    Checkpoint: "checkpoints",
    Refusal: "refusals",
}
