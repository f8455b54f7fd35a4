"""What fields events have: how often each is there, of which kinds, with which values.

In: decoded JSON objects, one by one. Out: `Fields`: path -> `Field`. Memory is bounded: of each field so many values
and numbers are kept, and an object with ever new keys becomes one path that ends in `*`. Elements of a list stand at
`[]`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

__all__ = ["ANY", "ELEMENT", "Field", "Fields", "Path"]

Path = tuple[str, ...]

ANY, ELEMENT = "*", "[]"
_MOST_KEYS, _MOST_VALUES, _MOST_NUMBERS, _MOST_PATHS, _DEEPEST = 64, 256, 4096, 4000, 12


class Field(Struct):
    """One field: in how many events it is, first in which line, and what was there.

    `kinds` counts text, number, flag, null, list, object. `values` holds the first distinct scalars with their number;
    `is_open` says that there were more. `numbers` are the first there were, longest is that of texts in characters.
    """

    first: int
    events: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    values: Counter[str | float | bool] = field(default_factory=Counter)
    is_open: bool = False
    numbers: list[float] = field(default_factory=list)
    longest: int = 0


class Fields:
    """The fields of events."""

    def __init__(self) -> None:
        self.events = 0
        self.known: dict[Path, Field] = {}
        self._keys: dict[Path, set[str]] = {}

    def add(self, event: Mapping[str, object], line: int) -> None:
        """Take in one event, which stands in so-and-so many-th line."""
        self.events += 1
        seen: set[Path] = set()
        for path, value in self._walk(event, ()):
            found = self.known.get(path)
            if found is None:
                if len(self.known) >= _MOST_PATHS:
                    continue
                found = self.known[path] = Field(line)
            if path not in seen:
                seen.add(path)
                found.events += 1
            _take(found, value)

    def _walk(self, value: object, path: Path) -> Iterator[tuple[Path, object]]:
        if path:
            yield path, value
        if len(path) > _DEEPEST:
            return
        if isinstance(value, dict):
            keys = self._keys.setdefault(path, set())
            for key, inner in value.items():
                shown = key if key in keys or len(keys) < _MOST_KEYS else ANY
                keys.add(shown)
                yield from self._walk(inner, (*path, shown))
        elif isinstance(value, list):
            for inner in value[:_MOST_KEYS]:
                yield from self._walk(inner, (*path, ELEMENT))

    def leaves(self) -> Iterator[tuple[Path, Field]]:
        """Yield the fields that hold values, not only objects or lists; of ever new keys only what stands for all."""
        open_ended = {path[:-1] for path in self.known if path[-1] == ANY}
        for path, found in self.known.items():
            is_one_of_many = any(path[:at] in open_ended and path[at] != ANY for at in range(len(path)))
            if found.kinds.keys() - {"object", "list", "null"} and not is_one_of_many:
                yield path, found


def _take(found: Field, value: object) -> None:
    match value:
        case None:
            found.kinds["null"] += 1
            return
        case bool():
            found.kinds["flag"] += 1
        case str():
            found.kinds["text"] += 1
            found.longest = max(found.longest, len(value))
        case int() | float():
            found.kinds["number"] += 1
            if len(found.numbers) < _MOST_NUMBERS:
                found.numbers.append(float(value) if abs(value) < 1e308 else 0.0)
        case _:
            found.kinds["list" if isinstance(value, list) else "object"] += 1
            return
    if value in found.values or len(found.values) < _MOST_VALUES:
        found.values[value] += 1
    else:
        found.is_open = True
