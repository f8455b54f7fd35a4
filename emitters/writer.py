"""The file side of emitting: events in, whole JSON lines at the end of one file out.

It can also do to its file what log files meet in practice: be rotated, be truncated in place, hold half a
line for a while. It refuses to know what an event means and when the next one is due.
"""

import errno
import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["Event", "Writer"]

Event = Mapping[str, object]
"""One event: anything JSON has a text for, by field name."""

_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_MODE = 0o644


class Writer:
    """The one handle on a growing JSONL file; a context manager that closes it.

    Every write goes straight to the file with `O_APPEND`, unbuffered: a line is readable once the call
    returns.

    Args:
        path: The file; created if absent, appended to if present. Missing parent directories are created.

    Raises:
        OSError: The path is a directory or no regular file, or cannot be created or opened; its `filename` is
            the path at fault. Every later write may raise it too, on a full disk for instance.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        _create_directory(path.parent)
        self._fd = _open(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; everything is on it already."""
        os.close(self._fd)

    def append(self, *events: Event) -> None:
        """Append the events in order, one compact JSON object per line, in a single write.

        Raises:
            ValueError: A number is NaN or infinite, for which JSON has no text.
        """
        self._write(b"".join(map(_line, events)))

    def append_in_halves(self, event: Event, between: Callable[[], None]) -> None:
        """Append the first half of the event's line, call `between`, then append the rest in any case.

        The cut is by bytes and may fall inside a character.
        """
        line = _line(event)
        middle = len(line) // 2
        self._write(line[:middle])
        try:
            between()
        finally:
            self._write(line[middle:])

    def rotate(self, before_reopen: Callable[[], None] = lambda: None) -> None:
        """Rename FILE to FILE.1 and go on in a new FILE; an old FILE.1 first becomes FILE.2, and so on.

        Nothing is ever overwritten. `before_reopen` is called after the rename: what it appends goes to the
        old handle, as with a program that has not yet been told of the rotation.
        """
        free = 1
        while self._numbered(free).exists():
            free += 1
        for number in range(free, 1, -1):
            self._numbered(number - 1).rename(self._numbered(number))
        self.path.rename(self._numbered(1))
        try:
            before_reopen()
        finally:
            renamed, self._fd = self._fd, _open(self.path)
            os.close(renamed)

    def truncate(self) -> None:
        """Cut FILE to zero bytes in place; the next event is appended at its beginning."""
        os.ftruncate(self._fd, 0)

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._fd, data) :]


def _line(event: Event) -> bytes:
    # A lone surrogate (an argument that was not UTF-8) becomes \udcxx, which JSON reads as an escape.
    return _ENCODER.encode(event).encode("utf-8", "backslashreplace") + b"\n"


def _create_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from error


def _open(path: Path) -> int:
    # Opening a pipe that nobody reads would wait for ever, so look first.
    if path.exists() and not path.is_dir() and not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)
