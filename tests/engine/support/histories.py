"""Everything that can happen to a path in a few steps, and what must be counted after each of them.

In: a history, one letter a step. Out: the state it leads to, for those that lead to the same one to be explored once,
and a complaint if a line was counted twice, not counted though its bytes are there, or said to be lost though none
were destroyed. The files are real, the tail is; a commit is what a state would hold, a kill all that is not in it.
"""

from __future__ import annotations

import gzip
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from exporters.engine.tail.tail import Tail
from exporters.engine.values import Batch, Checkpoint, FileKey
from tests.engine.support.restart_harness import line, lines

__all__ = ["STEPS", "World", "explore"]

STEPS = {
    "a": "append a line",
    "h": "append half a line, or its other half",
    "l": "append a line through the descriptor from before the rename",
    "r": "rename: name.1 -> name.2, name -> name.1",
    "c": "copy name to name.1",
    "t": "cut name to nothing",
    "b": "begin to pack name.1",
    "f": "finish packing name.1",
    "d": "delete name.1, which is packed",
    "x": "delete name",
    "m": "take the folder away, or bring it back",
    "P": "look, read and commit",
    "U": "look and read, without a commit",
    "W": "let the files rest until they are let go",
    "K": "kill",
    "S": "start",
}

_DESTRUCTIVE = "rctdx"
"""Steps after which bytes may be gone: renaming and copying replace what stands under the last name."""

_NUMBER = re.compile(rb'^\{"n":"(\d+)","pad":"x*"\}$', re.M)
Commit = tuple[tuple[Checkpoint, ...], frozenset[FileKey], Counter[int]]


