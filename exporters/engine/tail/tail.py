"""Follows paths and globs through rotation, truncation, deletion and late appearance.

In: patterns. Out: `Batch`es and `Notice`s in the order the lines were written per path: an old generation is read to
its end before its successor is begun. Never sleeps, never decodes, counts nothing. Files are told apart by what the
open descriptor says, never by name; a file reached by two names is read once.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence

from exporters.engine.tail.catch_up import CatchUp
from exporters.engine.tail.descriptors import open_files_allowed
from exporters.engine.tail.finder import Finder
from exporters.engine.tail.fingerprint import keys_at, open_file
from exporters.engine.tail.generations import Chain, Generation, OpenFiles, held, predecessor
from exporters.engine.tail.history import History
from exporters.engine.tail.opener import Opener
from exporters.engine.tail.quiet import Quiet
from exporters.engine.tail.stream import Stream
from exporters.engine.values import Batch, Checkpoint, FileKey, Notice

__all__ = ["Tail"]

GRACE_S = 10.0
"""Quiet seconds after which a drained file that was rotated away or deleted is let go. Longer than any writer keeps
its old descriptor in practice; fluent-bit waits 5 s, Datadog 60 s."""


class Tail:
    """Reads every file the patterns match. Not thread-safe; close() gives the descriptors back.

    Args:
        patterns: paths or globs (`**` descends), relative to the working directory.
        max_line_bytes: longest line taken, newline excluded; longer ones are skipped and counted.
        batch_bytes: most bytes one batch holds.
        max_open: most files open at once, as many as the limit of descriptors allows if not given.
        may_follow: whether a path the patterns lead to is to be read.
    """

    def __init__(
        self,
        patterns: Sequence[str],
        max_line_bytes: int = 1 << 20,
        batch_bytes: int = 1 << 19,
        grace_s: float = GRACE_S,
        max_open: int | None = None,
        may_follow: Callable[[str], bool] = lambda path: True,
    ) -> None:
        self._finder = Finder(patterns, may_follow)
        self._max_line = max_line_bytes
        self._batch_bytes = batch_bytes
        self._grace_s = grace_s
        self._open_files = OpenFiles()
        self._problems: dict[str, str] = {}
        self._failed_reads: dict[str, str] = {}
        self._history = History()
        self._catch_up = CatchUp(self._open_files, self._history, self._take, self._finder.may_lead_to)
        allowed = open_files_allowed() if max_open is None else max_open
        folders = self._finder.folders
        self._quiet = Quiet(folders) if folders is not None else None
        self._is_touched = True
        self._checkpoints: list[Checkpoint] = []
        self._lag_bytes = self._files_present = 0
        self._opener = Opener(self._open_files, self._history, self._catch_up, self._stream, allowed)

    @property
    def unreadable(self) -> dict[str, str]:
        """Path -> why it cannot be read, as of the last scan and drain."""
        waiting = dict.fromkeys(self._opener.unopened, "too many open files")
        return {**self._problems, **self._failed_reads, **waiting}

    def recover(
        self, checkpoints: Sequence[Checkpoint], known: frozenset[FileKey] | None, monotonic: float
    ) -> list[Notice]:
        """Go on where the last process stopped, before the first scan(); return what became of each file.

        Args:
            checkpoints: what checkpoints() said at the last commit.
            known: what `known` was then. A path of which nothing was known is read from its start, and no backup.
        """
        self._open_files.serial = max((checkpoint.serial for checkpoint in checkpoints), default=0)
        self._history.look(self._finder.literal)
        live = keys_at(self._finder.resolve({}).files.values())
        first, later = self._opener.first_turn(checkpoints)
        self._history.restore(later)
        notices = self._catch_up.resume(first, known or frozenset(), live, monotonic)
        self._catch_up.meet({*self._finder.literal, *live}, {key[:2] for key in live.values()})
        absent = [checkpoint.path for checkpoint in self._history.absent if checkpoint not in later.absent]
        return notices + [Notice("absent", pattern) for pattern in self._finder.leading_nowhere(live, absent)]

    def checkpoints(self) -> list[Checkpoint]:
        """Return how far every file has been read, and what is remembered of files let go.

        The same list as before if nothing was looked at since.
        """
        self._sum_up()
        return self._checkpoints

    def _sum_up(self) -> None:
        """Bring up to date what is said of all files, if anything was looked at since it was."""
        if self._is_touched:
            self._is_touched = False
            generations = list(self._open_files.generations())
            here = [self._history.marked(gen.stream.checkpoint(gen.serial)) for gen in generations]
            self._checkpoints = here + self._history.absent + self._history.finished()
            self._lag_bytes = sum(gen.stream.unread_bytes for gen in generations)
            self._files_present = sum(gen.is_live for gen in generations)

    @property
    def known(self) -> frozenset[FileKey]:
        """Identities of the rotated backups that exist; those that appear later have not been read."""
        return self._history.known

    def scan(self, monotonic: float, at_once: bool = False) -> list[Notice]:
        """Look which files the patterns lead to now; open new ones, mark those that moved away.

        Args:
            at_once: somebody waits for it; what only guards against odd file systems can wait for the next look.

        Returns:
            `rotated` for each path that leads to another file than before, `recovered` for each backup to be read,
            `unreadable` for each path that cannot be read.
        """
        if self._quiet is not None and self._quiet.holds(monotonic, at_once):
            return []
        if self._quiet is not None:
            self._quiet.begin(monotonic)
        self._is_touched = True
        self._history.look({*self._open_files.keys(), *self._history.paths()})
        backups = self._history.seen_backups()
        found = self._finder.resolve({gen.inode: gen.stream.path for gen in self._open_files.generations()})
        self._problems = found.problems
        notices = self._opener.look(found, monotonic)
        notices += self._catch_up.look_behind(monotonic, self._opener.unopened)
        self._history.update_known(
            backups, {path: held([gen])[0] for path, gen in self._open_files.live().items()}, monotonic
        )
        self._opener.missed = self._open_files.missed()
        said = self._said()
        if self._quiet is not None and not (said or notices or self._history.is_unsettled):
            self._quiet.end(found.files.values(), self._history.closed_files())
        return notices + [Notice("unreadable", path, problem=problem) for path, problem in said.items()]

    def _said(self) -> dict[str, str]:
        """Return the problems to be said: of files that wait for descriptors one stands for all."""
        waiting = self._opener.unopened
        problem = f"{len(waiting)} files wait for descriptors; raise the limit of open files"
        return {**self._problems, **self._failed_reads, **({waiting[0]: problem} if waiting else {})}

    def drain(self, now: float, monotonic: float, everything: bool = True) -> Iterator[Batch | Notice]:
        """Yield what is new in every file, one batch per file and round, up to each file's end as it is met.

        Args:
            everything: whether to look at files that have been quiet for long, too, however many there are.

        Every byte written before the call is yielded, but a writer that never pauses cannot keep it going. When an
        item is yielded its bytes count as read: `checkpoints()` already stand behind them.
        """
        self._failed_reads = {}
        yield from self._drain_open([*self._open_files.restless(monotonic, everything)], now, monotonic)
        while self._opener.waiting:
            before = len(self._opener.waiting)
            yield from self._opener.take_turn(monotonic)
            yield from self._drain_open([*self._open_files.restless(monotonic, True)], now, monotonic)
            if len(self._opener.waiting) == before:
                break

    def _drain_open(self, unfinished: list[Chain], now: float, monotonic: float) -> Iterator[Batch | Notice]:
        self._is_touched |= bool(unfinished)
        for gen in (gen for chain in unfinished for gen in chain):
            gen.stream.begin_pass()
        while unfinished:
            still = []
            for chain in unfinished:
                items = self._read_chain(chain, now, monotonic)
                self._is_touched = True
                yield from items
                still += [chain] if items else []
            unfinished = still

    def release(self, monotonic: float) -> list[Notice]:
        """Let go of drained files that were rotated away or deleted and have been quiet long enough.

        Call only after the values of everything read have been committed. A file that still has a name is opened
        again if it grows later.

        Loses: an unfinished last line of a deleted file that is let go, counted in the notice; that of a packed file
        is still there.
        """
        notices = []
        for gen in self._open_files.done(monotonic, self._grace_s, bool(self._opener.waiting)):
            if gen.stream.unread_bytes and gen.stream.is_deleted and not gen.is_packed:
                notices.append(Notice("lost", gen.stream.path, gen.stream.unread_bytes))
            self._history.finish(gen.stream.checkpoint(gen.serial, done=True))
            gen.stream.close()
            self._open_files.drop(gen)
            self._is_touched = True
        return notices

    @property
    def lag_bytes(self) -> int:
        """Bytes seen in open files that are not read yet (unfinished last lines included)."""
        self._sum_up()
        return self._lag_bytes

    @property
    def files_present(self) -> int:
        """Files that a path leads to."""
        self._sum_up()
        return self._files_present

    @property
    def files_open(self) -> int:
        """Open files, those rotated away or deleted included."""
        return self._open_files.count()

    def directories(self) -> set[str]:
        """Return the existing directories whose entries matter, for the watcher."""
        return self._finder.directories(self._open_files.names())

    def close(self) -> None:
        """Give all descriptors back."""
        for gen in self._open_files.generations():
            gen.stream.close()
            self._open_files.drop(gen)

    def _take(self, path: str, fd: int) -> Stream:
        return Stream(path, fd, self._max_line, self._batch_bytes)

    def _stream(self, path: str) -> Stream | None:
        try:
            return self._take(path, open_file(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._opener.lower_limit(path)
            else:
                self._problems[path] = error.strerror or str(error)
            return None

    def _read_chain(self, chain: Chain, now: float, monotonic: float) -> list[Batch | Notice]:
        """Read the oldest generation that has something; begin a successor only when those before it are empty."""
        for gen in list(chain):
            before = None if gen.is_begun else predecessor(gen, chain)
            item = self._read(gen, before, now)
            if item is not None:
                gen.active_at = monotonic
                return [*self._catch_up.find_copy(gen, chain, item, monotonic)] if isinstance(item, Notice) else [item]
        return []

    def _read(self, gen: Generation, before: Stream | None, now: float) -> Batch | Notice | None:
        """Read one generation; if its descriptor went bad, once more through a new one."""
        for is_retry in (False, True):
            try:
                gen.begin(before)
                return None if gen.stream.at_end else gen.stream.read(now)
            except OSError as error:
                gen.stream.at_end = True
                if is_retry or not self._reopen(gen):
                    self._failed_reads[gen.stream.path] = error.strerror or str(error)
                    return None
        return None

    def _reopen(self, gen: Generation) -> bool:
        """Replace a descriptor that went bad (as with ESTALE) if the path leads to the same file; say whether it did.

        Never from the start: what a network file system forgot for a moment has been read before.
        """
        if not gen.is_live:
            return False
        stream = self._stream(gen.stream.path)
        if stream is None:
            return False
        others = {other.inode for other in self._open_files.generations() if other is not gen}
        try:
            is_same = stream.key[:2] not in others and stream.take_over(gen.stream)
        except OSError:
            is_same = False
        (gen.stream if is_same else stream).close()
        gen.stream = stream if is_same else gen.stream
        return is_same
