"""What a contract says of the events it reads: how a source is recognised, and how each fills the words.

In: nothing. Out: frozen nouns, of which `model` is the door. Nothing here knows what a word is or what it moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Literal

from msgspec import Struct, field

__all__ = ["WHOLE", "Candidate", "Condition", "PathKind", "Read", "Row", "Scalar", "Source", "Test"]

Scalar = str | int | bool | float
"""A value a condition compares with: JSON string, integer or boolean (never mixed: `true` is not `1`), or a number."""

WHOLE = "\x7f"
"""Ends the path of an object whose presence matters, when fields of it are read; no field is read by this name."""

Test = Literal["equals", "in", "not", "within", "present", "absent"]
PathKind = Literal["text", "flag", "number", "time", "any", "mixed"]
"""What is expected at a JSON path; any: it only has to be there; mixed: of more kinds than one."""


class Candidate(Struct, frozen=True):
    """One way to fill a word: a constant, or the text or number at a JSON path, mapped to the word's values."""

    path: tuple[str, ...] = ()
    none: frozenset[str] = frozenset()  # folded texts that mean that there is no value
    constant: str | float | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)  # folded spelling -> value, as it is written
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
