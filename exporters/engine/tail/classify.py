"""Judges a file beside a path that was not there before: a generation nobody has read, or a copy of one read before.

In: a backup, and what is known of the path's generations. Out: a verdict; nothing is changed and nothing kept open.
Part of the tail stage. One rule: what shares its beginning with a file we have read, and is not longer than what we
have read of it, is a copy. Content decides, not age: clocks jump, and tools set times.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from exporters.engine.tail.backups import Backup
from exporters.engine.tail.fingerprint import MIN_PROOF, digest, file_key, open_plain, proves
from exporters.engine.tail.text import PlainText, Text, begins_like, holds, is_part, is_repeated, open_text
from exporters.engine.tail.unpack import unpacked_name
from exporters.engine.values import Checkpoint, FileKey

__all__ = [
    "NOTHING",
    "REMEMBERED",
    "UNDECIDED",
    "Held",
    "Judgement",
    "Past",
    "Verdict",
    "classify",
    "gone",
    "is_same",
    "no_checkpoint",
]

REMEMBERED = 32
"""Generations remembered per path after they were let go; rotation schemes keep fewer files than that."""

NOTHING = FileKey(0, 0)
"""Stands for the file of a path of which none has been opened yet; among what is known, for forgotten generations."""

Verdict = Literal[
    "empty",
    "known",
    "damaged",
    "copy",
    "copy being made",
    "copy of a cut file",
    "longer copy",
    "rewrite",
    "forgotten",
    "unread",
]

UNDECIDED: tuple[Verdict, ...] = ("empty", "damaged", "copy being made", "copy of a cut file")
"""Verdicts on backups that may become others, or the only ones to hold what they hold."""

_COPIES: tuple[Verdict, ...] = ("copy", "copy being made")
_HOLD_MORE: tuple[Verdict, ...] = ("rewrite", "longer copy")


class Judgement(Struct, frozen=True):
    """What a backup is, and the checkpoint of the generation it is that of, if it is any's."""

    verdict: Verdict
    of: Checkpoint | None = None


class Held(Struct, frozen=True, dict=True):
    """A generation that is being read, or was looked for: its checkpoint, and its descriptor (None if not found)."""

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
    def was_cut(self) -> bool:
        """Whether its file does not hold any longer what it held when that was asked first."""
        with contextlib.suppress(OSError):
            return self.fd is not None and self.is_whole and not proves(self.fd, self.checkpoint)
        return True

    @property
    def is_unpacked(self) -> bool:
        """Whether this is the text of a packed file, which is not open itself."""
        return self.fd is not None and file_key(self.fd)[:2] != self.checkpoint.key[:2]

    @property
    def is_deleted(self) -> bool:
        """Whether its file has no name left."""
        return self.fd is not None and not self.is_unpacked and os.fstat(self.fd).st_nlink == 0


_Place = Literal["live", "there", "deleted", "cut", "gone"]


class _Original(Struct, frozen=True):
    """A generation that a backup may be a copy of: what was read of it, its text if it is at hand, what became of it.

    `fd`: the descriptor of that text. `place`: a path leads to it; it is `there` under another name (`name`, if known);
    its name is `deleted`; its open file was `cut`; or what was read is `gone`. `begins`: where the text at hand begins,
    beyond its first page.
    """

    checkpoint: Checkpoint
    place: _Place
    fd: int | None = None
    name: str | None = None
    begins: int = 0

    @property
    def text(self) -> Text | None:
        """Its text as it is now: a file that is being copied grows, and its copy behind it."""
        return PlainText(self.fd) if self.fd is not None else None


class Past(Struct, frozen=True):
    """What is known of a path's generations: those being read, those done with, and backups that were there before.

    `names`: where the files beside the path are now. That NOTHING is known says that generations have been forgotten.
    """

    held: Sequence[Held]
    done: Sequence[Checkpoint]
    known: Collection[FileKey]
    names: Mapping[FileKey, str]

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
        is_full = len(self.done) >= REMEMBERED or NOTHING in self.known
        return is_full and all(one.mtime_ns < checkpoint.mtime_ns for checkpoint in self.done)

    @contextlib.contextmanager
    def originals(self) -> Iterator[list[_Original]]:
        """Give what a backup may be a copy of, what was read furthest first: a file and its rewrite begin alike."""
        with contextlib.ExitStack() as stack:
            found = [original for held in self.held for original in self._of_held(held)]
            found += [self._of_done(checkpoint, stack) for checkpoint in self.done if checkpoint.key != NOTHING]
            yield sorted(found, key=lambda one: -one.checkpoint.offset)

    def _of_held(self, held: Held) -> Iterator[_Original]:
        """Yield what was read of a generation that is being read; of one that was cut, what it holds now as well."""
        checkpoint = held.checkpoint
        if held.fd is None:
            yield _Original(checkpoint, "gone")
            return
        fd, name = held.fd, self.names.get(checkpoint.key)
        if held.is_unpacked:
            begins = checkpoint.offset - checkpoint.anchor_length
            yield _Original(checkpoint, "there" if name else "deleted", fd, name, begins)
            return
        place: _Place = "live" if held.is_live else "deleted" if held.is_deleted else "there"
        if held.is_whole:
            yield _Original(checkpoint, place, fd, name)
            return
        yield _Original(checkpoint, "cut")
        if os.fstat(fd).st_size:
            yield _Original(replace(no_checkpoint(checkpoint.path), key=checkpoint.key), place, fd, name)

    def _of_done(self, checkpoint: Checkpoint, stack: contextlib.ExitStack) -> _Original:
        name = self.names.get(checkpoint.key)
        fd = open_plain(name) if name is not None else None
        if fd is None:
            return _Original(checkpoint, "gone")
        stack.callback(os.close, fd)
        if not proves(fd, checkpoint):
            return _Original(checkpoint, "gone")
        return _Original(checkpoint, "there", fd, name)


