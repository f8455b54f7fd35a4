"""Puts what was found behind a path's file into its chain: generations nobody has read, copies, and files that grew.

In: open files, history, and a way to make streams. Out: chains in the order they are to be read. Part of the tail
stage.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from exporters.engine.tail.classify import Held, Verdict
from exporters.engine.tail.finder import Inode
from exporters.engine.tail.fingerprint import keys_at
from exporters.engine.tail.generations import Chain, Generation, OpenFiles
from exporters.engine.tail.history import History
from exporters.engine.tail.openings import UNREAD, Opening
from exporters.engine.tail.recover import recover
from exporters.engine.tail.stream import Stream
from exporters.engine.values import Checkpoint, FileKey, Notice

__all__ = ["CatchUp"]


_GROWN: tuple[Verdict, ...] = ("longer copy",)
"""Verdict on what a file let go got before it was packed or copied: all there is to find while its path's file is
whole."""


class CatchUp:
    """Takes generations over into chains."""

    def __init__(
        self,
        open_files: OpenFiles,
        history: History,
        make_stream: Callable[[str, int], Stream],
        is_followed: Callable[[str], bool],
    ) -> None:
        self._open_files = open_files
        self._history = history
        self._make_stream = make_stream
        self._is_followed = is_followed
        self._keys: set[FileKey] | None = None

    def resume(
        self,
        checkpoints: Sequence[Checkpoint],
        known: frozenset[FileKey],
        live: Mapping[str, FileKey],
        monotonic: float,
    ) -> list[Notice]:
        """Find what checkpoints speak of and go on there; see recover()."""
        held = self._open_files.held_by_family
        recovery = recover(checkpoints, known, live, self._is_followed, self._open_keys(), held)
        self._history.restore(recovery)
        for opening in recovery.openings:
            self.add_opening(opening, monotonic, self._open_files.at(opening.path))
        return recovery.notices

    def come_back(self, paths: Collection[str], monotonic: float) -> list[Notice]:
        """Go on with files of these paths that were closed or could not be found."""
        checkpoints = self._history.come_back(set(paths))
        if not checkpoints:
            return []
        live = keys_at({checkpoint.path for checkpoint in checkpoints})
        notices = self.resume(checkpoints, self._history.known, live, monotonic)
        return [notice for notice in notices if notice.outcome != "resumed"]

    def meet(self, paths: Iterable[str], live: set[Inode]) -> set[str]:
        """Remember the backups of paths looked at for the first time, which are never read; return those paths."""
        new = {path for path in paths if not self._history.has_met(path)}
        self._history.meet(new, live, self._open_files.next_serial)
        return new

    def add_opening(self, opening: Opening, monotonic: float, chain: Chain, before: Generation | None = None) -> None:
        """Take over an opened file as a generation of its path: as the last, or in front of `before`."""
        stream = self._make_stream(opening.path, opening.fd)
        stream.key = opening.key or stream.key
        if opening.checkpoint is not None:
            stream.restore(opening.checkpoint, is_whole=opening.key is None)
        moved_at = None if opening.is_live else monotonic
        is_begun = opening.checkpoint is not None or not chain
        self._keys = None
        gen = Generation(stream, is_begun, moved_at=moved_at, active_at=monotonic, is_packed=opening.key is not None)
        self._open_files.add(gen, chain, before)

    def add_unread(
        self,
        path: str,
        chain: Chain,
        monotonic: float,
        new: Stream | None = None,
        before: Generation | None = None,
        wanted: Collection[Verdict] = UNREAD,
    ) -> list[Notice]:
        """Take over the backups of `path` that nobody has read, and return a notice for each.

        Args:
            new: the file about to join the chain; a backup may be a copy that is being made of it.
            before: the generation in front of which they stand; None for the end of the chain.
            wanted: verdicts on those to be taken over.
        """
        if new is None and not self._history.has_unknown(path):
            return []
        here = [] if new is None else [Held(new.checkpoint(0), new.fd, is_live=True)]
        if new is not None:
            self._keys = None

        def opened() -> set[FileKey]:
            if self._keys is None:
                self._keys = self._open_keys()
            return self._keys | {one.checkpoint.key for one in here}

        openings = self._history.unread(path, [*self._open_files.held_beside(path, chain), *here], opened, wanted)
        for opening in openings:
            self.add_opening(opening, monotonic, chain, before)
            for gen in chain:
                _forget_what_was_cut(gen.stream)
        return [Notice("recovered", path, outcome="unseen") for _ in openings]

    def look_behind(self, monotonic: float, waiting: Collection[str] = ()) -> list[Notice]:
        """Take over what was let go and grew, and what was rotated while a path led nowhere or to an unread file.

        Args:
            waiting: paths whose files wait for descriptors; what stands beside them may be a copy of those files.
        """
        self._keys = None
        notices = []
        for path in self._history.paths():
            for opening in self._history.grown(path, self._open_keys):
                chain = self._open_files.at(path)
                self.add_opening(opening, monotonic, chain, before=chain[0] if chain else None)
        live = self._open_files.live()
        for path in {*self._history.paths(), *self._open_files.keys()}.difference(self._history.absent_keys(), waiting):
            gen = live.get(path)
            chain = self._open_files.at(path)
            if gen is None or not gen.stream.offset or path in self._history.unsure:
                notices += self.add_unread(path, chain, monotonic, before=gen)
            elif self._history.has_past(path):  # nothing was rotated unseen, but what was let go may have grown
                notices += self.add_unread(path, chain, monotonic, before=chain[0], wanted=_GROWN)
        return notices

    def find_copy(self, gen: Generation, chain: Chain, notice: Notice, monotonic: float) -> list[Notice]:
        """After a truncation: read on in the copy, if one was made; the bytes are lost only if there is none."""
        cut, gen.stream.cut = gen.stream.cut, None
        key = next(key for key, other in self._open_files.items() if other is chain)
        self._history.look([key])
        if gen.stream.offset:
            if cut is None or not self._history.has_copy(key, cut, gen.stream.offset):
                return [notice]
            gen.stream.begin_anew()
        self._history.unsure.add(key)
        is_last = gen is chain[-1] and keys_at([gen.stream.path]).get(gen.stream.path) == gen.stream.key
        cut = cut and replace(cut, serial=self._open_files.next_serial())
        seen = cut.size if cut is not None else notice.lost_bytes
        held = self._open_files.held_beside(key, chain)
        openings = self._history.after_cut(key, cut, held, self._open_keys(), is_last)
        notices = []
        for opening in openings:
            notices.append(Notice("recovered", key, outcome="copied" if opening.checkpoint else "unseen"))
            is_copy = cut is not None and opening.checkpoint is cut
            size = os.fstat(opening.fd).st_size
            if is_copy or cut is None or not cut.offset:  # if nothing was read of it, it may be in what was found
                notice = Notice("truncated", notice.path, min(max(0, seen - size), notice.lost_bytes))
            checkpoint = replace(cut, size=min(seen, size)) if cut is not None and is_copy else opening.checkpoint
            self.add_opening(replace(opening, checkpoint=checkpoint), monotonic, chain, before=gen)
        return [notice, *notices]

    def _open_keys(self) -> set[FileKey]:
        return {gen.stream.key for gen in self._open_files.generations()}


def _forget_what_was_cut(stream: Stream) -> None:
    """Of a file emptied before anything was read of it: what was seen of it is in the copy that was found."""
    with contextlib.suppress(OSError):
        if not stream.offset and os.fstat(stream.fd).st_size < stream.seen_size:
            stream.seen_size = 0
