"""The frozen nouns of a contract: metrics, pairs, the contract itself; words and sources come through here, too.

In: nothing; `build` fills these from a checked document. Out: values every stage, the lint and the docs read.
Nothing here knows YAML, files or Prometheus' exposition. After a `Contract` exists, nothing about it can fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Literal

from msgspec import Struct, field

from contracts.sources import IN_FILE, WHOLE, Candidate, Condition, Part, PathKind, Read, Row, Scalar, Source, Step
from contracts.vocabulary import SOURCE_WORD, Default, Word

__all__ = [
    "IN_FILE",
    "REJECTION_REASONS",
    "SOURCE_WORD",
    "UNKNOWN_SOURCE",
    "WHOLE",
    "Candidate",
    "Condition",
    "Contract",
    "Default",
    "Files",
    "Keeps",
    "Metric",
    "Pair",
    "Part",
    "PathKind",
    "Read",
    "Row",
    "Scalar",
    "Source",
    "Step",
    "Word",
]

UNKNOWN_SOURCE = "unknown"
"""Value of the built-in word `source` for a line no source claimed."""

REJECTION_REASONS = (
    "bad_json",
    "invalid_utf8",
    "not_object",
    "too_long",
    "unknown_schema",
    "missing_fields",
    "too_many_parts",
    "internal_error",
)
"""Why a line is refused. The same strings in code, log, `lines_total{outcome}` and contracts."""

MetricType = Literal["counter", "gauge", "histogram"]
Job = Literal["counts", "rejections", "observes", "sets", "adds", "states", "always"]
Keeps = Literal["max", "min"]
_PATH_KINDS: Mapping[str, PathKind] = {"number": "number", "time": "time"}
_BOOLEANS = frozenset({"true", "false"})


class Metric(Struct, frozen=True):
    """One metric family and how events move it.

    `job` is one of counts (counter, +1 or +amount), rejections (counter of refused lines), observes (histogram), sets
    (gauge from a number or a time), adds (gauge, the sum of numbers of any sign), states (gauge, 1 for the current
    state and 0 for the rest), always (constant gauge). `newest_by` is the time word by which the newest event of sets
    and states wins, else the last line does; with `keeps` the largest or smallest value stays, as the largest of times
    does. An event that passes `ends` ends its series, and so do `ends_after` seconds after its newest event. `labels`:
    label name -> word. `init` lists the series that exist from the start (None: a default).
    """

    name: str
    type: MetricType
    job: Job
    help: str
    labels: Mapping[str, str]
    budget: int
    subject: str | None = None
    amount: str | None = None
    newest_by: str | None = None
    keeps: Keeps | None = None
    ends: tuple[Condition, ...] = ()
    ends_after: float | None = None
    value: float = 1.0
    buckets: tuple[float, ...] = ()
    when: tuple[Condition, ...] = ()
    init: tuple[tuple[str | None, ...], ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)  # rejection reason -> label value
    line: int = 0

    @property
    def about(self) -> str | None:
        """The number or time that it takes or, if it takes none, the word it counts or shows."""
        return self.amount or self.subject


class Pair(Struct, frozen=True):
    """Two stages of one thing joined by id: for each edge (opening, closing) a latency in seconds.

    Loses: entries older than `timeout_s` (event time) and the oldest beyond `max_open`; both are counted.
    """

    name: str
    id: str
    stage: str
    at: str
    edge: str
    latency: str
    edges: Mapping[str, tuple[str, str]]
    timeout_s: float
    max_open: int
    line: int = 0

    @property
    def openings(self) -> tuple[str, ...]:
        """Stages that open edges, each once."""
        return tuple(dict.fromkeys(opening for opening, _ in self.edges.values()))


class Files(Struct, frozen=True):
    """Where events come from: environment variable, default paths or globs, cap on one line's bytes (or a folder)."""

    env: str | None
    default: tuple[str, ...]
    max_line_bytes: int
    exclude: tuple[str, ...] = ()


