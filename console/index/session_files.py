"""Which files of the session registry are to be looked at. Part of the index.

In: the registry's folder, and which of its sessions have ended. Out: paths. The folder is listed when its entries
changed; in between the files of sessions that have not ended are looked at, as they are written to again, and those of
the others in turn.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from console.index.turns import Turns

__all__ = ["SessionFiles"]

_SETTLED_NS = 100_000_000
"""Times of folders are coarse; one that changed less than that ago may change again and look the same."""


class SessionFiles:
    """The files of one registry. `rest`: those that are not looked at each time.

    Args:
        seconds: the time within which each of those is.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self._folder = str(folder)
        self._turns = Turns(seconds)
        self._state = 0
        self._paths: list[str] = []
        self.rest: set[str] = set()

    def due(self, monotonic: float) -> tuple[list[str], bool]:
        """Return the paths to be looked at, and whether they are all there are."""
        state = self._state_of_folder()
        if state == 0 or state != self._state:
            self._state, self._paths = state, self._list()
        paths, rest = self._paths, self.rest
        due = self._turns.due(paths, monotonic)
        if due is paths:
            return paths, True
        return [path for path in paths if path not in rest] + [path for path in due if path in rest], False

    def _state_of_folder(self) -> int:
        """Return what changes when an entry comes or goes; 0 if that cannot be told, as it may just have."""
        try:
            changed = os.stat(self._folder).st_mtime_ns
        except OSError:
            return 0
        return changed if time.time_ns() - changed > _SETTLED_NS else 0

    def _list(self) -> list[str]:
        try:
            with os.scandir(self._folder) as entries:
                names = [entry.name for entry in entries if entry.name.endswith(".json")]
        except OSError:
            return []
        return [f"{self._folder}/{name}" for name in names]
