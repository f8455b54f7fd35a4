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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

from exporters.engine.identity import file_key
from exporters.engine.stream import digest
from exporters.engine.values import FileKey, Mark

__all__ = ["MIN_PROOF", "Sibling", "find_content", "proves", "siblings", "unpack"]

MIN_PROOF = 16
"""Bytes of equal content below which equality proves nothing."""

_ROTATED = re.compile(r"(?:[.\-_]\d[\d\-_.:TZ]*|\.old)(?P<packed>\.gz)?")
_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Sibling:
    """A file that may be an earlier generation of a path."""

    path: str
    key: FileKey
    size: int
    mtime_ns: int
    is_packed: bool


def siblings(paths: Iterable[str]) -> dict[str, list[Sibling]]:
    """Return the siblings of each path, oldest first; each directory is listed once."""
    by_folder: dict[str, list[str]] = {}
    for path in paths:
        by_folder.setdefault(os.path.dirname(path), []).append(path)
    found: dict[str, list[Sibling]] = {}
    for folder, listed in by_folder.items():
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for path in listed:
            here = [_look(os.path.join(folder, name), packed) for name, packed in _rotated(path, names)]
            found[path] = sorted((one for one in here if one is not None), key=_age)
    return found


def _rotated(path: str, names: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Yield the names that rotation may have given to earlier generations of `path`, and whether they are packed."""
    base = os.path.basename(path)
    stem, ending = os.path.splitext(base)
    for name in names:
        if not name.startswith(stem) or name == base:
            continue
        rests = [name[len(base) :]] if name.startswith(base) else []
        plain = name.removesuffix(".gz")
        if ending and plain.endswith(ending):
            rests.append(plain[len(stem) : -len(ending)] + name[len(plain) :])
        for rest in rests:
            match = _ROTATED.fullmatch(rest)
            if match:
                yield name, match["packed"] is not None
                break


@lru_cache(maxsize=4096)
def _key_of(path: str, _state: tuple[int, int, int]) -> FileKey | None:
    """Return the identity of the file at `path`; opened once per state (device, inode, change time)."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return file_key(fd)
    finally:
        os.close(fd)


def _look(path: str, is_packed: bool) -> Sibling | None:
    try:
        info = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(info.st_mode):
        return None
    key = _key_of(path, (info.st_dev, info.st_ino, info.st_ctime_ns))
    if key is None or key[:2] != (info.st_dev, info.st_ino):
        return None
    return Sibling(path, key, info.st_size, info.st_mtime_ns, is_packed)


def _age(one: Sibling) -> tuple[int, int, str]:
    """Sort key, oldest first: by time of last write, then name.2 before name.1."""
    number = re.search(r"(\d+)(?:\.gz)?$", one.path)
    return one.mtime_ns, -int(number[1][-9:]) if number else 0, one.path


def proves(fd: int, mark: Mark) -> bool:
    """Whether the open file holds the mark's head at its start and the mark's anchor just before its offset."""
    if digest(os.pread(fd, mark.head_length, 0)) != mark.head:
        return False
    return digest(os.pread(fd, mark.anchor_length, mark.offset - mark.anchor_length)) == mark.anchor


def find_content(mark: Mark, candidates: Iterable[Sibling]) -> tuple[Sibling, int] | None:
    """Return the candidate that holds what the mark speaks of, and a descriptor on it; plain files are tried first.

    The descriptor of a packed one leads to an unnamed file that holds its text from the anchor on.
    """
    if mark.offset < MIN_PROOF:
        return None
    for one in sorted(candidates, key=lambda sibling: sibling.is_packed):
        if one.is_packed:
            unpacked = unpack(one.path, mark)
            if unpacked is not None:
                return one, unpacked
            continue
        if one.size < mark.offset:
            continue
        with contextlib.suppress(OSError):
            fd = os.open(one.path, os.O_RDONLY | os.O_CLOEXEC)
            if proves(fd, mark):
                return one, fd
            os.close(fd)
    return None


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
