"""Which of the followed names rotation may have made of one name: a glob may lead to `name` and to `name.1`.

In: paths. Out: those of one family. Part of the tail stage. Whatever name a generation is followed by, a file beside
any name of the family may be a copy of it, or it packed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

from exporters.engine.tail.backups import bases

__all__ = ["ByFamily", "Families", "rotated_from"]

T = TypeVar("T")

_NAMES_KEPT = 16384


@lru_cache(maxsize=_NAMES_KEPT)
def rotated_from(path: str) -> tuple[str, ...]:
    """Return the paths of which rotation may have made `path`."""
    folder, name = os.path.split(path)
    return tuple(os.path.join(folder, base) for base in bases(name))


class Families:
    """The families of some paths."""

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self._made: dict[str, set[str]] = {}
        for path in paths:
            self.add(path)

    def add(self, path: str) -> None:
        """Take a path in."""
        for base in rotated_from(path):
            self._made.setdefault(base, set()).add(path)

    def discard(self, path: str) -> None:
        """Leave a path out, if it is in."""
        for base in rotated_from(path):
            made = self._made.get(base, set())
            made.discard(path)
            if not made:
                self._made.pop(base, None)

    def of(self, path: str) -> list[str]:
        """Return the names of a path's family: itself, what it was made of, and what else was made of either."""
        first = [path, *rotated_from(path)]
        return list(dict.fromkeys([*first, *sorted(made for base in first for made in self._made.get(base, ()))]))


class ByFamily(Generic[T]):
    """What is listed by path, found by the families of paths."""

    def __init__(self, listed: Mapping[str, Sequence[T]]) -> None:
        self._listed = listed
        self._families = Families(listed)

    def of(self, path: str) -> list[T]:
        """Return what is listed of a path and of all others of its family, its own first."""
        return [one for name in self._families.of(path) for one in self._listed.get(name, ())]
