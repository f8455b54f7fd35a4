"""What a contract calls the things events say: its words, their kinds and the values they may have.

In: nothing. Out: frozen nouns, of which `model` is the door. Nothing here knows where an event carries a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Literal

from msgspec import Struct, field

__all__ = ["SOURCE_WORD", "Default", "Made", "Word", "WordKind"]

SOURCE_WORD = "source"
"""The one built-in word: the name of the source an event matched."""

WordKind = Literal["enum", "name", "number", "time", "id"]


class Default(Struct, frozen=True):
    """The value of a word an event does not carry: an environment variable first, then a constant."""

    value: str
    env: str | None = None

    def resolve(self, environment: Mapping[str, str]) -> str:
        """Return the variable's value if it is set and not blank, else the constant."""
        found = environment.get(self.env, "").strip() if self.env else ""
        return found or self.value


class Made(Struct, frozen=True):
    """What a number is made of: one of two words minus, or times, the other."""

    left: str
    operation: Literal["-", "*"]
    right: str

    @property
    def words(self) -> tuple[str, str]:
        """The two words."""
        return self.left, self.right


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
    made_of: Made | None = None
    line: int = 0

    def is_filled(self, own: Set[str], has: Set[str]) -> bool:
        """Whether it gets a value where these words are read, among all there are: if it is made, of one of them."""
        if self.made_of is None:
            return self.name in own
        return set(self.made_of.words) <= has and not own.isdisjoint(self.made_of.words)

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
