"""What an id may be: asked of every id that comes in, from a file, a folder's name or an address.

In: a text. Out: yes or no. An id never becomes part of a path: it is only looked for in the index.
"""

from __future__ import annotations

import re

__all__ = ["MAX_LENGTH", "is_id"]

MAX_LENGTH = 200

_ID = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.:@+=~-]{{0,{MAX_LENGTH - 1}}}")


def is_id(text: object) -> bool:
    """Whether a text can be the id of a run, a session or an intent.

    >>> is_id("20260115_shadow_ma_BTC-EUR_1m"), is_id(".."), is_id("a/b"), is_id("")
    (True, False, False, False)
    """
    return isinstance(text, str) and _ID.fullmatch(text) is not None
