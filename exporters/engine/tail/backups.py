"""The rotated generations beside a path: `name.1`, `name-20261120`, `name.old`, and `.gz` of them.

In: a path, or a mark. Out: candidates, oldest first, and proof whether one of them is the file a mark speaks of. Part
of the tail stage. Identity comes from open descriptors; names only say where to look.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import stat
import tempfile
import zlib
from collections.abc import Iterable
from functools import lru_cache
from typing import BinaryIO

from msgspec import Struct

from exporters.engine.tail.fingerprint import file_key
from exporters.engine.tail.stream import PROOF_BYTES, digest
from exporters.engine.values import FileKey, Mark

__all__ = [
    "MIN_PROOF",
    "NEVER",
    "Sibling",
    "bases",
    "find_content",
    "is_part",
    "open_plain",
    "past_mark",
    "proves",
    "siblings",
    "unpack",
]

MIN_PROOF = 16
"""Bytes of equal content below which equality proves nothing, unless no other file can be meant."""

_SUFFIX = re.compile(r"[.\-_]\d[\d\-_.:TZ]*|\.old")
"""What rotation puts behind a name: .1, -20261120, .2026-11-20, -1763596800, .old."""

_INFIX = re.compile(r"\.\d[\d\-_.:TZ]*|[-_](?:(?:19|20)\d\d[-_.]?[01]\d[\d\-_.:TZ]*|1\d{9})|\.old")
"""What it puts in front of the ending. After a dash only dates: name-1.jsonl may well be another writer's file."""

NEVER = 1 << 62
"""Stands for the size in the mark of a file that is not read on however it grows."""

_BLOCK = 1 << 18
_NAMES_KEPT = 65536
"""Names and files whose look is remembered, so that a look at thousands of siblings costs one stat each."""


class Sibling(Struct, frozen=True):
    """A file that may be an earlier generation of a path. One that may not be read now has no known generation."""

    path: str
    key: FileKey
    size: int
    mtime_ns: int
    is_packed: bool
    is_readable: bool = True


def siblings(paths: Iterable[str]) -> dict[str, list[Sibling]]:
    """Return the siblings of each path, oldest first; each directory is listed once.

    A path that is a link has the siblings of the name it leads to as well.
    """
    wanted: dict[str, dict[str, list[str]]] = {}
    found: dict[str, list[Sibling]] = {}
    for path in paths:
        found[path] = []
        for spot in _spots(path):
            folder, base = os.path.split(spot)
            wanted.setdefault(folder, {}).setdefault(base, []).append(path)
    for folder, here in wanted.items():
        for name in _names_in(folder):
            for path in {path for base in bases(name) for path in here.get(base, ())}:
                one = _look(os.path.join(folder, name))
                if one is not None and all(one.key != other.key for other in found[path]):
                    found[path].append(one)
    return {path: sorted(listed, key=_age) for path, listed in found.items()}


def _spots(path: str) -> list[str]:
    return [path, os.path.realpath(path)] if os.path.islink(path) else [path]


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder or ".")
    except OSError:
        return []


@lru_cache(maxsize=_NAMES_KEPT)
def bases(name: str) -> tuple[str, ...]:
    """Return the names of which rotation may have made `name`."""
    plain = name.removesuffix(".gz")
    stem, ending = os.path.splitext(plain)
    cuts = [match.start() for match in re.finditer(r"[.\-_]", plain)]
    whole = [plain[:at] for at in cuts if at and _SUFFIX.fullmatch(plain, at)]
    inner = [stem[:at] + ending for at in cuts if at and ending and _INFIX.fullmatch(stem, at)]
    return (*whole, *inner)


