"""Which file a descriptor holds, whether it still holds what was read of it, and where a run of NULs ends.

In: a path to open, or an open descriptor and a checkpoint. Out: a descriptor, a `FileKey`, a yes or no, an offset. It
never asks a path which file it is: between the question and the opening another file may have taken the name.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from exporters.engine.values import Checkpoint, FileKey

__all__ = [
    "MIN_PROOF",
    "PROOF_BYTES",
    "digest",
    "end_of_filler",
    "file_key",
    "keys_at",
    "open_file",
    "open_plain",
    "open_proved",
    "open_same",
    "proves",
]

PROOF_BYTES = 4096
"""Bytes kept of a file's head and before its offset, to prove that it still is that file."""

MIN_PROOF = 16
"""Bytes of equal content below which equality proves nothing, unless no other file can be meant."""

_READ_ONLY = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_BLOCK = 1 << 20
_FS_IOC_GETVERSION = 0x80087601
"""Asks for the inode generation, which differs when an inode number is used again. Source: linux/fs.h; ext4, xfs and
btrfs answer, tmpfs and most network file systems do not."""


def open_file(path: str) -> int:
    """Return a read-only descriptor of a regular file.

    Raises:
        OSError: if it cannot be opened, or (errno EISDIR) is no regular file.
    """
    fd = os.open(path, _READ_ONLY)
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


def keys_at(paths: Iterable[str]) -> dict[str, FileKey]:
    """Return the identities of the regular files that can be opened at the paths."""
    keys = {}
    for path in paths:
        with contextlib.suppress(OSError):
            fd = open_file(path)
            try:
                keys[path] = file_key(fd)
            finally:
                os.close(fd)
    return keys


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


def digest(data: bytes) -> str:
    """Return the digest under which proof is kept on disk."""
    return blake2b(data, digest_size=16).hexdigest()


def proves(fd: int, checkpoint: Checkpoint) -> bool:
    """Whether the open file holds the checkpoint's head at its start and its anchor just before the offset."""
    if digest(os.pread(fd, checkpoint.head_length, 0)) != checkpoint.head:
        return False
    return (
        digest(os.pread(fd, checkpoint.anchor_length, checkpoint.offset - checkpoint.anchor_length))
        == checkpoint.anchor
    )


def open_proved(path: str, checkpoint: Checkpoint) -> int | None:
    """Return a descriptor on the file at `path` if it holds what the checkpoint speaks of, else None."""
    fd = open_plain(path)
    if fd is None or proves(fd, checkpoint):
        return fd
    os.close(fd)
    return None


def open_same(path: str, key: FileKey) -> int | None:
    """Return a descriptor on the file of that identity, which stood at `path` a moment ago, or None.

    Rotation renames all backups of a path in a row, so the next to be asked for may be another by now.
    """
    for name in _names_of(path, key):
        fd = open_plain(name)
        if fd is not None and file_key(fd) == key:
            return fd
        if fd is not None:
            os.close(fd)
    return None


def _names_of(path: str, key: FileKey) -> Iterator[str]:
    """Yield the path, then the name its file has by now, if that is still in its folder."""
    yield path
    with contextlib.suppress(OSError), os.scandir(os.path.dirname(path) or ".") as entries:
        yield from [entry.path for entry in entries if entry.inode() == key.ino]


def open_plain(path: str) -> int | None:
    """Return a descriptor on a file, or None if it cannot be had."""
    with contextlib.suppress(OSError):
        return os.open(path, _READ_ONLY)
    return None
