"""What a descriptor can be asked: which file it holds, and where a run of NULs ends.

In: a path to open, or an open descriptor. Out: a descriptor, a `FileKey`, an offset. It never asks a path which file it
is: between the question and the opening another file may have taken the name. Part of the tail stage.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from exporters.engine.values import FileKey

__all__ = ["end_of_filler", "file_key", "open_file"]

_BLOCK = 1 << 20
_FS_IOC_GETVERSION = 0x80087601
"""Asks for the inode generation, which differs when an inode number is used again. Source: linux/fs.h; ext4, xfs and
btrfs answer, tmpfs and most network file systems do not."""


def open_file(path: str) -> int:
    """Return a read-only descriptor of a regular file.

    Raises:
        OSError: if it cannot be opened, or (errno EISDIR) is no regular file.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EISDIR, "not a regular file", path)
    except OSError:
        os.close(fd)
        raise
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


def end_of_filler(fd: int, offset: int) -> int | None:
    """Return where the NUL run that covers `offset` ends, or None if it reaches the end of the file.

    NULs at the end are space a writer has reserved but not written: they are not data yet. Holes cost nothing.
    """
    while True:
        try:
            offset = os.lseek(fd, offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return None
        block = os.pread(fd, _BLOCK, offset)
        if not block:
            return None
        text = block.lstrip(b"\0")
        if text:
            return offset + len(block) - len(text)
        offset += len(block)
