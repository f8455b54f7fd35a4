"""The rotated generations beside a path: `name.1`, `name-20261120`, `name.old`, and packed ones of them.

In: a path, or a checkpoint. Out: candidates, oldest first, and proof whether one of them is the file it speaks of. Part
of the tail stage. Identity comes from open descriptors; names only say where to look.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from exporters.engine.tail.evidence import Evidence
from exporters.engine.tail.fingerprint import MIN_PROOF, PROOF_BYTES, digest, file_key, open_proved, open_same
from exporters.engine.tail.unpack import DamagedError, blocks_of, is_packed, packing_of, unpack, unpacked_name
from exporters.engine.values import Checkpoint, FileKey

__all__ = ["NEVER", "Backup", "bases", "find_content", "list_backups", "past_checkpoint"]

_SUFFIX = re.compile(r"[.\-_]\d[\d\-_.:TZ]*(?:\.backup)?|\.old")
"""What rotation puts behind a name: .1, -20261120, .2026-11-20, -1763596800, .old; -2026112011.backup, when logrotate
finds that a writer was quicker to make the new file."""

_DATE = r"(?:19|20)\d\d[-_.]?[01]\d[\d\-_.:TZ]*"
_INFIX = re.compile(rf"\.\d[\d\-_.:TZ]*|[-_](?:{_DATE}|1\d{{9}})|\.old")
"""What it puts in front of the ending. After a dash only dates: name-1.jsonl may well be another writer's file."""

_PREFIX = re.compile(_DATE)
"""What it puts before a name and a separator: 20261120-1725-01-name.jsonl."""

_NUMBERED = re.compile(r"(.+\.|(?=\d+\.))(\d{1,9})(\.[^.]+)?")
"""A name with a number of its own: name.12.jsonl, name.12, 12.log (of a container that was started again)."""

_STAMPED = re.compile(r"@[0-9a-f]{24}\.[su]")
"""What svlogd and multilog call a file named `current` when they begin a new one: its TAI64N label."""

_DATE_DIGITS = 6
"""Digits in the name of a link's target from which on files with other digits are taken to be earlier targets."""

NEVER = 1 << 62
"""Stands for the size in the checkpoint of a file that is not read on however it grows."""

_NAMES_KEPT = 65536
"""Names and files whose look is remembered, so that a look at thousands of backups costs one stat each."""

_HEADS_KEPT = 4096
"""Digests kept of how packed files begin: many files looked for among many packed ones unpack each of these once."""


class Backup(Struct, frozen=True):
    """A file that may be an earlier generation of a path. One that may not be read now has no known generation."""

    path: str
    key: FileKey
    size: int
    mtime_ns: int
    is_packed: bool
    is_readable: bool = True


def list_backups(paths: Iterable[str]) -> dict[str, list[Backup]]:
    """Return the backups of each path, oldest first; each directory is listed once.

    A path that is a link has the backups of the name it leads to as well, and what it seems to have led to before:
    names with other dates, or with lower numbers.
    """
    wanted: dict[str, dict[str, list[str]]] = {}
    links: dict[tuple[str, str], list[tuple[str, int]]] = {}
    found: dict[str, list[Backup]] = {}
    for path in paths:
        found[path] = []
        for spot in _spots(path):
            folder, base = os.path.split(spot)
            wanted.setdefault(folder, {}).setdefault(base, []).append(path)
        if os.path.islink(path):
            folder, base = os.path.split(os.path.realpath(path))
            if _dateless(base):
                wanted.setdefault(folder, {}).setdefault(_dateless(base), []).append(path)
            shape, number = _numbered(base)
            links.setdefault((folder, shape), []).append((path, number))
    for folder, here in wanted.items():
        for name in _names_in(folder):
            made = {path for base in (*bases(name), _dateless(name)) for path in here.get(base, ())}
            for shape, number in map(_numbered, (name, *bases(name)) if links else ()):
                made |= {path for path, newest in links.get((folder, shape), ()) if number < newest}
            for path in made:
                one = _look(os.path.join(folder, name))
                if one is not None and all(one.key != other.key for other in found[path]):
                    found[path].append(one)
    return {path: sorted(listed, key=_age) for path, listed in found.items()}


@lru_cache(maxsize=_NAMES_KEPT)
def _dateless(name: str) -> str:
    """Return what a name has in common with those that differ in their date; nothing if it has none.

    >>> _dateless("app-2026-11-26.log"), _dateless("app-1.log")
    ('app-#.log', '')
    """
    plain = unpacked_name(name)
    is_dated = sum(map(str.isdigit, plain)) >= _DATE_DIGITS
    return re.sub(r"\d[\d\-_.:TZ]*\d", "#", plain) if is_dated else ""


@lru_cache(maxsize=_NAMES_KEPT)
def _numbered(name: str) -> tuple[str, int]:
    """Return what a name has in common with those that differ in their number, and the number; if it has none, -1.

    >>> _numbered("app.12.log"), _numbered("app.log")
    (('app.#.log', 12), ('', -1))
    """
    match = _NUMBERED.fullmatch(unpacked_name(name))
    return (f"{match[1]}#{match[3] or ''}", int(match[2])) if match else ("", -1)