@lru_cache(maxsize=_NAMES_KEPT)
def _key_of(path: str, dev: int, ino: int, _ctime_ns: int) -> FileKey | None:
    """Return the identity of the file at `path`; opened once per state (device, inode, change time).

    None if the path leads elsewhere by now.

    Raises:
        OSError: if it may not be read; that is not remembered.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        key = file_key(fd)
        return key if key[:2] == (dev, ino) else None
    finally:
        os.close(fd)


def _look(path: str) -> Sibling | None:
    try:
        info = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(info.st_mode):
        return None
    try:
        key, is_readable = _key_of(path, info.st_dev, info.st_ino, info.st_ctime_ns), True
    except OSError:
        key, is_readable = FileKey(info.st_dev, info.st_ino), False
    if key is None:
        return None
    return Sibling(path, key, info.st_size, info.st_mtime_ns, path.endswith(".gz"), is_readable)


def _age(one: Sibling) -> tuple[int, int, str]:
    """Sort key, oldest first: by time of last write, then name.2 before name.1."""
    number = re.search(r"(\d+)(?:\.gz)?$", one.path)
    return one.mtime_ns, -int(number[1][-9:]) if number else 0, one.path


def proves(fd: int, mark: Mark) -> bool:
    """Whether the open file holds the mark's head at its start and the mark's anchor just before its offset."""
    if digest(os.pread(fd, mark.head_length, 0)) != mark.head:
        return False
    return digest(os.pread(fd, mark.anchor_length, mark.offset - mark.anchor_length)) == mark.anchor


def find_content(mark: Mark, candidates: Iterable[Sibling], least: int = MIN_PROOF) -> tuple[Sibling, int] | None:
    """Return the oldest candidate that holds what the mark speaks of, and a descriptor on its text.

    The descriptor of a packed one leads to an unnamed file that holds its text from the anchor on. Nothing is found if
    the mark has read fewer than `least` bytes.
    """
    if mark.offset < max(1, least):
        return None
    for one in candidates:
        fd = unpack(one.path, mark) if one.is_packed else _open_proved(one, mark)
        if fd is not None:
            return one, fd
    return None


def _open_proved(one: Sibling, mark: Mark) -> int | None:
    if one.size < mark.offset:
        return None
    fd = open_plain(one.path)
    if fd is None or proves(fd, mark):
        return fd
    os.close(fd)
    return None


def open_plain(path: str) -> int | None:
    """Return a descriptor on a file, or None if it cannot be had."""
    with contextlib.suppress(OSError):
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    return None


def is_part(fd: int, whole: int) -> bool:
    """Whether the text of one open file is how another begins, as far as its first and last bytes tell."""
    size = os.fstat(fd).st_size
    if size > os.fstat(whole).st_size:
        return False
    length = min(size, PROOF_BYTES)
    return all(os.pread(fd, length, at) == os.pread(whole, length, at) for at in (0, size - length))


def past_mark(one: Sibling, path: str, serial: int) -> Mark | None:
    """Return a mark that says of a sibling, as it is, that it is done with; None if it cannot be read as it stands."""
    fd = None if one.is_packed else open_plain(one.path)
    if fd is None:
        return None
    try:
        length = min(one.size, PROOF_BYTES)
        head, anchor = os.pread(fd, length, 0), os.pread(fd, length, one.size - length)
    except OSError:
        return None
    finally:
        os.close(fd)
    ends = (one.size, NEVER, one.mtime_ns, length, digest(head), length, digest(anchor))
    return Mark(serial, path, one.key, *ends, done=True)


def unpack(path: str, mark: Mark | None) -> int | None:
    """Return a descriptor on the unpacked text of a .gz, or None if it is damaged or is not what `mark` speaks of.

    With a mark only the text from its anchor on is kept; offsets stay those of the unpacked text, as the file before
    them is a hole.
    """
    with tempfile.TemporaryFile(prefix="peaktrade-unpacked-") as out, contextlib.ExitStack() as stack:
        try:
            text = stack.enter_context(gzip.open(path, "rb"))
            if mark is not None and not _skip_to_anchor(text, out, mark):
                return None
            while block := text.read(_BLOCK):
                out.write(block)
            out.flush()
        except (OSError, EOFError, zlib.error):
            return None
        return os.dup(out.fileno())


def _skip_to_anchor(text: BinaryIO | gzip.GzipFile, out: BinaryIO, mark: Mark) -> bool:
    """Pass over the text before the anchor, check head and anchor, and keep both in `out` where they belong."""
    head = text.read(mark.head_length)
    if digest(head) != mark.head:
        return False
    out.write(head)
    start = mark.offset - mark.anchor_length
    tail = head[start:] if start < len(head) else b""
    done = len(head)
    while done < start:
        block = text.read(min(_BLOCK, start - done))
        if not block:
            return False
        done += len(block)
    anchor = tail + text.read(mark.offset - done)
    if digest(anchor) != mark.anchor:
        return False
    out.seek(start)
    out.write(anchor)
    return True
