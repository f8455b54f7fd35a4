"""Thousands of files: a look is left out only where folders prove that it would find nothing (failure mode E9)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporters.engine.tail import quiet
from exporters.engine.tail.quiet import Quiet, Watched
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
    found = Quiet([str(tmp_path)])
    found.begin(0.0)
    found.end(paths, ())
    assert not found.holds(1.0, at_once=False)
    found.begin(2.5)
    found.end(paths, ())
    assert found.holds(3.0, at_once=False)
    assert not found.holds(13.0, at_once=False)
    assert found.holds(13.0, at_once=True)
    (tmp_path / "link").symlink_to("0")
    assert not found.holds(3.0, at_once=True)
    found.begin(20.0)
    found.begin(23.0)
    found.end([*paths, str(tmp_path / "link")], ())
    assert not found.holds(24.0, at_once=True)


def test_e7_files_are_followed_though_the_folder_of_another_pattern_is_not_there_yet(
    exporter: Exporter, tmp_path: Path
) -> None:
    exporter.kill()
    exporter.patterns.append(str(tmp_path / "later" / "e.jsonl"))
    exporter.start().poll().poll().poll()
    append(tmp_path / "logs")
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "e.jsonl").write_bytes(line(1001))
    exporter.poll()
    assert exporter.counted(range(COUNT), [1000, 1001])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of as many files as may be left unlooked at."""
    (tmp_path / "many").mkdir()
    for number in range(quiet._FEWEST):
        (tmp_path / "many" / str(number)).touch()
    return tmp_path / "many"


def looked(folder: Path, watched: Watched = (), moment: float = 2.0) -> Quiet:
    """Return what two looks at a folder saw, the first at 0."""
    found = Quiet([str(folder), str(folder)])
    for at in (0.0, moment):
        found.begin(at)
        found.end(map(str, folder.iterdir()), watched)
    return found


def test_a_look_is_left_out_for_a_time_if_files_are_many_and_their_folder_has_been_as_it_is(folder: Path) -> None:
    found, end = looked(folder), 2.0 + quiet._FULL_S
    assert [found.holds(moment, at_once=False) for moment in (3.0, end - 0.1, end)] == [True, True, False]
    end += quiet._FULL_S
    assert [found.holds(moment, at_once=True) for moment in (3.0, end - 0.1, end)] == [True, True, False]
    assert not looked(folder, moment=1.9).holds(3.0, at_once=True), "some file systems count in steps of two seconds"
    assert not Quiet([]).holds(3.0, at_once=True), "there was no look at all"
    (folder / "0").unlink()
    assert not found.holds(3.0, at_once=True)
    assert not looked(folder).holds(3.0, at_once=True), "they are too few"


def test_the_working_directory_is_a_folder_as_any_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = Quiet([""])
    for at in (0.0, 2.0):
        found.begin(at)
        found.end(os.listdir(), ())
    assert found.holds(3.0, at_once=False)


def test_a_look_is_taken_while_the_last_one_left_something_to_do(folder: Path) -> None:
    found = looked(folder)
    found.begin(3.0)
    assert not found.holds(4.0, at_once=True)


def test_a_look_is_taken_if_a_closed_file_grew_or_went_or_a_folder_is_not_there(folder: Path, tmp_path: Path) -> None:
    old, more = str(tmp_path / "old"), str(tmp_path / "more")
    for path in (old, more):
        Path(path).write_bytes(b"12345")
    assert looked(folder, [(old, 5), (more, 6)]).holds(3.0, at_once=False)
    assert not looked(folder, [(old, 4), (more, 5)]).holds(3.0, at_once=False)
    assert not looked(folder, [(str(tmp_path / "gone"), 5), (old, 5)]).holds(3.0, at_once=False)
    found = Quiet([str(folder), str(tmp_path / "gone")])
    for at in (0.0, 3.0):
        found.begin(at)
        found.end(map(str, folder.iterdir()), ())
    assert not found.holds(4.0, at_once=False)


def test_a_folder_that_changed_is_as_it_is_since_the_look_that_saw_it(folder: Path) -> None:
    found = looked(folder)
    past = time.time() - 1000
    os.utime(folder, (past, past))
    for at, is_steady in ((3.0, False), (4.9, False), (5.0, True)):
        found.begin(at)
        found.end(map(str, folder.iterdir()), ())
        assert found.holds(at, at_once=False) == is_steady
