"""Random things done to files and to the exporter, kills included, against a model that knows where every line is.

The oracle is exact. Every line is counted once, unless its last bytes within reach were destroyed before a commit that
counted it; a line is within reach in the file a path leads to, under a rotated name, packed or not, or in a file that
is open. Lines that stood in backups before the first start are never counted. No scraped counter ever falls, and
nothing is said to be lost unless something unread was destroyed. PEAK_TRADE_CHAOS=1 runs it for long.
"""

from __future__ import annotations

import os
import shutil

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from exporters.engine.state.rows import StoreError
from tests.budget import amount
from tests.engine.support.restart_harness import copytruncate, line, pack, shift
from tests.engine.support.restart_steps import Sizes, Steps
from tests.engine.support.restart_world import key_of, numbers_in


class RestartMachine(Steps, RuleBasedStateMachine):
    """Writers, operators and rotation on one side; polls, scrapes and kills on the other."""

    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        Steps.__init__(self)
        self.is_link = False
        self.targets = 0

    # Writers

    @initialize(
        old=st.integers(0, 2),
        packed=st.booleans(),
        is_link=st.booleans(),
        sizes=st.none() | Sizes,
        max_open=st.sampled_from([None, None, None, 1, 2]),
    )
    def begin(self, old: int, packed: bool, is_link: bool, sizes: list[int] | None, max_open: int | None) -> None:
        self.is_limited, self.exporter.max_open = max_open is not None, max_open
        if is_link:
            self.is_link = True
            self.path.symlink_to("target-0.jsonl")
        for number in range(1, old + 1):
            backup = self.base.with_name(f"{self.base.name}.{number}")
            backup.write_bytes(self.write([100, 100]))
            if packed:
                pack(backup)
        self.old, self.written = self.written, set()
        if sizes is not None:
            self.base.write_bytes(self.write(sizes))
        self.exporter.start()

    @precondition(lambda self: self.is_there)
    @rule(sizes=Sizes)
    def append(self, sizes: list[int]) -> None:
        data = self.write(sizes)
        with self.base.open("ab") as out:
            out.write(data)

    @precondition(lambda self: self.is_there and self.half is None)
    @rule(size=st.integers(60, 300), data=st.data())
    def append_half(self, size: int, data: st.DataObject) -> None:
        text = line(self.next_number, size)
        cut = data.draw(st.integers(1, size - 1))
        with self.base.open("ab") as out:
            out.write(text[:cut])
        self.half = (self.base.stat().st_ino, text[cut:])

    @precondition(lambda self: self.is_there and self.half is not None)
    @rule()
    def complete_the_half(self) -> None:
        self.complete()

    # Operators and rotation

    @precondition(lambda self: self.base.exists())
    @rule()
    def rotate(self) -> None:
        self.renaming()
        shift(self.base)

    @precondition(lambda self: self.base.exists())
    @rule(sizes=Sizes)
    def rotate_and_write(self, sizes: list[int]) -> None:
        self.rotate()
        self.append(sizes)

    @precondition(lambda self: self.base.exists())
    @rule()
    def copytruncate(self) -> None:
        self.forget_half(self.base)
        self.marked.discard(key_of(self.base))
        copytruncate(self.base)

    @precondition(lambda self: self.base.exists())
    @rule(sizes=Sizes)
    def truncate_and_regrow(self, sizes: list[int]) -> None:
        self.forget_half(self.base)
        before, size = numbers_in(self.base), self.size(self.base)
        self.marked.discard(key_of(self.base))
        self.base.write_bytes(self.write([*sizes, *[300] * (size // 300 + 1)]))
        self.destroyed(before, size, may_be_open=False)

    @precondition(lambda self: self.base.exists())
    @rule(is_backup=st.booleans(), data=st.data())
    def delete(self, is_backup: bool, data: st.DataObject) -> None:
        victims = self.backups() if is_backup else [self.base]
        if victims:
            victim = data.draw(st.sampled_from(victims))
            self.forget_half(victim)
            before, size, key = numbers_in(victim), self.size(victim), key_of(victim)
            victim.unlink()
            self.destroyed(before, size, may_be_open=key in self.opened)

    @precondition(lambda self: self.base.exists() and not self.is_limited and not self.was_away)
    @rule(sizes=Sizes)
    def rewrite(self, sizes: list[int]) -> None:
        """An editor saves the file with more lines: a new file with the old content. Known only while both are open."""
        if self.half is not None:
            self.complete()
        if not numbers_in(self.base) & self.shown_numbers():
            self.destroyed_bytes += self.size(self.base)  # what was seen and not read of it may be taken for lost
        fresh = self.base.with_name("editor~")
        fresh.write_bytes(self.base.read_bytes() + self.write(sizes))
        fresh.replace(self.base)
        self.is_rewritten = True

    @rule(data=st.data())
    def compress(self, data: st.DataObject) -> None:
        busy = {plain for plain, _ in self.packing()}
        plain = [path for path in self.backups() if path.suffix != ".gz" and path not in busy]
        if plain:
            victim = data.draw(st.sampled_from(plain))
            self.forget_half(victim)
            pack(victim)

    @precondition(lambda self: self.is_link and self.is_there and not self.is_limited)
    @rule(sizes=Sizes)
    def swap_link(self, sizes: list[int]) -> None:
        """The link leads to a new file now; files nobody ever saw through it, as without descriptors, are gone."""
        if self.half is not None:
            self.complete()
        files = self.files()
        unmarked = [path for path in files if key_of(path) not in self.marked]
        unread = [path for path in unmarked if key_of(path) not in self.opened]
        before = {number for path in unread for number in numbers_in(path)}
        open_only = {number for path in unmarked for number in numbers_in(path)} - before
        self.targets += 1
        target = self.base.with_name(f"target-{self.targets}.jsonl")
        target.write_bytes(self.write(sizes))
        fresh = self.path.with_name("link~")
        fresh.symlink_to(target.name)
        fresh.replace(self.path)
        self.destroyed(before, sum(map(self.size, unread)), may_be_open=False)
        self.destroyed(open_only, sum(map(self.size, unmarked)), may_be_open=True)

    @rule(data=st.data(), days=st.sampled_from([-400, -1, 1, 400]))
    def set_times(self, data: st.DataObject, days: int) -> None:
        files = self.backups()
        if files:
            victim = data.draw(st.sampled_from(files))
            when = victim.stat().st_mtime + 86400 * days
            os.utime(victim, (when, when))

    # The exporter

    @precondition(lambda self: self.is_up)
    @rule(seconds=st.sampled_from([1.1, 1.1, 5.0, 11.0, 30.0]))
    def poll(self, seconds: float) -> None:
        self.exporter.poll(seconds).poll(0.2)
        self.after_poll(is_committed=True)

    @precondition(lambda self: self.is_up)
    @rule(seconds=st.sampled_from([1.1, 11.0]))
    def poll_once(self, seconds: float) -> None:
        self.exporter.poll(seconds)
        if self.base.exists():
            self.opened.add(key_of(self.base))
            self.marked.add(key_of(self.base))
        self.held -= set(self.counted())

    @precondition(lambda self: self.is_up)
    @rule()
    def poll_without_scan(self) -> None:
        """Only what is open is read, as at four polls out of five."""
        self.exporter.poll(0.2)
        self.held -= set(self.counted())

    @precondition(lambda self: self.is_up)
    @rule(is_killed=st.booleans())
    def read_without_commit(self, is_killed: bool) -> None:
        self.exporter.read_without_commit().read_without_commit()
        self.after_poll(is_committed=False)
        if is_killed:
            self.kill()

    @precondition(lambda self: self.is_up)
    @rule(is_killed=st.booleans())
    def poll_with_a_commit_that_fails(self, is_killed: bool) -> None:
        assert self.exporter.store is not None
        self.exporter.store.write = refuse  # type: ignore[method-assign]
        self.exporter.poll().poll()
        del self.exporter.store.write
        self.after_poll(is_committed=False)
        if is_killed:
            self.kill()

    @precondition(lambda self: self.is_up)
    @rule()
    def kill(self) -> None:
        self.counted()
        self.exporter.kill()
        self.free |= self.held
        self.held, self.read, self.opened = set(), set(), set()

    @precondition(lambda self: not self.is_up)
    @rule()
    def start(self) -> None:
        self.exporter.start()
        self.counted()

    @rule(seconds=st.sampled_from([-3e7, -3600.0, 3600.0, 3e7]))
    def set_clock(self, seconds: float) -> None:
        self.clock.jump(seconds)

    def teardown(self) -> None:
        try:
            if self.next_number:
                if not self.is_there:
                    self.take_the_folder_away_or_bring_it_back()
                if not self.is_up:
                    self.start()
                for seconds in (1.1, 11.0, 1.1, 11.0, *[11.0] * 20 * self.is_limited):
                    self.exporter.poll(seconds).poll(0.2)
                    self.after_poll(is_committed=True)
                self.nothing_is_missing()
                assert self.exporter.lost_bytes <= self.destroyed_bytes
        finally:
            self.reopen()
            if self.is_up:
                self.exporter.kill()
            shutil.rmtree(self.folder)


def refuse(rows: object, replace: bool = False) -> None:
    """Stand in for a write that the disk refuses."""
    raise StoreError("state.db: the state cannot be written (disk full)")


TestRestartMachine = pytest.mark.slow(RestartMachine.TestCase)
TestRestartMachine.settings = settings(
    max_examples=amount(60, 5000),
    stateful_step_count=amount(30, 60),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
