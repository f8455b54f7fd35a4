"""Random things done to a file, against a model that knows every line written (the tail's whole promise).

The oracle is exact: a line is owed if its bytes were there at a poll in a file the tail surely had open, or that was
let go and has grown under a rotated name. A line may be missing only if it was destroyed, or written to a file that no
poll ever saw at the path. No line comes twice; lines of one file come in order; every byte is in exactly one batch.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.budget import amount
from tests.engine.support.tailing import Checked

GRACE_S = 10.0
MAX_LINE = 300
KEPT = 3

Sizes = st.integers(20, 200)


@dataclass(eq=False)
class Inode:
    """One file as its writer knows it: `owed` and `long_owed` are lines no poll has seen yet.

    `is_fresh_rewrite`: no poll has seen it, and what it was made from has been read; were it rotated away now, nothing
    would tell whose rewrite it is. `is_left`: it was rewritten, and nobody writes to it any more.
    """

    fd: int
    text: bytes = b""
    owed: list[int] = field(default_factory=list)
    long_owed: int = 0
    half: int | None = None
    is_seen: bool = False
    is_named: bool = True
    is_fresh_rewrite: bool = False
    is_left: bool = False
    moved_at: float | None = None


class TailMachine(RuleBasedStateMachine):
    """Writers, operators and rotation on one side; polls on the other."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="tail-model-"))
        self.path = self.folder / "e.jsonl"
        self.files: list[Inode] = []
        self.at_path: Inode | None = None
        self.names: dict[Path, Inode] = {}
        self.next_id = self.too_long = self.may_be_too_long = 0
        self.home: dict[int, Inode] = {}
        self.may_come: set[int] = set()
        self.given: list[int] = []
        self.has_failed = False

    @initialize(
        is_linked=st.sampled_from([False, False, True]),
        is_globbed=st.booleans(),
        batch_bytes=st.sampled_from([64, 1 << 18]),
    )
    def begin(self, is_linked: bool, is_globbed: bool, batch_bytes: int) -> None:
        self.is_linked = is_linked
        pattern = f"{self.path}*" if is_globbed and not is_linked else str(self.path)
        self.follower = Checked(pattern, max_line_bytes=MAX_LINE, batch_bytes=batch_bytes)
        self.follower.tail.recover([], frozenset(), 0.0)

    def teardown(self) -> None:
        if hasattr(self, "follower"):
            if not self.has_failed:
                self.poll(1.0)
                self.poll(1.0)
            self.follower.tail.close()
        for file in self.files:
            os.close(file.fd)
        shutil.rmtree(self.folder)

    # Writers

    def write(self, file: Inode, data: bytes) -> None:
        assert os.write(file.fd, data) == len(data)
        file.text += data

    def new_line(self, file: Inode, size: int) -> bytes:
        self.next_id += 1
        self.home[self.next_id] = file
        return b'{"id":%d,"pad":"%s"}' % (self.next_id, b"x" * size)

    def finish_half(self, file: Inode) -> None:
        """Write the rest of a line begun before, and owe it."""
        if file.half is None:
            return
        self.write(file, b'"}\n')
        if file.half > 0:
            file.owed.append(file.half)
        file.half = None

    def current(self) -> Inode:
        """Return the file at the path, made if need be."""
        if self.at_path is None:
            name = self.path
            if self.is_linked:
                name = self.folder / f"target{len(self.files)}"
                fresh = self.folder / "link~"
                fresh.symlink_to(name)
            fd = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL)
            if self.is_linked:
                fresh.rename(self.path)
            self.at_path = Inode(fd)
            self.files.append(self.at_path)
        return self.at_path

    @rule(sizes=st.lists(Sizes, min_size=1, max_size=30), ending=st.sampled_from([b"\n", b"\r\n", b"\n\n"]))
    def append_lines(self, sizes: list[int], ending: bytes) -> None:
        file = self.current()
        self.finish_half(file)
        for size in sizes:
            text = self.new_line(file, size)
            file.owed.append(self.next_id)
            self.write(file, text + ending)

    @rule(size=Sizes, seconds=st.sampled_from([1.0, 15.0]))
    def append_line_and_poll(self, size: int, seconds: float) -> None:
        self.append_lines([size], b"\n")
        self.poll(seconds)

    @rule(size=Sizes)
    def append_half(self, size: int) -> None:
        file = self.current()
        self.finish_half(file)
        self.write(file, self.new_line(file, size)[:-2])
        file.half = self.next_id

    @rule()
    def complete_half(self) -> None:
        self.finish_half(self.current())

    @rule(size=st.integers(MAX_LINE + 1, 5 * MAX_LINE), is_whole=st.booleans())
    def append_too_long(self, size: int, is_whole: bool) -> None:
        file = self.current()
        self.finish_half(file)
        self.next_id += 1
        self.write(file, b"L%d" % self.next_id + b"L" * size + (b"\n" if is_whole else b""))
        file.long_owed += 1
        file.half = None if is_whole else 0

    @rule(number=st.integers(1, 3 * MAX_LINE))
    def append_nuls(self, number: int) -> None:
        file = self.current()
        self.finish_half(file)
        self.write(file, b"\0" * number)

    @rule(choice=st.integers(0, 10), size=Sizes)
    def append_to_any_file(self, choice: int, size: int) -> None:
        """Write through a descriptor opened long ago, wherever the file is by now."""
        files = [file for file in self.files if not file.is_left] or [self.current()]
        file = files[-1 - choice % len(files)]
        self.finish_half(file)
        text = self.new_line(file, size)
        file.owed.append(self.next_id)
        self.write(file, text + b"\n")

    # Operators and rotation

    def leave_path(self, is_named: bool) -> None:
        assert self.at_path is not None
        self.at_path.is_named = is_named
        self.at_path = None

    @precondition(lambda self: self.at_path and not self.is_linked and not self.at_path.is_fresh_rewrite)
    @rule(is_made_anew=st.booleans())
    def rotate(self, is_made_anew: bool) -> None:
        for age in range(KEPT, 0, -1):
            name = self.path.with_name(f"e.jsonl.{age}")
            file = self.names.pop(name, None)
            if file is not None and age == KEPT:
                file.is_named = False
            elif file is not None:
                older = self.path.with_name(f"e.jsonl.{age + 1}")
                name.rename(older)
                self.names[older] = file
        name = self.path.with_name("e.jsonl.1")
        assert self.at_path is not None
        self.names[name] = self.at_path
        self.path.rename(name)
        self.leave_path(is_named=True)
        if is_made_anew:
            self.current()

    @precondition(lambda self: self.at_path and self.is_linked)
    @rule()
    def swap_link(self) -> None:
        self.leave_path(is_named=True)
        self.current()

    @precondition(lambda self: self.at_path)
    @rule()
    def delete(self) -> None:
        self.path.resolve().unlink() if self.is_linked else self.path.unlink()
        self.leave_path(is_named=False)
        self.path.unlink(missing_ok=True)

    @precondition(lambda self: self.at_path)
    @rule()
    def empty(self) -> None:
        """Truncate in place: what no poll has seen is destroyed."""
        file = self.current()
        os.ftruncate(file.fd, 0)
        file.text, file.owed, file.long_owed, file.half = b"", [], 0, None

    @precondition(lambda self: self.at_path and not self.is_linked)
    @rule(size=Sizes)
    def rewrite(self, size: int) -> None:
        """Replace the file by one with the same content and another line, as an editor does."""
        old = self.current()
        self.leave_path(is_named=False)
        fresh = self.folder / "fresh~"
        self.at_path = Inode(os.open(fresh, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL))
        self.files.append(self.at_path)
        self.write(self.at_path, old.text)
        self.at_path.half, old.half = old.half, None
        old.is_left = True
        if self.at_path.half:
            self.home[self.at_path.half] = self.at_path
        if not old.is_seen:
            self.at_path.owed, old.owed = old.owed, []
            self.at_path.long_owed, old.long_owed = old.long_owed, 0
        self.at_path.is_fresh_rewrite = True
        self.finish_half(self.at_path)
        text = self.new_line(self.at_path, size)
        self.at_path.owed.append(self.next_id)
        self.write(self.at_path, text + b"\n")
        fresh.rename(self.path)

    # The tail

    def is_owed_by(self, file: Inode) -> bool:
        """Whether what is in the file now must come at this poll."""
        if file is self.at_path:
            return True
        if not file.is_seen:
            return False
        is_rotated = file.is_named and not self.is_linked
        return is_rotated or file.moved_at is None or self.follower.monotonic - file.moved_at < GRACE_S

    @rule(seconds=st.sampled_from([1.0, 1.0, 1.0, 15.0]))
    def poll(self, seconds: float) -> None:
        self.has_failed = True
        owed: set[int] = set()
        for file in self.files:
            if self.is_owed_by(file):
                owed.update(file.owed)
                self.too_long += file.long_owed
            else:
                self.may_come.update(file.owed)
                self.may_be_too_long += file.long_owed
            file.owed, file.long_owed = [], 0
        given = list(self.ids_of(self.follower.poll(seconds)))
        assert owed <= set(given)
        assert set(given) - owed <= self.may_come
        self.given += given
        assert len(self.given) == len(set(self.given))
        self.check_order(given)
        self.may_come -= set(given)
        assert self.too_long <= self.follower.too_long <= self.too_long + self.may_be_too_long
        for file in self.files:
            if file is self.at_path:
                file.is_seen, file.is_fresh_rewrite = True, False
            elif file.is_seen and file.moved_at is None:
                file.moved_at = self.follower.monotonic
        self.has_failed = False

    def ids_of(self, lines: list[bytes]) -> Iterator[int]:
        for text in lines:
            text = text.lstrip(b"\0").removesuffix(b"\r")
            if text:
                assert text.startswith(b'{"id":') and text.endswith(b'"}')
                yield int(text[6:].split(b",")[0])

    def check_order(self, given: list[int]) -> None:
        for file in self.files:
            mine = [number for number in given if self.home[number] is file]
            assert mine == sorted(mine)


TestTail = pytest.mark.slow(TailMachine.TestCase)
TestTail.settings = settings(max_examples=amount(60, 3000), stateful_step_count=40, deadline=None, print_blob=True)
