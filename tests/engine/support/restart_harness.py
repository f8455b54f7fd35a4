"""One exporter that is started, polled, killed and started again over the same files and the same state.

In: a folder, patterns, a clock that only the test moves. Out: how often each line was counted, as a scrape sees it,
and what the exporter says it lost. A kill gives back descriptors and the state's lock, as the kernel does, no more.
"""

from __future__ import annotations

import gzip
import os
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from exporters.engine.run import Engine, Exposed
from exporters.engine.state.store import Store
from exporters.engine.tail.tail import Tail
from tests.conftest import FakeClock
from tests.engine.support.harness import contract_of

__all__ = ["Exporter", "copy_to_backup", "copytruncate", "line", "lines", "pack", "shift"]

CONTRACT = """
vocabulary:
  n: {allow: 0-9, max_length: 6, max_values: 5000}
sources: {all: {match: {}, read: {n: n}}}
metrics:
  seen_total: {type: counter, counts: n, labels: [n], help: Lines by number., budget: 5001}
"""


class Exporter:
    """An exporter's lives."""

    def __init__(
        self,
        folder: Path,
        clock: FakeClock,
        *patterns: object,
        max_line_bytes: int = 4096,
        max_open: int | None = None,
    ) -> None:
        self.contract = contract_of(folder, CONTRACT)
        self.clock = clock
        self.patterns = [str(pattern) for pattern in patterns]
        self.state = folder / "state" / "sample.db"
        self.max_line_bytes = max_line_bytes
        self.max_open = max_open
        self.engine: Engine | None = None
        self.store: Store | None = None
        self._committed: dict[tuple[str, ...], float] | None = None

    def start(self) -> Exporter:
        """Start; what the last life left is taken over."""
        assert self.engine is None
        self.store = Store(self.state, "sample")
        self.engine = Engine(self.contract, self.tail(), {}, self.clock, self.store).start()
        if self._committed is not None:
            now = self.counters()
            fallen = {name: value for name, value in self._committed.items() if now.get(name, -1.0) < value}
            assert fallen == {}, "forgotten: what was committed is shown before anything is read again"
        return self

    def tail(self) -> Tail:
        """Return the tail of one life."""
        return Tail(self.patterns, max_line_bytes=self.max_line_bytes, max_open=self.max_open)

    def poll(self, seconds: float = 1.1) -> Exporter:
        """Let seconds pass and go once around the loop, commit included."""
        self.clock.advance(seconds)
        self._engine.step()
        return self

    def read_without_commit(self, seconds: float = 1.1) -> Exporter:
        """Let seconds pass, look and read, and come to no commit: where a kill hurts most."""
        self.clock.advance(seconds)
        engine = self._engine
        for notice in engine.tail.scan(self.clock.monotonic()):
            engine.ledger.take(notice)
        for item in engine.tail.drain(self.clock.now(), self.clock.monotonic()):
            engine.ledger.take(item)
        return self

    def kill(self) -> Exporter:
        """End this life without a last step."""
        self._committed = self.counters()
        engine, self.engine = self._engine, None
        engine.tail.close()
        assert self.store is not None
        self.store.close()
        return self

    def end(self) -> None:
        """Give back what this life still holds, if any."""
        if self.engine is not None:
            self.kill()

    def restart(self) -> Exporter:
        """Kill, start and poll."""
        return self.kill().start().poll()

    def let_rest(self) -> Exporter:
        """Poll until every file let go is let go and nothing is left to read."""
        for _ in range(3):
            self.poll(1.1)
            self.poll(11.0)
        return self

    def seen(self) -> Counter[int]:
        """Return how often each line was counted."""
        return Counter({int(labels[0]): int(value) for labels, value in self._values("seen_total").items()})

    def counted(self, *lives: Iterable[int]) -> bool:
        """Whether exactly these lines were counted, each once."""
        expected = Counter(number for numbers in lives for number in numbers)
        assert self.seen() == expected
        return True

    @property
    def lost_bytes(self) -> int:
        return int(sum(self._values("peak_trade_exporter_lost_bytes_total").values()))

    @property
    def recoveries(self) -> Counter[str]:
        """Outcomes of all lives, without those that never happened."""
        found = self._values("peak_trade_exporter_recoveries_total")
        return Counter({labels[-1]: int(value) for labels, value in found.items() if value})

    def outcomes(self) -> Counter[str]:
        """How many lines ended how, over all lives."""
        found = self._values("peak_trade_exporter_lines_total")
        return Counter({labels[-1]: int(value) for labels, value in found.items() if value})

    def counters(self) -> dict[tuple[str, ...], float]:
        """Every counter a scrape sees."""
        return {
            (metric.name, *sample.labels): sample.value
            for metric, samples in self.exposed()[0]
            for sample in samples
            if metric.type == "counter"
        }

    def exposed(self) -> Exposed:
        """Return what a scrape would get now."""
        return self._engine.publish()

    def _values(self, name: str) -> dict[tuple[str, ...], float]:
        return {s.labels: s.value for metric, samples in self.exposed()[0] if metric.name == name for s in samples}

    @property
    def _engine(self) -> Engine:
        assert self.engine is not None
        return self.engine


def line(number: int, size: int = 80) -> bytes:
    """Return the line of that number, `size` bytes long with its newline."""
    head = b'{"n":"%d","pad":"' % number
    return head + b"x" * (size - len(head) - 3) + b'"}\n'


def lines(numbers: Iterable[int], size: int = 80) -> bytes:
    return b"".join(line(number, size) for number in numbers)


def shift(path: Path, keep: int = 99) -> None:
    """Rotate as RotatingFileHandler does: name.1 -> name.2 and so on, then name -> name.1; packed ones move along."""
    for number in range(keep, 0, -1):
        for ending in ("", ".gz"):
            old = path.with_name(f"{path.name}.{number}{ending}")
            if old.exists():
                old.rename(path.with_name(f"{path.name}.{number + 1}{ending}"))
    if path.exists():
        path.rename(path.with_name(f"{path.name}.1"))


def copy_to_backup(path: Path, name: str | None = None) -> Path:
    """Do the first half of what logrotate's copytruncate does; return the copy."""
    if name is None:
        live = path.with_name(path.name + ".live")
        path.rename(live)
        shift(path)
        live.rename(path)
    copy = path.parent / (name or f"{path.name}.1")
    shutil.copyfile(path, copy)
    return copy


def copytruncate(path: Path, name: str | None = None) -> Path:
    """Rotate as logrotate's copytruncate does; return the copy."""
    copy = copy_to_backup(path, name)
    os.truncate(path, 0)
    return copy


def pack(path: Path) -> Path:
    """Compress as gzip does: a new file with the old times; the old one goes."""
    packed = path.with_name(path.name + ".gz")
    info = path.stat()
    with gzip.GzipFile(packed, "wb", mtime=0) as out:
        out.write(path.read_bytes())
    os.utime(packed, ns=(info.st_atime_ns, info.st_mtime_ns))
    path.unlink()
    return packed
