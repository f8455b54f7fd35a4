"""What stands at a path of an event -> the parts inside it: elements, entries, the JSON in a text.

In: raw JSON. Out: Structs that hold what is read of each part, in their order, and how often something was there that
cannot be opened. Part of the translate stage.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from operator import attrgetter
from typing import Any

import msgspec

from contracts.model import PathKind, Step
from exporters.engine.fields import Path, attribute_of
from exporters.engine.objects import Leaf, event_of, field_of, presence, read_plainly, struct_of, tree_of

__all__ = ["Elements"]

_ERRORS = (msgspec.MsgspecError, ValueError, RecursionError)

_list_of_raw = msgspec.json.Decoder(list[msgspec.Raw] | None).decode
_entries_of_raw = msgspec.json.Decoder(dict[str, msgspec.Raw] | None).decode
_text = msgspec.json.Decoder(str | None).decode
_encode = msgspec.json.Encoder().encode


class Elements:
    """Opens what stands at the path of the first of some steps.

    Args:
        kinds: what is read inside each part, and what is expected there; what decides what a part does may be of any
            kind, too.
    """

    def __init__(self, steps: Sequence[Step], kinds: Mapping[Path, PathKind]) -> None:
        self._opens = [step.opens for step in steps]
        self._tree = tree_of(kinds, ())
        self._struct = struct_of(self._tree, "Part")
        self._one = msgspec.json.Decoder(self._struct, dec_hook=presence).decode
        self._many = msgspec.json.Decoder(list[self._struct], dec_hook=presence).decode  # type: ignore[name-defined]
        self._lists = msgspec.json.Decoder(list[list[self._struct] | None], dec_hook=presence).decode  # type: ignore[name-defined]
        self._inside = [_finder_of(before.opens, step.path) for before, step in pairwise(steps)]

    def open_all(self, raws: Sequence[Any], odd: list[tuple[int, str]]) -> list[Sequence[msgspec.Struct]]:
        """Return the parts in each of what stands at the first path of many events.

        Args:
            odd: takes up at which place something could not be opened, and why.
        """
        if self._opens == ["[]"]:
            with suppress(TypeError, *_ERRORS):  # no raw JSON, elements of other kinds, or no list
                return [parts or () for parts in self._lists(b"[%b]" % b",".join(raws))]
        found: list[Sequence[msgspec.Struct]] = []
        for at, raw in enumerate(raws):
            strange: Counter[str] = Counter()
            found.append(self._open(raw, strange))
            odd += ((at, reason) for reason in strange.elements())
        return found

    def _open(self, raw: object, odd: Counter[str]) -> list[msgspec.Struct]:
        if not isinstance(raw, msgspec.Raw):  # a field that is read as a value, too
            raw = msgspec.Raw(json.dumps(raw).encode())
        found = [raw]
        for opens, inside in zip(self._opens, self._inside, strict=False):
            raws = [inner for outer in found for _, inner in _opened(opens, outer, odd)]
            found = [inner for outer in raws if (inner := inside(outer)) is not None]
        return [part for outer in found for part in self._parts(outer, odd)]

    def _parts(self, raw: msgspec.Raw, odd: Counter[str]) -> Sequence[msgspec.Struct]:
        opens = self._opens[-1]
        if opens == "[]":
            try:
                return self._many(raw)
            except _ERRORS:  # elements of other kinds, or no list
                pass
        if opens == "{}":
            return [self._part(_encode({"key": key, "value": inner})) for key, inner in _opened(opens, raw, odd)]
        return [self._part(inner) for _, inner in _opened(opens, raw, odd)]

    def _part(self, raw: bytes | msgspec.Raw) -> msgspec.Struct:
        """Return one part; what is no object is read as `value`."""
        try:
            return self._one(raw)
        except _ERRORS:
            value = read_plainly(bytes(raw))
        if isinstance(value, dict):
            return event_of(self._struct, self._tree, value)
        leaf, part = self._tree.get("value"), self._struct()
        if isinstance(leaf, Leaf) and value is not None:
            setattr(part, attribute_of(("value",)), field_of(leaf, value))
        return part


def _opened(opens: str, raw: msgspec.Raw, odd: Counter[str]) -> Iterator[tuple[str, msgspec.Raw]]:
    """Yield what is inside, with its key if it has one."""
    try:
        if opens == "[]":
            yield from (("", inner) for inner in _list_of_raw(raw) or ())
        elif opens == "{}":
            yield from (_entries_of_raw(raw) or {}).items()
        elif (text := _text(raw)) is not None:
            yield from _inner_json(text, odd)
    except _ERRORS:
        odd["mistyped"] += 1


def _inner_json(text: str, odd: Counter[str]) -> Iterator[tuple[str, msgspec.Raw]]:
    data = text.encode()
    try:
        read_plainly(data)
    except _ERRORS:
        odd["bad_json"] += 1
        return
    yield "", msgspec.Raw(data)


def _finder_of(opens: str, path: Path) -> Callable[[msgspec.Raw], msgspec.Raw | None]:
    """Return what finds the next place to open inside what was opened, None if it is not there."""
    path = path[1:] if opens == "{}" else path  # of an entry, whose key and value are apart already
    if not path:
        return lambda raw: raw
    struct = struct_of(tree_of({path: "parts"}, ()), "Between")
    decode: Any = msgspec.json.Decoder(struct).decode
    get = attrgetter(attribute_of(path))

    def find(raw: msgspec.Raw) -> msgspec.Raw | None:
        try:
            return get(decode(raw))  # type: ignore[no-any-return]
        except _ERRORS:
            return None

    return find
