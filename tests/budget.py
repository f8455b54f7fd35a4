"""How much is tried by a test that could go on for ever: what a change needs in `make test`, for long in `make chaos`.

In: two amounts. Out: the one of this run; PEAK_TRADE_CHAOS=1 is the long one. A test whose module asks here is marked
`long`, so that `make chaos` finds it; its short form tries the same examples every time.
"""

from __future__ import annotations

import os
from typing import TypeVar

__all__ = ["IS_LONG", "amount"]

IS_LONG = bool(os.environ.get("PEAK_TRADE_CHAOS"))

_Amount = TypeVar("_Amount")


def amount(ordinary: _Amount, long: _Amount) -> _Amount:
    """Return how many examples, seeds or steps this run tries."""
    return long if IS_LONG else ordinary
