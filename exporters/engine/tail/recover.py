"""Finds again, after a restart or a rotation, the files that checkpoints speak of, and the generations nobody has read.

In: checkpoints, what the paths lead to now, the backups seen before. Out: `Opening`s in the order they must be read,
and what became of each mark. Part of the tail stage. What cannot be found is measured as far as it was seen, never
guessed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from exporters.engine.tail.backups import Backup, find_content, list_backups
from exporters.engine.tail.classify import Held, Opening, Past, is_same, no_checkpoint, unread
from exporters.engine.tail.fingerprint import MIN_PROOF, PROOF_BYTES, digest, file_key, open_plain, proves
from exporters.engine.tail.unpack import unpack
from exporters.engine.values import Checkpoint, FileKey, Notice

__all__ = ["Recovery", "recover"]

_BLOCK = 1 << 16


class Recovery(Struct):
    """The openings in reading order, the checkpoints that were gone by, and what became of each file."""

    openings: list[Opening] = field(default_factory=list)
    open: list[Checkpoint] = field(default_factory=list)
    done: list[Checkpoint] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def note(self, path: str, outcome: str) -> None:
        """Note what became of a file that was looked for."""
        self.notices.append(Notice("recovered", path, outcome=outcome))


def recover(
    checkpoints: Sequence[Checkpoint],
    known: frozenset[FileKey],
    live: Mapping[str, FileKey],
    is_followed: Callable[[str], bool] = lambda _: True,
) -> Recovery:
    """Find what every open checkpoint speaks of, and what was rotated unseen behind it.

    Args:
        checkpoints: as stored, generations of one path in order; those `done` only help to recognise.
        known: identities of the backups that existed when the checkpoints were stored.
        live: what each path leads to now.
        is_followed: whether a path that leads nowhere now would be followed. Checkpoints of paths that are not are
        dropped.
    """
    by_path: dict[str, list[Checkpoint]] = {}
    for checkpoint in _renamed(checkpoints, live, is_followed):
        by_path.setdefault(checkpoint.path, []).append(checkpoint)
    search = _Search(live, list_backups(by_path), known)
    for path, listed in by_path.items():
        search.go(
            path,
            [checkpoint for checkpoint in listed if not checkpoint.done],
            [checkpoint for checkpoint in listed if checkpoint.done],
        )
    return search.recovery


def _renamed(
    checkpoints: Iterable[Checkpoint], live: Mapping[str, FileKey], is_followed: Callable[[str], bool]
) -> Iterator[Checkpoint]:
    """Yield the checkpoints under the names their paths have now: a pattern may have become absolute, or relative."""
    spelled = {os.path.abspath(path): path for path in live}
    holders = {key[:2]: path for path, key in live.items()}
    for checkpoint in checkpoints:
        path: str | None = checkpoint.path
        if checkpoint.path not in live:
            path = spelled.get(os.path.abspath(checkpoint.path))
        if path is None:
            path = checkpoint.path if is_followed(checkpoint.path) else holders.get(checkpoint.key[:2])
        if path is not None:
            yield checkpoint if path == checkpoint.path else replace(checkpoint, path=path)


_LOOKS = 3
"""How often a folder is listed for a file that is not found: a writer may rename it while it is looked for."""

_LOOKS_IN_ALL = 48
"""Beyond it a folder is listed once for all: where so many files are missing, they were not just being renamed."""


class _Search:
    """One recovery: what there is, and what has been found of it so far."""

    def __init__(
        self, live: Mapping[str, FileKey], backups: Mapping[str, list[Backup]], known: frozenset[FileKey]
    ) -> None:
        self.recovery = Recovery()
        self._live = live
        self._names: dict[tuple[int, int], list[str]] = {}
        for path, key in live.items():
            self._names.setdefault(key[:2], []).append(path)
        self._backups = backups
        self._known = known
        self._taken: set[FileKey] = set()
        self._folders: dict[str, dict[int, str]] = {}
        self._looks = 0

    def go(self, path: str, checkpoints: Sequence[Checkpoint], done: Sequence[Checkpoint]) -> None:
        """Find the files of one path: those of its open checkpoints, and those written and rotated since."""
        self.recovery.open += checkpoints
        self.recovery.done += done
        found = [self._by_identity(checkpoint) for checkpoint in checkpoints]
        for at, checkpoint in reversed(
            list(enumerate(checkpoints))
        ):  # of a file and its rewrite, the rewrite has been read further
            if found[at] is None:
                found[at] = self._by_content(checkpoint, found)
        openings = [opening for opening in found if opening is not None]
        held = [
            Held(checkpoint, one.fd, one.is_live) if one else Held(checkpoint, None, is_live=False)
            for checkpoint, one in zip(checkpoints, found, strict=True)
        ]
        last = openings[-1] if openings and openings[-1].is_live and openings[-1].path == path else None
        between: list[Opening] = []
        if last is None or last.checkpoint is None or not last.checkpoint.offset:
            between = self._between(path, held, done)
        if last is not None and last.checkpoint is not None and between:
            openings[-1] = replace(last, checkpoint=replace(last.checkpoint, size=0))
        at = len(openings) - (last is not None)
        self.recovery.openings += [*openings[:at], *between, *openings[at:]]
        self._mourn([one.checkpoint for one in held if one.fd is None], bool(between))

    def _between(self, path: str, held: Sequence[Held], done: Sequence[Checkpoint]) -> list[Opening]:
        """Open what was rotated unseen; a copy that is being made of the live file is not."""
        fd = open_plain(path) if path in self._live and not any(one.is_live for one in held) else None
        new = [] if fd is None else [Held(no_checkpoint(path), fd, is_live=True)]
        past = Past([*held, *new], done, self._known)
        found = unread(path, self._backups[path], past, self._taken | set(self._live.values()))[0]
        if fd is not None:
            os.close(fd)
        for _ in found:
            self.recovery.note(path, "unseen")
        return found

    def _mourn(self, missing: Iterable[Checkpoint], may_be_unread: bool) -> None:
        """Measure what was seen and not read of files that are gone.

        One of which nothing was read cannot be told from those that nobody has seen: it may be one of them.
        """
        for checkpoint in missing:
            self.recovery.note(checkpoint.path, "missing")
            lost = max(0, checkpoint.size - checkpoint.offset)
            is_cut = any(is_same(self._live[name], checkpoint.key) for name in self._names.get(checkpoint.key[:2], ()))
            if may_be_unread and checkpoint.offset < MIN_PROOF:
                lost = 0
            if lost or is_cut:
                self.recovery.notices.append(Notice("truncated" if is_cut else "lost", checkpoint.path, lost))

    def _by_identity(self, checkpoint: Checkpoint) -> Opening | None:
        """Open the checkpoint's very file, whatever its name is by now, if it still holds what was read of it."""
        for path in self._names.get(checkpoint.key[:2], ()):
            opening = self._open_same(path, path, checkpoint)
            if opening is not None:
                is_there = path == checkpoint.path or checkpoint.key in self._known
                return self._take(replace(opening, is_live=True), "resumed" if is_there else "moved")
        outcome = "resumed" if checkpoint.key in self._known else "moved"
        for one in self._backups[checkpoint.path]:
            if one.is_packed and is_same(one.key, checkpoint.key):
                fd = unpack(one.path, checkpoint)
                opening = (
                    Opening(checkpoint.path, fd, checkpoint, is_live=False, key=one.key) if fd is not None else None
                )
                return self._take(opening, outcome)
        for _ in range(_LOOKS):
            names = [names.get(checkpoint.key.ino) for names in self._nearby(checkpoint.path)]
            openings = (self._open_same(name, checkpoint.path, checkpoint) for name in names if name is not None)
            opening = next((opening for opening in openings if opening is not None), None)
            if opening is not None:
                return self._take(opening, outcome)
            if self._looks >= _LOOKS_IN_ALL:
                break
            self._looks += 1
            self._folders.clear()
        return None

    def _take(self, opening: Opening | None, outcome: str) -> Opening | None:
        """Note that a file is spoken for; none is opened twice."""
        if opening is None:
            return None
        key = opening.key or file_key(opening.fd)
        if key in self._taken:
            os.close(opening.fd)
            return None
        self._taken.add(key)
        self.recovery.note(opening.path, outcome)
        return opening

    def _nearby(self, path: str) -> Iterator[dict[int, str]]:
        """Yield inode -> name in the folder of the path and in that of what it leads to, whatever the names are."""
        for folder in {os.path.dirname(path), os.path.dirname(os.path.realpath(path))}:
            if folder not in self._folders:
                try:
                    with os.scandir(folder or ".") as entries:
                        self._folders[folder] = {entry.inode(): os.path.join(folder, entry.name) for entry in entries}
                except OSError:
                    self._folders[folder] = {}
            yield self._folders[folder]

    def _open_same(self, name: str, path: str, checkpoint: Checkpoint) -> Opening | None:
        """Open `name` if it is the checkpoint's very file and still holds what was read of it."""
        fd = open_plain(name)
        if fd is None:
            return None
        if is_same(file_key(fd), checkpoint.key):
            kept = checkpoint if proves(fd, checkpoint) else self._shortened(fd, checkpoint)
            if kept is not None:
                return Opening(path, fd, kept, is_live=False)
        os.close(fd)
        return None

    def _shortened(self, fd: int, checkpoint: Checkpoint) -> Checkpoint | None:
        """Return the checkpoint moved back to the last line of a file that was cut, not rewritten; None if it was."""
        size = os.fstat(fd).st_size
        is_cut = PROOF_BYTES <= size < checkpoint.offset and checkpoint.head_length == PROOF_BYTES
        if not is_cut or digest(os.pread(fd, PROOF_BYTES, 0)) != checkpoint.head:
            return None
        offset = _last_line_end(fd, size)
        if offset < PROOF_BYTES:
            return None
        self.recovery.notices.append(Notice("truncated", checkpoint.path, max(0, checkpoint.size - checkpoint.offset)))
        anchor = digest(os.pread(fd, PROOF_BYTES, offset - PROOF_BYTES))
        return replace(checkpoint, offset=offset, size=size, anchor_length=PROOF_BYTES, anchor=anchor, skipping=False)

    def _by_content(self, checkpoint: Checkpoint, others: list[Opening | None]) -> Opening | None:
        """Find a copy: the live file if it was rewritten, else a rotated backup, plain or packed.

        A file that was rewritten, opened and not yet read has a checkpoint of its own, which goes on from this one
        then.
        """
        for at, other in enumerate(others):
            is_begun = other is None or other.checkpoint is None or other.checkpoint.offset > 0
            if other is not None and not is_begun and checkpoint.offset >= MIN_PROOF and proves(other.fd, checkpoint):
                others[at] = None
                self.recovery.note(checkpoint.path, "copied")
                return replace(other, checkpoint=checkpoint)
        candidates = [one for one in self._backups[checkpoint.path] if one.key not in self._taken]
        rewritten = self._live.get(checkpoint.path)
        if rewritten is not None and not is_same(rewritten, checkpoint.key) and rewritten not in self._taken:
            with contextlib.suppress(OSError):
                size = os.stat(checkpoint.path).st_size
                candidates.insert(0, Backup(checkpoint.path, rewritten, size, 0, is_packed=False))
        unknown = [one for one in candidates if one.key not in self._known]
        found = find_content(checkpoint, candidates) or find_content(checkpoint, unknown, least=1)
        if found is None:
            return None
        one, fd = found
        key = one.key if one.is_packed else None
        opening = Opening(checkpoint.path, fd, checkpoint, is_live=one.path == checkpoint.path, key=key)
        return self._take(opening, "unpacked" if one.is_packed else "copied")


def _last_line_end(fd: int, size: int) -> int:
    """Return the offset just behind the last newline of a file, 0 if it has none."""
    end = size
    while end > 0:
        start = max(0, end - _BLOCK)
        at = os.pread(fd, end - start, start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0
