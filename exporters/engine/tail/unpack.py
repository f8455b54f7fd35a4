"""The text of a packed generation, without keeping more of it than is still to be read.

In: the path of a file packed as .gz, .bz2, .xz or .zst, which its name or its first bytes say, and a checkpoint it may
continue. Out: blocks, or a descriptor on the text, or None. Part of the tail stage. The unpackers are imported when one
is needed; .zst needs the package `zstandard`.
"""

from __future__ import annotations

import importlib
import os
import tempfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from exporters.engine.tail.fingerprint import digest, open_same
from exporters.engine.values import Checkpoint, FileKey

__all__ = ["DamagedError", "blocks_of", "is_packed", "packing_of", "unpack", "unpacked_name"]

_BLOCK = 1 << 18

_MODULES = {".gz": "gzip", ".bz2": "bz2", ".xz": "lzma", ".zst": "zstandard"}

_MAGIC = {
    b"\x1f\x8b\x08": ".gz",
    **{b"BZh%d1AY&SY" % level: ".bz2" for level in range(1, 10)},
    b"\xfd7zXZ\0": ".xz",
    b"\x28\xb5\x2f\xfd": ".zst",
}
"""How packed files begin, and no text does: svlogd's and multilog's processors give them no ending."""


class DamagedError(Exception):
    """A packed file is damaged, unfinished, or of a kind that cannot be unpacked here."""


def is_packed(path: str) -> bool:
    """Whether a name says that its file is packed."""
    return bool(_ending_of(path))


def unpacked_name(path: str) -> str:
    """Return a path without the ending that says that its file is packed."""
    return path.removesuffix(_ending_of(path))


def packing_of(path: str, fd: int) -> str:
    """Return the ending of the kind of packing of an open file, by its name or else its first bytes; "" if of none.

    Raises:
        OSError: if it cannot be read.
    """
    if ending := _ending_of(path):
        return ending
    head = os.pread(fd, 16, 0)
    return next((ending for magic, ending in _MAGIC.items() if head.startswith(magic)), "")


def _ending_of(path: str) -> str:
    return next((ending for ending in _MODULES if path.endswith(ending)), "")


def blocks_of(path: str, key: FileKey | None = None) -> Iterator[bytes]:
    """Yield the text of a packed file in blocks.

    Args:
        key: the file's identity, for one that may have been renamed since it was at `path`.

    Raises:
        DamagedError: if it does not go on.
    """
    errors: tuple[type[Exception], ...] = (OSError, EOFError, ValueError, zlib.error)
    try:
        fd = os.open(path, os.O_RDONLY) if key is None else open_same(path, key)
        if fd is None:
            raise DamagedError("it is not there any more")
        with os.fdopen(fd, "rb") as packed:
            module = _module_of(ending := packing_of(path, fd))
            errors += tuple(getattr(module, name) for name in ("LZMAError", "ZstdError") if hasattr(module, name))
            yield from _frames(module, packed) if ending == ".zst" else _stream(module, packed)
    except errors as error:
        raise DamagedError(str(error)) from error


def _module_of(ending: str) -> Any:
    if not ending:
        raise DamagedError("it is not packed any more")
    try:
        return importlib.import_module(_MODULES[ending])
    except ImportError as error:
        raise DamagedError(f"{error.name} is not installed") from error


def _stream(module: Any, packed: BinaryIO) -> Iterator[bytes]:
    with module.open(packed, "rb") as text:
        while block := text.read(_BLOCK):
            yield block


def _frames(module: Any, packed: BinaryIO) -> Iterator[bytes]:
    """Yield the text of .zst frames; the module's own reader takes a frame that is cut off for a whole one."""
    frame, left = None, b""
    while data := left or packed.read(_BLOCK >> 2):
        frame = frame or module.ZstdDecompressor().decompressobj()
        block = frame.decompress(data)
        left = frame.unused_data if frame.eof else b""
        frame = None if frame.eof else frame
        if block:
            yield block
    if frame is not None:
        raise EOFError("the last frame is not whole")


def unpack(path: str, checkpoint: Checkpoint | None, key: FileKey, mtime_ns: int) -> int | None:
    """Return a descriptor on the text of a packed file, or None if it is damaged or not what `checkpoint` speaks of.

    With a checkpoint only the text from its anchor on is kept; offsets stay those of the unpacked text, as the file
    before them is a hole. The text has the time of its packed file, whose identity is `key`.
    """
    try:  # around all of it: giving back what did not fit on the disk raises once more
        with tempfile.TemporaryFile(prefix="peaktrade-unpacked-") as out:
            blocks = blocks_of(path, key)
            if checkpoint is not None:
                rest = _skip_to_anchor(blocks, out, checkpoint)
                if rest is None:
                    return None
                out.write(rest)
            for block in blocks:
                out.write(block)
            out.flush()
            os.utime(out.fileno(), ns=(mtime_ns, mtime_ns))  # its age tells it from forgotten ones
            return os.dup(out.fileno())
    except (DamagedError, OSError):
        return None


def _skip_to_anchor(blocks: Iterator[bytes], out: BinaryIO, checkpoint: Checkpoint) -> bytes | None:
    """Pass over the text before the anchor, check head and anchor, and keep both in `out` where they belong.

    Returns:
        what was unpacked beyond the offset, to be written next; None if it is another file's text.
    """
    start, held, size = checkpoint.offset - checkpoint.anchor_length, b"", 0
    is_head = False
    while size < checkpoint.offset:
        block = next(blocks, b"")
        if not block:
            return None
        held, size = held + block, size + len(block)
        if not is_head and size >= checkpoint.head_length:
            if digest(held[: checkpoint.head_length]) != checkpoint.head:
                return None
            out.write(held[: checkpoint.head_length])
            is_head = True
        if is_head:
            held = held[max(0, min(len(held), start - (size - len(held)))) :]
    at = checkpoint.offset - (size - len(held))
    anchor = held[at - checkpoint.anchor_length : at]
    if digest(anchor) != checkpoint.anchor:
        return None
    out.seek(start)
    out.write(anchor)
    return held[at:]