class Contract(Struct, frozen=True):
    """One exporter's whole promise. `path` and `sha256` name the file it was read from."""

    name: str
    help: str
    port: int
    port_env: str | None
    job: str
    files: Files
    words: Mapping[str, Word]
    sources: tuple[Source, ...]
    metrics: tuple[Metric, ...]
    pairs: tuple[Pair, ...]
    path: str
    sha256: str
    is_recorded: bool = False  # by sessions, in the one folder of `files`: no lines, no sources, no pairs

    def paths_of(self, source: Source) -> Iterator[tuple[tuple[str, ...], PathKind]]:
        """Yield every JSON path `source` looks at and what is expected there (a path can come more than once)."""
        for condition in (*source.match, *source.expect):
            yield condition.subject, _kind_of(condition)
        if source.by:
            yield source.by, "text" if _BOOLEANS.isdisjoint(row.value for row in source.rows) else "flag"
        yield from ((part.of[0].path, "parts") for part in source.parts)
        for read in source.all_reads():
            word = self.words[read.word]
            kind = _PATH_KINDS.get(word.kind) or ("text" if _BOOLEANS.isdisjoint(word.values) else "flag")
            for candidate in (one for one in read.candidates if one.path):
                yield candidate.path, kind
                if kind in ("number", "time") and not _BOOLEANS.isdisjoint((*word.aliases, *candidate.aliases)):
                    yield candidate.path, "flag"

    def paths(self) -> dict[tuple[str, ...], PathKind]:
        """Return every JSON path any source looks at, and what is expected there."""
        kinds: dict[tuple[str, ...], PathKind] = {}
        for path, kind in (pair for source in self.sources for pair in self.paths_of(source) if pair[0]):
            known = kinds.setdefault(path, kind)
            if known != kind and kind != "any":
                kinds[path] = kind if known == "any" else "mixed"
        return kinds

    def label_values(self, metric: Metric, label: str) -> tuple[str, ...]:
        """Closed values of a label of `metric`; empty when the label is open but capped."""
        word = metric.labels[label]
        if metric.job == "rejections":
            if label == SOURCE_WORD:
                return (*(source.name for source in self.sources), UNKNOWN_SOURCE)
            return tuple(dict.fromkeys(metric.reasons.values()))
        if word == SOURCE_WORD:
            return tuple(source.name for source in self.sources)
        return self.words[word].label_values

    def worst_case_series(self, metric: Metric) -> int:
        """Most label sets `metric` can ever show: the product of its labels' values."""
        labels = metric.labels.items()
        return prod(len(self.label_values(metric, name)) or self.words[word].worst_case for name, word in labels)

    def closed_label_sets(self, metric: Metric) -> tuple[tuple[str, ...], ...]:
        """Every label set the sources can give a metric whose labels are all closed; empty if one is open.

        These series exist at 0 from the start, so that the first increment is visible to `increase()`.
        """
        columns = [self.label_values(metric, label) for label in metric.labels]
        if not all(columns):
            return ()
        words = metric.labels.values()
        if metric.job == "rejections" or SOURCE_WORD not in words:
            return tuple(product(*columns))
        return tuple(one for source in self.sources for one in product(*(self._reachable(source, w) for w in words)))

    def _reachable(self, source: Source, word: str) -> tuple[str, ...]:
        if word == SOURCE_WORD:
            return (source.name,)
        candidates = [c for read in source.reads_of_all() if read.word == word for c in read.candidates]
        if any(candidate.place for candidate in candidates):
            return self.words[word].label_values
        default = self.words[word].default
        return tuple(dict.fromkeys([*(str(c.constant) for c in candidates), *([default.value] if default else [])]))


def _kind_of(condition: Condition) -> PathKind:
    """Return what a condition on a JSON path expects there."""
    if condition.test == "within":
        return "number"
    kinds = {type(value) for value in condition.values}
    return "any" if not kinds else "flag" if bool in kinds else "text"
