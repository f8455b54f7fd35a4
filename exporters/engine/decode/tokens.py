"""Numbers that JSON does not have but many writers write -> JSON that costs the value, not its line.

In: a line. Out: the same line with JSON for NaN (which is of the wrong kind then) and Infinity (which is out of range).
What stands in texts stays. Part of the decode stage.
"""

from __future__ import annotations

import re

__all__ = ["without_tokens"]

_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|(NaN)|(-?Infinity)')
"""Texts, so that they are passed over, and the numbers that JSON does not have but many writers write."""

_NAN, _INFINITY = re.compile(rb"NaN"), re.compile(rb"Infinity")
"""The same for lines without backslashes, in which a text is what stands behind an odd number of quotes: 10 us less."""


def without_tokens(line: bytes) -> bytes:
    """Return a line with JSON for the tokens that are none."""
    if b"NaN" not in line and b"Infinity" not in line:
        return line
    if b"\\" in line:
        return _TOKENS.sub(_stand_in, line)
    return _INFINITY.sub(_infinity_outside, _NAN.sub(_nan_outside, line))


def _nan_outside(token: re.Match[bytes]) -> bytes:
    return token[0] if _is_in_text(token) else b" [] "


def _infinity_outside(token: re.Match[bytes]) -> bytes:
    if _is_in_text(token):
        return token[0]
    return b"1e999 " if token.string[token.start() - 1 : token.start()] == b"-" else b" 1e999 "


def _is_in_text(token: re.Match[bytes]) -> bool:
    return token.string.count(b'"', 0, token.start()) % 2 == 1


def _stand_in(token: re.Match[bytes]) -> bytes:
    """Return JSON that costs the value of a token, not its line: NaN is of the wrong kind, infinities out of range."""
    if token[1]:
        return b" [] "
    return (b" -1e999 " if token[2].startswith(b"-") else b" 1e999 ") if token[2] else token[0]