def _spots(path: str) -> list[str]:
    return [path, os.path.realpath(path)] if os.path.islink(path) else [path]


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder or ".")
    except OSError:
        return []


@lru_cache(maxsize=_NAMES_KEPT)
def bases(name: str) -> tuple[str, ...]:
    """Return the names of which rotation may have made `name`: of a packed one also that of what was packed."""
    plain = unpacked_name(name)
    stem, ending = os.path.splitext(plain)
    cuts = [match.start() for match in re.finditer(r"[.\-_]", plain)]
    if _STAMPED.fullmatch(plain):
        return ("current",)
    whole = [plain[:at] for at in cuts if at and _SUFFIX.fullmatch(plain, at)]
    inner = [stem[:at] + ending for at in cuts if at and ending and _INFIX.fullmatch(stem, at)]
    behind = [plain[at + 1 :] for at in cuts if _PREFIX.fullmatch(plain, 0, at)]
    return (*whole, *inner, *behind, *([plain] if plain != name else []))


@lru_cache(maxsize=_NAMES_KEPT)
def _key_of(path: str, dev: int, ino: int, _ctime_ns: int) -> tuple[FileKey, bool] | None:
    """Return the identity of the file at `path`, and whether it is packed; opened once per state (device, inode, change
    time).

    None if the path leads elsewhere by now.

    Raises:
        OSError: if it may not be read; that is not remembered.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        key = file_key(fd)
        return (key, bool(packing_of(path, fd))) if key[:2] == (dev, ino) else None
    finally:
        os.close(fd)


def _look(path: str) -> Backup | None:
    try:
        info = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(info.st_mode):
        return None
    try:
        found, is_readable = _key_of(path, info.st_dev, info.st_ino, info.st_ctime_ns), True
    except OSError:
        found, is_readable = (FileKey(info.st_dev, info.st_ino), is_packed(path)), False
    if found is None:
        return None
    key, has_packing = found
    return Backup(path, key, info.st_size, info.st_mtime_ns, has_packing, is_readable)


def _age(one: Backup) -> tuple[int, int, str]:
    """Sort key, oldest first: by time of last write, then name.2 before name.1."""
    number = re.search(r"(\d+)(?:\.(?:gz|bz2|xz|zst))?$", one.path)
    return one.mtime_ns, -int(number[1]) if number else 0, one.path


def find_content(
    checkpoint: Checkpoint, candidates: Iterable[Backup], least: int = MIN_PROOF
) -> tuple[Backup, int] | None:
    """Return the candidate that holds what the checkpoint speaks of and most beyond it, and a descriptor on its text.

    Of several that hold as much the first is taken. The descriptor of a packed one leads to an unnamed file that holds
    its text from the anchor on. Nothing is found if the checkpoint has read fewer than `least` bytes.
    """
    best: tuple[Backup, int] | None = None
    for one in candidates if checkpoint.offset >= least else ():
        fd = _open_text(one, checkpoint)
        if fd is None:
            continue
        if best is not None and os.fstat(fd).st_size <= os.fstat(best[1]).st_size:
            os.close(fd)
            continue
        if best is not None:
            os.close(best[1])
        best = one, fd
    return best


def _open_text(one: Backup, checkpoint: Checkpoint) -> int | None:
    if one.is_packed:
        return unpack(one.path, checkpoint, one.key, one.mtime_ns) if _begins_alike(one, checkpoint) else None
    return open_proved(one.path, checkpoint) if one.size >= checkpoint.offset else None


def _begins_alike(one: Backup, checkpoint: Checkpoint) -> bool:
    """Whether a packed file begins as the checkpoint says; not if it is damaged there."""
    try:
        return _head_of(one, checkpoint.head_length) == checkpoint.head
    except DamagedError:
        return False


@lru_cache(maxsize=_HEADS_KEPT)
def _head_of(one: Backup, length: int) -> str:
    """Return the digest of the first `length` bytes of a packed file's text; unpacked once per state of the file.

    Raises:
        DamagedError: if it cannot be unpacked; that is not remembered.
    """
    head = b""
    for block in blocks_of(one.path, one.key):
        head += block
        if len(head) >= length:
            break
    return digest(head[:length])


def past_checkpoint(one: Backup, path: str, serial: int) -> Checkpoint | None:
    """Return a checkpoint that says a backup is done with as it is; None if it cannot be read as it stands."""
    fd = None if one.is_packed else open_same(one.path, one.key)
    if fd is None:
        return None
    try:
        length = min(one.size, PROOF_BYTES)
        head, anchor = os.pread(fd, length, 0), os.pread(fd, length, one.size - length)
        evidence = Evidence.of_file(fd, one.size).stored(one.size)
    except OSError:
        return None
    finally:
        os.close(fd)
    ends = (one.size, NEVER, one.mtime_ns, length, digest(head), length, digest(anchor))
    return Checkpoint(serial, path, one.key, *ends, done=True, evidence=evidence)
