"""Follows paths and globs through rotation, truncation, deletion and late appearance.

In: patterns. Out: `Batch`es and `Notice`s in the order the lines were written per path: an old generation is read to
its end before its successor is begun. Never sleeps, never decodes, counts nothing. Files are told apart by what the
open descriptor says, never by name; a file reached by two names is read once.
"""

from __future__ import annotations

import glob
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from exporters.engine.identity import open_file
from exporters.engine.lineage import Lineage
from exporters.engine.recover import Opening, Recovery, recover
from exporters.engine.stream import Stream
from exporters.engine.values import Batch, FileKey, Mark, Notice

__all__ = ["Tail"]

GRACE_S = 10.0
"""Quiet seconds after which a drained file that was rotated away or deleted is let go. Longer than any writer keeps
its old descriptor in practice; fluent-bit waits 5 s, Datadog 60 s."""

_MAGIC = frozenset("*?[")
_PACKED = (".gz", ".bz2", ".xz", ".zst")
"""Endings a glob never takes for event files: rotation makes them, and their text has been read before."""

_Inode = tuple[int, int]


@dataclass(slots=True)
class _Generation:
    """A stream and its life: since when no path leads to it, when it last gave bytes, whether it has been begun.

    `serial` orders the generations of a path. `after_gap`: the path led nowhere for a while before this file appeared,
    so it cannot be an atomic rewrite.
    """

    serial: int
    stream: Stream
    begun: bool
    after_gap: bool
    moved_at: float | None = None
    active_at: float = 0.0


