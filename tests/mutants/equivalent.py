"""The faults that change nothing a user could notice, each with the reason: `equivalent.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct, convert

from tests.mutants.faults import Mutant

__all__ = ["LISTED", "Equivalent", "find_stale", "is_equivalent", "read_equivalents"]

LISTED = Path(__file__).with_name("equivalent.toml")


class Equivalent(Struct, frozen=True, forbid_unknown_fields=True):
    """Faults of one statement, and why they change nothing: the one that makes it `after`, without it all of them."""

    file: str
    function: str
    before: str
    reason: str
    after: str = ""

    def is_of(self, mutant: Mutant) -> bool:
        """Whether this speaks of the mutant."""
        place = (mutant.file, mutant.function, mutant.before)
        return place == (self.file, self.function, self.before) and self.after in ("", mutant.after)


def read_equivalents(path: Path = LISTED) -> list[Equivalent]:
    """Return what is listed."""
    return convert(tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", []), list[Equivalent])


def is_equivalent(mutant: Mutant, listed: Iterable[Equivalent]) -> bool:
    """Whether a mutant is listed."""
    return any(one.is_of(mutant) for one in listed)


def find_stale(mutants: Sequence[Mutant], listed: Iterable[Equivalent]) -> list[Equivalent]:
    """Return what is listed and speaks of no mutant any longer."""
    return [one for one in listed if not any(one.is_of(mutant) for mutant in mutants)]
