"""What is remembered of generations that are no longer open: those read to their end, and those that were there before.

In: marks of files let go, and a look at each path's siblings now and then. Out: siblings to read: unseen ones, grown
ones, copies. Part of the tail stage.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence

from exporters.engine.recover import Opening, open_unseen, unseen
from exporters.engine.siblings import Sibling, find_content, proves, siblings
from exporters.engine.stream import Stream
from exporters.engine.values import FileKey, Mark

__all__ = ["Lineage"]

_REMEMBERED = 32
"""Generations remembered per path after they were let go; rotation schemes keep fewer files than that."""


class Lineage:
    """Remembers the past generations of every path."""

    def __init__(self) -> None:
        self._finished: dict[str, list[Mark]] = {}
        self._beside: dict[str, list[Sibling]] = {}
        self.known: frozenset[FileKey] = frozenset()

    def restore(self, finished: Iterable[Mark]) -> None:
        """Take over the marks of generations that were let go before the restart."""
        for mark in finished:
            self.finish(mark)

    def finish(self, mark: Mark) -> None:
        """Remember a generation that is let go."""
        listed = self._finished.setdefault(mark.path, [])
        listed.append(mark)
        del listed[:-_REMEMBERED]

    def finished(self) -> list[Mark]:
        """Return what is remembered of generations let go."""
        return [mark for listed in self._finished.values() for mark in listed]

    def take_back(self, stream: Stream) -> bool:
        """Have a file that was let go and is back at a path go on where it ended; return whether it is one."""
        for listed in self._finished.values():
            for mark in listed:
                if mark.key == stream.key and proves(stream.fd, mark):
                    stream.restore(mark)
                    listed.remove(mark)
                    return True
        return False

    def has_past(self, path: str) -> bool:
        """Whether an earlier generation of `path` was read and let go."""
        return path in self._finished

    def look(self, paths: Collection[str]) -> None:
        """Look at the siblings of the paths."""
        self._beside |= siblings(paths)

    def beside(self) -> dict[str, frozenset[FileKey]]:
        """Return the identities seen in the last look at each path."""
        return {path: frozenset(one.key for one in listed) for path, listed in self._beside.items()}

    def settle(self, beside: Mapping[str, frozenset[FileKey]], settled: Collection[str]) -> None:
        """Take siblings as known, once it is sure that none of them waits to be read.

        Args:
            beside: what beside() said before it was seen what the paths lead to; a sibling that appeared since may have
                been live a moment ago.
            settled: paths that lead to a file and whose earlier generations have all been found.
        """
        parts = (keys if path in settled else keys & self.known for path, keys in beside.items())
        self.known = frozenset().union(*parts)

    def unseen(self, path: str, opened: Collection[FileKey], marks: Sequence[Mark], horizon_ns: int) -> list[Opening]:
        """Open the siblings of `path`, oldest first, that appeared since the last settle() and nobody has read."""
        older = frozenset((*self.known, *opened))
        past = [*marks, *self._finished.get(path, [])]
        if not marks and past:
            horizon_ns = max(horizon_ns, past[-1].mtime_ns)
        found = unseen(self._beside.get(path, []), older, past, horizon_ns)
        openings = (open_unseen(path, one) for one in found)
        return [opening for opening in openings if opening is not None]

    def grown(self, path: str, opened: Collection[FileKey]) -> list[Opening]:
        """Open generations of `path` that were let go and have been written to since; they leave the memory."""
        openings = []
        for mark in list(self._finished.get(path, [])):
            one = next((one for one in self._beside.get(path, []) if one.key == mark.key), None)
            if one is None or one.is_packed or one.key in opened or one.size <= mark.size:
                continue
            opening = _open_proved(one, mark)
            if opening is not None:
                self._finished[path].remove(mark)
                openings.append(opening)
        return openings

    def copy_of(self, mark: Mark, opened: Collection[FileKey]) -> Opening | None:
        """Open a sibling that holds what `mark` speaks of: the copy a copytruncate made."""
        self.look([mark.path])
        candidates = [one for one in self._beside.get(mark.path, []) if one.key not in opened]
        found = find_content(mark, candidates)
        return Opening(mark.path, found[1], mark, is_live=False) if found else None


def _open_proved(one: Sibling, mark: Mark) -> Opening | None:
    try:
        fd = os.open(one.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    if proves(fd, mark):
        return Opening(mark.path, fd, mark, is_live=False)
    os.close(fd)
    return None
