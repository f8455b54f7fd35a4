"""What random restarts and rotations are judged by: where every line is, and what has become of it.

In: the files as they are, and what a scrape shows. Out: which lines must have been counted, which may be missing, and
how many bytes may be said to be lost. Part of test_restart_model.
"""

from __future__ import annotations

import gzip
import os
import re
import tempfile
from collections import Counter
from pathlib import Path

from exporters.engine.tail.fingerprint import file_key
from exporters.engine.values import FileKey
from tests.conftest import FakeClock
from tests.engine.support.restart_harness import Exporter, line

__all__ = ["World", "key_of", "numbers_in"]

_NUMBER = re.compile(rb'^\{"n":"(\d+)","pad":"x*"\}\n', re.M)


class World:
    """The files, the exporter, and the account of both.

    `written`: lines that must be counted, but for `free`, which may be missing. `held`: lines whose bytes are only in
    memory or in deleted open files, so that a kill may cost them. `opened`: files this life has opened; `marked`: files
    of which the state knows. `late`: the descriptor of a writer that has not reopened its file since it was renamed.
    `copied`: files that somebody copied by hand. `is_rewritten`: the file was saved as a new one, and not looked at
    since. `was_away`: the folder was, and nobody has looked since it is back. `is_limited`: there are fewer descriptors
    than files, so that a look may leave some for the next one.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="restart-model-"))
        (self.folder / "logs").mkdir()
        self.path = self.folder / "logs" / "e.jsonl"
        self.clock = FakeClock()
        self.exporter = Exporter(self.folder, self.clock, self.path)
        self.next_number = 0
        self.written: set[int] = set()
        self.held: set[int] = set()
        self.free: set[int] = set()
        self.old: set[int] = set()
        self.destroyed_bytes = 0
        self.opened: set[FileKey] = set()
        self.marked: set[FileKey] = set()
        self.read: set[int] = set()
        self.half: tuple[int, bytes] | None = None
        self.late: int | None = None
        self.copied: set[int] = set()
        self.is_limited = self.is_rewritten = self.was_away = False
        self.shown: dict[tuple[str, ...], float] = {}

    @property
    def base(self) -> Path:
        """The file's own name: that of the link's target if the path is a link."""
        return self.path.parent / self.path.readlink() if self.path.is_symlink() else self.path

    @property
    def is_there(self) -> bool:
        """Whether the folder is where the path says: it is not mounted otherwise."""
        return (self.folder / "logs").exists()

    def backups(self) -> list[Path]:
        return sorted(self.base.parent.glob(f"{self.base.name}.[0-9]*"))

    def files(self) -> list[Path]:
        return [path for path in [self.base, *self.backups()] if path.exists()]

    def within_reach(self) -> set[int]:
        """Lines in files that can be found by their names."""
        found: set[int] = set()
        for path in self.files():
            found |= numbers_in(path)
        return found

    def counted(self) -> Counter[int]:
        """What a scrape sees now; scraped values must never fall."""
        assert self.exporter.engine is not None
        now = self.exporter.counters()
        fallen = {key: (value, now.get(key)) for key, value in self.shown.items() if now.get(key, -1.0) < value}
        assert not fallen, f"scraped counters fell: {fallen}"
        self.shown = now
        return self.exporter.seen()

    def destroyed(self, before: set[int], size: int, may_be_open: bool) -> None:
        """Note what a step destroyed: the lines of `before` that no name leads to any more and nobody has counted."""
        gone = before - self.within_reach() - self.shown_numbers()
        self.destroyed_bytes += size if gone else 0
        is_held = self.is_up and not self.is_limited
        kept = {number for number in gone if is_held and (may_be_open or number in self.read)}
        self.held |= kept
        self.free |= gone - kept

    def shown_numbers(self) -> set[int]:
        """Lines that the last scrape held."""
        return {int(key[1]) for key, value in self.shown.items() if key[0] == "seen_total" and value}

    @property
    def is_up(self) -> bool:
        return self.exporter.engine is not None

    def size(self, path: Path) -> int:
        return len(text_of(path)) if path.exists() else 0

    def write(self, sizes: list[int]) -> bytes:
        if self.half is not None:
            self.complete()
        numbers = range(self.next_number, self.next_number + len(sizes))
        self.next_number += len(sizes)
        self.written |= set(numbers)
        return b"".join(line(number, size) for number, size in zip(numbers, sizes, strict=True))

    def complete(self) -> None:
        """The writer finishes its line in the file it began it in, wherever that is by now."""
        assert self.half is not None
        (inode, rest), self.half = self.half, None
        for path in self.files():
            if path.stat().st_ino == inode and path.suffix != ".gz":
                with path.open("ab") as out:
                    out.write(rest)
                self.written.add(self.next_number)
        self.next_number += 1

    def renaming(self) -> None:
        """The writer keeps its file open while it is renamed."""
        self.reopen()
        self.late = os.open(self.base, os.O_WRONLY | os.O_APPEND)

    def reopen(self) -> None:
        """The writer lets go of the file that was renamed."""
        if self.late is not None:
            os.close(self.late)
        self.late = None

    def late_path(self) -> Path | None:
        """Where the file is that a writer has not let go of, if a name leads to it."""
        inode = None if self.late is None else os.fstat(self.late).st_ino
        return next((path for path in self.backups() if path.stat().st_ino == inode), None)

    def forget_half(self, path: Path) -> None:
        """An unfinished line in a file that is copied, packed, cut or deleted is never finished.

        It may be said to be lost once in each copy that was made of it.
        """
        if self.half is not None and path.exists() and path.stat().st_ino == self.half[0]:
            self.half = None
            self.next_number += 1
            self.destroyed_bytes += self.size(path) * (1 + len(self.backups()))

    def after_poll(self, is_committed: bool) -> None:
        """Check what two polls made of all there is: a file that got shorter is believed at the second look."""
        self.read |= self.within_reach() | self.held
        self.is_rewritten, self.was_away = False, self.was_away and not self.is_there
        keys = {key_of(path) for path in self.files() if path == self.base or path.stat().st_size}
        self.opened |= keys
        counted = self.counted()
        assert max(counted.values(), default=0) <= 1, f"counted twice: {[n for n, c in counted.items() if c > 1]}"
        assert not self.old & set(counted), f"never to be read: {self.old & set(counted)}"
        if is_committed:
            self.held -= set(counted)
            self.marked |= keys
            if self.is_there and not self.is_limited:
                self.nothing_is_missing()

    def nothing_is_missing(self) -> None:
        """Check that every line that must be counted is."""
        missing = self.written - set(self.counted()) - self.free
        assert not missing, f"not counted: {sorted(missing)}"


def numbers_in(path: Path) -> set[int]:
    """Return the numbers of the whole lines in a file."""
    return {int(number) for number in _NUMBER.findall(text_of(path))}


def text_of(path: Path) -> bytes:
    """Return what is in a file, unpacked; nothing if it is packed and not whole."""
    data = path.read_bytes()
    try:
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except EOFError:
        return b""


def key_of(path: Path) -> FileKey:
    """Return a file's identity."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return file_key(fd)
    finally:
        os.close(fd)
