"""Batches of lines -> events that hold only what the contract reads.

In: bytes of whole lines. Out: `Decoded`: events in file order, refused lines by reason, blank lines. Pure. A line is
one event or one rejection; a field of the wrong kind becomes `MISTYPED` and costs itself alone, not its line.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from operator import attrgetter
from typing import Any

import msgspec

from contracts.model import Contract
from exporters.engine.decode.misfits import Misfits
from exporters.engine.decode.tokens import without_tokens
from exporters.engine.fields import Path, Unexpected, attribute_of, deciding_paths, ordered_paths, type_expecting
from exporters.engine.objects import event_of, presence, read_plainly, struct_of, tree_of
from exporters.engine.values import Decoded

__all__ = ["Decoder"]


_SAMPLE, _FEW, _MOST_LESSONS = 256, 16, 8
"""Events looked at for the texts a field holds; most texts of a field to be expected; how often that is tried."""

_STRAY, _STRAY_CRLF = (re.compile(rb"\n(?!(?<=}%b\n)(?:{|\Z))" % before) for before in (b"", b"\r"))
"""A newline that does not stand between `}` and `{`, or behind the last `}`."""


class Decoder:
    """Decodes batches for one contract; events are Structs with one attribute per path the contract reads."""

    def __init__(self, contract: Contract) -> None:
        deciding = deciding_paths(contract)
        self._tree = tree_of(ordered_paths(contract), deciding)
        self._texts = [path for path, kind in ordered_paths(contract).items() if kind == "text" and path in deciding]
        self._unknown = Unexpected()
        self._learned = 0
        self._misfits = Misfits(self._tree)
        self._expect({})

    def decode(self, data: bytes) -> Decoded:
        """Return what the lines of `data` (empty, or ending with a newline) hold."""
        events = self._decode_plain(data)
        if events is None and (b"NaN" in data or b"Infinity" in data):
            events = self._decode_plain(b"\n".join(map(without_tokens, data.split(b"\n"))))
        decoded = Decoded(events) if events is not None else self._decode_each(data)
        self._misfits.mend(decoded.events)
        is_new = not self._learned or self._unknown.number * 8 > len(decoded.events)
        if is_new and self._learned < _MOST_LESSONS and len(decoded.events) >= _SAMPLE:
            self._learn(decoded.events[:_SAMPLE])
        self._unknown.number = 0
        if self._misfits.expects_more(len(decoded.events)):
            self._expect(self._known)
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
        self._known = texts
        types = {path: type_expecting(known, self._unknown) for path, known in texts.items()}
        self._struct = struct_of(self._tree, "Event", types, self._misfits.types)
        self._misfits.prepare(self._struct)
        decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(self._struct, dec_hook=presence)
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
        line = without_tokens(line)
        try:
            decoded.events.append(self._decode_line(line))
        except msgspec.ValidationError:
            self._decode_lenient(line, decoded)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            decoded.rejected["bad_json"] += 1

    def _decode_lenient(self, line: bytes, decoded: Decoded) -> None:
        """Decode an object with odd fields, or name what else the line is."""
        try:
            value = read_plainly(line)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            decoded.rejected["bad_json"] += 1
            return
        if isinstance(value, dict):
            self._misfits.note(value)
            decoded.events.append(event_of(self._struct, self._tree, value))
        else:
            decoded.rejected["not_object"] += 1


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
