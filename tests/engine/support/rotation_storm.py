"""Real rotation in small steps, a writer, and an exporter that is killed, all mixed at random: a storm without waiting.

In: a way to rotate, and a seed. Out: which lines are on disk and which were counted. The files are real, the tail is.
Rotation does what logrotate does, one call of the system at a time; any of its steps, and any of the writer's, may fall
between two calls that the tail makes itself. The same seed always makes the same storm.
"""

from __future__ import annotations

import gzip
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from exporters.engine.tail.tail import Tail
from exporters.engine.values import Batch, Checkpoint, FileKey
from tests.engine.support.histories import text_of

__all__ = ["SCHEMES", "Storm"]

_NUMBER = re.compile(rb'^\{"n":(\d+),"pad":"x*"\}$', re.M)
_CALLS = ("open", "stat", "listdir", "scandir", "pread")
"""Calls the tail makes, before any of which the files may change."""

_EVERY = 60
"""One of so many of the tail's calls has something happen before it."""

Steps = Iterator[None]
Moves = Generator[int, None, None]


class Storm:
    """One storm.

    Args:
        scheme: how to rotate, one of SCHEMES.
        max_open: how many files the tail may have open.
    """

    def __init__(self, folder: Path, scheme: str, seed: int, max_open: int = 1000) -> None:
        self.logs = f"{folder}/logs"
        os.mkdir(self.logs)
        self.live = f"{self.logs}/e"
        self.written = 0
        self.counts: Counter[int] = Counter()
        self.log: list[str] = []
        self._chance = random.Random(seed)
        self._writer = os.open(self.live, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._max_open = max_open
        self._tail: Tail | None = None
        self._now, self._scans_at = 0.0, 0.0
        self._committed: tuple[Sequence[Checkpoint], frozenset[FileKey], Counter[int]] = ((), frozenset(), Counter())
        self._rotation = SCHEMES[scheme](self)
        self._is_looking = self._is_calm = False

    def run(self, rotations: int) -> None:
        """Let it rage, then calm down and read everything."""
        with pytest.MonkeyPatch.context() as patch:
            for name in _CALLS:
                patch.setattr(os, name, self._disturbed(getattr(os, name)))
            self._start()
            while rotations > 0:
                rotations -= self._chance.choice(self._MOVES)(self)
        self._rotation.close()
        self._start()
        assert self._tail is not None
        self._is_calm = True
        for _ in range(12):
            self._now += 1.1
            self._look()
            self._commit()
            self._tail.release(self._now)

    def on_disk(self) -> set[int]:
        """Return the lines that are in any file."""
        found: set[int] = set()
        for name in os.listdir(self.logs):
            found |= {int(number) for number in _NUMBER.findall(text_of(f"{self.logs}/{name}"))}
        return found

    def end(self) -> None:
        """Give everything back."""
        os.close(self._writer)
        if self._tail is not None:
            self._tail.close()

    # The writer

    def _write(self) -> int:
        for _ in range(self._chance.randint(1, 5)):
            os.write(self._writer, b'{"n":%d,"pad":"%s"}\n' % (self.written, b"x" * (self.written % 50)))
            self.written += 1
        try:
            is_moved = os.stat(self.live).st_ino != os.fstat(self._writer).st_ino
        except FileNotFoundError:
            is_moved = True
        if is_moved and self._chance.random() < 0.3:
            os.close(self._writer)
            self._writer = os.open(self.live, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        return 0

    # Rotation

    def _rotate(self) -> int:
        """Take one step of the present rotation; return whether it was the last."""
        was, self._is_looking = self._is_looking, False
        try:
            return next(self._rotation)
        finally:
            self._is_looking = was

    # The exporter

    def _disturbed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def disturbed(*args: Any, **more: Any) -> Any:
            if self._is_looking and self._chance.random() < 1 / _EVERY:
                self._is_looking = False
                self._chance.choice([Storm._rotate, Storm._rotate, Storm._write])(self)
                self._is_looking = True
            return call(*args, **more)

        return disturbed

    def _start(self) -> int:
        if self._tail is None:
            self._tail = Tail([self.live], max_line_bytes=4096, batch_bytes=128, max_open=self._max_open)
            checkpoints, known, counts = self._committed
            self.counts = counts.copy()
            self._is_looking = True
            self._tail.recover(checkpoints, known, self._now)
            self._is_looking = False
            self._commit()
            self._scans_at = 0.0
        return 0

    def _kill(self) -> int:
        if self._tail is not None and self._chance.random() < 0.1:
            self._tail.close()
            self._tail = None
        return 0

    def _poll(self) -> int:
        if self._tail is not None:
            self._now += self._chance.choice([0.05, 0.2, 0.2, 0.2, 1.1, 5.0])
            if self._look():
                self._commit()
                self._tail.release(self._now)
        return 0

    def _look(self) -> bool:
        """Look and read; return whether it came to the end before a kill."""
        assert self._tail is not None
        self._is_looking = True
        if self._now >= self._scans_at:
            self._tail.scan(self._now)
            self._scans_at = self._now + 1.0
        for item in self._tail.drain(self._now, self._now):
            if isinstance(item, Batch):
                self._is_looking = False
                self.counts.update(int(number) for number in _NUMBER.findall(item.data))
                if not self._is_calm and self._chance.random() < 0.05:
                    self._commit()
                    if self._chance.random() < 0.2:
                        self._tail.close()
                        self._tail = None
                        return False
                self._is_looking = True
        self._is_looking = False
        return True

    def _commit(self) -> None:
        assert self._tail is not None
        self._committed = (list(self._tail.checkpoints()), self._tail.known, self.counts.copy())

    _MOVES = (_write, _write, _write, _rotate, _rotate, _poll, _poll, _kill, _start)


def _shift(storm: Storm, least: int = 1) -> Steps:
    """Rename name.1 to name.2 and so on, packed ones too."""
    names = os.listdir(storm.logs)
    for number in range(len(names) + 1, least - 1, -1):
        for ending in (".gz", ""):
            old = f"{storm.logs}/e.{number}{ending}"
            if os.path.exists(old):
                os.rename(old, f"{storm.logs}/e.{number + 1}{ending}")
    yield


def _pack(name: str) -> Steps:
    """Pack a file as logrotate has gzip do it: the packed file is there before it is whole, and gets old times last."""
    packed = f"{name}.gz"
    info = os.stat(name)
    os.close(os.open(packed, os.O_WRONLY | os.O_CREAT))
    yield
    with open(name, "rb") as plain:
        data = gzip.compress(plain.read(), 1, mtime=0)
    yield
    with open(packed, "wb") as out:
        out.write(data[: len(data) // 2])
        out.flush()
        yield
        out.write(data[len(data) // 2 :])
    yield
    os.utime(packed, ns=(info.st_atime_ns, info.st_mtime_ns))
    yield
    os.unlink(name)
    yield


def _renamed(storm: Storm, is_packed: bool, is_late: bool, is_dated: bool = False) -> Moves:
    """`create`, `compress`, `delaycompress`, `dateext`."""
    number = 0
    while True:
        if is_late and os.path.exists(f"{storm.logs}/e.1"):
            yield from _none(_pack(f"{storm.logs}/e.1"))
        if not is_dated:
            yield from _none(_shift(storm))
        number += 1
        last = f"{storm.logs}/e-20261126-{1763596800 + number}" if is_dated else f"{storm.logs}/e.1"
        if os.path.exists(storm.live):
            os.rename(storm.live, last)
            yield 0
            if storm._chance.random() < 0.5:
                os.close(os.open(storm.live, os.O_WRONLY | os.O_CREAT))
                yield 0
            if is_packed and not is_late:
                yield from _none(_pack(last))
        yield 1


def _copied(storm: Storm, is_packed: bool) -> Moves:
    """`copytruncate`."""
    while True:
        if os.path.exists(storm.live) and os.stat(storm.live).st_size:
            yield from _none(_shift(storm))
            with open(storm.live, "rb") as live, open(f"{storm.logs}/e.1", "wb") as copy:
                yield 0
                while block := live.read(4096):
                    copy.write(block)
                    copy.flush()
                    yield 0
            os.truncate(storm.live, 0)
            yield 0
            if is_packed:
                yield from _none(_pack(f"{storm.logs}/e.1"))
        yield 1


def _none(steps: Steps) -> Moves:
    for _ in steps:
        yield 0


SCHEMES: dict[str, Callable[[Storm], Moves]] = {
    "create": lambda storm: _renamed(storm, is_packed=False, is_late=False),
    "compress": lambda storm: _renamed(storm, is_packed=True, is_late=False),
    "delaycompress": lambda storm: _renamed(storm, is_packed=True, is_late=True),
    "dateext": lambda storm: _renamed(storm, is_packed=True, is_late=False, is_dated=True),
    "copytruncate": lambda storm: _copied(storm, is_packed=False),
    "copytruncate compress": lambda storm: _copied(storm, is_packed=True),
}
