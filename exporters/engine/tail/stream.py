"""One open file, read from a position: whole lines out, nothing twice, nothing silently lost.

In: a path or a position. Out: `Batch`es and `Notice`s. It knows no other file: which files there are, and which
follows which, is `tail`'s business. Uses raw descriptors and `pread`, so there is no hidden position.
"""

from __future__ import annotations

import contextlib
import os

from exporters.engine.tail.fingerprint import PROOF_BYTES, end_of_filler, file_key
from exporters.engine.tail.proof import Proof
from exporters.engine.tail.text import PlainText, begins_like
from exporters.engine.values import Batch, Checkpoint, Notice

__all__ = ["Stream"]

_STABLE_AFTER_S = 2.0
"""File times are coarse (a clock tick); an unchanged stat proves nothing before it is this old."""

_BOM = b"\xef\xbb\xbf"


def _state_of(info: os.stat_result) -> tuple[int, int, int]:
    """Return what changes when a file is written to."""
    return info.st_size, info.st_mtime_ns, info.st_ctime_ns


class Stream:
    """Reads one file forward. Owns `fd` from the start; close() must be called. Not thread-safe.

    `at_end` says whether all that was there when the pass began has been read; `seen_size` is where the bytes seen
    since the file last began anew end, without space that a writer has reserved but not written (NULs at the end).
    """

    def __init__(self, path: str, fd: int, max_line_bytes: int, batch_bytes: int) -> None:
        self.path = path
        self.fd = fd
        try:
            self.key = file_key(fd)
        except OSError:
            os.close(fd)
            raise
        self.offset = 0
        self.proof = Proof()
        self.skipping = False
        self.seen_size = 0
        self.at_end = False
        self._window = min(batch_bytes, max_line_bytes + 1)
        self._max_line = max_line_bytes
        self._goal: int | None = None
        self._stat: tuple[int, int, int] | None = None
        self._is_stable = self._in_doubt = False
        self._taken_over_at = -1
        self.cut: Checkpoint | None = None
        self._mtime_ns = 0
        self._checkpoint: tuple[object, Checkpoint] | None = None

    def checkpoint(self, serial: int, done: bool = False) -> Checkpoint:
        """Return how far the file has been read, as of the last batch handed out, in the form kept on disk."""
        state = (serial, self.path, self.offset, self.seen_size, self._mtime_ns, self.skipping, done)
        if self._checkpoint is None or self._checkpoint[0] != state:
            head, anchor = self.proof.digests()
            checkpoint = Checkpoint(
                serial=serial,
                path=self.path,
                key=self.key,
                offset=self.offset,
                size=self.seen_size,
                mtime_ns=self._mtime_ns,
                head_length=len(self.proof.head),
                head=head,
                anchor_length=len(self.proof.anchor),
                anchor=anchor,
                skipping=self.skipping,
                done=done,
                evidence=self.proof.evidence(self.offset),
            )
            self._checkpoint = (state, checkpoint)
        return self._checkpoint[1]

    def restore(self, checkpoint: Checkpoint, is_whole: bool = True) -> None:
        """Go on from a checkpoint that has been proved to be this file's; `is_whole` says that all its text is here."""
        self._resume(checkpoint.offset, Proof.of_checkpoint(self.fd, checkpoint, is_whole), checkpoint.skipping)
        self.seen_size, self._mtime_ns = max(checkpoint.size, checkpoint.offset), checkpoint.mtime_ns

    def _resume(self, offset: int, proof: Proof, skipping: bool) -> None:
        self.offset, self.proof, self.skipping = offset, proof, skipping
        self.seen_size = max(self.seen_size, offset)

    def begin_anew(self) -> None:
        """Go on at the start of the file, which was emptied."""
        self._resume(0, Proof(), False)
        self.seen_size = 0

    def take_over(self, old: Stream) -> bool:
        """Go on where `old` stands if this is the same file, or one that goes on from the same bytes."""
        if self.key != old.key and not old.proof.proves(self.fd, old.offset):
            return False
        self._resume(old.offset, old.proof.copy(old.offset), old.skipping)
        self.seen_size = max(self.seen_size, old.seen_size)
        old._taken_over_at = old.offset
        return True

    def close(self) -> None:
        """Give the descriptor back."""
        with contextlib.suppress(OSError):
            os.close(self.fd)

    @property
    def is_deleted(self) -> bool:
        """Whether the file has no name left (or its descriptor has gone bad, which is as final)."""
        try:
            return os.fstat(self.fd).st_nlink == 0
        except OSError:
            return True

    @property
    def has_changed(self) -> bool:
        """Whether the file has been written to since read() last found nothing new in it."""
        try:
            return self._stat != _state_of(os.fstat(self.fd))
        except OSError:
            return False

    @property
    def is_unchanged(self) -> bool:
        """Whether read() would find nothing, as the file has not been touched since it last found nothing."""
        try:
            return self._is_stable and self._stat == _state_of(os.fstat(self.fd))
        except OSError:
            return False

    @property
    def is_read(self) -> bool:
        """Whether every byte is read, or nothing has changed since nothing new was found."""
        try:
            return self.at_end and (os.fstat(self.fd).st_size == self.offset or not self.has_changed)
        except OSError:
            return False

    @property
    def unread_bytes(self) -> int:
        """Bytes seen in the file beyond the offset (an unfinished last line included) that no other stream reads."""
        return 0 if self.offset == self._taken_over_at else max(0, self.seen_size - self.offset)

    def begin_pass(self) -> None:
        """Have read() take the file's size at its next call as the goal of this pass."""
        self.at_end = False
        self._goal = None

    def read(self, now: float) -> Batch | Notice | None:
        """Return the next lines, what happened to the file, or None when there is nothing new.

        Args:
            now: wall time in seconds, to judge whether the file's times can be trusted.
        """
        info = os.fstat(self.fd)
        state = _state_of(info)
        if self._goal is None:
            self._goal = info.st_size
        self.at_end = True
        self._mtime_ns = info.st_mtime_ns
        if state == self._stat and self._is_stable:
            return None
        batch = self._read_lines(info.st_size)
        if batch is None:
            self._is_stable = not self._in_doubt and now - max(info.st_mtime, info.st_ctime) > _STABLE_AFTER_S
            self._stat = state
        else:
            self._stat = None
            if isinstance(batch, Batch):
                self.at_end = self.offset >= self._goal or (self.at_end and batch.data != b"")
        return batch

    def _read_lines(self, size: int) -> Batch | Notice | None:
        want = self._window
        while True:
            before = len(self.proof.anchor)
            window = os.pread(self.fd, before + want, self.offset - before)
            if window[:before] != self.proof.anchor:
                return self._start_over(len(window) < before)
            self._in_doubt = False
            data = window[before:] if before else window
            seen, reaches = self.seen_size, self.offset + len(data)
            self.at_end = len(data) < want
            if reaches < seen and self.at_end and os.fstat(self.fd).st_size < seen:
                self.seen_size, self.cut, self.at_end = reaches, None, False
                return Notice("truncated", self.path, seen - reaches)
            self.seen_size = max(seen, size, reaches)
            batch = self._split(data)
            if batch is not None:
                return batch
            if self.at_end or want > self._max_line:
                self.seen_size = self.offset + len(data.rstrip(b"\0"))
                self.at_end = True
                return None
            want = self._max_line + 1

    def _start_over(self, is_short: bool) -> Notice | None:
        """The bytes before the offset are gone or others: the file was truncated (and perhaps regrown)."""
        if is_short and self._may_come_back():
            return None
        lost = self.unread_bytes
        self.cut = self.checkpoint(0)
        self._in_doubt = self.at_end = False
        self._resume(*self._kept_part(self.cut))
        self.seen_size = self.offset
        return Notice("truncated", self.path, lost)

    def _may_come_back(self) -> bool:
        """Whether bytes are missing, none are others, and this is the first look at it.

        A network file system may show an old, smaller size for a moment; starting over would count lines twice.
        """
        if self._in_doubt:
            return False
        head = self.proof.head
        self._in_doubt = head.startswith(os.pread(self.fd, len(head), 0))
        return self._in_doubt

    def _kept_part(self, cut: Checkpoint) -> tuple[int, Proof, bool]:
        """Return where to go on: after the lines a mere shortening left in place, else at the start.

        A file that still begins as it began, as far as 4096 bytes and all evidence tell, was cut, not rewritten.
        """
        size = os.fstat(self.fd).st_size
        is_shorter = PROOF_BYTES <= size < self.offset
        if not is_shorter or not begins_like(PlainText(self.fd), cut):
            return 0, Proof(), False
        kept = os.pread(self.fd, self._max_line + 1, max(0, size - self._max_line - 1))
        last = kept.rfind(b"\n")
        offset = size - len(kept) + last + 1 if last >= 0 else size
        return offset, Proof.of_file(self.fd, offset), last < 0

    def _split(self, data: bytes) -> Batch | None:
        """Cut `data`, which begins at the offset, into what is whole now; None if nothing is."""
        start = self.offset
        if self.skipping:
            return self._skip(data)
        filler = 3 if start == 0 and data.startswith(_BOM) else 0
        last = data.rfind(b"\n")
        if last >= 0:
            self._advance(data, last + 1)
            return Batch(self.path, start, self.offset, data[filler : last + 1], skipped_bytes=filler)
        return self._refuse_long(data) if len(data) > self._max_line else None

    def _refuse_long(self, data: bytes) -> Batch | None:
        """Handle more than a line's worth of bytes without a newline: filler, unwritten space, or a long line.

        The line is counted where it begins, so that it counts once even if it never ends.
        """
        start = self.offset
        if start == 0 and data.startswith(_BOM):
            self._jump(len(_BOM))
            return Batch(self.path, start, self.offset, b"", skipped_bytes=self.offset)
        text = data.lstrip(b"\0")
        if len(text) < len(data):
            filler_end = start + len(data) - len(text) if text else end_of_filler(self.fd, start + len(data))
            if filler_end is None:
                return None
            self._jump(filler_end)
            return Batch(self.path, start, self.offset, b"", skipped_bytes=self.offset - start)
        written = len(data.rstrip(b"\0"))
        if written <= self._max_line and end_of_filler(self.fd, start + len(data)) is None:
            return None
        self.skipping = True
        return self._skip(data, begins=1)

    def _skip(self, data: bytes, begins: int = 0) -> Batch | None:
        """Drop bytes of an over-long line up to its newline, in constant memory."""
        start, end = self.offset, data.find(b"\n") + 1
        done = end > 0
        if not done:
            end = len(data.rstrip(b"\0"))
        if end == 0:
            filler_end = end_of_filler(self.fd, start + len(data)) if data else None
            if filler_end is None:
                return None
            self._jump(filler_end)
            return Batch(self.path, start, self.offset, b"", too_long_bytes=self.offset - start)
        self._advance(data, end)
        self.skipping = not done
        return Batch(self.path, start, self.offset, b"", too_long=begins, too_long_bytes=end)

    def _advance(self, data: bytes, count: int) -> None:
        """Move the offset over the first `count` bytes of `data`."""
        self.proof.advance(data, self.offset, count)
        self.offset += count

    def _jump(self, offset: int) -> None:
        """Move the offset over filler that was never held in memory."""
        self.proof.jump(self.fd, self.offset, offset)
        self.offset = offset
