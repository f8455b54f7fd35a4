"""The frozen nouns of a contract: words, sources, metrics, pairs.

In: nothing; `build` fills these from a checked document. Out: values every stage, the lint and the docs read.
Nothing here knows YAML, files or Prometheus' exposition. After a `Contract` exists, nothing about it can fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Literal

from msgspec import Struct, field

__all__ = [
    "REJECTION_REASONS",
    "SOURCE_WORD",
    "UNKNOWN_SOURCE",
    "WHOLE",
    "Candidate",
    "Condition",
    "Contract",
    "Default",
    "Files",
    "Metric",
    "Pair",
    "PathKind",
    "Read",
    "Row",
    "Scalar",
    "Source",
    "Word",
]

Scalar = str | int | bool
"""A value a condition compares with: JSON string, integer or boolean (never mixed: `true` is not `1`)."""

SOURCE_WORD = "source"
"""The one built-in word: the name of the source an event matched."""

WHOLE = "*"
"""Ends the path of an object whose presence matters, when fields of it are read; no field is read by this name."""

UNKNOWN_SOURCE = "unknown"
"""Value of the built-in word `source` for a line no source claimed."""

REJECTION_REASONS = (
    "bad_json",
    "invalid_utf8",
    "not_object",
    "too_long",
    "unknown_schema",
    "missing_fields",
    "internal_error",
)
"""Why a line is refused. The same strings in code, log, `lines_total{outcome}` and contracts."""

WordKind = Literal["enum", "name", "number", "time", "id"]
MetricType = Literal["counter", "gauge", "histogram"]
Job = Literal["counts", "rejections", "observes", "sets", "states", "always"]
Test = Literal["equals", "in", "present", "absent"]
PathKind = Literal["text", "flag", "number", "time", "any"]  # at a JSON path; any: it only has to be there
_PATH_KINDS: Mapping[str, PathKind] = {"number": "number", "time": "time"}
_BOOLEANS = frozenset({"true", "false"})


class Default(Struct, frozen=True):
    """The value of a word an event does not carry: an environment variable first, then a constant."""

    value: str
    env: str | None = None

    def resolve(self, environment: Mapping[str, str]) -> str:
        """Return the variable's value if it is set and not blank, else the constant."""
        found = environment.get(self.env, "").strip() if self.env else ""
        return found or self.value


class Word(Struct, frozen=True):
    """One entry of the vocabulary: what sources fill and metrics read.

    `enum` words have closed `values`; `name` words are normalised text with a cap on distinct values; `number` words
    are finite floats in `unit` within [minimum, maximum]; `time` words are UTC epoch seconds at most `max_future_s`
    ahead; `id` words join pairs and can never be labels.
    """

    name: str
    kind: WordKind
    values: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)  # folded spelling -> value
    otherwise: str | None = None
    default: Default | None = None
    allow: str = ""
    fold: bool = False
    max_length: int = 0
    max_values: int = 0
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    max_future_s: float = 0.0
    line: int = 0

    @property
    def is_label(self) -> bool:
        """Only closed or capped words may become label values."""
        return self.kind in ("enum", "name")

    @property
    def worst_case(self) -> int:
        """Distinct label values this word can ever show."""
        return len(self.label_values) if self.kind == "enum" else self.max_values + 1

    @property
    def label_values(self) -> tuple[str, ...]:
        """Closed label values, `otherwise` included (empty for `name` words)."""
        extra = (self.otherwise,) if self.otherwise and self.otherwise not in self.values else ()
        return self.values + extra if self.kind == "enum" else ()


class Candidate(Struct, frozen=True):
    """One way to fill a word: a constant, or the text or number at a JSON path, mapped to the word's values."""

    path: tuple[str, ...] = ()
    constant: str | float | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)  # folded spelling -> value
    prefixes: tuple[tuple[str, str], ...] = ()
    contains: tuple[tuple[str, str], ...] = ()
    otherwise: str | None = None
    scale: float = 1.0


class Read(Struct, frozen=True):
    """How one source fills one word: the first candidate that yields a value wins."""

    word: str
    candidates: tuple[Candidate, ...]
    required: bool = False


class Condition(Struct, frozen=True):
    """A test on a JSON path (in `match`, `expect`) or on a word (in a metric's `when`)."""

    subject: tuple[str, ...]
    test: Test
    values: tuple[Scalar, ...] = ()


class Row(Struct, frozen=True):
    """What a source reads besides when its `by` path holds `value` (compared case-insensitively)."""

    value: str
    reads: tuple[Read, ...]


class Source(Struct, frozen=True):
    """One event format: how to recognise it (`match`), what it must be (`expect`), what it fills."""

    name: str
    match: tuple[Condition, ...]
    expect: tuple[Condition, ...]
    reads: tuple[Read, ...]
    require_any: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    line: int = 0

    def all_reads(self) -> tuple[Read, ...]:
        """Every read of the source and of its rows."""
        return self.reads + tuple(read for row in self.rows for read in row.reads)


class Metric(Struct, frozen=True):
    """One metric family and how events move it.

    `job` is one of counts (counter, +1 or +amount), rejections (counter of refused lines), observes (histogram), sets
    (gauge from a number or a time; a time never goes back), states (gauge, 1 for the current state and 0 for the rest),
    always (constant gauge). `newest_by` is the time word by which the newest event of sets and states wins; else the
    last line does. `labels`: label name -> word. `init` lists the series that exist from the start (None: a default).
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
    value: float = 1.0
    buckets: tuple[float, ...] = ()
    when: tuple[Condition, ...] = ()
    init: tuple[tuple[str | None, ...], ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)  # rejection reason -> label value
    line: int = 0


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
            kinds = {type(value) for value in condition.values}
            yield condition.subject, "any" if not kinds else "flag" if bool in kinds else "text"
        if source.by:
            yield source.by, "text" if _BOOLEANS.isdisjoint(row.value for row in source.rows) else "flag"
        for read in source.all_reads():
            word = self.words[read.word]
            kind = _PATH_KINDS.get(word.kind) or ("text" if _BOOLEANS.isdisjoint(word.values) else "flag")
            yield from ((candidate.path, kind) for candidate in read.candidates if candidate.path)

    def paths(self) -> dict[tuple[str, ...], PathKind]:
        """Return every JSON path any source looks at; each has one kind."""
        found = [pair for source in self.sources for pair in self.paths_of(source)]
        return dict(sorted(found, key=lambda pair: pair[1] != "any"))  # so that any other kind stands

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
        candidates = [c for read in source.all_reads() if read.word == word for c in read.candidates]
        if any(candidate.path for candidate in candidates):
            return self.words[word].label_values
        default = self.words[word].default
        return tuple(dict.fromkeys([*(str(c.constant) for c in candidates), *([default.value] if default else [])]))
