"""Batches of lines -> events that hold only what the contract reads.

In: bytes of whole lines. Out: `Decoded`: events in file order, refused lines by reason, blank lines. Pure. A line is
one event or one rejection; a field of the wrong kind becomes `MISTYPED` and costs itself alone, not its line.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Collection, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from contracts.model import WHOLE, Contract, PathKind
from exporters.engine.fields import Path, Unexpected, attribute_of, deciding_paths, ordered_paths, type_expecting
from exporters.engine.values import MISTYPED, Decoded

__all__ = ["Decoder"]


class _Present:
    """Stands in an event for whatever is there, where only that matters; there is one, `_PRESENT`."""

    __slots__ = ()


_PRESENT = _Present()


class _Leaf(NamedTuple):
    """What a field may be without a second look, as a type and as the classes that values then have."""

    kind: PathKind
    type: Any
    takes: frozenset[type]


_ANYTHING: Any = str | int | float | bool | list | dict | None

_DECIDING: Mapping[PathKind, _Leaf] = {
    "text": _Leaf("text", str | int | float | None, frozenset({str, int, float})),
    "flag": _Leaf("flag", bool | str | None, frozenset({bool, str})),
    "number": _Leaf("number", float | str | None, frozenset({float, str})),
    "time": _Leaf("time", str | int | float | None, frozenset({str, int, float})),
    "any": _Leaf("any", _Present | None, frozenset()),
    "mixed": _Leaf("mixed", _ANYTHING, frozenset({str, int, float, bool, list, dict})),
}
"""Fields that decide plans are hashed: two values of one field may only be equal if they mean the same (true == 1).

What a field of mixed kinds holds is told apart by whoever reads it.
"""

_OTHER: Mapping[PathKind, _Leaf] = {
    **_DECIDING,
    "number": _Leaf("number", float | str | bool | list | dict | None, frozenset({float, str, bool, list, dict})),
    "time": _Leaf("time", _ANYTHING, frozenset({str, int, float, bool, list, dict})),
}
"""Numbers and times are read in columns, and whoever reads them looks at their kinds, many at once."""

_check_syntax = msgspec.json.Decoder(msgspec.Raw).decode


_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|(NaN)|(-?Infinity)')
"""Texts, so that they are passed over, and the numbers that JSON does not have but many writers write."""

_SAMPLE, _FEW, _MOST_LESSONS = 256, 16, 8
"""Events looked at for the texts a field holds; most texts of a field to be expected; how often that is tried."""

_STRAY, _STRAY_CRLF = (re.compile(rb"\n(?!(?<=}%b\n)(?:{|\Z))" % before) for before in (b"", b"\r"))
"""A newline that does not stand between `}` and `{`, or behind the last `}`."""


class Decoder:
    """Decodes batches for one contract; events are Structs with one attribute per path the contract reads."""

    def __init__(self, contract: Contract) -> None:
        self._tree: dict[str, Any] = {}
        deciding = deciding_paths(contract)
        for path, kind in ordered_paths(contract).items():
            node = self._tree
            for part in path[:-1]:
                node = node.setdefault(part, {})
            node[path[-1]] = (_DECIDING if path in deciding else _OTHER)[kind]
        self._texts = [path for path, kind in ordered_paths(contract).items() if kind == "text" and path in deciding]
        self._unknown = Unexpected()
        self._learned = 0
        self._expect({})

    def decode(self, data: bytes) -> Decoded:
        """Return what the lines of `data` (empty, or ending with a newline) hold."""
        events = self._decode_plain(data)
        decoded = Decoded(events) if events is not None else self._decode_each(data)
        is_new = not self._learned or self._unknown.number * 8 > len(decoded.events)
        if is_new and self._learned < _MOST_LESSONS and len(decoded.events) >= _SAMPLE:
            self._learn(decoded.events[:_SAMPLE])
        self._unknown.number = 0
        return decoded

    def _learn(self, events: list[object]) -> None:
        """Expect the texts that a few events hold, where they are few."""
        self._learned += 1
        columns = {path: set(map(attrgetter(attribute_of(path)), events)) for path in self._texts}
        texts = {path: {raw for raw in column if isinstance(raw, str)} for path, column in columns.items()}
        self._expect({path: known for path, known in texts.items() if 0 < len(known) <= _FEW})
        if self._learned == _MOST_LESSONS:
            self._expect({})  # they never stay the same

    def _expect(self, texts: Mapping[Path, Collection[str]]) -> None:
        """Decode from now on with what finds these texts without making them anew."""
        types = {path: type_expecting(known, self._unknown) for path, known in texts.items()}
        self._struct = _struct_of(self._tree, "Event", types)
        decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(self._struct, dec_hook=_presence)
        self._decode_line = decoder.decode
        self._decode_lines = decoder.decode_lines

    def _decode_plain(self, data: bytes) -> list[object] | None:
        """Decode all lines at once, or return None if that would not be exact.

        `decode_lines` alone takes two objects on one line or one object over two lines. If every newline stands
        between `}` and `{`, none can be inside an object (no JSON has `}` directly before `{`), so each line holds
        at least one object; as many events as lines then means exactly one each.
        """
        stray = _STRAY_CRLF if data.endswith(b"\r\n") else _STRAY
        if not data.startswith(b"{") or not _is_utf8(data) or stray.search(data):  # 50 ms for 157 MB; findall(): 66 ms
            return None
        lines = len(data) - len(data.replace(b"\n", b""))  # 12 ms for 157 MB; count(): 47 ms
        try:
            events = self._decode_lines(data)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        return events if len(events) == lines else None

    def _decode_each(self, data: bytes) -> Decoded:
        lines = data.split(b"\n")
        lines.pop()
        if b"\0" in data or not _is_utf8(data):
            return self._decode_dirty(lines)
        decoded = Decoded([])
        decode, keep = self._decode_line, decoded.events.append
        done, total = 0, len(lines)
        while done < total:
            try:
                for done in range(done, total):  # noqa: B020  # goes on behind the line that failed
                    keep(decode(lines[done]))
                break
            except (msgspec.MsgspecError, ValueError, RecursionError):
                self._decode_odd(lines[done], decoded)
                done += 1
        return decoded

    def _decode_dirty(self, lines: list[bytes]) -> Decoded:
        """Decode lines among which some hold NULs or bytes that are no UTF-8 (which fields not read would hide)."""
        decoded = Decoded([])
        for line in lines:
            text = line.lstrip(b"\0")
            decoded.skipped_bytes += len(line) - len(text)
            if _is_utf8(text):
                self._decode_odd(text, decoded)
            else:
                decoded.rejected["invalid_utf8"] += 1
        return decoded

    def _decode_odd(self, line: bytes, decoded: Decoded) -> None:
        """Decode one line that may be anything: blank, not JSON, not an object, or an object with odd fields."""
        if not line.strip():
            decoded.blank += 1
            return
        if b"NaN" in line or b"Infinity" in line:
            line = _TOKENS.sub(_stand_in, line)
        try:
            decoded.events.append(self._decode_line(line))
        except msgspec.ValidationError:
            self._decode_lenient(line, decoded)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            decoded.rejected["bad_json"] += 1

    def _decode_lenient(self, line: bytes, decoded: Decoded) -> None:
        """Decode an object with odd fields, or name what else the line is; the strict decoder says whether it is JSON.

        json alone would take lone surrogates, which no text can hold, and refuse long numbers.
        """
        try:
            _check_syntax(line)
            value = json.loads(line, parse_int=_read_int)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            decoded.rejected["bad_json"] += 1
            return
        if isinstance(value, dict):
            decoded.events.append(_event_of(self._struct, self._tree, value))
        else:
            decoded.rejected["not_object"] += 1


def _stand_in(token: re.Match[bytes]) -> bytes:
    """Return JSON that costs the value of a token, not its line: NaN is of the wrong kind, infinities out of range."""
    if token[1]:
        return b" [] "
    return (b" -1e999 " if token[2].startswith(b"-") else b" 1e999 ") if token[2] else token[0]


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _read_int(digits: str) -> int | float:
    """Return an integer, or an infinity for one that is longer than Python reads."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def _presence(_kind: type, _found: object) -> _Present:
    return _PRESENT