def no_checkpoint(path: str, serial: int = 0) -> Checkpoint:
    """Return a checkpoint that says only that a path was looked at."""
    return Checkpoint(serial, path, NOTHING, 0, 0, 0, 0, digest(b""), 0, digest(b""), done=True)


def gone(checkpoint: Checkpoint, has_key: bool = False) -> Checkpoint:
    """Return what is remembered of a generation that is not found; no file has its key if that was emptied and used on.

    What a copy of it holds beyond what was read is still to be read, should one turn up.
    """
    key = checkpoint.key if has_key else FileKey(0, 0, checkpoint.serial)
    return replace(checkpoint, key=key, size=checkpoint.offset, done=True)


def is_same(one: FileKey, other: FileKey) -> bool:
    """Whether two identities are equal as far as both are known."""
    generations = one.generation is None or other.generation is None or one.generation == other.generation
    return one[:2] == other[:2] and generations


def classify(one: Backup, past: Past) -> Judgement:
    """Say what a backup is, given what is known of its path's generations."""
    if not one.size:
        return Judgement("empty")
    if past.has(one):
        return Judgement("known")
    with past.originals() as originals, open_text(one, [original.checkpoint for original in originals]) as text:
        if text is None:
            return Judgement("damaged")
        if not text.size:
            return Judgement("empty")
        verdicts = ((original, _as_copy(one, text, original)) for original in originals)
        found = next(((original, verdict) for original, verdict in verdicts if verdict), None)
        if found is not None and found[1] in _HOLD_MORE:  # unless another file, not yet read, is the same
            found = next(((original, verdict) for original, verdict in verdicts if verdict in _COPIES), found)
    if found is not None:
        return Judgement(found[1], found[0].checkpoint)
    if any(held.was_cut for held in past.held):
        return Judgement("copy of a cut file")  # cut while it was compared
    return Judgement("forgotten" if past.is_forgotten(one) else "unread")


def _as_copy(one: Backup, text: Text, original: _Original) -> Verdict | None:
    """Say what a backup is if it is a copy of `original`, or None if it is not."""
    if _is_within(text, original):
        if original.place in ("live", "cut"):
            return "copy being made" if original.place == "live" else "copy of a cut file"
        if original.place == "there" and _is_its_like(one, text, original):
            return None
        return "copy being made" if text.size > _end(original.checkpoint) else "copy"
    if original.place in ("live", "there") or not holds(text, original.checkpoint):
        return None  # nothing that is longer than a whole file is a copy of it
    checkpoint = original.checkpoint
    if checkpoint.offset < MIN_PROOF:
        return None
    if original.place in ("deleted", "cut"):
        return "rewrite" if original.place == "deleted" else "copy of a cut file"
    return "longer copy" if text.size > _end(checkpoint) else "copy"


def _end(checkpoint: Checkpoint) -> int:
    """Return where the text of a copy must go on for it to be read: of a file done with, behind what was seen of it."""
    return checkpoint.size if checkpoint.done else checkpoint.offset


def _is_within(text: Text, original: _Original) -> bool:
    """Whether a text is how that of `original` begins, as far as it is at hand or was read."""
    checkpoint = original.checkpoint
    whole = original.text
    if whole is not None and not (original.begins and text.size < checkpoint.offset):
        return is_part(text, whole)
    if text.size > checkpoint.offset:
        return False
    return holds(text, checkpoint) if text.size == checkpoint.offset else begins_like(text, checkpoint)


def _is_its_like(one: Backup, text: Text, original: _Original) -> bool:
    """Whether a text that repeats itself is another file's, as the one it begins like is whole and there.

    Only its name can tell then: name.1.gz beside name.1 is what name.1 is packed into.
    """
    if one.is_packed and original.name is not None and unpacked_name(one.path) == original.name:
        return False
    whole = text if original.begins else original.text
    return whole is not None and is_repeated(whole, text.size)
