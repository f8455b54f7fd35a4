"""`capture`: a pattern with one group, of a language in which looking for it takes time linear in the text.

In: a pattern as written. Out: the regular expression the engine uses, or why the pattern cannot be one.

The language is that of regular expressions without alternatives, groups in groups and anything that looks around:
single characters, classes, `.`, `* + ? {2,5}`, one group, `^` and `$`. Two rules make it linear:

1. What is repeated cannot match how the pattern goes on, so nothing is ever given back: repeats are possessive.
2. Of a pattern that is looked for anywhere, something before the first open-ended repeat matches nothing that such
   repeats match, so a text can be entered only a bounded number of times by attempts that run over the same characters.
   A pattern that begins with such a repeat is tried at the beginning of each run only. A repeat that ends the pattern
   cannot fail once it has begun, and counts for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

__all__ = ["CaptureError", "compile_capture"]

Ranges = tuple[tuple[int, int], ...]
"""Which characters: first and last of each run of code points, rising."""

_LAST = 0x10FFFF
_MOST = 100
"""Largest number in a repeat."""

_ESCAPED = {
    "d": ((48, 57),),
    "w": ((48, 57), (65, 90), (95, 95), (97, 122)),
    "s": ((9, 13), (32, 32)),
    "t": ((9, 9),),
    "n": ((10, 10),),
}
_TOKEN = re.compile(
    r"(?P<escape>\\.)|\[(?P<class>\^?\]?(?:[^\]\\]|\\.)*)\]|(?P<repeat>[*+?]|\{[0-9]+(?:,[0-9]*)?\})"
    r"|(?P<mark>[()^$|\[\]{}])|(?P<any>\.)|(?P<char>.)",
    re.DOTALL,
)


class CaptureError(Exception):
    """A pattern that is none; the message says what to write."""


class _Item(Struct):
    """Some characters, between `low` and `high` times (None: any number of times)."""

    ranges: Ranges
    low: int = 1
    high: int | None = 1
    opens: bool = False
    closes: bool = False

    def written(self) -> str:
        """Return it as the engine's regular expression."""
        inside = "".join(rf"\U{first:08x}-\U{last:08x}" for first, last in self.ranges)
        count = "" if self.high == self.low == 1 else f"{{{self.low},{'' if self.high is None else self.high}}}"
        return f"{'(' * self.opens}[{inside}]{count}{'+' * (self.high != self.low)}{')' * self.closes}"


def compile_capture(pattern: str) -> str:
    """Return the regular expression (for DOTALL) that finds what a pattern captures, in linear time.

    >>> import re
    >>> re.search(compile_capture(r"took (\\d+) ms"), "it took 27 ms")[1]
    '27'

    Raises:
        CaptureError: if the pattern is not of the language.
    """
    from_start, to_end = pattern.startswith("^"), bool(re.search(r"(?<!\\)(?:\\\\)*\$\Z", pattern))
    items = _items_of(pattern[from_start : len(pattern) - to_end])
    if sum(item.opens for item in items) != 1:
        raise CaptureError("it needs exactly one group, such as (\\d+)")
    for place, item in enumerate(items):
        if item.high != item.low and any(_overlap(item.ranges, next_.ranges) for next_ in _next(items, place)):
            raise CaptureError("what is repeated must not match how it goes on; write what it excludes, such as [^ ]+")
    if not from_start:
        _check_search(items, to_end)
    begins = "" if items[0].high is not None else f"(?<!{_Item(items[0].ranges).written()})"
    start, end = r"\A" if from_start else "", r"\Z" if to_end else ""
    return f"{start}{begins}{''.join(item.written() for item in items)}{end}"


def _items_of(pattern: str) -> list[_Item]:
    items: list[_Item] = []
    is_open = has_opened = False
    for token in _TOKEN.finditer(pattern):
        mark, repeat = token["mark"], token["repeat"]
        if mark == "(" and not has_opened:
            is_open = has_opened = True
        elif mark == ")" and is_open and items:
            items[-1].closes, is_open = True, False
        elif mark:
            raise CaptureError(
                f"{mark} cannot stand there; there is one group, no alternatives, and \\{mark} is the sign"
            )
        elif repeat:
            if not items or items[-1].closes or (items[-1].low, items[-1].high) != (1, 1):
                raise CaptureError(f"{repeat} repeats nothing; put it behind one character or class, once")
            items[-1].low, items[-1].high = _counts(repeat)
        else:
            is_first = is_open and not any(item.opens for item in items)
            items.append(_Item(_ranges_of(token), opens=is_first))
    if is_open:
        raise CaptureError("it needs exactly one group, such as (\\d+)")
    return items


