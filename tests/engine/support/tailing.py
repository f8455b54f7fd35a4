"""Follows files step by step: one poll is a scan, a drain and a release at a time the test chooses.

In: patterns. Out: the lines a poll gave, the notices, the open descriptors. It checks every batch's bytes on the way.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exporters.engine.tail.tail import Tail
from exporters.engine.values import Batch, FileKey, Notice

__all__ = ["Checked", "Follower", "check_batch", "line", "open_descriptors"]


class Follower:
    """A tail, the time it is polled at, and everything it has given so far."""

    def __init__(self, *patterns: object, max_line_bytes: int = 1 << 20, batch_bytes: int = 1 << 18) -> None:
        self.tail = Tail([str(pattern) for pattern in patterns], max_line_bytes, batch_bytes, grace_s=10.0)
        self.monotonic = 0.0
        self.notices: list[Notice] = []
        self.batches: list[Batch] = []

    def poll(self, seconds: float = 1.0) -> list[bytes]:
        """Let seconds pass, look at everything, and return the new lines."""
        self.monotonic += seconds
        self.notices += self.tail.scan(self.monotonic)
        lines = self.drain()
        self.notices += self.tail.release(self.monotonic)
        return lines

    def drain(self) -> list[bytes]:
        """Read what is new in the files that are open, and return the new lines."""
        lines: list[bytes] = []
        for item in self.tail.drain(0.0, self.monotonic):
            if isinstance(item, Notice):
                self.notices.append(item)
            else:
                check_batch(item)
                self.batches.append(item)
                lines += item.data.split(b"\n")[:-1]
        return lines

    def said(self, kind: str) -> int:
        """Return how many notices of a kind there were."""
        return sum(notice.kind == kind for notice in self.notices)

    @property
    def lost_bytes(self) -> int:
        return sum(notice.lost_bytes for notice in self.notices)

    @property
    def too_long(self) -> int:
        return sum(batch.too_long for batch in self.batches)

    @property
    def skipped_bytes(self) -> int:
        return sum(batch.skipped_bytes for batch in self.batches)


class Checked(Follower):
    """A follower that also checks that batches of one file adjoin, by what the checkpoints say."""

    def offsets(self) -> dict[FileKey, int]:
        return {checkpoint.key: checkpoint.offset for checkpoint in self.tail.checkpoints() if not checkpoint.done}

    def drain(self) -> list[bytes]:
        lines: list[bytes] = []
        offsets = self.offsets()
        for item in self.tail.drain(0.0, self.monotonic):
            now = self.offsets()
            if isinstance(item, Batch):
                assert item.end - item.start == len(item.data) + item.skipped_bytes + item.too_long_bytes > 0
                moved = [(offsets.get(key, 0), offset) for key, offset in now.items() if offsets.get(key, 0) != offset]
                starts = [start for start, end in moved if end == item.end]
                assert item.start in starts or starts == [
                    0
                ]  # a file taken for a rewrite begins where the old one ended
                self.batches.append(item)
                lines += item.data.split(b"\n")[:-1]
            else:
                self.notices.append(item)
            offsets = now
        return lines


def check_batch(batch: Batch) -> None:
    """Assert what every batch promises."""
    assert batch.end - batch.start == len(batch.data) + batch.skipped_bytes + batch.too_long_bytes > 0
    assert batch.data == b"" or batch.data.endswith(b"\n")


def line(number: int, size: int = 40) -> bytes:
    """Return a whole line that no other number gives, newline included."""
    return b'{"n":%d,"pad":"%s"}\n' % (number, b"x" * size)


@contextmanager
def open_descriptors() -> Iterator[list[int]]:
    """Give a list that holds, after the block, how many descriptors were opened and not closed in it."""
    change: list[int] = []
    gc.collect()  # what earlier tests left behind
    gc.freeze()  # what is still there is looked through no more: the next call takes a hundredth of the time
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield change
    change.append(len(list(Path("/proc/self/fd").iterdir())) - before)
