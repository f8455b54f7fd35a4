"""Spreads the looks at many things over some seconds, so that no answer bears all of them. Part of the index.

In: the things, a clock. Out: those whose turn it is. Each comes up at least once in the time given, counted between two
looks; after a pause as long as that, all do.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Turns"]


class Turns:
    """The turns of one list of texts.

    Args:
        seconds: the time within which each of them is looked at.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._items: Sequence[str] = ()
        self._looked_at = float("-inf")
        self._next = 0
        self._credit = 0.0

    def due(self, items: Sequence[str], monotonic: float) -> Sequence[str]:
        """Return those to be looked at now; all of them if it is another list than before."""
        elapsed, self._looked_at = monotonic - self._looked_at, monotonic
        if items is not self._items or elapsed >= self._seconds:
            self._items, self._next, self._credit = items, 0, 0.0
            return items
        self._credit += len(items) * elapsed / self._seconds
        number = min(int(self._credit), len(items))
        self._credit -= number
        begin, end = self._next, self._next + number
        self._next = end % len(items) if items else 0
        return [*items[begin:end], *items[: max(0, end - len(items))]]
