"""Files beside a path of which cannot be told yet what they hold: being packed, copied, or one of two with one text.

In: what a look found. Out: for which paths another look may tell. Part of the tail stage. A file that does not change
for a minute is left alone: a damaged one stays as it is for ever.
"""

from __future__ import annotations

from collections.abc import Collection

from exporters.engine.tail.backups import Backup

__all__ = ["Undecided"]

_PATIENCE_S = 60.0


class Undecided:
    """The undecided files of all paths, and since when each path's have not changed."""

    def __init__(self) -> None:
        self._found: dict[str, frozenset[Backup]] = {}
        self._waiting: dict[str, tuple[frozenset[Backup], float]] = {}

    def note(self, path: str, files: Collection[Backup]) -> None:
        """Note what the present look at a path could not tell."""
        self._found[path] = frozenset(files)

    def end_look(self, monotonic: float) -> None:
        """Drop the paths beside which the look that ends now left nothing open, or nothing that still changes."""
        waiting = {}
        for path, files in self._found.items():
            before, since = self._waiting.get(path, (files, monotonic))
            since = since if before == files else monotonic
            if files and monotonic - since < _PATIENCE_S:
                waiting[path] = files, since
        self._found, self._waiting = {}, waiting

    def __contains__(self, path: str) -> bool:
        """Whether something beside the path is still to be told."""
        return path in self._waiting
