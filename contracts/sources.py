"""What a contract says of the events it reads: how a source is recognised, and how each fills the words.

In: nothing. Out: frozen nouns, of which `model` is the door. Nothing here knows what a word is or what it moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from math import inf
from typing import Literal

from msgspec import Struct, field

__all__ = [
    "IN_FILE",
    "WHOLE",
    "Candidate",
    "Condition",
    "Opens",
    "Part",
    "PathKind",
    "Read",
    "Row",
    "Scalar",
    "Source",
    "Step",
    "Test",
]

Scalar = str | int | bool | float
"""A value a condition compares with: JSON string, integer or boolean (never mixed: `true` is not `1`), or a number."""

WHOLE = "\x7f"
"""Ends the path of an object whose presence matters, when fields of it are read; no field is read by this name."""

IN_FILE = "\x7ffile"
"""Begins the place of a value that the file's path gives; no path of an event begins so."""

Test = Literal["equals", "in", "not", "within", "present", "absent"]
PathKind = Literal["text", "flag", "number", "time", "any", "mixed", "parts"]
"""What is expected at a JSON path; any: it only has to be there; mixed: of more kinds than one; parts: opened later."""

Opens = Literal["[]", "{}", "<>"]


class Candidate(Struct, frozen=True):
    """One way to fill a word: a constant, or the text or number at a JSON path, mapped to the word's values."""

    path: tuple[str, ...] = ()
    file: str = ""  # placeholder of the file's path instead
    capture: str = ""  # regular expression whose one group is what a text is taken for, "" for the whole
    none: frozenset[str] = frozenset()  # folded texts that mean that there is no value
    constant: str | float | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)  # folded spelling -> value, as it is written
    prefixes: tuple[tuple[str, str], ...] = ()
    contains: tuple[tuple[str, str], ...] = ()
    otherwise: str | None = None
    scale: float = 1.0
    format: str | None = None
    zone: str | None = None

    @property
    def place(self) -> tuple[str, ...]:
        """Where the value is: a path in the event, or a placeholder of its file's path; nowhere for a constant."""
        return (IN_FILE, self.file) if self.file else self.path


class Read(Struct, frozen=True):
    """How one source fills one word: the first candidate that yields a value wins."""

    word: str
    candidates: tuple[Candidate, ...]
    required: bool = False


class Condition(Struct, frozen=True):
    """A test on a JSON path (in `match`, `expect`) or on a word (in a metric's `when`).

    `values` are those of equals, in and not; within asks for a number from `minimum` to `maximum`.
    """

    subject: tuple[str, ...]
    test: Test
    values: tuple[Scalar, ...] = ()
    minimum: float = -inf
    maximum: float = inf


class Row(Struct, frozen=True):
    """What a source reads besides when its `by` path holds `value` (compared case-insensitively)."""

    value: str
    reads: tuple[Read, ...]


class Step(Struct, frozen=True):
    """One step into an event: from the object at a path to each element, each entry, or the JSON in the text there."""

    path: tuple[str, ...]
    opens: Opens


class Part(Struct, frozen=True):
    """Events inside an event: where they are, which of them count, what they fill and what is inside them."""

    name: str
    of: tuple[Step, ...]
    match: tuple[Condition, ...] = ()
    reads: tuple[Read, ...] = ()
    parts: tuple[Part, ...] = ()
    line: int = 0

    def names(self, around: str) -> Iterator[str]:
        """Yield the name under which the part is counted, and those of all parts inside it."""
        yield f"{around}.{self.name}"
        for part in self.parts:
            yield from part.names(f"{around}.{self.name}")

    def with_inner(self) -> Iterator[Part]:
        """Yield the part and all parts inside it."""
        yield self
        for part in self.parts:
            yield from part.with_inner()


class Source(Struct, frozen=True):
    """One event format: how to recognise it (`match`), what it must be (`expect`), what it fills."""

    name: str
    match: tuple[Condition, ...]
    expect: tuple[Condition, ...]
    reads: tuple[Read, ...]
    require_any: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    parts: tuple[Part, ...] = ()
    max_parts: int = 0
    line: int = 0

    def all_reads(self) -> tuple[Read, ...]:
        """Every read of the line by the source and its rows."""
        return self.reads + tuple(read for row in self.rows for read in row.reads)

    def all_parts(self) -> tuple[Part, ...]:
        """Every part of the line, those inside others included."""
        return tuple(inner for part in self.parts for inner in part.with_inner())

    def reads_of_all(self) -> tuple[Read, ...]:
        """Every read of the line and of its parts."""
        return self.all_reads() + tuple(read for part in self.all_parts() for read in part.reads)

    def levels(self) -> Iterator[tuple[Set[str], Set[str]]]:
        """Yield, for the line and for each part, the words it reads itself and all it has."""
        own = {read.word for read in self.all_reads()}
        yield own, own
        for part in self.parts:
            yield from _levels(part, own)


def _levels(part: Part, above: Set[str]) -> Iterator[tuple[Set[str], Set[str]]]:
    own = {read.word for read in part.reads}
    yield own, own | above
    for inner in part.parts:
        yield from _levels(inner, own | above)
