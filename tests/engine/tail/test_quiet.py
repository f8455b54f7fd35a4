"""Thousands of files: a look is left out only where folders prove that it would find nothing (failure mode E9)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporters.engine.tail.quiet import Quiet
from tests.conftest import FakeClock
from tests.engine.support.restart_harness import Exporter, line, shift

pytestmark = pytest.mark.thorough

COUNT = 300


class Wall(FakeClock):
    """A clock whose wall time is in step with the files' times."""

    def now(self) -> float:
        return time.time() + self.monotonic()


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[Exporter]:
    (tmp_path / "logs").mkdir()
    for number in range(COUNT):
        (tmp_path / "logs" / f"{number:03}.jsonl").write_bytes(line(number))
    past = time.time() - 60
    os.utime(tmp_path / "logs", (past, past))
    exporter = Exporter(tmp_path, Wall(), tmp_path / "logs" / "*.jsonl")
    exporter.start()
    for _ in range(6):
        exporter.poll()
    yield exporter
    exporter.end()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return how many times the file system was asked since the last call."""
    asked = [0]

    def counting(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            asked[0] += 1
            return real(*args, **kwargs)

        return call

    for name in ("stat", "lstat", "fstat", "listdir", "scandir", "open", "pread"):
        monkeypatch.setattr(os, name, counting(getattr(os, name)))

    def count() -> int:
        number, asked[0] = asked[0], 0
        return number

    return count


def test_e9_what_is_quiet_is_asked_once_a_look_and_not_at_every_poll(
    exporter: Exporter, calls: Callable[[], int]
) -> None:
    exporter.poll(12.0).poll(1.0)
    calls()
    exporter.poll(0.2).poll(0.2).poll(0.2)
    assert calls() < 50
    exporter.poll(1.1)
    assert calls() < COUNT + 50


def append(folder: Path) -> None:
    with (folder / "007.jsonl").open("ab") as out:
        out.write(line(1000))


def add(folder: Path) -> None:
    (folder / "more.jsonl").write_bytes(line(1000))


def rotate(folder: Path) -> None:
    shift(folder / "007.jsonl")
    (folder / "007.jsonl").write_bytes(line(1000))


def replace(folder: Path) -> None:
    fresh = folder / "fresh~"
    fresh.write_bytes((folder / "007.jsonl").read_bytes() + line(1000))
    fresh.replace(folder / "007.jsonl")


@pytest.mark.parametrize("change", [append, add, rotate, replace])
def test_e9_a_look_finds_every_change_however_quiet_it_was(
    exporter: Exporter, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    exporter.poll(1.1).poll(1.1).poll(12.0).poll(1.1)
    change(tmp_path / "logs")
    exporter.poll(1.1)
    assert exporter.counted(range(COUNT), [1000])


def test_e9_a_closed_file_that_grows_is_found_though_its_folder_did_not_change(
    exporter: Exporter, tmp_path: Path
) -> None:
    rotate(tmp_path / "logs")
    exporter.let_rest().poll(12.0).poll(1.1).poll(1.1).poll(1.1)
    with (tmp_path / "logs" / "007.jsonl.1").open("ab") as out:
        out.write(line(1001))
    exporter.poll(1.1).poll(1.1)
    assert exporter.counted(range(COUNT), [1000, 1001])


def test_a_folder_proves_nothing_before_its_time_is_old_enough_or_for_links(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{number}") for number in range(COUNT)]
    for path in paths:
        Path(path).touch()
    quiet = Quiet([str(tmp_path)])
    quiet.begin(0.0)
    quiet.end(paths, ())
    assert not quiet.holds(1.0, at_once=False)
    quiet.begin(2.5)
    quiet.end(paths, ())
    assert quiet.holds(3.0, at_once=False)
    assert not quiet.holds(13.0, at_once=False)
    assert quiet.holds(13.0, at_once=True)
    (tmp_path / "link").symlink_to("0")
    assert not quiet.holds(3.0, at_once=True)
    quiet.begin(20.0)
    quiet.begin(23.0)
    quiet.end([*paths, str(tmp_path / "link")], ())
    assert not quiet.holds(24.0, at_once=True)