def _counts(repeat: str) -> tuple[int, int | None]:
    if repeat in "*+?":
        return int(repeat == "+"), 1 if repeat == "?" else None
    low, comma, high = repeat[1:-1].partition(",")
    most = int(high or low) if high or not comma else None
    if not int(low) <= (most or _MOST) <= _MOST or most == 0:
        raise CaptureError(f"{repeat} is no number of times from 1 to {_MOST}")
    return int(low), most


def _ranges_of(token: re.Match[str]) -> Ranges:
    if token["any"]:
        return ((0, _LAST),)
    if token["escape"]:
        return _escaped(token["escape"][1])
    inside = token["class"]
    if inside is None:
        return ((ord(token["char"]), ord(token["char"])),)
    ranges: list[tuple[int, int]] = []
    for part in re.finditer(r"(\\.|[^\\])(?:-(\\.|[^\\]))?", inside.removeprefix("^"), re.DOTALL):
        first = _in_class(part[1])
        if part[2] is None:
            ranges += first
            continue
        last = _in_class(part[2])
        if not (_is_one(first) and _is_one(last) and first <= last):
            raise CaptureError(f"[{inside}] is no class of characters")
        ((low, _),), ((_, high),) = first, last
        ranges.append((low, high))
    if not ranges:
        raise CaptureError("[] is no class of characters")
    return _others(ranges) if inside.startswith("^") else _joined(ranges)


def _in_class(char: str) -> Ranges:
    return _escaped(char[1]) if char[0] == "\\" else ((ord(char), ord(char)),)


def _is_one(ranges: Ranges) -> bool:
    """Whether it is a single character, as the ends of a range are."""
    return len({char for run in ranges for char in run}) == 1


def _escaped(char: str) -> Ranges:
    if char.lower() in _ESCAPED and (char.islower() or char in "DWS"):
        return _ESCAPED[char] if char.islower() else _others(_ESCAPED[char.lower()])
    if char.isalnum():
        raise CaptureError(f"\\{char} is not known; known are \\d \\w \\s \\D \\W \\S \\t \\n and signs")
    return ((ord(char), ord(char)),)


def _joined(ranges: Sequence[tuple[int, int]]) -> Ranges:
    return _others(_others(ranges))


def _others(ranges: Sequence[tuple[int, int]]) -> Ranges:
    found, low = [], 0
    for first, last in sorted(ranges):
        if low < first:
            found.append((low, first - 1))
        if low <= last:
            low = last + 1
    return (*found, (low, _LAST)) if low <= _LAST else tuple(found)


def _overlap(one: Ranges, other: Ranges) -> bool:
    return any(first <= last_ and first_ <= last for first, last in one for first_, last_ in other)


def _next(items: Sequence[_Item], place: int) -> list[_Item]:
    """Return what may come directly behind an item."""
    found: list[_Item] = []
    for item in items[place + 1 :]:
        found.append(item)
        if item.low > 0:
            break
    return found


def _check_search(items: Sequence[_Item], to_end: bool) -> None:
    """Check the second rule."""
    is_sure = not to_end or items[-1].ranges == ((0, _LAST),)
    last = len(items) - 1
    runs = [place for place, item in enumerate(items) if item.high is None and not (place == last and is_sure)]
    behind = [place for place in runs if place > 0]
    if not behind:
        return
    before = [item for item in items[: behind[0]] if item.low > 0]
    if not any(all(not _overlap(item.ranges, items[run].ranges) for run in behind) for item in before):
        raise CaptureError(
            "looking for it could take for ever: nothing before the first repeat is unlike what is repeated;"
            " begin with ^, end with the repeat, or write what it excludes, such as [^= ]+"
        )
