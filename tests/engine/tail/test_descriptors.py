"""More files than descriptors: every file is read in its turn, and nothing is taken for rotated or gone (B17)."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from exporters.engine.tail.classify import no_checkpoint
from exporters.engine.tail.descriptors import open_files_allowed, raise_limit
from exporters.engine.tail.recover import Recovery
from exporters.engine.tail.tail import Tail
from exporters.engine.values import Checkpoint, Notice
from tests.conftest import FakeClock
from tests.engine.support.restart_harness import Exporter, copy_to_backup, copytruncate, line, lines, shift
from tests.engine.support.tailing import Follower, open_descriptors


class Few(Exporter):
    """An exporter that may have ten event files open."""

    def tail(self) -> Tail:
        return Tail(self.patterns, max_line_bytes=self.max_line_bytes, max_open=10)


@pytest.fixture
def exporter(tmp_path: Path, clock: FakeClock) -> Iterator[Exporter]:
    (tmp_path / "logs").mkdir()
    exporter = Few(tmp_path, clock, tmp_path / "logs" / "*.jsonl")
    yield exporter
    exporter.end()


def files(folder: Path, count: int, first: int = 0) -> list[Path]:
    paths = [folder / "logs" / f"{number:03}.jsonl" for number in range(count)]
    for number, path in enumerate(paths):
        with path.open("ab") as out:
            out.write(line(first + number))
    return paths


def test_b17_one_step_reads_every_file_however_few_may_be_open(exporter: Exporter, tmp_path: Path) -> None:
    files(tmp_path, 57)
    with open_descriptors() as change:
        exporter.start().poll()
        assert exporter.engine is not None
        assert exporter.engine.tail.files_open <= 10
        assert exporter.counted(range(57))
        exporter.kill()
    assert change == [0]


def test_b17_a_file_that_is_closed_and_has_not_changed_is_not_opened_again(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [str(path) for path in files(tmp_path, 40)]
    exporter.start().poll().poll()
    opened: set[str] = set()
    open_one = os.open

    def noted(path: str, *more: int) -> int:
        opened.add(str(path))
        return open_one(path, *more)

    monkeypatch.setattr(os, "open", noted)
    exporter.poll().poll()
    assert not opened & {*paths}
    with Path(paths[0]).open("ab") as out:
        out.write(line(200))
    exporter.poll()
    assert opened & {*paths} == {paths[0]}
    assert exporter.counted(range(40), range(200, 201))


def test_b17_what_is_written_to_closed_files_is_read_and_nothing_is_taken_for_rotated(
    exporter: Exporter, tmp_path: Path
) -> None:
    files(tmp_path, 40)
    exporter.start().poll().poll()
    files(tmp_path, 40, first=100)
    exporter.poll().restart().poll()
    files(tmp_path, 40, first=200)
    exporter.poll()
    assert exporter.counted(range(40), range(100, 140), range(200, 240))
    moved = {key: value for key, value in exporter.counters().items() if "rotations" in key[0] and value}
    assert (moved, exporter.lost_bytes) == ({}, 0)
    assert set(exporter.recoveries) == {"resumed"}


def test_b17_a_closed_file_that_is_rotated_is_finished_first(exporter: Exporter, tmp_path: Path) -> None:
    paths = files(tmp_path, 30)
    exporter.start().poll().poll()
    for number, path in enumerate(paths):
        with path.open("ab") as out:
            out.write(line(100 + number))
        shift(path)
        path.write_bytes(line(200 + number))
    exporter.poll().poll().let_rest().restart()
    assert exporter.counted(range(30), range(100, 130), range(200, 230))
    assert exporter.lost_bytes == 0


def test_b17_a_limit_met_earlier_than_expected_is_said_once_and_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "logs").mkdir()
    files(tmp_path, 12)
    follower = Follower(tmp_path / "logs" / "*.jsonl")
    real = os.open

    def few(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if follower.tail.files_open >= 6 or follower.monotonic < 2:
            raise OSError(errno.EMFILE, "Too many open files", path)
        return real(path, flags, mode, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", few)
        assert follower.poll() == []
        assert len(follower.tail.unreadable) == 12
    given = [text for _ in range(6) for text in follower.poll()]
    assert sorted(given) == sorted(line(number)[:-1] for number in range(12))
    assert [notice for notice in follower.notices if notice.kind == "rotated"] == []
    problem = "12 files wait for descriptors; raise the limit of open files"
    assert next(notice.problem for notice in follower.notices if notice.kind == "unreadable") == problem
    follower.tail.close()


def test_b17_files_that_wait_are_said_together(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    paths = files(tmp_path, 5)
    tail = Tail([str(tmp_path / "logs" / "*.jsonl")], max_open=3)
    notices = tail.scan(0.0)
    problem = "2 files wait for descriptors; raise the limit of open files"
    assert notices == [Notice("unreadable", str(paths[3]), problem=problem)]
    assert tail.unreadable == dict.fromkeys(map(str, paths[3:]), "too many open files")
    assert len(list(tail.drain(0.0, 0.0))) == 5
    assert tail.unreadable == {}
    tail.close()


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    program = (
        "import resource\n"
        "from exporters.engine.tail.descriptors import open_files_allowed, raise_limit\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (300, 900))\n"
        "few = open_files_allowed()\n"
        "raise_limit()\n"
        "print(few, open_files_allowed(), resource.getrlimit(resource.RLIMIT_NOFILE))\n"
    )
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 900:
        pytest.skip("the hard limit here is lower than this test needs")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "136 536 (900, 900)\n"


def test_b17_lines_appended_in_one_go_to_many_files_keep_their_order(exporter: Exporter, tmp_path: Path) -> None:
    paths = files(tmp_path, 25)
    exporter.start().poll()
    for number, path in enumerate(paths):
        with path.open("ab") as out:
            out.write(lines(range(100 + 10 * number, 110 + 10 * number)))
    exporter.poll()
    assert exporter.counted(range(25), range(100, 350))


def test_b17_a_copy_of_a_file_that_waits_for_a_descriptor_is_not_read_before_it(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "e.jsonl"
    path.write_bytes(lines([0]))
    exporter = Exporter(tmp_path, clock, path, max_open=1).start().poll()
    shift(path)
    path.write_bytes(lines([1]))
    copy_to_backup(path)
    exporter.poll()
    exporter.let_rest().restart().let_rest()
    assert exporter.counted([0, 1])
    exporter.end()


def test_b17_copies_of_a_file_that_waits_are_not_taken_for_what_was_cut_before_it(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "e.jsonl"
    path.write_bytes(lines([0]))
    exporter = Exporter(tmp_path, clock, path, max_open=1).start().poll()
    copytruncate(path)
    shift(path)
    path.write_bytes(lines([1]))
    copy_to_backup(path)
    copy_to_backup(path)
    exporter.let_rest().let_rest()
    assert exporter.counted([0, 1])
    exporter.end()


@pytest.mark.parametrize(
    ("soft", "expected"), [(1024, 618), (300, 136), (111, 10), (108, 8), (20, 8), (resource.RLIM_INFINITY, 1 << 30)]
)
def test_a_third_of_the_descriptors_and_some_more_are_kept_aside(
    monkeypatch: pytest.MonkeyPatch, soft: int, expected: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (soft, soft))
    assert open_files_allowed() == expected


@pytest.mark.parametrize("error", [OSError(1, "no"), ValueError("no")])
def test_a_limit_that_cannot_be_raised_stays(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse(which: int, limits: tuple[int, int]) -> None:
        assert limits == (900, 900)
        raise error

    monkeypatch.setattr(resource, "getrlimit", lambda which: (300, 900))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    raise_limit()
    assert open_files_allowed() == 136


def test_b17_at_a_start_as_many_paths_are_looked_for_as_may_be_open_and_the_others_wait() -> None:
    def of(path: str, *kinds: bool) -> list[Checkpoint]:
        return [replace(no_checkpoint(path, serial), done=is_done) for serial, is_done in enumerate(kinds)]

    two, one, more, last = of("a", False, True, False), of("b", False), of("c", True, False), of("d", True)
    opener = Tail([], max_open=3)._opener
    first, later = opener.first_turn([*more[:1], *two, *one, *more[1:], *last])
    assert first == [*two, *one, *last]
    assert later == Recovery(met={"c"}, done=more[:1], absent=more[1:])


def test_half_lines_show_as_lag_and_files_that_moved_away_are_open_but_not_present(tmp_path: Path) -> None:
    for name, text in (("a", b"1\nhalf"), ("b", b"2\n12"), ("c", b"3\n")):
        (tmp_path / f"{name}.jsonl").write_bytes(text)
    follower = Follower(tmp_path / "*.jsonl")
    follower.poll()
    (tmp_path / "b.jsonl").rename(tmp_path / "elsewhere")
    follower.poll()
    assert (follower.tail.lag_bytes, follower.tail.files_present, follower.tail.files_open) == (6, 2, 3)
    follower.tail.close()
    assert follower.tail.files_open == 0