class Tail:
    """Reads every file the patterns match. Not thread-safe; close() gives the descriptors back.

    Args:
        patterns: paths or globs (`**` descends), relative to the working directory.
        max_line_bytes: longest line taken, newline excluded; longer ones are skipped and counted.
        batch_bytes: most bytes one batch holds.
    """

    def __init__(
        self,
        patterns: Sequence[str],
        max_line_bytes: int = 1 << 20,
        batch_bytes: int = 1 << 18,
        grace_s: float = GRACE_S,
    ) -> None:
        self._patterns = tuple(patterns)
        self._max_line = max_line_bytes
        self._batch_bytes = batch_bytes
        self._grace_s = grace_s
        self._chains: dict[str, list[_Generation]] = {}
        self._missed: set[str] = set()
        self._lineage = Lineage()
        self._serial = 0
        self.recovered: Counter[str] = Counter()
        self.problems: dict[str, str] = {}

    def recover(self, marks: Sequence[Mark], known: frozenset[FileKey], monotonic: float) -> Recovery:
        """Go on where the last process stopped, before the first scan().

        Args:
            marks: what marks() said at the last commit; none at a first start, which reads every path from its start.
            known: what `known` was then.
        """
        self._serial = max((mark.serial for mark in marks), default=0)
        self._lineage.restore(mark for mark in marks if mark.done)
        live = {}
        for path in self._resolve().values():
            stream = self._stream(path)
            if stream is not None:
                live[path] = stream.key
                stream.close()
        recovery = recover(marks, known, live)
        for opening in recovery.openings:
            self._adopt(opening, monotonic)
        self._look()
        return recovery

    def marks(self) -> list[Mark]:
        """Return how far every file has been read, and what is remembered of files let go."""
        here = [gen.stream.mark(gen.serial) for chain in self._chains.values() for gen in chain]
        return here + self._lineage.finished()

    @property
    def known(self) -> frozenset[FileKey]:
        """Identities of the rotated siblings that exist; those that appear later have not been read."""
        return self._lineage.known

    def scan(self, monotonic: float) -> list[Notice]:
        """Look which files the patterns lead to now; open new ones, mark those that moved away.

        Returns:
            one `rotated` notice for each path that leads to another file than before.
        """
        found = self._resolve()
        open_now = {self._inode(gen): gen for chain in self._chains.values() for gen in chain}
        for inode, gen in open_now.items():
            if inode in found:
                self._rebind(gen, found[inode])
            elif gen.moved_at is None:
                gen.moved_at = monotonic
        notices = []
        self._lineage.look({*found.values(), *self._chains})
        for inode, path in found.items():
            if inode not in open_now:
                notices += self._open(path, monotonic)
        for path in list(self._chains):
            for opening in self._lineage.grown(path, self._open_keys()):
                self._adopt(opening, monotonic, before=self._chains[path][0])
        self._lineage.settle()
        self._missed = {path for path, chain in self._chains.items() if all(gen.moved_at for gen in chain)}
        return notices

    def drain(self, now: float, monotonic: float) -> Iterator[Batch | Notice]:
        """Yield what is new in every file, one batch per file and round, up to each file's end as it is met.

        Every byte written before the call is yielded, but a writer that never pauses cannot keep it going. When an
        item is yielded its bytes count as read: `positions()` already stands behind them.
        """
        unfinished = list(self._chains.values())
        for chain in unfinished:
            for gen in chain:
                gen.stream.at_end = False
        while unfinished:
            still = []
            for chain in unfinished:
                item = self._read_chain(chain, now, monotonic)
                if item is not None:
                    yield item
                    still.append(chain)
            unfinished = still

    def release(self, monotonic: float) -> list[Notice]:
        """Let go of drained files that were rotated away or deleted and have been quiet long enough.

        Call only after the values of everything read have been committed. A file that still has a name is opened
        again if it grows later.

        Loses: an unfinished last line of a deleted file that is let go, counted in the notice.
        """
        notices = []
        for path, chain in list(self._chains.items()):
            for gen in [gen for gen in chain if self._is_done(gen, chain, monotonic)]:
                if gen.stream.unread_bytes and gen.stream.is_deleted:
                    notices.append(Notice("lost", gen.stream.path, gen.stream.unread_bytes))
                self._lineage.finish(gen.stream.mark(gen.serial, done=True))
                gen.stream.close()
                chain.remove(gen)
            if not chain:
                del self._chains[path]
        return notices

    @property
    def lag_bytes(self) -> int:
        """Bytes seen in open files that are not read yet (unfinished last lines included)."""
        return sum(gen.stream.unread_bytes for chain in self._chains.values() for gen in chain)

    @property
    def files_present(self) -> int:
        """Paths that lead to a file now."""
        return sum(any(gen.moved_at is None for gen in chain) for chain in self._chains.values())

    @property
    def files_open(self) -> int:
        """Open files, those rotated away or deleted included."""
        return sum(len(chain) for chain in self._chains.values())

    def directories(self) -> set[str]:
        """Return the existing directories whose entries matter, for a wake-up hint."""
        parents = {os.path.dirname(path) or "." for path in (*self._patterns, *self._chains)}
        return {parent for parent in parents if not _MAGIC & set(parent) and os.path.isdir(parent)}

    def close(self) -> None:
        """Give all descriptors back."""
        for chain in self._chains.values():
            for gen in chain:
                gen.stream.close()
        self._chains.clear()

    def _resolve(self) -> dict[_Inode, str]:
        """Return the regular files the patterns lead to, each once; note what stands in the way of others."""
        found: dict[_Inode, str] = {}
        self.problems = {}
        for pattern in self._patterns:
            matches = [pattern]
            if _MAGIC & set(pattern):
                matches = sorted(path for path in glob.glob(pattern, recursive=True) if not path.endswith(_PACKED))
            for path in matches:
                try:
                    info = os.stat(path)
                except (FileNotFoundError, NotADirectoryError):
                    continue
                except OSError as error:
                    self.problems[path] = error.strerror or str(error)
                    continue
                if stat.S_ISREG(info.st_mode):
                    found.setdefault((info.st_dev, info.st_ino), path)
                elif path == pattern:
                    self.problems[path] = "not a regular file"
        return found

    def _inode(self, gen: _Generation) -> _Inode:
        return gen.stream.key.dev, gen.stream.key.ino

    def _rebind(self, gen: _Generation, path: str) -> None:
        """Note that `path` leads to this file (again, or after a rename between two matched names)."""
        gen.moved_at = None
        if gen.stream.path != path:
            chain = self._chains[gen.stream.path]
            chain.remove(gen)
            if not chain:
                del self._chains[gen.stream.path]
            gen.stream.path = path
            self._chains.setdefault(path, []).append(gen)

    def _stream(self, path: str) -> Stream | None:
        try:
            return Stream(path, open_file(path), self._max_line, self._batch_bytes)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.problems[path] = error.strerror or str(error)
            return None

    def _open(self, path: str, monotonic: float) -> list[Notice]:
        """Open what `path` leads to now, behind the generations before it, those nobody has seen included."""
        stream = self._stream(path)
        if stream is None:
            return []
        chain = self._chains.setdefault(path, [])
        before = [gen for gen in chain if gen.moved_at is not None]
        is_rotated = bool(before) or self._lineage.has_past(path)
        if is_rotated:
            self._adopt_unseen(path, [gen.stream.mark(gen.serial) for gen in before], {stream.key}, monotonic)
        gen = self._generation(stream, begun=not before, after_gap=path in self._missed, monotonic=monotonic)
        chain.append(gen)
        return [Notice("rotated", path)] if is_rotated else []

    def _adopt_unseen(self, path: str, marks: Sequence[Mark], besides: set[FileKey], monotonic: float) -> None:
        horizon_ns = max((mark.mtime_ns for mark in marks), default=0)
        for opening in self._lineage.unseen(path, self._open_keys() | besides, marks, horizon_ns):
            self.recovered["unseen"] += 1
            self._adopt(opening, monotonic)

    def _adopt(self, opening: Opening, monotonic: float, before: _Generation | None = None) -> None:
        """Take over an opened file as a generation of its path: as the last, or in front of `before`."""
        stream = Stream(opening.path, opening.fd, self._max_line, self._batch_bytes)
        if opening.mark is not None:
            stream.restore(opening.mark)
        gen = self._generation(stream, begun=True, after_gap=False, monotonic=monotonic)
        gen.moved_at = None if opening.is_live else monotonic
        chain = self._chains.setdefault(opening.path, [])
        at = chain.index(before) if before is not None else len(chain)
        chain.insert(at, gen)
        for later in chain[at + 1 :]:
            later.serial = self._next_serial()

    def _generation(self, stream: Stream, begun: bool, after_gap: bool, monotonic: float) -> _Generation:
        return _Generation(self._next_serial(), stream, begun, after_gap, active_at=monotonic)

    def _next_serial(self) -> int:
        self._serial += 1
        return self._serial

    def _open_keys(self) -> set[FileKey]:
        return {gen.stream.key for chain in self._chains.values() for gen in chain}

    def _look(self) -> None:
        """Take the siblings that exist now as known."""
        self._lineage.look({*self._resolve().values(), *self._chains})
        self._lineage.settle()

    def _find_copy(self, gen: _Generation, chain: list[_Generation], notice: Notice, monotonic: float) -> Notice:
        """After a truncation: read on in the copy, if one was made; the bytes are lost only if there is none."""
        cut = gen.stream.cut
        opening = self._lineage.copy_of(cut, self._open_keys()) if cut is not None and gen.stream.offset == 0 else None
        if opening is None:
            return notice
        self.recovered["copied"] += 1
        self._adopt(opening, monotonic, before=gen)
        return replace(notice, lost_bytes=0)

    def _read_chain(self, chain: list[_Generation], now: float, monotonic: float) -> Batch | Notice | None:
        """Read the oldest generation that has something; begin a successor only when those before it are empty."""
        for index, gen in enumerate(list(chain)):
            if not gen.begun:
                self._begin(gen, chain[index - 1].stream if index else None)
            if gen.stream.at_end:
                continue
            try:
                item = gen.stream.read(now)
            except OSError as error:
                self.problems[gen.stream.path] = error.strerror or str(error)
                gen.stream.at_end, item = True, None
            if isinstance(item, Notice) and item.kind == "truncated":
                item = self._find_copy(gen, chain, item, monotonic)
            if item is not None:
                gen.active_at = monotonic
                return item
        return None

    def _begin(self, gen: _Generation, before: Stream | None) -> None:
        """Decide where a successor starts: at 0, or where its deleted predecessor ended if it is its rewrite."""
        gen.begun = True
        if before is None or gen.after_gap or not before.is_deleted or len(before.anchor) < 32:
            return
        if gen.stream.proves(before.offset, before.head, before.anchor):
            gen.stream.resume(before.offset, before.head, before.anchor, before.skipping)

    def _is_done(self, gen: _Generation, chain: list[_Generation], monotonic: float) -> bool:
        if gen.moved_at is None or monotonic - max(gen.moved_at, gen.active_at) < self._grace_s:
            return False
        return gen is not chain[-1] or gen.stream.is_deleted
