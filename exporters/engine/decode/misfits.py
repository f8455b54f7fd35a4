"""Values of kinds their fields cannot have, where they come often: decoded with all others, then replaced.

In: the tree of what is expected, and objects that did not fit it. Out: what else to expect at which paths, and events
in which what does not fit is MISTYPED. A line with such a value is decoded by itself, which takes ten times as long; so
where there are more than a few, their fields are expected to hold anything, and are looked at in columns. Part of the
decode stage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from contracts.model import WHOLE
from exporters.engine.fields import MISTYPED, Path, attribute_of
from exporters.engine.objects import Leaf, field_of

__all__ = ["Misfits"]

_MANY, _LINES = 64, 512
"""Where one line in so many does not fit, it pays to look at all: a look takes 0.1 us, a line by itself 20. That is
asked after so many lines, as a batch may be one line."""

_NO_OBJECT: Any = str | int | float | bool | list | None
_NO_FLAG: Any = int | float | list | dict
_OTHER_KINDS: Any = bool | list | dict


class Misfits:
    """Where one kind of value is expected and others come.

    Attributes:
        types: path -> what it may also be, to be put into a union with what is expected.
    """

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self.types: dict[Path, Any] = {}
        self._tree = tree
        self._found: Counter[Path] = Counter()
        self._lines = 0
        self._menders: list[Callable[[Sequence[object]], None]] = []

    def note(self, value: Mapping[str, object]) -> None:
        """Take note of where an object does not fit."""
        self._found.update(_misfits(self._tree, value, ()))

    def expects_more(self, lines: int) -> bool:
        """Return whether more is expected from now on, after so many further lines."""
        self._lines += lines
        if self._lines < _LINES:
            return False
        many = {path for path, number in self._found.items() if number * _MANY > self._lines}
        self._found.clear()
        self._lines = 0
        if many <= self.types.keys():
            return False
        for path in many:
            self.types[path] = _others_than(_expected_at(self._tree, path))
        return True

    def prepare(self, struct: type[msgspec.Struct]) -> None:
        """Take over the class that events now have."""
        paths = sorted(self.types, key=len)  # what is inside an object is looked at when the object is one
        self._menders = [_mender(struct, path, _expected_at(self._tree, path)) for path in paths]

    def mend(self, events: Sequence[object]) -> None:
        """Replace what does not fit."""
        for mend in self._menders:
            mend(events)


def _misfits(tree: Mapping[str, Any], value: Mapping[str, object], above: Path) -> Iterator[Path]:
    """Yield the paths at which something else stands than is expected."""
    for part, expected in tree.items():
        found, path = value.get(part), (*above, part)
        if part == WHOLE:
            continue
        if isinstance(expected, Leaf):
            if found is not None and field_of(expected, found) is MISTYPED:
                yield path
        elif isinstance(found, dict):
            yield from _misfits(expected, found, path)
        elif part in value:
            yield path


def _others_than(expected: Any) -> Any:
    """Return of which kinds all else is."""
    if not isinstance(expected, Leaf):
        return _NO_OBJECT
    return _NO_FLAG if expected.kind == "flag" else _OTHER_KINDS


def _expected_at(tree: Mapping[str, Any], path: Path) -> Any:
    found: Any = tree
    for part in path:
        found = found[part]
    return found


def _mender(struct: type[msgspec.Struct], path: Path, expected: Any) -> Callable[[Sequence[object]], None]:
    """Return what replaces, in many events, what stands at a path and does not fit."""
    outer = attrgetter(attribute_of(path[:-1])) if path[1:] else None
    name, get = attribute_of(path[-1:]), attrgetter(attribute_of(path))
    absent = get(struct())
    takes = frozenset({*expected.takes, type(None)}) if isinstance(expected, Leaf) else frozenset({type(absent)})
    instead = MISTYPED if isinstance(expected, Leaf) else type(absent)()

    def mend(events: Sequence[object]) -> None:
        column = list(map(get, events))
        if takes.issuperset(map(type, column)):
            return
        for event, found in zip(events, column, strict=True):
            if type(found) not in takes:
                setattr(outer(event) if outer else event, name, absent if found is None else instead)

    return mend
