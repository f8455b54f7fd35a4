"""The nouns that flow between the stages; updates come through here, too.

In: nothing. Out: frozen values.

All classes of an exporter are `Struct`s: defining a frozen dataclass costs a start 0.65 ms each, a Struct 0.02 ms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct, field

from contracts.model import Metric
from exporters.engine.updates import Count, End, Observe, Put, Update

__all__ = [
    "FIRST_PLACE",
    "Batch",
    "Checkpoint",
    "Close",
    "Count",
    "Decoded",
    "Effect",
    "End",
    "Failure",
    "FileKey",
    "JoinPlan",
    "Joins",
    "Notice",
    "NoticeKind",
    "Observe",
    "Outcome",
    "Put",
    "Refusal",
    "Sample",
    "Snapshot",
    "Status",
    "Target",
    "Update",
]

NoticeKind = Literal["rotated", "truncated", "lost", "recovered", "unreadable", "absent"]


class FileKey(NamedTuple):
    """What a file is, whatever it is called: device, inode and, where the file system tells, inode generation."""

    dev: int
    ino: int
    generation: int | None = None


class Checkpoint(Struct, frozen=True):
    """How far one file has been read, with the proof that it still is that file, as it is kept on disk.

    `offset` (bytes) stands just after a newline, or inside an over-long line when `skipping`. `head` and `anchor` are
    digests of the file's first bytes and of the bytes just before `offset`, up to 4096 of each. `serial` orders the
    generations of one path; `size` (bytes) and `mtime_ns` are the file's when last looked at;
    `done` checkpoints a generation that was let go, remembered so that it is known when it turns up again. `evidence`
    proves shorter parts of what was read; states of earlier versions have none. `unsure`: something nobody has read may
    stand beside the path.
    """

    serial: int
    path: str
    key: FileKey
    offset: int
    size: int
    mtime_ns: int
    head_length: int
    head: str
    anchor_length: int
    anchor: str
    skipping: bool = False
    done: bool = False
    evidence: str = ""
    unsure: bool = False


class Batch(Struct, frozen=True):
    """Whole lines of one file, byte ranges accounted for.

    `end - start == len(data) + skipped_bytes + too_long_bytes`, one less if the last line of a finished file had no
    newline; `data` is empty or ends with a newline, and begins `skipped_bytes` after `start`; `too_long` counts the
    over-long lines that ended here.
    """

    path: str
    start: int
    end: int
    data: bytes
    skipped_bytes: int = 0
    too_long: int = 0
    too_long_bytes: int = 0


class Notice(Struct, frozen=True):
    """Something that happened to a file, or was found out about it.

    `rotated`; `truncated`; `lost`: bytes are gone that were seen but never read whole; `recovered`: a file was looked
    for, `outcome` is what became of it; `unreadable`: a path leads to something that cannot be read now, `problem` is
    why, said anew at every look; `absent`: a path leads nowhere now of whose files positions are kept.
    """

    kind: NoticeKind
    path: str
    lost_bytes: int = 0
    outcome: str = ""
    problem: str = ""


class Failure(Struct, frozen=True):
    """A line at which a stage raised: where it begins in its file (bytes), and what was raised."""

    offset: int
    error: Exception


class Refusal(Struct, frozen=True):
    """One refused line: where it begins (byte of its file), when it was read (UTC epoch seconds), what was wrong."""

    reason: str
    path: str
    offset: int
    at: float
    why: str


class Status(Struct, frozen=True):
    """What the landing page says of an exporter: open files, lines by outcome, the last refusal of each reason."""

    files: Sequence[Checkpoint] = ()
    lines: Mapping[str, float] = {}
    refusals: Sequence[Refusal] = ()


class Decoded(Struct):
    """What a batch holds: events (Structs built by `decode`) in file order, blank and refused lines, filler bytes."""

    events: list[object]
    blank: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    skipped_bytes: int = 0

    def add(self, other: Decoded) -> None:
        """Take in what the lines behind these hold."""
        self.events += other.events
        self.blank += other.blank
        self.rejected += other.rejected
        self.skipped_bytes += other.skipped_bytes


Outcome = Literal["applied", "ignored"]

Target = tuple[Metric, tuple[str, ...]]
"""One series: a metric and its label values."""


class Close(Struct, frozen=True, eq=False):
    """One edge an event closes: where the latency since the opening stage is observed.

    `opened` and `joined_at` are the places, in what is remembered of an id, of the opening stage's time and of whether
    the edge joined; the rest are the keys under which the pair's tally counts what becomes of the edge.
    """

    opened: int
    joined_at: int
    targets: tuple[Target, ...]
    joined: tuple[str, str, str]
    orphan: tuple[str, str, str]
    repeated: tuple[str, str, str]
    negative: tuple[str, str, str]
    evicted: tuple[str, str, str]


FIRST_PLACE = 7
"""The place of a pair's first opening in what is remembered of an id; `pairs` says what stands before it."""


class JoinPlan(Struct, frozen=True, eq=False):
    """How an event takes part in a pair: the place of the stage's time if it opens edges, and the edges it closes.

    Places count the pair's `openings`, then its edges, from FIRST_PLACE on.
    """

    pair: str
    opens: int | None
    closes: tuple[Close, ...]


class Joins(Struct, frozen=True, eq=False):
    """The events that take part in a pair, in order: of each its id, its time (UTC epoch nanoseconds) and its plan.

    `steps` says how those of a plan take part; the plans stand there in the order in which they come first.
    """

    pair: str
    ids: list[str]
    times: list[int]
    plans: list[Hashable]
    steps: dict[Hashable, JoinPlan]


class Effect(Struct):
    """What a batch of events does.

    `names` take a place within their word's cap, in order, before the updates are applied. `refused` counts values by
    word and reason, `absent` those that something needed by word, `parts` the parts of lines by name and outcome.
    """

    names: list[tuple[str, str]] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    joins: list[Joins] = field(default_factory=list)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    absent: Counter[str] = field(default_factory=Counter)
    parts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: Effect) -> None:
        """Take in what the events behind these do."""
        self.names += other.names
        self.updates += other.updates
        self.joins += other.joins
        self.outcomes += other.outcomes
        self.rejected += other.rejected
        self.refused += other.refused
        self.absent += other.absent
        self.parts += other.parts


class Sample(Struct, frozen=True):
    """The committed value of a series.

    `buckets` counts each bucket alone (the last is +Inf), `value` is a histogram's sum; `created` is in UTC epoch
    seconds; `at` is the time of the event that set it (UTC epoch nanoseconds), 0 if that does not matter.
    """

    labels: tuple[str, ...]
    value: float
    created: float
    buckets: tuple[int, ...] = ()
    at: int = 0


Snapshot = tuple[tuple[Metric, tuple[Sample, ...]], ...]
"""Every metric with its committed samples, sorted by labels."""
