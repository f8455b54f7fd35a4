"""The text of a packed generation, without keeping more of it than is still to be read.

In: the path of a .gz, and a checkpoint it may continue. Out: a descriptor on the text, or None. Part of the tail stage.
"""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from typing import BinaryIO

from exporters.engine.tail.fingerprint import digest
from exporters.engine.values import Checkpoint

__all__ = ["unpack"]

_BLOCK = 1 << 18


def unpack(path: str, checkpoint: Checkpoint | None) -> int | None:
    """Return a descriptor on the text of a .gz, or None if it is damaged or is not what `checkpoint` speaks of.

    With a checkpoint only the text from its anchor on is kept; offsets stay those of the unpacked text, as the file
    before them is a hole.
    """
    try:  # around all of it: giving back what did not fit on the disk raises once more
        with tempfile.TemporaryFile(prefix="peaktrade-unpacked-") as out, gzip.open(path, "rb") as text:
            if checkpoint is not None and not _skip_to_anchor(text, out, checkpoint):
                return None
            while block := text.read(_BLOCK):
                out.write(block)
            out.flush()
            return os.dup(out.fileno())
    except (OSError, EOFError, zlib.error):
        return None


def _skip_to_anchor(text: BinaryIO | gzip.GzipFile, out: BinaryIO, checkpoint: Checkpoint) -> bool:
    """Pass over the text before the anchor, check head and anchor, and keep both in `out` where they belong."""
    head = text.read(checkpoint.head_length)
    if digest(head) != checkpoint.head:
        return False
    out.write(head)
    start = checkpoint.offset - checkpoint.anchor_length
    tail = head[start:] if start < len(head) else b""
    done = len(head)
    while done < start:
        block = text.read(min(_BLOCK, start - done))
        if not block:
            return False
        done += len(block)
    anchor = tail + text.read(checkpoint.offset - done)
    if digest(anchor) != checkpoint.anchor:
        return False
    out.seek(start)
    out.write(anchor)
    return True
