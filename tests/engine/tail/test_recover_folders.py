"""Links, folders, patterns and descriptors across restarts (failure modes A6, B12, B13, B17, B18, E4 to E7)."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.engine.tail.backups import list_backups
from exporters.engine.tail.recover import recover
from exporters.engine.tail.tail import Tail
from exporters.engine.values import Notice
from tests.conftest import FakeClock, LogFile
from tests.engine.support.restart_harness import Exporter, lines, pack, shift
from tests.engine.support.tailing import Follower, open_descriptors

pytestmark = pytest.mark.thorough


@pytest.fixture
def exporter(tmp_path: Path, clock: FakeClock, log_file: LogFile) -> Iterator[Exporter]:
    exporter = Exporter(tmp_path, clock, log_file)
    yield exporter
    exporter.end()


def link(path: Path, target: str) -> LogFile:
    fresh = path.with_name("link~")
    fresh.symlink_to(target)
    fresh.replace(path)
    return LogFile(path.parent / target)


def test_b12_a_link_swapped_while_down_leaves_nothing_unread_in_its_old_target(
    exporter: Exporter, log_file: LogFile
) -> None:
    link(log_file.path, "run-1").append(lines([0]))
    exporter.start().poll().kill()
    log_file.append(lines([1]))
    link(log_file.path, "run-2").append(lines([2]))
    exporter.start().let_rest()
    assert exporter.counted([0, 1, 2])
    assert (exporter.lost_bytes, exporter.recoveries) == (0, {"moved": 1})


def test_b12_a_link_swapped_there_and_back_goes_on_where_it_was(exporter: Exporter, log_file: LogFile) -> None:
    link(log_file.path, "run-1").append(lines([0]))
    exporter.start().poll()
    link(log_file.path, "run-2").append(lines([1]))
    exporter.let_rest().kill()
    link(log_file.path, "run-1").append(lines([2]))
    exporter.start().let_rest()
    assert exporter.counted([0, 1, 2])


@pytest.mark.parametrize("is_down", [True, False])
def test_b12_the_file_a_link_leads_to_may_be_rotated_under_its_own_name(
    exporter: Exporter, log_file: LogFile, is_down: bool
) -> None:
    (log_file.path.parent / "deep").mkdir()
    target = link(log_file.path, "deep/0.log")
    target.append(lines([0]))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    for number in (1, 2):
        log_file.append(lines([number]))
        shift(target.path)
    log_file.append(lines([3]))
    if is_down:
        exporter.start()
    exporter.let_rest()
    assert exporter.counted(range(4))
    assert exporter.lost_bytes == 0


def test_b13_a_file_deleted_and_made_again_while_down_is_read_from_its_start(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines(range(3)))
    exporter.start().poll().kill()
    log_file.path.unlink()
    exporter.start().poll().kill()
    log_file.append(lines(range(10, 15)))
    exporter.start().poll()
    assert exporter.counted(range(3), range(10, 15))


def test_a6_another_spelling_of_the_path_goes_on_where_the_first_was(
    exporter: Exporter, log_file: LogFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    log_file.append(lines([0]))
    exporter.start().poll().kill()
    exporter.patterns = ["logs/events.jsonl"]
    log_file.append(lines([1]))
    exporter.start().poll().kill()
    exporter.patterns = [f"{tmp_path}/l*/*.jsonl"]
    log_file.append(lines([2]))
    shift(log_file.path)
    log_file.append(lines([3]))
    exporter.start().let_rest()
    assert exporter.counted(range(4))
    assert exporter.recoveries == {"resumed": 1, "moved": 1}


def test_a_path_that_is_no_longer_asked_for_is_neither_read_nor_taken_for_lost(
    exporter: Exporter, log_file: LogFile
) -> None:
    other = LogFile(log_file.path.with_name("other.jsonl"))
    log_file.append(lines([0]) + b"half")
    exporter.start().poll().kill()
    exporter.patterns = [str(other)]
    log_file.append(b"\n" + lines([1]))
    shift(log_file.path)
    other.append(lines([2]))
    exporter.start().let_rest().restart()
    assert exporter.counted([0, 2])
    assert (exporter.lost_bytes, exporter.recoveries) == (0, {"resumed": 1})


def test_b12_a_path_asked_for_through_a_link_from_now_on_goes_on_where_it_was(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines([0]))
    exporter.start().poll().kill()
    other = log_file.path.with_name("link.jsonl")
    link(other, "events.jsonl")
    exporter.patterns = [str(other)]
    log_file.append(lines([1]))
    exporter.start().poll()
    assert exporter.counted([0, 1])


def test_b17_a_restart_opens_no_more_than_it_keeps(exporter: Exporter, log_file: LogFile) -> None:
    log_file.append(lines(range(60)))
    exporter.start().poll().kill()
    for number in range(5):
        shift(log_file.path)
        log_file.append(lines([100 + number]))
        Path(f"{log_file}-2026112{number}.gz").write_bytes(gzip.compress(lines([200 + number]))[:-5])
    with open_descriptors() as change:
        exporter.start().let_rest()
        assert exporter.engine is not None
        assert exporter.engine.tail.files_open == 1
        exporter.kill()
    assert change == [0]
    with open_descriptors() as change:
        exporter.start().poll().kill()
    assert change == [0]


@pytest.mark.parametrize("was_there", [True, False])
def test_b18_a_rotated_file_that_may_not_be_read_yet_is_read_once_it_may(
    exporter: Exporter, log_file: LogFile, monkeypatch: pytest.MonkeyPatch, was_there: bool
) -> None:
    real = os.open
    forbidden = [f"{log_file}.1", f"{log_file}.3"]

    def guarded(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path in forbidden:
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags, mode, dir_fd=dir_fd)

    if was_there:
        Path(f"{log_file}.1").write_bytes(lines([900]))
    monkeypatch.setattr(os, "open", guarded)
    log_file.append(lines([0]))
    exporter.start().poll().kill()
    for number in (1, 2):
        shift(log_file.path)
        log_file.append(lines([number]))
    exporter.start().let_rest()
    assert exporter.counted([0, 2])
    forbidden.clear()
    exporter.let_rest().restart().let_rest()
    assert exporter.counted([0, 1, 2])


@pytest.mark.parametrize("is_down", [True, False])
def test_e6_a_folder_that_is_renamed_and_made_anew_is_followed(
    exporter: Exporter, log_file: LogFile, is_down: bool
) -> None:
    log_file.append(lines([0]))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    log_file.path.parent.rename(log_file.path.parent.with_name("logs.old"))
    log_file.path.parent.mkdir()
    log_file.append(lines([1]))
    if is_down:
        exporter.start()
    exporter.let_rest()
    assert exporter.counted([0, 1])
    assert exporter.lost_bytes == 0


def test_e7_a_folder_that_is_gone_after_a_restart_is_waited_for(exporter: Exporter, log_file: LogFile) -> None:
    log_file.append(lines([0]))
    exporter.start().poll().kill()
    log_file.path.unlink()
    log_file.path.parent.rmdir()
    exporter.start().poll()
    log_file.path.parent.mkdir()
    log_file.append(lines([1]))
    exporter.let_rest()
    assert exporter.counted([0, 1])


@pytest.mark.parametrize("is_down", [True, False])
def test_e7_backups_from_before_the_first_start_are_not_read_once_their_folder_is_back(
    tmp_path: Path, clock: FakeClock, is_down: bool
) -> None:
    folder, away = tmp_path / "logs", tmp_path / "away"
    folder.mkdir()
    path = folder / "events.jsonl"
    path.with_name("events.jsonl.1").write_bytes(lines([0]))
    pack(path.with_name("events.jsonl.1"))
    exporter = Exporter(tmp_path, clock, path).start()
    if is_down:
        exporter.poll().kill()
    folder.rename(away)
    if is_down:
        exporter.start()
    exporter.poll().kill()
    away.rename(folder)
    exporter.start().let_rest().restart().let_rest()
    path.write_bytes(lines([1]))
    exporter.let_rest()
    assert exporter.counted([1])
    exporter.end()


def test_e4_a_mounted_file_whose_name_is_gone_outside_goes_on_after_a_restart(
    exporter: Exporter, log_file: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fstat

    def nameless(fd: int) -> os.stat_result:
        info = real(fd)
        fields = list(info)
        fields[3] = 0
        extra = {"st_mtime_ns": info.st_mtime_ns, "st_ctime_ns": info.st_ctime_ns, "st_atime_ns": info.st_atime_ns}
        return os.stat_result(fields, extra)

    monkeypatch.setattr(os, "fstat", nameless)
    log_file.append(lines([0]))
    exporter.start().poll().kill()
    log_file.append(lines([1]))
    exporter.start().let_rest().restart()
    assert exporter.counted([0, 1])
    assert exporter.lost_bytes == 0


def test_e5_no_notification_is_needed_for_any_of_this(log_file: LogFile) -> None:
    log_file.append(lines([0]))
    tail = Tail([str(log_file)])
    tail.recover([], frozenset(), 0.0)
    tail.scan(0.0)
    assert b"".join(item.data for item in tail.drain(0.0, 0.0) if hasattr(item, "data")) == lines([0])
    tail.close()


def test_backups_of_one_name_are_listed_once_and_oldest_first(log_file: LogFile) -> None:
    for age, name in enumerate(["events.jsonl.10", "events.jsonl.2", "events-20261120.jsonl", "events.jsonl.1.gz"]):
        path = log_file.path.with_name(name)
        path.write_bytes(b"x")
        os.utime(path, (age, age))
    log_file.append(b"x")
    found = list_backups([str(log_file)])[str(log_file)]
    assert [Path(one.path).name for one in found] == [
        "events.jsonl.10",
        "events.jsonl.2",
        "events-20261120.jsonl",
        "events.jsonl.1.gz",
    ]
    assert [one.is_packed for one in found] == [False, False, False, True]
    assert list_backups([str(log_file.path.parent / "none" / "a")]) == {str(log_file.path.parent / "none" / "a"): []}


def test_of_a_path_that_leads_nowhere_what_is_found_is_said_and_what_is_not_is_kept(log_file: LogFile) -> None:
    follower = Follower(log_file)
    log_file.append(lines([1]))
    follower.poll()
    old = log_file.rotate("elsewhere")
    log_file.append(lines([2]))
    follower.poll()
    checkpoints = follower.tail.checkpoints()
    follower.tail.close()
    old.unlink()
    log_file.rotate("events.jsonl.1")
    recovery = recover(checkpoints, frozenset(), {})
    assert recovery.notices == [Notice("recovered", str(log_file), outcome="moved")]
    assert [one.checkpoint for one in recovery.openings] == checkpoints[1:]
    assert (recovery.absent, recovery.missing, recovery.done) == (checkpoints[:1], [], [])
    for one in recovery.openings:
        os.close(one.fd)
