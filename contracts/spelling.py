"""How texts and values are spelt: what the loader compares and what the engine shows are made by the same functions.

In: a text or a value. Out: the text it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from contracts.model import Scalar, Word

__all__ = ["fold", "normalise", "normaliser", "spelling"]


def spelling(value: Scalar) -> str:
    """Return the text a value of a condition stands for in a word.

    >>> spelling(True)
    'true'
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


def fold(text: str) -> str:
    """Return the form in which spellings are compared: trimmed, lower case.

    >>> fold(" Approved ")
    'approved'
    """
    return text.strip().lower()


def normalise(word: Word, text: str) -> str:
    """Return what a name word makes of `text`: folded, each run of characters not allowed as `_`, cut.

    >>> normalise(Word("run", "name", allow="a-z", max_length=4), "ab c!def")
    'ab_c'
    """
    return normaliser(word)(text)


def normaliser(word: Word) -> Callable[[str], str]:
    """Return normalise() for one word, for many texts."""
    refused, length = re.compile(f"[^{word.allow}]+"), word.max_length
    if word.fold:
        return lambda text: refused.sub("_", text.strip().lower())[:length]
    return lambda text: refused.sub("_", text.strip())[:length]
