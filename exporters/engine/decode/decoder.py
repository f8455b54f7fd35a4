"""Batches of lines -> events that hold only what the contract reads.

In: bytes of whole lines. Out: `Decoded`: events in file order, refused lines by reason, blank lines. Pure. A line is
one event or one rejection; a field of the wrong kind becomes `MISTYPED` and costs itself alone, not its line.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from io import BytesIO
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

_ERRORS = (msgspec.MsgspecError, ValueError, RecursionError)
"""What decoding a line raises."""

_CLOSE = 4
"""Where lines with tokens that JSON does not have are closer than that, it pays to look for them in every line."""


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
        decoded = Decoded([])
        self._decode_lines(data if _is_utf8(data) else _without_other_bytes(data, decoded), decoded)
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

    def _decode_lines(self, data: bytes, decoded: Decoded) -> None:
        """Decode each line; one that fails by itself. (All at once: two objects on a line could make up for none.)"""
        lines, failed = BytesIO(data), -_CLOSE
        events = map(self._decode_line, lines)
        while True:
            try:
                decoded.events.extend(events)
                return
            except _ERRORS as error:
                end = lines.tell() - 1
                line = data[data.rfind(b"\n", 0, end) + 1 : end]
                self._decode_odd(line, decoded, error)
                if len(decoded.events) - failed < _CLOSE and without_tokens(line) != line:  # so are most others
                    events = map(self._decode_line, map(without_tokens, lines))
                failed = len(decoded.events)

    def _decode_odd(self, line: bytes, decoded: Decoded, error: Exception) -> None:
        """Decode one line that failed: blank, not JSON, not an object, or an object with odd fields."""
        text = without_tokens(_without_nuls(line, decoded))
        if not text.strip():
            decoded.blank += 1
            return
        if text != line:
            try:
                decoded.events.append(self._decode_line(text))
                return
            except _ERRORS as other:
                error = other
        if isinstance(error, msgspec.ValidationError):
            self._decode_lenient(text, decoded)
        else:
            decoded.rejected["bad_json"] += 1

    def _decode_lenient(self, line: bytes, decoded: Decoded) -> None:
        """Decode an object with odd fields, or name what else the line is."""
        try:
            value = read_plainly(line)
        except _ERRORS:
            decoded.rejected["bad_json"] += 1
            return
        if isinstance(value, dict):
            self._misfits.note(value)
            decoded.events.append(event_of(self._struct, self._tree, value))
        else:
            decoded.rejected["not_object"] += 1


def _without_other_bytes(data: bytes, decoded: Decoded) -> bytes:
    """Leave out the lines that hold bytes that are no UTF-8, which fields that are not read would hide."""
    kept: list[bytes] = []
    for line in BytesIO(data):
        if _is_utf8(line):
            kept.append(line)
        else:
            decoded.rejected["invalid_utf8"] += 1
            _without_nuls(line, decoded)
    return b"".join(kept)


def _without_nuls(line: bytes, decoded: Decoded) -> bytes:
    """Return a line without the NULs before it, which are skipped: what a file holds that a crash cut."""
    text = line.lstrip(b"\0")
    decoded.skipped_bytes += len(line) - len(text)
    return text


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
