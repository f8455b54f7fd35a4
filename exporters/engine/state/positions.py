"""What is stored of how far files have been read: only what moved is written. Part of the state stage.

In: the tail's checkpoints and known backups. Out: changes for the state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exporters.engine.records import Change, Gone, KnownBackups, Saved
from exporters.engine.values import Checkpoint, FileKey

__all__ = ["Positions"]

_Kept = tuple[dict[int, Checkpoint], frozenset[FileKey] | None]
_NOTHING: _Kept = ({}, None)


class Positions:
    """Tells the positions there are from those that are stored."""

    def __init__(self) -> None:
        self._stored = self._coming = _NOTHING
        self._stored_list: Sequence[Checkpoint] = ()
        self._coming_list: Sequence[Checkpoint] = ()

    def restore(self, saved: Saved) -> None:
        """Take over what is stored; the known backups are written at the first commit in any case."""
        self._stored = self._coming = ({one.serial: one for one in saved.checkpoints}, None)

    def look(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Take note of the positions there are, where nothing is stored."""
        self._coming_list = checkpoints

    def files(self) -> list[Checkpoint]:
        """Return how far the files that are open were read at the last look."""
        return [one for one in self._coming_list if not one.done]

    def changes(
        self, checkpoints: Sequence[Checkpoint], known: frozenset[FileKey], everything: bool = False
    ) -> Iterator[Change]:
        """Yield what differs from what is stored (or everything); the very list stored last is not gone through."""
        before, before_known = _NOTHING if everything else self._stored
        is_new = everything or checkpoints is not self._stored_list
        self._coming = ({one.serial: one for one in checkpoints} if is_new else before, known)
        self._coming_list = checkpoints
        checkpoints = checkpoints if is_new else ()
        yield from (one for one in checkpoints if before.get(one.serial) != one)
        yield from (Gone(before[serial]) for serial in before.keys() - self._coming[0].keys())
        if known != before_known:
            yield KnownBackups(known)

    def committed(self) -> None:
        """Note that changes() have been written."""
        self._stored, self._stored_list = self._coming, self._coming_list
