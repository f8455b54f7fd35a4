"""Judges a backup that was not there before: a generation nobody has read, or a copy of one that somebody has.

In: backups, and what is remembered of a path's generations. Out: `Opening`s, oldest first. Part of the tail stage.
Content decides, not age: clocks jump, and tools set times. Only where more generations were let go than are remembered
is a backup older than all of them passed over.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property

from msgspec import Struct

from exporters.engine.tail.backups import Backup, find_content
from exporters.engine.tail.fingerprint import MIN_PROOF, digest, is_part, open_plain, proves
from exporters.engine.tail.unpack import unpack
from exporters.engine.values import Checkpoint, FileKey

__all__ = ["NOTHING", "REMEMBERED", "Held", "Opening", "Past", "is_copy", "is_same", "no_checkpoint", "unread"]

REMEMBERED = 32
"""Generations remembered per path after they were let go; rotation schemes keep fewer files than that."""


NOTHING = FileKey(0, 0)
"""Stands for the file of a path of which none has been opened yet."""


class Opening(Struct, frozen=True):
    """A file to read next for `path`: from the checkpoint's offset, or from 0 without one.

    `is_live`: the path leads to it. `key`: the identity of the packed file whose text this is, if it is one's. The
    descriptor belongs to whoever takes the opening.
    """

    path: str
    fd: int
    checkpoint: Checkpoint | None
    is_live: bool
    key: FileKey | None = None


class Held(Struct, frozen=True, dict=True):
    """A generation that is being read, or will be: its mark, and its descriptor (None if its file is not found)."""

    checkpoint: Checkpoint
    fd: int | None
    is_live: bool

    @cached_property
    def is_whole(self) -> bool:
        """Whether its file still holds what was read of it."""
        with contextlib.suppress(OSError):
            return self.fd is not None and proves(self.fd, self.checkpoint)
        return False

    @property
    def is_unpacked(self) -> bool:
        """Whether this is the text of a packed file, which is not open itself."""
        return self.fd is not None and os.fstat(self.fd).st_ino != self.checkpoint.key.ino

    @property
    def is_deleted(self) -> bool:
        """Whether its file has no name left."""
        return self.fd is not None and not self.is_unpacked and os.fstat(self.fd).st_nlink == 0


class Past(Struct, frozen=True):
    """What is known of a path's generations: those being read, those done with, and backups that were there before."""

    held: Sequence[Held]
    done: Sequence[Checkpoint]
    known: Collection[FileKey]
    is_complete: bool = True

    def has(self, one: Backup) -> bool:
        """Whether the backup was there before. Without inode generations another file may have taken its place."""
        if one.key not in self.known and FileKey(*one.key[:2]) not in self.known:
            return any(checkpoint.key == one.key for checkpoint in self.done) and self._is_still(one)
        return one.key.generation is not None or self._is_still(one)

    def _is_still(self, one: Backup) -> bool:
        checkpoint = next((checkpoint for checkpoint in self.done if checkpoint.key == one.key), None)
        fd = open_plain(one.path) if checkpoint is not None and not one.is_packed else None
        if checkpoint is None or fd is None:
            return True
        try:
            return proves(fd, checkpoint)
        finally:
            os.close(fd)

    def is_forgotten(self, one: Backup) -> bool:
        """Whether the backup may be a copy of a generation that is no longer remembered."""
        is_full = len(self.done) >= REMEMBERED or not self.is_complete
        return is_full and all(one.mtime_ns < checkpoint.mtime_ns for checkpoint in self.done)


def no_checkpoint(path: str, serial: int = 0) -> Checkpoint:
    """Return a checkpoint that says only that a path was looked at."""
    return Checkpoint(serial, path, NOTHING, 0, 0, 0, 0, digest(b""), 0, digest(b""), done=True)


def is_same(one: FileKey, other: FileKey) -> bool:
    """Whether two identities are equal as far as both are known."""
    generations = one.generation is None or other.generation is None or one.generation == other.generation
    return one[:2] == other[:2] and generations


