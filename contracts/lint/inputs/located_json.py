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


class Node(dict[str, Any]):
    """A JSON object: first line, last line, and the line of each key."""

    __slots__ = ("key_lines", "last", "line")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.last = line
        self.key_lines: dict[str, int] = {}

    def line_of(self, key: str) -> int:
        """Return the line of a key, or of the object if it has none."""
        return self.key_lines.get(key, self.line)


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

    def skip(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at

    def value(self, at: int) -> tuple[Any, int]:
        first = self._text[at : at + 1]
        if first == "{":
            return self._object(at)
        if first == "[":
            return self._array(at)
        return self._scalars.raw_decode(self._text, at)

    def _line(self, at: int) -> int:
        return bisect_right(self._breaks, at - 1) + 1

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
            key, end = self._scalars.raw_decode(self._text, at)
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
