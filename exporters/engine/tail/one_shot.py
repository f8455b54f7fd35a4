"""Reads what is finished once, from start to end: files, packed files, pipes, standard input. Part of the tail stage.

In: paths, globs, or `-`. Out: `Batch`es, the last line whether it has a newline or not. Nothing is followed, and no
position is kept.
"""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections.abc import Iterator, Sequence

from contracts.places import globs_of, is_left_out, left_out_of
from exporters.engine.tail.tail import Tail
from exporters.engine.tail.unpack import DamagedError, blocks_of, is_packed, packing_of
from exporters.engine.values import Batch

__all__ = ["STDIN", "Cutter", "OneShot"]

STDIN = ("-", "/dev/stdin")
"""The paths of standard input."""

_MAGIC = frozenset("*?[")
_BOM = b"\xef\xbb\xbf"
_BLOCK = 1 << 19


class Cutter:
    """Cuts one text that comes in blocks into batches of whole lines, as `Stream` does with a file.

    Args:
        max_line_bytes: longest line taken, newline excluded.
    """

    def __init__(self, path: str, max_line_bytes: int) -> None:
        self._path = path
        self._max_line = max_line_bytes
        self._offset = 0
        self._rest = b""
        self._skipping = False

    def feed(self, block: bytes) -> Iterator[Batch]:
        """Yield what is whole now; a block is at most `max_line_bytes` + 1 long."""
        self._rest += block
        if self._offset == 0 and self._rest.startswith(_BOM):
            yield self._take(len(_BOM), skipped_bytes=len(_BOM))
        if not self._skipping:
            yield from self._refuse_long()
        if self._skipping:
            yield from self._skip()
        last = self._rest.rfind(b"\n")
        if last >= 0:
            yield self._take(last + 1, data=self._rest[: last + 1])

    def finish(self) -> Iterator[Batch]:
        """Yield the last line, if it has no newline, and space that was reserved but never written (NULs)."""
        text = self._rest.rstrip(b"\0")
        if text:
            yield self._take(len(text), data=text + b"\n")
        if self._rest:
            yield self._take(len(self._rest), skipped_bytes=len(self._rest))

    def _take(self, count: int, data: bytes = b"", **more: int) -> Batch:
        start = self._offset
        self._offset += count
        self._rest = self._rest[count:]
        return Batch(self._path, start, self._offset, data, **more)

    def _refuse_long(self) -> Iterator[Batch]:
        """Begin to skip the first line if it is too long, NULs before it left out. Only the first can be."""
        if self._first_length() > self._max_line:
            filler = len(self._rest) - len(self._rest.lstrip(b"\0"))
            if filler:
                yield self._take(filler, skipped_bytes=filler)
            if self._first_length() > self._max_line:
                self._skipping = True
                yield Batch(self._path, self._offset, self._offset, b"", too_long=1)

    def _first_length(self) -> int:
        end = self._rest.find(b"\n")
        return end if end >= 0 else len(self._rest)

    def _skip(self) -> Iterator[Batch]:
        """Drop bytes of an over-long line up to its newline."""
        end = self._rest.find(b"\n") + 1
        self._skipping = end == 0
        count = end or len(self._rest)
        if count:
            yield self._take(count, too_long_bytes=count)


class OneShot(Tail):
    """A tail that follows nothing: it reads every input once.

    `missing` holds the paths and globs that led to nothing.
    """

    def __init__(self, patterns: Sequence[str], max_line_bytes: int = 1 << 20) -> None:
        super().__init__((), max_line_bytes)
        self._inputs, self._left_out = globs_of(patterns), left_out_of(patterns)
        self._seen: set[tuple[int, int]] = set()
        self._number = 0
        self._problems: dict[str, str] = {}
        self.missing: list[str] = []

    @property
    def unreadable(self) -> dict[str, str]:
        """Path -> why it could not be read, or not to its end."""
        return self._problems

    @property
    def files_present(self) -> int:
        """Inputs that were read."""
        return self._number

    def drain(self, now: float, monotonic: float, everything: bool = True) -> Iterator[Batch]:
        """Yield all there is, input by input in the order of the patterns."""
        for path in self._paths():
            try:
                fd = self._open_once(path)
            except OSError as error:
                self._note(path, error)
                continue
            if fd is not None:
                yield from self._read_all(path, fd)
                os.close(fd)

    def _paths(self) -> Iterator[str]:
        """Yield what the patterns name; a glob takes packed files only if it ends as they do."""
        for pattern in self._inputs:
            if not _MAGIC & set(pattern):
                yield pattern
                continue
            found = [one for one in sorted(glob.glob(pattern, recursive=True)) if not is_left_out(one, self._left_out)]
            paths = [path for path in found if os.path.isfile(path) and (is_packed(pattern) or not is_packed(path))]
            yield from paths
            if not paths:
                self.missing.append(pattern)

    def _open_once(self, path: str) -> int | None:
        """Return a descriptor, or None if it is a file that has been read under another name.

        Raises:
            OSError: if it cannot be opened or is a directory.
        """
        fd = os.dup(0) if path in STDIN else os.open(path, os.O_RDONLY)
        info = os.fstat(fd)
        inode = (info.st_dev, info.st_ino)
        is_again = stat.S_ISREG(info.st_mode) and inode in self._seen
        self._seen.add(inode)
        if is_again or stat.S_ISDIR(info.st_mode):
            os.close(fd)
        if stat.S_ISDIR(info.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        return None if is_again else fd

    def _read_all(self, path: str, fd: int) -> Iterator[Batch]:
        """Yield one input; what came before its damage counts, an unfinished line there does not."""
        cutter, has_text = Cutter(path, self._max_line), False
        limit = min(_BLOCK, self._max_line + 1)
        try:
            for block in blocks_of(path) if _is_unpacked(path, fd) else _blocks_in(fd, limit):
                has_text = True
                for at in range(0, len(block), limit):
                    yield from cutter.feed(block[at : at + limit])
        except (DamagedError, OSError) as error:
            self._note(path, error)
            self._number += has_text
            return
        self._number += 1
        yield from cutter.finish()

    def _note(self, path: str, error: Exception) -> None:
        if isinstance(error, FileNotFoundError):
            self.missing.append(path)
        else:
            self._problems[path] = getattr(error, "strerror", None) or str(error)


def _is_unpacked(path: str, fd: int) -> bool:
    """Whether a file is read through an unpacker: its name or its first bytes say so. A pipe is read as it is."""
    try:
        return path not in STDIN and bool(packing_of(path, fd))
    except OSError:
        return False


def _blocks_in(fd: int, limit: int) -> Iterator[bytes]:
    while block := os.read(fd, limit):
        yield block