def _struct_of(
    tree: Mapping[str, Any], name: str, types: Mapping[Path, Any] | None = None, above: Path = ()
) -> type[msgspec.Struct]:
    """Return the class of the objects a tree of paths describes.

    Whether an object is there at all is told by its attribute for WHOLE, which no JSON fills: true, but None in the
    object that stands for an absent one. (A field of that name is of any kind but null, or its line is decoded anew.)
    """
    fields: list[Any] = []
    for part, kind in tree.items():
        attribute = attribute_of((part,))
        if isinstance(kind, dict):
            inner = _struct_of(kind, f"{name}_{len(fields)}", types, (*above, part))
            fields.append((attribute, inner, msgspec.field(default_factory=_absent(inner), name=part)))
        elif part == WHOLE:
            fields.append((attribute, bool, msgspec.field(default=True, name=part)))
        else:
            wanted = (types or {}).get((*above, part), kind.type)
            fields.append((attribute, wanted, msgspec.field(default=None, name=part)))
    return msgspec.defstruct(name, fields, gc=False)


def _absent(struct: type[msgspec.Struct]) -> Callable[[], msgspec.Struct]:
    """Return what makes the object that stands for an absent one (one for all, as none is changed)."""
    attribute = attribute_of((WHOLE,))
    if attribute not in struct.__struct_fields__:
        return struct
    absent = struct()
    setattr(absent, attribute, None)
    return lambda: absent


def _event_of(struct: type[msgspec.Struct], tree: Mapping[str, Any], value: Mapping[str, object]) -> msgspec.Struct:
    """Build an event from an object of any shape: what does not fit its field becomes MISTYPED."""
    event = struct()
    for part, kind in tree.items():
        found = value.get(part)
        if found is None or part == WHOLE:
            continue
        if isinstance(kind, dict):
            inner = type(getattr(event, attribute_of((part,))))
            setattr(event, attribute_of((part,)), _event_of(inner, kind, found if isinstance(found, dict) else {}))
        else:
            setattr(event, attribute_of((part,)), _field_of(kind, found))
    return event


def _field_of(leaf: _Leaf, found: object) -> object:
    if leaf.kind == "any":
        return _PRESENT
    if leaf.kind == "number" and type(found) is int:
        found = float(found) if abs(found) <= sys.float_info.max else math.inf if found > 0 else -math.inf
    return found if type(found) in leaf.takes else MISTYPED
