"""Proof that a look at thousands of files may be left out: nothing was added to, or renamed in, their folders.

In: folders, and what the last look found. Out: yes or no. Part of the tail stage. A folder's time of change is coarse,
so it proves something only once it is some seconds old; links, wildcards in folders and file systems that keep no such
times are looked at in full, the last after some seconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

__all__ = ["Quiet"]

_FEWEST = 256
"""Files below which a look costs so little that it is always taken."""

_STEADY_S = 2.0
_FULL_S = 10.0
"""Longest time without a full look, for file systems whose folders do not tell when they change."""

Watched = Sequence[tuple[str, int]]
"""Files that are closed, and the size beyond which they have grown."""


class Quiet:
    """What the last full look saw of the folders of some patterns."""

    def __init__(self, folders: Iterable[str]) -> None:
        self._folders = sorted(set(folders))
        self._states: dict[str, object] = {}
        self._since: dict[str, float] = {}
        self._looked_at: float
        self._watched: Watched = ()
        self._is_usable = False

    def begin(self, monotonic: float) -> None:
        """Note the folders' state, just before a full look."""
        self._is_usable = False
        for folder in self._folders:
            state = _state_of(folder)
            if folder not in self._since or self._states[folder] != state:
                self._states[folder], self._since[folder] = state, monotonic
        self._looked_at = monotonic

    def end(self, paths: Iterable[str], watched: Watched) -> None:
        """Note what the look found, if nothing is left to do: the files followed, and closed ones that may grow."""
        followed = list(paths)
        self._watched = watched
        self._is_usable = len(followed) >= _FEWEST and not any(map(os.path.islink, followed))

    def holds(self, monotonic: float, at_once: bool) -> bool:
        """Whether another look would find nothing new."""
        if not self._is_usable or monotonic - self._looked_at >= _FULL_S * (2 if at_once else 1):
            return False
        for folder in self._folders:
            is_steady = self._looked_at - self._since[folder] >= _STEADY_S
            if not is_steady or self._states[folder] is None or _state_of(folder) != self._states[folder]:
                return False
        return not any(_has_grown(path, size) for path, size in self._watched)


def _state_of(folder: str) -> object:
    try:
        info = os.stat(folder or ".")
    except OSError:
        return None
    return info.st_dev, info.st_ino, info.st_mtime_ns, info.st_ctime_ns


def _has_grown(path: str, size: int) -> bool:
    try:
        return os.stat(path).st_size > size
    except OSError:
        return True
