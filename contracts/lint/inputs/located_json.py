"""JSON text -> plain values whose objects know their lines.

In: a text. Out: str, float, bool, None, list and `Node` (a dict with `line`, `last` and `line_of`), or
json.JSONDecodeError. Scalars are left to the standard library.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

__all__ = ["Node", "nodes_in", "parse_json"]

_SPACE = re.compile(r"[ \t\n\r]*")
_HALF = re.compile("[\ud800-\udfff]")

_MAX_DEPTH = 100
"""Levels of nesting. Source: Grafana's deepest boards have 14."""


class Node(dict[str, Any]):
    """A JSON object: first line, last line, and the line of each key."""

    __slots__ = ("key_lines", "last", "line")

    def __init__(self, line: int) -> None:
        self.line = line
        self.last = line
        self.key_lines: dict[str, int] = {}

    def line_of(self, key: str) -> int:
        """Return the line of a key, or of the object if it has none."""
        return self.key_lines.get(key, self.line)

    def text_of(self, key: str) -> str:
        """Return what stands under a key as a text; '' if there is nothing, or what says nothing: null, false, 0."""
        return str(self.get(key) or "")


def nodes_in(value: Any) -> Iterator[Node]:
    """Yield every object in a value, outermost first."""
    if isinstance(value, Node):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes_in(inner)


def parse_json(text: str) -> Any:
    """Return the value a text holds.

    Raises:
        json.JSONDecodeError: at the first character that cannot be; a key that stands twice is refused too.
    """
    reader = _Reader(text)
    value, end = reader.value(reader.skip(0))
    if reader.skip(end) != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._scalars = json.JSONDecoder()
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._depth = 0

    def skip(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at

    def value(self, at: int) -> tuple[Any, int]:
        read = {"{": self._object, "[": self._array}.get(self._text[at : at + 1])
        if read is None:
            return self._scalar(at)
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise json.JSONDecodeError(f"Nested deeper than {_MAX_DEPTH} levels", self._text, at)
        found: tuple[Any, int] = read(at)
        self._depth -= 1
        return found

    def _scalar(self, at: int) -> tuple[Any, int]:
        try:
            value, end = self._scalars.raw_decode(self._text, at)
        except ValueError as error:
            if isinstance(error, json.JSONDecodeError):
                raise
            # Python reads no integer of more than 4300 digits
            raise json.JSONDecodeError("A number has too many digits", self._text, at) from error
        if isinstance(value, str) and not value.isascii() and _HALF.search(value):
            raise json.JSONDecodeError("A text holds half of a surrogate pair", self._text, at)
        return value, end

    def _line(self, at: int) -> int:
        return bisect_right(self._breaks, at) + 1

    def _array(self, at: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        at = self.skip(at + 1)
        while self._text[at : at + 1] != "]":
            if found:
                at = self.skip(self._expect(",", at))
            value, end = self.value(at)
            found.append(value)
            at = self.skip(end)
        return found, at + 1

    def _object(self, at: int) -> tuple[Node, int]:
        node = Node(self._line(at))
        at = self.skip(at + 1)
        while self._text[at : at + 1] != "}":
            if node:
                at = self.skip(self._expect(",", at))
            self._expect('"', at)
            key, end = self._scalar(at)
            if key in node:
                raise json.JSONDecodeError(f"The key {key!r} stands here twice", self._text, at)
            node.key_lines[key] = self._line(at)
            node[key], end = self.value(self.skip(self._expect(":", self.skip(end))))
            at = self.skip(end)
        node.last = self._line(at)
        return node, at + 1

    def _expect(self, char: str, at: int) -> int:
        if self._text[at : at + 1] != char:
            raise json.JSONDecodeError(f"Expecting {char!r}", self._text, at)
        return at + 1
