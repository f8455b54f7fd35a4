"""What much input costs: memory after it, and a restart on the large file it makes.

In: megabytes. Out: readings. The file grows block by block; every block has intent ids of its own, as real input has.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

from tests.bench.inputs import LEDGER_BYTES, ledger
from tests.bench.process import Exporter, bytes_read, running, shadow, wait_until
from tests.bench.reading import Reading

__all__ = ["memory_readings"]

_MEGABYTE = 1_000_000
_BLOCK_MB = 64
_INTENT = b'"intent_id":"int-000'


class _Growing:
    """A file that grows to a size by repeating one block of lines, each time with other intent ids."""

    def __init__(self, file: Path, largest_mb: int) -> None:
        self._file = file
        block_bytes = min(_BLOCK_MB, largest_mb) * _MEGABYTE
        lines = ledger(random.Random(5), block_bytes // LEDGER_BYTES)
        self._block = "".join(lines).encode()
        self._blocks = 0
        self._left = b""

    def grow_to(self, megabytes: int) -> None:
        """Append whole lines until the file has this size, or a line less."""
        want = megabytes * _MEGABYTE
        with self._file.open("ab") as out:
            while (room := want - out.tell()) > 0:
                text = self._left or self._next_block()
                end = len(text) if room >= len(text) else text.rfind(b"\n", 0, room) + 1
                if end == 0:
                    return
                out.write(text[:end])
                self._left = text[end:]

    def _next_block(self) -> bytes:
        self._blocks += 1
        return self._block.replace(_INTENT, b'"intent_id":"int-%03d' % self._blocks)


def memory_readings(before_mb: int, after_mb: int, restart_mb: int | None, folder: Path) -> list[Reading]:
    """Measure memory after a little and after much input, then stop, and measure the restart with its state."""
    growing = _Growing(folder / "events.jsonl", after_mb)
    growing.grow_to(before_mb)
    with running(shadow(), folder) as exporter:
        before = _settled(exporter)
        growing.grow_to(after_mb)
        after = _settled(exporter)
        peak = exporter.memory_mib("VmHWM")
        if restart_mb is not None:
            growing.grow_to(restart_mb)
            _settled(exporter)
    return [
        Reading("rss_before", f"RSS after {before_mb:,} MB", before, "MiB"),
        Reading("rss_after", f"RSS after {after_mb:,} MB", after, "MiB", at_most=64),
        Reading("rss_growth", "its growth between the two", (after / before - 1) * 100, "%", at_most=5),
        Reading("rss_peak", f"peak RSS within {after_mb:,} MB", peak, "MiB"),
        _restart(folder),
    ]


def _settled(exporter: Exporter) -> float:
    """Return the memory when all of the file has been read, and a second has passed."""
    size = exporter.file.stat().st_size
    wait_until(lambda: bytes_read(exporter.page()) >= size, "everything is read", pause_s=0.5)
    time.sleep(1.0)
    exporter.page()
    return exporter.memory_mib()


def _restart(folder: Path) -> Reading:
    """Measure from the start of the process to ready, on the file as it is and with the state that was left."""
    exporter = Exporter(shadow(), folder)
    began = time.perf_counter()
    try:
        exporter.start()
        exporter.wait_ready()
        seconds = time.perf_counter() - began
    finally:
        exporter.stop()
    size = exporter.file.stat().st_size / 1e9
    return Reading("restart", f"restart with state on {size:.1f} GB, until ready", seconds, "s", at_most=1)