class World:
    """One history: the files, the tail, what was committed, and what must be.

    Args:
        begun: lines that stand in the file, read and committed, before the history begins.
    """

    def __init__(self, folder: Path, begun: int) -> None:
        self.logs, self.away = f"{folder}/logs", f"{folder}/away"
        self.live = f"{self.logs}/e"
        os.mkdir(self.logs)
        self.tail: Tail | None = None
        self.now = 0.0
        self.next = begun
        self.required = set(range(begun))
        self.half: tuple[int, bytes] | None = None
        self.writer: int | None = None
        self.late: int | None = None
        self.is_destroyed = False
        self.counts: Counter[int] = Counter()
        self.lost = 0
        self.committed: Commit = ((), frozenset(), Counter())
        if begun:
            self._write(lines(range(begun)))
        self.step("S")
        self.step("P")

    # Steps

    def may(self, step: str) -> bool:
        """Whether a step can be taken now."""
        return step in self.possible()

    def possible(self) -> str:
        """Return the steps that can be taken now."""
        found = "S" if self.tail is None else "PUWK"
        if not os.path.exists(self.logs):
            return found + "m"
        names = os.listdir(self.logs)
        found += "mah" + ("l" if self.late is not None else "")
        if "e" in names:
            found += "rcxt" if os.stat(self.live).st_size else "rcx"
        if "e.1" in names:
            is_packed = "e.1.gz" in names and bool(text_of(f"{self.logs}/e.1.gz"))
            found += "d" if is_packed else "f" if "e.1.gz" in names else "fb"
        return found

    def step(self, step: str) -> None:
        """Take a step and note what it destroyed."""
        getattr(self, f"_{step}")()
        if step in _DESTRUCTIVE:
            gone = self.required - self._within_reach() - set(self.committed[2])
            self.is_destroyed |= bool(gone)
            self.required -= gone

    def _write(self, text: bytes) -> None:
        if self.writer is None:
            self.writer = os.open(self.live, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(self.writer, text)

    def _new_line(self) -> bytes:
        self.required.add(self.next)
        self.next += 1
        return line(self.next - 1)

    def _a(self) -> None:
        if self.half is not None:
            self._h()
        self._write(self._new_line())

    def _h(self) -> None:
        if self.half is None:
            text = line(self.next)
            self._write(text[:30])
            self.half = self.next, text[30:]
            self.next += 1
            return
        (number, rest), self.half = self.half, None
        self._write(rest)
        self.required.add(number)

    def _l(self) -> None:
        assert self.late is not None
        os.write(self.late, self._new_line())

    def _shift(self) -> None:
        names = os.listdir(self.logs)
        for ending in ("", ".gz"):
            for number in (2, 1):
                if f"e.{number}{ending}" in names:
                    os.rename(f"{self.logs}/e.{number}{ending}", f"{self.logs}/e.{number + 1}{ending}")

    def _r(self) -> None:
        """The writer goes on in the renamed file until its line is whole."""
        if self.half is not None:
            self._h()
        self._shift()
        os.rename(self.live, f"{self.logs}/e.1")
        self._let_go()

    def _let_go(self) -> None:
        if self.late is not None:
            os.close(self.late)
        self.late, self.writer = self.writer, None

    def _c(self) -> None:
        self._shift()
        _put(f"{self.logs}/e.1", _bytes_of(self.live))

    def _t(self) -> None:
        self._forget_half()
        os.truncate(self.live, 0)

    def _forget_half(self) -> None:
        if self.half is not None:
            self.half, self.is_destroyed = None, True

    def _b(self) -> None:
        _put(f"{self.logs}/e.1.gz", gzip.compress(_bytes_of(f"{self.logs}/e.1"), 1, mtime=0)[:-6])

    def _f(self) -> None:
        _put(f"{self.logs}/e.1.gz", gzip.compress(_bytes_of(f"{self.logs}/e.1"), 1, mtime=0))

    def _d(self) -> None:
        if self.late is not None and os.fstat(self.late).st_ino == os.stat(f"{self.logs}/e.1").st_ino:
            os.close(self.late)
            self.late = None
        os.unlink(f"{self.logs}/e.1")

    def _x(self) -> None:
        self._forget_half()
        os.unlink(self.live)
        if self.writer is not None:
            os.close(self.writer)
            self.writer = None

    def _m(self) -> None:
        if os.path.exists(self.logs):
            os.rename(self.logs, self.away)
        else:
            os.rename(self.away, self.logs)

    def _P(self) -> None:  # noqa: N802  # named as its letter
        self._U()
        self._commit()
        assert self.tail is not None
        self._take(self.tail.release(self.now))

    def _U(self) -> None:  # noqa: N802
        assert self.tail is not None
        self.now += 1.1
        self._take(self.tail.scan(self.now))
        self._take(self.tail.drain(self.now, self.now))

    def _W(self) -> None:  # noqa: N802
        for seconds in (0.0, 11.0, 11.0):
            self.now += seconds
            self._P()

    def _K(self) -> None:  # noqa: N802
        assert self.tail is not None
        self.tail.close()
        self.tail = None

    def _S(self) -> None:  # noqa: N802
        self.tail = Tail([self.live], max_line_bytes=4096)
        checkpoints, known, counts = self.committed
        self.counts = counts.copy()
        self._take(self.tail.recover(checkpoints, known, self.now))
        self._commit()

    def _commit(self) -> None:
        assert self.tail is not None
        before = self.committed[2]
        self.committed = (tuple(self.tail.checkpoints()), self.tail.known, self.counts.copy())
        assert all(self.counts[number] >= count for number, count in before.items()), "a counter fell"

    def _take(self, items: object) -> None:
        assert isinstance(items, list | Iterator)
        for item in items:
            if isinstance(item, Batch):
                self.counts.update(int(number) for number in _NUMBER.findall(item.data))
            else:
                self.lost += item.lost_bytes
        twice = [number for number, count in self.counts.items() if count > 1]
        assert not twice, f"counted twice: {twice}"

    # What there is

    def _within_reach(self) -> set[int]:
        found: set[int] = set()
        for path in self._files():
            found |= {int(number) for number in _NUMBER.findall(text_of(path))}
        return found

    def _files(self) -> list[str]:
        folder = self.logs if os.path.exists(self.logs) else self.away
        return [f"{folder}/{name}" for name in sorted(os.listdir(folder))]

    def key(self) -> object:
        """Return what tells this state from others: files, what is open, what is committed, what is counted."""
        inodes: dict[tuple[int, int], int] = {}

        def index(key: tuple[int, int]) -> int:
            return inodes.setdefault(key, len(inodes))

        files = []
        for path in self._files():
            info = os.stat(path)
            files.append((path, index((info.st_dev, info.st_ino)), _bytes_of(path)))
        writers = [fd if fd is None else index(_inode(fd)) for fd in (self.writer, self.late)]
        committed = [_shape(one, index) for one in self.committed[0]]
        now: list[object] = []
        if self.tail is not None:
            now += [_shape(one, index) for one in self.tail.checkpoints()]
            now += [
                (key, gen.is_live, gen.is_begun, gen.after_gap, index(gen.stream.key[:2]), gen.stream.has_changed)
                for key, chain in self.tail._open_files.items()
                for gen in chain
            ]
            now += [sorted(self.tail._opener.missed), sorted(index(key[:2]) for key in self.tail.known)]
            now += [sorted(self.tail._history.unsure), sorted(self.counts.items())]
        known = sorted(index(key[:2]) for key in self.committed[1])
        told = (sorted(self.required), sorted(self.committed[2].items()), self.half, self.is_destroyed)
        return repr((files, writers, committed, known, now, told))

    def settle(self) -> None:
        """Bring everything back, read it all, and check the counts against the truth."""
        if not os.path.exists(self.logs):
            self.step("m")
        self.step("a")
        if self.tail is None:
            self.step("S")
        for step in "PWKSW":
            self.step(step)
        self.check()

    def check(self) -> None:
        """Check what was committed against the truth."""
        counted = set(self.committed[2])
        assert self.required <= counted, f"not counted: {sorted(self.required - counted)}"
        assert self.is_destroyed or not self.lost, f"said to be lost: {self.lost} bytes"

    def close(self) -> None:
        """Give everything back."""
        if self.tail is not None:
            self.tail.close()
        for fd in (self.writer, self.late):
            if fd is not None:
                os.close(fd)


def explore(folder: Path, begun: int, depth: int, steps: str, beginning: str = "") -> tuple[int, int, list[str]]:
    """Take every history of at most `depth` steps after a beginning.

    Returns:
        how many were taken, to how many states they lead, and complaints.
    """
    seen: set[object] = set()
    complaints: list[str] = []
    number = 0
    frontier = [beginning]
    for _ in range(depth + 1):
        longer: list[str] = []
        for history in frontier:
            number += 1
            possible = _go(folder, begun, history, seen, complaints, steps)
            longer += [history + step for step in possible]
        frontier = longer
    return number, len(seen), complaints


def _go(folder: Path, begun: int, history: str, seen: set[object], complaints: list[str], steps: str) -> str:
    """Take one history; return the steps possible after it if it leads to a state not seen before."""
    place = folder / "w"
    place.mkdir(exist_ok=True)
    world = None
    try:
        world = World(place, begun)
        for step in history:
            world.step(step)
        key = world.key()
        if key in seen:
            return ""
        seen.add(key)
        possible = world.possible()
        world.settle()
        return "".join(step for step in steps if step in possible)
    except AssertionError as error:
        complaints.append(f"{history}: {error}")
        return ""
    finally:
        if world is not None:
            world.close()
        _empty(place)


def _inode(fd: int) -> tuple[int, int]:
    info = os.fstat(fd)
    return info.st_dev, info.st_ino


def _shape(one: Checkpoint, index: Callable[[tuple[int, int]], int]) -> object:
    return (index(one.key[:2]), one.offset, one.size, one.head, one.anchor, one.done)


def text_of(path: str) -> bytes:
    """Return what is in a file, unpacked; nothing if it is packed and not whole."""
    data = _bytes_of(path)
    if not path.endswith(".gz"):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, OSError):
        return b""


def _bytes_of(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 1 << 20)
    finally:
        os.close(fd)


def _put(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.write(fd, data)
    os.close(fd)


def _empty(folder: Path) -> None:
    """Delete what is in a folder's folders, and those: to make and delete a folder costs more than a history."""
    for name in os.listdir(folder):
        for file in os.listdir(folder / name):
            os.unlink(folder / name / file)
        os.rmdir(folder / name)
