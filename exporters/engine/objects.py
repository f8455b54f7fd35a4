"""JSON objects -> Structs that hold only some paths: what lines are decoded to, and the parts inside them.

In: paths and what is expected there. Out: types for msgspec, and the same from objects of any shape. Pure.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import msgspec

from contracts.model import WHOLE, PathKind
from exporters.engine.fields import MISTYPED, Path, attribute_of

__all__ = ["FLAGS", "Flag", "Leaf", "event_of", "field_of", "presence", "read_plainly", "struct_of", "tree_of"]


class Flag:
    """Stands for true or false where values are compared with numbers, as true is 1; there are two, in `FLAGS`."""

    __slots__ = ("value",)

    def __init__(self, value: bool) -> None:
        self.value = value


FLAGS = {value: Flag(value) for value in (False, True)}


class Present:
    """Stands in an event for whatever is there, where only that matters; there is one, `PRESENT`."""

    __slots__ = ()


PRESENT = Present()


class Leaf(NamedTuple):
    """What a field may be without a second look, as a type and as the classes that values then have."""

    kind: PathKind
    type: Any
    takes: frozenset[type]


_ANYTHING: Any = str | int | float | bool | list | dict | None

_DECIDING: Mapping[PathKind, Leaf] = {
    "text": Leaf("text", str | int | float | None, frozenset({str, int, float})),
    "flag": Leaf("flag", bool | str | None, frozenset({bool, str})),
    "number": Leaf("number", float | str | None, frozenset({float, str})),
    "time": Leaf("time", str | int | float | None, frozenset({str, int, float})),
    "any": Leaf("any", Present | None, frozenset()),
    "parts": Leaf("parts", msgspec.Raw, frozenset()),
    "mixed": Leaf("mixed", _ANYTHING, frozenset({str, int, float, bool, list, dict})),
}
"""Fields that decide plans are hashed: two values of one field may only be equal if they mean the same (true == 1).

What a field of mixed kinds holds is told apart by whoever reads it.
"""

_OTHER: Mapping[PathKind, Leaf] = {
    **_DECIDING,
    "number": Leaf("number", float | str | bool | list | dict | None, frozenset({float, str, bool, list, dict})),
    "time": Leaf("time", _ANYTHING, frozenset({str, int, float, bool, list, dict})),
}
"""Numbers and times are read in columns, and whoever reads them looks at their kinds, many at once."""

_check_syntax = msgspec.json.Decoder(msgspec.Raw).decode


def tree_of(kinds: Mapping[Path, PathKind], deciding: Collection[Path]) -> dict[str, Any]:
    """Return what is expected at paths, as objects within objects.

    Args:
        deciding: the paths that decide what an event does.
    """
    tree: dict[str, Any] = {}
    for path, kind in kinds.items():
        node = tree
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = (_DECIDING if path in deciding else _OTHER)[kind]
    return tree


def read_plainly(text: bytes) -> object:
    """Return any JSON as Python objects; the strict decoder says whether it is JSON.

    json alone would take lone surrogates, which no text can hold, and refuse long numbers.

    Raises:
        msgspec.MsgspecError, ValueError, RecursionError: if it is not.
    """
    _check_syntax(text)
    return json.loads(text, parse_int=_read_int)


def _read_int(digits: str) -> int | float:
    """Return an integer, or an infinity for one that is longer than Python reads."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def presence(_kind: type, _found: object) -> Present:
    """Return what stands for whatever is there; the hook of decoders."""
    return PRESENT


def struct_of(
    tree: Mapping[str, Any],
    name: str,
    types: Mapping[Path, Any] | None = None,
    more: Mapping[Path, Any] | None = None,
    above: Path = (),
) -> type[msgspec.Struct]:
    """Return the class of the objects a tree of paths describes.

    Args:
        types: path -> what is expected there instead.
        more: path -> what may stand there, too.

    Whether an object is there at all is told by its attribute for WHOLE, which no JSON fills: true, but None in the
    object that stands for an absent one. (A field of that name is of any kind but null, or its line is decoded anew.)
    """
    fields: list[Any] = []
    for part, kind in tree.items():
        attribute = attribute_of((part,))
        if isinstance(kind, dict):
            inner = struct_of(kind, f"{name}_{len(fields)}", types, more, (*above, part))
            wanted = _or(inner, (more or {}).get((*above, part)))
            fields.append((attribute, wanted, msgspec.field(default_factory=_absent(inner), name=part)))
        elif part == WHOLE:
            fields.append((attribute, bool, msgspec.field(default=True, name=part)))
        else:
            wanted = _or((types or {}).get((*above, part), kind.type), (more or {}).get((*above, part)))
            fields.append((attribute, wanted, msgspec.field(default=None, name=part)))
    return msgspec.defstruct(name, fields, gc=False)


def _or(expected: Any, more: Any) -> Any:
    return expected if more is None else expected | more


def _absent(struct: type[msgspec.Struct]) -> Callable[[], msgspec.Struct]:
    """Return what makes the object that stands for an absent one (one for all, as none is changed)."""
    attribute = attribute_of((WHOLE,))
    if attribute not in struct.__struct_fields__:
        return struct
    absent = struct()
    setattr(absent, attribute, None)
    return lambda: absent


def event_of(struct: type[msgspec.Struct], tree: Mapping[str, Any], value: Mapping[str, object]) -> msgspec.Struct:
    """Build an event from an object of any shape: what does not fit its field becomes MISTYPED."""
    event = struct()
    for part, kind in tree.items():
        found = value.get(part)
        if found is None or part == WHOLE:
            continue
        if isinstance(kind, dict):
            inner = type(getattr(event, attribute_of((part,))))
            setattr(event, attribute_of((part,)), event_of(inner, kind, found if isinstance(found, dict) else {}))
        else:
            setattr(event, attribute_of((part,)), field_of(kind, found))
    return event


def field_of(leaf: Leaf, found: object) -> object:
    """Return what a field holds if this is found there: MISTYPED if it does not fit."""
    if leaf.kind == "any":
        return PRESENT
    if leaf.kind == "parts":
        return msgspec.Raw(json.dumps(found).encode())
    if leaf.kind == "number" and type(found) is int:
        found = float(found) if abs(found) <= sys.float_info.max else math.inf if found > 0 else -math.inf
    return found if type(found) in leaf.takes else MISTYPED
