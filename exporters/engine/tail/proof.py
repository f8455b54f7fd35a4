"""What proves that a file still is the one that was read: its first bytes, the last before the offset, and evidence.

In: the bytes of a file as they are read, or an open file and a checkpoint. Out: yes or no, and what is kept on disk.
Part of the tail stage.
"""

from __future__ import annotations

import os

from exporters.engine.tail.evidence import Evidence
from exporters.engine.tail.fingerprint import PROOF_BYTES, digest
from exporters.engine.values import Checkpoint

__all__ = ["Proof"]

_NO_TEXT = b"\xff"
"""A byte no text in UTF-8 holds."""


class Proof:
    """The proof of one file, read up to an offset: up to 4096 bytes of head and anchor, and evidence in between."""

    def __init__(self, head: bytes = b"", anchor: bytes = b"", evidence: Evidence | None = None) -> None:
        self.head = head
        self.anchor = anchor
        self._evidence = evidence or Evidence()
        self._stated: Checkpoint | None = None

    @classmethod
    def of_file(cls, fd: int, offset: int) -> Proof:
        """Return the proof of an open file that holds all that was read of it."""
        length = min(PROOF_BYTES, offset)
        head, anchor = os.pread(fd, length, 0), os.pread(fd, length, offset - length)
        return cls(head, anchor, Evidence.of_file(fd, offset))

    @classmethod
    def of_checkpoint(cls, fd: int, checkpoint: Checkpoint, is_whole: bool) -> Proof:
        """Return the proof that a checkpoint holds; states of earlier versions hold no evidence.

        If the file was cut since the checkpoint was found to be its, the proof fits nothing that the file may hold.

        Args:
            is_whole: whether all that was read is in the open file.
        """
        head = os.pread(fd, checkpoint.head_length, 0)
        anchor = os.pread(fd, checkpoint.anchor_length, checkpoint.offset - checkpoint.anchor_length)
        if (digest(head), digest(anchor)) != (checkpoint.head, checkpoint.anchor):
            head, anchor = _NO_TEXT * checkpoint.head_length, _NO_TEXT * checkpoint.anchor_length
            proof = cls(head, anchor, Evidence(checkpoint.evidence, checkpoint.offset))
            proof._stated = checkpoint
            return proof
        if is_whole and not checkpoint.evidence:
            return cls(head, anchor, Evidence.of_file(fd, checkpoint.offset))
        return cls(head, anchor, Evidence(checkpoint.evidence, checkpoint.offset))

    def digests(self) -> tuple[str, str]:
        """Return the digests of head and anchor, as kept on disk."""
        stated = self._stated
        return (stated.head, stated.anchor) if stated is not None else (digest(self.head), digest(self.anchor))

    def copy(self, offset: int) -> Proof:
        """Return a proof of its own for another file that goes on from the same bytes."""
        return Proof(self.head, self.anchor, Evidence(self._evidence.stored(offset), offset))

    def advance(self, data: bytes, offset: int, count: int) -> None:
        """Take in the first `count` bytes of `data`, which begins at the offset."""
        self._evidence.add(self.anchor, data, offset, offset + count)
        if offset == len(self.head) < PROOF_BYTES:
            self.head += data[: min(count, PROOF_BYTES - len(self.head))]
        if count >= PROOF_BYTES:
            self.anchor = data[count - PROOF_BYTES : count]
        else:
            self.anchor = (self.anchor + data[:count])[-PROOF_BYTES:]

    def jump(self, fd: int, before: int, offset: int) -> None:
        """Go from the offset `before` to another over filler that was never held in memory."""
        if before == len(self.head) < PROOF_BYTES:
            self.head = os.pread(fd, min(PROOF_BYTES, offset), 0)
        self._evidence.skip(offset)
        length = min(PROOF_BYTES, offset)
        self.anchor = os.pread(fd, length, offset - length)

    def proves(self, fd: int, offset: int) -> bool:
        """Whether an open file holds the head at its start and the anchor just before `offset`."""
        if os.pread(fd, len(self.head), 0) != self.head:
            return False
        return os.pread(fd, len(self.anchor), offset - len(self.anchor)) == self.anchor

    def evidence(self, offset: int) -> str:
        """Return the evidence in the form kept on disk."""
        return self._evidence.stored(offset)
