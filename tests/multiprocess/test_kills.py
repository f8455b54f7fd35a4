"""Wherever metricsd is killed, every counter is then in the folded file or in a file of its own: it neither falls nor
doubles. A kill here gives back descriptors and locks and nothing else, before or after any change on the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from exporters.multiprocess.collector import Collector
from exporters.multiprocess.folded import FILE
from tests.budget import amount
from tests.conftest import FakeClock
from tests.multiprocess.folders import InnerSession, open_collector, the_contract, total

pytestmark = pytest.mark.thorough

CHANGES = ("rename", "unlink", "replace")
"""Every way in which the collector changes a folder, but writing beside the folded file."""


class KilledError(BaseException):
    """The process ends here."""


@contextmanager
def killed_at(step: int, *, after: bool) -> Iterator[Callable[[], bool]]:
    """End the process at the n-th change of the disk, just before or just after it; yields whether that happened."""
    made = 0
    happened = False

    def changing(original: Callable[..., Any]) -> Callable[..., Any]:
        def change(*arguments: Any, **named: Any) -> Any:
            nonlocal made, happened
            made += 1
            if happened or (made == step and not after):
                happened = True
                raise KilledError
            result = original(*arguments, **named)
            if made == step:
                happened = True
                raise KilledError
            return result

        return change

    with pytest.MonkeyPatch.context() as patch:
        for name in CHANGES:
            patch.setattr(Path, name, changing(getattr(Path, name)))
        yield lambda: happened


def run_until_killed(collector: Collector | None, folder: Path, step: int, *, after: bool) -> bool:
    """Go through a start (unless there is a collector) and a scrape; return whether it was killed in between."""
    killed = collector or Collector(the_contract(), folder, FakeClock())
    with killed_at(step, after=after) as happened:
        try:
            if collector is None:
                killed.open()
            killed.collect()
        except KilledError:
            pass
    killed.close()
    return happened()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_at_any_change_of_the_disk_neither_loses_nor_doubles(tmp_path: Path, after: bool) -> None:
    steps = 0
    while True:
        folder = tmp_path / str(steps)
        for number in (1, 2, 4):
            session = InnerSession(folder)
            session.block(number)
            session.die()
        left = open_collector(folder)
        assert total(left) == 7
        more = InnerSession(folder)
        more.block(8)
        more.die()
        steps += 1
        was_killed = run_until_killed(left, folder, steps, after=after)
        collector = open_collector(folder)
        assert [total(collector), total(collector)] == [15, 15]
        assert {path.name for path in folder.iterdir()} == {FILE, "owner"}
        if not was_killed:
            break
    assert steps > 4, "there are more changes than that"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_while_starting_after_a_kill_neither_loses_nor_doubles(tmp_path: Path, after: bool) -> None:
    for first in range(1, 7):
        for second in range(1, 7):
            folder = tmp_path / f"{first}-{second}"
            session = InnerSession(folder)
            session.block(3)
            session.die()
            run_until_killed(None, folder, first, after=after)
            run_until_killed(None, folder, second, after=not after)
            assert total(open_collector(folder)) == 3


class FolderMachine(RuleBasedStateMachine):
    """Sessions come, record, end; metricsd scrapes, restarts, is killed: what is scraped is what was recorded."""

    @initialize(folder=st.just(None))
    def start(self, folder: None) -> None:
        self.folder = Path(self._folders.mktemp("folder"))
        self.sessions: list[InnerSession] = []
        self.recorded = 0
        self.collector: Collector | None = None

    _folders: pytest.TempPathFactory

    @rule()
    def session_begins(self) -> None:
        if len(self.sessions) < 4:
            self.sessions.append(InnerSession(self.folder))

    @precondition(lambda self: self.sessions)
    @rule(which=st.integers(0, 3), number=st.integers(1, 3))
    def session_records(self, which: int, number: int) -> None:
        self.sessions[which % len(self.sessions)].block(number)
        self.recorded += number

    @precondition(lambda self: self.sessions)
    @rule(which=st.integers(0, 3))
    def session_ends(self, which: int) -> None:
        self.sessions.pop(which % len(self.sessions)).die()

    @rule()
    def metricsd_stops(self) -> None:
        if self.collector is not None:
            self.collector.close()
            self.collector = None

    @rule(step=st.integers(1, 8), after=st.booleans())
    def metricsd_is_killed(self, step: int, after: bool) -> None:
        run_until_killed(self.collector, self.folder, step, after=after)
        self.collector = None

    @rule()
    def metricsd_scrapes(self) -> None:
        self.collector = self.collector or open_collector(self.folder)
        assert total(self.collector) == self.recorded

    @invariant()
    def files_do_not_pile_up(self) -> None:
        if self.collector is not None:
            self.collector.tidy()
            assert len(list(self.folder.glob("*.db*"))) == 2 * len(self.sessions)

    def teardown(self) -> None:
        if self.collector is not None:
            self.collector.close()
        for session in self.sessions:
            session.die()


@pytest.mark.slow
def test_whatever_happens_in_whatever_order_what_is_scraped_is_what_was_recorded(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    FolderMachine._folders = tmp_path_factory
    run_state_machine_as_test(
        FolderMachine, settings=settings(max_examples=amount(20, 300), stateful_step_count=25, deadline=None)
    )
