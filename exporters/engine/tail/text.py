"""What a file that may be a copy holds, plain or packed, compared with what was read of another.

In: a file, and checkpoints. Out: yes or no. Part of the tail stage. Of a packed file only the bytes that are asked for
are kept, so that comparing costs no more memory or disk than a few pages.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import Protocol

from exporters.engine.tail.backups import Backup
from exporters.engine.tail.evidence import WINDOW, digest_before, evidence_of
from exporters.engine.tail.fingerprint import MIN_PROOF, PROOF_BYTES, digest, open_same
from exporters.engine.tail.unpack import DamagedError, blocks_of
from exporters.engine.values import Checkpoint

__all__ = ["PlainText", "Text", "begins_like", "has_copy", "holds", "is_part", "is_repeated", "open_text"]

_Range = tuple[int, int]


class Text(Protocol):
    """The text of a file: its size in bytes, and those of its bytes that are asked for."""

    size: int

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start`, fewer at the end."""
        ...


class PlainText:
    """The text of an open file."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.size = os.fstat(fd).st_size

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start`, fewer at the end."""
        return os.pread(self._fd, length, start)


class _PackedText:
    """What was kept of a packed file's text."""

    def __init__(self, size: int, kept: dict[_Range, bytes]) -> None:
        self.size = size
        self._kept = kept

    def read(self, start: int, length: int) -> bytes:
        found = self._kept.get((start, length))
        if found is None:
            found = next(
                (data[start - at :] for (at, _), data in self._kept.items() if at <= start < at + len(data)), b""
            )
        return found[:length]


@contextmanager
def open_text(one: Backup, checkpoints: Sequence[Checkpoint]) -> Iterator[Text | None]:
    """Give the text of a backup for comparison with checkpoints; None if it cannot be read as it stands."""
    if one.is_packed:
        yield _look_into(one, checkpoints)
        return
    fd = open_same(one.path, one.key)
    if fd is None:
        yield None
        return
    try:
        yield PlainText(fd)
    finally:
        os.close(fd)


def _look_into(one: Backup, checkpoints: Sequence[Checkpoint]) -> Text | None:
    """Unpack a file and keep its first and last page and what the checkpoints compare; None if it is damaged."""
    ranges = sorted({(0, PROOF_BYTES), *(one for checkpoint in checkpoints for one in _compared(checkpoint))})
    kept: dict[_Range, bytearray] = {}
    size, last, waiting = 0, b"", ranges
    try:
        for block in blocks_of(one.path, one.key):
            end = size + len(block)
            for start, length in takewhile(lambda one, end=end: one[0] < end, waiting):  # type: ignore[misc]
                part = block[max(0, start - size) : start + length - size]
                kept.setdefault((start, length), bytearray()).extend(part)
            waiting = [one for one in waiting if sum(one) > end]
            last = (last + block)[-PROOF_BYTES:]
            size = end
    except DamagedError:
        return None
    ends = {(size - len(last), len(last)): last} if last else {}
    return _PackedText(size, {**{one: bytes(data) for one, data in kept.items()}, **ends})


def _compared(checkpoint: Checkpoint) -> Iterator[_Range]:
    yield checkpoint.offset - checkpoint.anchor_length, checkpoint.anchor_length
    yield from (_window(place) for place, _ in evidence_of(checkpoint))


def _window(place: int) -> _Range:
    return max(0, place - WINDOW), min(place, WINDOW)


def holds(text: Text, checkpoint: Checkpoint) -> bool:
    """Whether a text begins with all that was read of a file, as far as its first and last page tell."""
    if digest(text.read(0, checkpoint.head_length)) != checkpoint.head:
        return False
    start = checkpoint.offset - checkpoint.anchor_length
    return digest(text.read(start, checkpoint.anchor_length)) == checkpoint.anchor


def begins_like(text: Text, checkpoint: Checkpoint) -> bool:
    """Whether a text is how a file began, as far as the evidence within it tells; False if there is none."""
    is_proved = text.size >= checkpoint.head_length >= MIN_PROOF
    if text.size >= checkpoint.head_length and digest(text.read(0, checkpoint.head_length)) != checkpoint.head:
        return False
    for place, expected in evidence_of(checkpoint):
        if place > text.size:
            break
        if digest_before(text.read(*_window(place))) != expected:
            return False
        is_proved = True
    return is_proved


def has_copy(backups: Iterable[Backup], checkpoint: Checkpoint, size: int) -> bool:
    """Whether one of the backups is a copy of more than `size` bytes of what was read of a file."""
    for one in backups:
        with open_text(one, [checkpoint]) as text:
            if text and text.size > size and (holds(text, checkpoint) or begins_like(text, checkpoint)):
                return True
    return False


def is_part(text: Text, whole: Text) -> bool:
    """Whether a text is how another begins, as far as their first pages and the last of the shorter tell."""
    length = min(text.size, PROOF_BYTES)
    ends = (0, text.size - length)
    return text.size <= whole.size and all(text.read(at, length) == whole.read(at, length) for at in ends)


def is_repeated(text: Text, end: int) -> bool:
    """Whether the last line before `end` stands elsewhere near there too: then equal bytes tell no two files apart.

    What stands behind its newline, the beginning of another line, belongs to it: alone it would be found anywhere.
    """
    start = max(0, end - PROOF_BYTES)
    before = text.read(start, end - start)
    line = before[before.rfind(b"\n", 0, max(0, before.rfind(b"\n"))) + 1 :]
    around = before + text.read(end, PROOF_BYTES)
    return bool(line) and around.count(line) > 1
