import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest

from exporters.engine.pairs.pairs import OpenPairs
from exporters.engine.series import SeriesTable
from exporters.engine.state.keeper import Keeper
from exporters.engine.tail.tail import Tail
from tests.budget import amount
from tests.engine.support.commits import Plant, Shown, shop_event
from tests.engine.support.stores import quick_folder

TEXT = """
vocabulary:
  kind: {values: [sold, lost], otherwise: other}
  stage: {values: [open, done]}
  edge: {values: [open_to_done]}
  id: {type: id}
  at: {type: time}
  latency: {type: number, unit: seconds, min: 0}
sources:
  all: {match: {}, read: {kind: kind, stage: stage, edge: edge, id: id, at: at, latency: latency}}
pairs:
  order: {id: id, stage: stage, at: at, edge: edge, latency: latency, edges: {open_to_done: [open, done]},
    timeout: 50, max_open: 3}
metrics:
  kinds_total: {type: counter, counts: kind, labels: [kind], help: Kinds., budget: 3}
  open_seconds: {type: histogram, observes: latency, labels: [edge], buckets: [1, 10], help: Edges., budget: 1}
"""


class SimulatedCrash(BaseException):
    """The process ends here."""


class Trap:
    """Counts the steps it sees, before and after each, and ends the process at one of them."""

    def __init__(self) -> None:
        self.at = -1
        self.seen = 0

    def arm(self, at: int) -> None:
        self.at, self.seen = at, 0

    def step(self) -> None:
        self.seen += 1
        if self.seen == self.at:
            raise SimulatedCrash

    def around(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*given: Any, **more: Any) -> Any:
            self.step()
            found = act(*given, **more)
            self.step()
            return found

        return stepped


@pytest.fixture
def trap(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trap]:
    """A trap on every statement that changes the state and on every step around a commit."""
    trap = Trap()

    class Trapped(sqlite3.Connection):
        def execute(self, statement: str, *given: Any) -> sqlite3.Cursor:
            act = super().execute
            is_step = not statement.startswith(("SELECT", "PRAGMA"))
            return (trap.around(act) if is_step else act)(statement, *given)

        def executemany(self, *given: Any) -> sqlite3.Cursor:
            return trap.around(super().executemany)(*given)  # type: ignore[no-any-return]

    connect = sqlite3.connect
    monkeypatch.setattr("sqlite3.connect", lambda *names, **more: connect(*names, **more, factory=Trapped))
    for owner, name in (
        (os, "rename"),
        (SeriesTable, "commit"),
        (OpenPairs, "committed"),
        (Keeper, "save"),
        (Tail, "checkpoints"),
        (Tail, "release"),
    ):
        monkeypatch.setattr(owner, name, trap.around(getattr(owner, name)))
    yield trap
    trap.arm(-1)


@pytest.fixture
def folder() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


def planted(folder: Path, name: object) -> Plant:
    """Return a plant in a folder of its own."""
    (folder / str(name)).mkdir()
    return Plant(folder / str(name), TEXT)


def live(plant: Plant, scrapes: list[Shown]) -> None:
    """Begin, read, idle, read, rotate, read, stop, begin again, read; note what every scrape shows."""
    plant.begin()
    scrapes.append(plant.shown())
    for first, last in ((0, 4), (4, 4), (4, 9)):
        plant.write(*map(shop_event, range(first, last)))
        plant.step(1.5)
        scrapes.append(plant.shown())
    plant.events.rename(f"{plant.events}.1")
    plant.write(*map(shop_event, range(9, 12)))
    plant.step(1.5)
    scrapes.append(plant.shown())
    plant.stop()
    plant.write(*map(shop_event, range(12, 14)))
    plant.begin()
    plant.step()
    scrapes.append(plant.shown())


def finished(plant: Plant, scrapes: list[Shown]) -> None:
    """Write whatever live() has not written, begin again, and note what is said at once and in the end."""
    names = [plant.events, Path(f"{plant.events}.1")]
    written = sum(len(name.read_bytes().splitlines()) for name in names if name.exists())
    plant.write(*map(shop_event, range(written, 14)))
    plant.begin()
    scrapes.append(plant.shown())
    plant.step()
    scrapes.append(plant.shown())


def is_monotonic(before: Shown, after: Shown) -> bool:
    """Whether no series went back; all metrics of the contract are counters and histograms."""
    pairs = [(before[name], after.get(name, (-1.0, ()))) for name in before]
    return all(
        old <= new and all(low <= high for low, high in zip(had, has, strict=True)) for (old, had), (new, has) in pairs
    )


def exact(folder: Path) -> Shown:
    """Return what is true in the end: an uninterrupted life's last word."""
    plant, scrapes = planted(folder, "whole"), list[Shown]()
    live(plant, scrapes)
    plant.stop()
    return scrapes[-1]


def end(plant: Plant, scrapes: list[Shown], expected: Shown) -> None:
    """Begin after a kill and go on to the end; what is said then, and on the way there, must be right."""
    plant.kill()
    finished(plant, scrapes)
    plant.stop()
    assert scrapes[-1] == expected
    assert all(is_monotonic(*two) for two in pairwise(scrapes))


@pytest.mark.slow
def test_wherever_it_crashes_the_end_is_exact_and_no_counter_ever_fell(folder: Path, trap: Trap) -> None:
    trap.arm(-1)
    expected, steps = exact(folder), trap.seen
    assert expected["kinds_total", "sold"] == (5.0, ())
    assert steps > 100
    for at in range(1, steps + 1, amount(3, 1)):
        plant, scrapes = planted(folder, at), list[Shown]()
        trap.arm(at)
        with pytest.raises(SimulatedCrash):
            live(plant, scrapes)
            plant.stop()
        trap.arm(-1)
        end(plant, scrapes, expected)


@pytest.mark.slow
def test_a_crash_while_coming_back_from_a_crash_changes_nothing(folder: Path, trap: Trap) -> None:
    expected = exact(folder)
    for at in count(1, amount(6, 2)):
        plant, scrapes = planted(folder, at), list[Shown]()
        trap.arm(60)
        with pytest.raises(SimulatedCrash):
            live(plant, scrapes)
        plant.kill()
        trap.arm(at)
        with suppress(SimulatedCrash):
            finished(plant, scrapes)
        is_crashed, trap.at = trap.seen >= at, -1
        end(plant, scrapes, expected)
        if not is_crashed:
            break
    assert at > 20


@pytest.mark.parametrize("at", range(5, 100, 19))
def test_a_real_end_of_the_process_is_no_different(folder: Path, trap: Trap, at: int) -> None:
    """What kill() plays is true: here the process really ends, by a fork that leaves without a word."""
    expected = exact(folder)
    plant = planted(folder, at)
    child = os.fork()
    if not child:
        try:
            trap.arm(at)
            live(plant, [])
        finally:
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    trap.arm(-1)
    scrapes: list[Shown] = []
    finished(plant, scrapes)
    assert scrapes[-1] == expected
    plant.stop()
