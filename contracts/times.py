"""How times are written: formats as people know them, as patterns with one group per part of a time.

In: a format such as `%d/%b/%Y:%H:%M:%S %z`. Out: a regular expression, or why there is none. The loader asks whether a
format can be read, the engine reads with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["MONTHS", "PLAIN", "FormatError", "pattern_of"]

_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTHS: Mapping[str, int] = {name: number for number, name in enumerate(_NAMES, start=1)}
"""First letters of a month, in English -> its number."""

PLAIN = (
    r"(?P<Y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})[Tt ](?P<H>[0-9]{2}):(?P<M>[0-9]{2}):(?P<S>[0-9]{2})"
    r"(?:\.(?P<f>[0-9]+))?(?P<z>[Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
"""RFC 3339, with a blank for T and without an offset, too."""

_PARTS: Mapping[str, str] = {
    "Y": "(?P<Y>[0-9]{4})",
    "m": "(?P<m>[0-9]{1,2})",
    "d": "(?P<d>[ 0-9]?[0-9])",
    "H": "(?P<H>[ 0-9]?[0-9])",
    "M": "(?P<M>[0-9]{2})",
    "S": "(?P<S>[0-9]{2})",
    "f": "(?P<f>[0-9]+)",
    "z": "(?P<z>[Zz]|[+-][0-9]{2}:?[0-9]{2})",
    "b": "(?P<b>[A-Za-z]{3})[a-z]*",
    "a": "[A-Za-z]+",
    "%": "%",
}


class FormatError(Exception):
    """A format that cannot be read; the message says what to write."""


def pattern_of(format_: str) -> str:
    """Return the regular expression of a format; groups have the letters of their directives.

    >>> re.fullmatch(pattern_of("%d.%m.%Y %H:%M"), "25.01.2026 08:30")["H"]
    '08'

    Raises:
        FormatError: if it holds a directive that is not known, one twice, or no whole date.
    """
    known = " ".join(f"%{letter}" for letter in _PARTS)
    found: list[str] = []

    def part(directive: re.Match[str]) -> str:
        letter = directive[0][1:]
        if letter not in _PARTS:
            raise FormatError(f"%{letter} is not known; known are {known}")
        found.append(letter)
        return _PARTS[letter]

    pieces = re.split(r"(%.?)", format_, flags=re.DOTALL)
    pattern = "".join(part(re.match("%.?", p)) if p.startswith("%") else re.escape(p) for p in pieces)  # type: ignore[arg-type]
    twice = next((letter for letter in found if letter != "%" and found.count(letter) > 1), None)
    if twice:
        raise FormatError(f"%{twice} stands there twice; write it once")
    if not {"Y", "d"} <= set(found) or len({"m", "b"} & set(found)) != 1:
        raise FormatError("a time needs a year, a month and a day: %Y, %m or %b, and %d")
    return pattern
