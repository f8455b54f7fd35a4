"""One open file, read from a position: whole lines out, nothing twice, nothing silently lost.

In: a path or a position. Out: `Batch`es and `Notice`s. It knows no other file: which files there are, and which
follows which, is `tail`'s business. Uses raw descriptors and `pread`, so there is no hidden position.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from exporters.engine.values import Batch, FileKey, Notice, Position

__all__ = ["PROOF_BYTES", "Stream", "file_key", "open_file"]

PROOF_BYTES = 4096
"""Bytes kept of a file's head and before its offset, to prove that it still is that file."""

_SETTLED_S = 2.0
"""File times are coarse (a clock tick); an unchanged stat proves nothing before it is this old."""

_FS_IOC_GETVERSION = 0x80087601
_BOM = b"\xef\xbb\xbf"


def open_file(path: str) -> int:
    """Return a read-only descriptor of a regular file.

    Raises:
        OSError: if it cannot be opened, or (errno EISDIR) is no regular file.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EISDIR, "not a regular file", path)
    return fd


def file_key(fd: int) -> FileKey:
    """Return the identity of the open file, never that of a path."""
    info = os.fstat(fd)
    return FileKey(info.st_dev, info.st_ino, _generation(fd))


def _generation(fd: int) -> int | None:
    answer = bytearray(8)
    try:
        fcntl.ioctl(fd, _FS_IOC_GETVERSION, answer)
    except OSError:
        return None
    return int.from_bytes(answer[:4], "little")


class Stream:
    """Reads one file forward. Not thread-safe; close() must be called.

    `at_end` says whether the last read saw the end of the file; `seen_size` is the largest size seen since the file
    last began anew.
    """

    def __init__(self, path: str, fd: int, max_line_bytes: int, batch_bytes: int) -> None:
        self.path = path
        self.fd = fd
        self.key = file_key(fd)
        self.offset = 0
        self.head = b""
        self.anchor = b""
        self.skipping = False
        self.seen_size = 0
        self.at_end = False
        self._window = min(batch_bytes, max_line_bytes + 1)
        self._max_line = max_line_bytes
        self._stat: tuple[int, int, int] | None = None
        self._settled = False

    def position(self) -> Position:
        """Return how far the file has been read, as of the last batch handed out."""
        return Position(self.key, self.path, self.offset, self.head, self.anchor, self.skipping)

    def resume(self, offset: int, head: bytes, anchor: bytes, skipping: bool) -> None:
        """Go on from a position that has been proved to be this file's."""
        self.offset, self.head, self.anchor, self.skipping = offset, head, anchor, skipping
        self.seen_size = max(self.seen_size, offset)

    def proves(self, offset: int, head: bytes, anchor: bytes) -> bool:
        """Whether this file holds `head` at its start and `anchor` just before `offset`."""
        if os.pread(self.fd, len(head), 0) != head:
            return False
        return os.pread(self.fd, len(anchor), offset - len(anchor)) == anchor

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.fd)

    @property
    def links(self) -> int:
        """Names the file still has; 0 once it is deleted."""
        return os.fstat(self.fd).st_nlink

    @property
    def unread_bytes(self) -> int:
        """Bytes seen in the file beyond the offset (an unfinished last line included)."""
        return max(0, self.seen_size - self.offset)

    def read(self, now: float) -> Batch | Notice | None:
        """Return the next lines, what happened to the file, or None when there is nothing new.

        Args:
            now: wall time in seconds, to judge whether the file's times can be trusted.
        """
        info = os.fstat(self.fd)
        state = (info.st_size, info.st_mtime_ns, info.st_ctime_ns)
        self.at_end = True
        if state == self._stat and self._settled:
            return None
        batch = self._read_lines(info.st_size)
        if batch is None:
            self._settled = now - max(info.st_mtime, info.st_ctime) > _SETTLED_S
            self._stat = state
        else:
            self._stat = None
        return batch

    def _read_lines(self, size: int) -> Batch | Notice | None:
        want = self._window
        while True:
            before = len(self.anchor)
            window = os.pread(self.fd, before + want, self.offset - before)
            if window[:before] != self.anchor:
                return self._start_over(len(window) < before and size >= self.offset)
            seen, reaches = self.seen_size, self.offset + len(window) - before
            self.seen_size = max(size, reaches)
            if reaches < seen and len(window) - before < want and os.fstat(self.fd).st_size < seen:
                return Notice("truncated", self.path, seen - reaches)
            self.at_end = len(window) - before < want
            batch = self._split(window[before:] if before else window)
            if batch is not None or len(window) - before < want or want > self._max_line:
                return batch
            want = self._max_line + 1

    def _start_over(self, may_be_stale: bool) -> Notice | None:
        """The bytes before the offset are gone or others: the file was truncated (and perhaps regrown)."""
        if may_be_stale and os.fstat(self.fd).st_size >= self.offset:
            return None
        lost = self.unread_bytes
        self.at_end = False
        self.resume(*self._kept_part())
        self.seen_size = self.offset
        return Notice("truncated", self.path, lost)

    def _kept_part(self) -> tuple[int, bytes, bytes, bool]:
        """Return where to go on: after the lines a mere shortening left in place, else at the start.

        A file that still begins with the very 4096 bytes it began with was cut, not rewritten.
        """
        size = os.fstat(self.fd).st_size
        if len(self.head) < PROOF_BYTES or not PROOF_BYTES <= size < self.offset:
            return 0, b"", b"", False
        if os.pread(self.fd, PROOF_BYTES, 0) != self.head:
            return 0, b"", b"", False
        kept = os.pread(self.fd, self._max_line + 1, max(0, size - self._max_line - 1))
        last = kept.rfind(b"\n")
        offset = size - len(kept) + last + 1 if last >= 0 else size
        return offset, self.head, self._bytes_before(offset), last < 0

    def _bytes_before(self, offset: int) -> bytes:
        length = min(PROOF_BYTES, offset)
        return os.pread(self.fd, length, offset - length)

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
        """Handle more than a line's worth of bytes without a newline: filler, unwritten space, or a long line."""
        start = self.offset
        text = data.lstrip(b"\0")
        if len(text) < len(data):
            filler_end = start + len(data) - len(text) if text else self._end_of_filler(start + len(data))
            if filler_end is None:
                return None
            self._jump(filler_end)
            return Batch(self.path, start, self.offset, b"", skipped_bytes=self.offset - start)
        written = len(data.rstrip(b"\0"))
        if written <= self._max_line and self._end_of_filler(start + len(data)) is None:
            return None
        self.skipping = True
        return self._skip(data)

    def _skip(self, data: bytes) -> Batch | None:
        """Drop bytes of an over-long line up to its newline, in constant memory."""
        start, end = self.offset, data.find(b"\n") + 1
        done = end > 0
        if not done:
            end = len(data.rstrip(b"\0"))
        if end == 0:
            filler_end = self._end_of_filler(start + len(data)) if data else None
            if filler_end is None:
                return None
            self._jump(filler_end)
            return Batch(self.path, start, self.offset, b"", too_long_bytes=self.offset - start)
        self._advance(data, end)
        self.skipping = not done
        return Batch(self.path, start, self.offset, b"", too_long=int(done), too_long_bytes=end)

    def _end_of_filler(self, offset: int) -> int | None:
        """Return where the NUL run that covers `offset` ends, or None if it reaches the end of the file.

        NULs at the end are space a writer has reserved but not written: they are not data yet.
        """
        while True:
            try:
                offset = os.lseek(self.fd, offset, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    return None
            block = os.pread(self.fd, 1 << 20, offset)
            if not block:
                return None
            text = block.lstrip(b"\0")
            if text:
                return offset + len(block) - len(text)
            offset += len(block)

    def _advance(self, data: bytes, count: int) -> None:
        """Move the offset over the first `count` bytes of `data` and keep the proof up to date."""
        if self.offset == len(self.head) < PROOF_BYTES:
            self.head += data[: min(count, PROOF_BYTES - len(self.head))]
        if count >= PROOF_BYTES:
            self.anchor = data[count - PROOF_BYTES : count]
        else:
            self.anchor = (self.anchor + data[:count])[-PROOF_BYTES:]
        self.offset += count

    def _jump(self, offset: int) -> None:
        """Move the offset over filler that was never held in memory."""
        if self.offset == len(self.head) < PROOF_BYTES:
            self.head = os.pread(self.fd, min(PROOF_BYTES, offset), 0)
        self.offset = offset
        self.anchor = self._bytes_before(offset)