def unread(
    path: str, backups: Iterable[Backup], past: Past, opened: Collection[FileKey]
) -> tuple[list[Opening], list[FileKey]]:
    """Open the backups of `path` that nobody has read, oldest first; also return those found to be mere copies."""
    backups = list(backups)
    plain = {one.key for one in backups if not one.is_packed}
    openings, copies = [], []
    for one in backups:
        if not one.size or one.key in opened or past.has(one):
            continue
        original = next((held for held in past.held if _is_of(one, held)), None)
        if original is not None:
            copies += [one.key] if original.is_whole and not original.is_live else []
            continue
        is_rewrite = any(_is_rewrite(one, held) for held in past.held)
        opening, is_copy = (None, False) if is_rewrite else _go_on(path, one, past.done, plain)
        if is_copy or past.is_forgotten(one):
            copies.append(one.key)
        elif opening is None:
            opening = _begin(path, one)
        if opening is not None:
            openings.append(opening)
    return openings, copies


def is_copy(one: Backup, past: Past, backups: Iterable[Backup]) -> bool:
    """Whether a backup holds nothing but what has been read, or will be, of the generations in `past`."""
    if not one.size:
        return False
    if any(_is_of(one, held) for held in past.held):
        return True
    opening, is_exact = _go_on("", one, past.done, {other.key for other in backups if not other.is_packed})
    if opening is not None:
        os.close(opening.fd)
    return is_exact


def _is_of(one: Backup, held: Held) -> bool:
    """Whether a backup holds the text of a generation that is being read.

    A plain one does while a live file is copied, or after its original was emptied. A plain file that repeats what a
    renamed one holds is no copy of it but its like. One that holds more than a deleted file is its rewrite.
    """
    checkpoint, fd = held.checkpoint, held.fd
    if (one.is_packed or held.is_unpacked or not held.is_whole) and checkpoint.offset >= MIN_PROOF:
        found = find_content(checkpoint, [one])
        if found is not None:
            is_more = fd is not None and held.is_whole and held.is_deleted and _size(found[1]) > _size(fd)
            os.close(found[1])
            return not is_more
    if fd is None or not (checkpoint.offset < MIN_PROOF if one.is_packed else held.is_live):
        return False
    text = _open_text(one)
    if text is None:
        return False
    try:
        return is_part(text, fd)
    finally:
        os.close(text)


def _is_rewrite(one: Backup, held: Held) -> bool:
    """Whether a backup goes on from a deleted file that is still read; from where, is seen when that is at its end."""
    found = None
    if held.is_whole and held.is_deleted:
        found = find_content(held.checkpoint, [one])
    if found is not None:
        os.close(found[1])
    return found is not None


def _go_on(
    path: str, one: Backup, done: Iterable[Checkpoint], plain: Collection[FileKey]
) -> tuple[Opening | None, bool]:
    """Compare a backup with the generations done with; open what it holds beyond one of them, if anything.

    Returns:
        the opening, and whether the backup is a copy of one of them and holds nothing else.
    """
    for checkpoint in sorted(done, key=lambda checkpoint: -checkpoint.offset):  # a file and its rewrite begin alike
        if not one.is_packed and checkpoint.key in plain:
            continue
        found = find_content(checkpoint, [one], least=1)
        if found is None:
            continue
        size = _size(found[1])
        if size > checkpoint.size and checkpoint.offset >= MIN_PROOF:
            return Opening(path, found[1], checkpoint, is_live=False, key=one.key if one.is_packed else None), False
        os.close(found[1])
        if checkpoint.offset >= MIN_PROOF or size == checkpoint.offset:
            return None, True
    return None, False


def _begin(path: str, one: Backup) -> Opening | None:
    """Open a generation of `path` that nobody has read, to be read from its start."""
    fd = _open_text(one)
    key = one.key if one.is_packed else None
    return Opening(path, fd, None, is_live=False, key=key) if fd is not None else None


def _size(fd: int) -> int:
    return os.fstat(fd).st_size


def _open_text(one: Backup) -> int | None:
    return unpack(one.path, None) if one.is_packed else open_plain(one.path)
