"""Globs that match rotated names too, or files that come and go (failure modes A6, B4, B8, B16)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import FakeClock, LogFile
from tests.engine.support.restart_harness import Exporter, copy_to_backup, copytruncate, lines, pack, shift

pytestmark = pytest.mark.thorough


@pytest.fixture
def exporter(tmp_path: Path, clock: FakeClock, log_file: LogFile) -> Iterator[Exporter]:
    exporter = Exporter(tmp_path, clock, f"{log_file}*")
    yield exporter
    exporter.end()


down = pytest.mark.parametrize("is_down", [True, False])


@down
@pytest.mark.parametrize("read", [0, 1, 60])
@pytest.mark.parametrize("rotations", [1, 2])
def test_b8_a_copy_that_a_glob_matches_counts_once(
    exporter: Exporter, log_file: LogFile, read: int, rotations: int, is_down: bool
) -> None:
    log_file.append(lines(range(read)))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    for number in range(1, rotations + 1):
        log_file.append(lines([100 * number]))
        copytruncate(log_file.path)
    log_file.append(lines([999]))
    if is_down:
        exporter.start()
    exporter.let_rest().restart().let_rest()
    assert exporter.counted(range(read), [100 * number for number in range(1, rotations + 1)], [999])
    assert exporter.lost_bytes == 0


@down
def test_b8_a_copy_that_a_glob_matches_is_not_read_while_it_is_made(
    exporter: Exporter, log_file: LogFile, is_down: bool
) -> None:
    log_file.append(lines(range(60)))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    copy = Path(f"{log_file}.1")
    copy.write_bytes(log_file.path.read_bytes()[:2000])
    if is_down:
        exporter.start()
    exporter.poll()
    log_file.append(lines([100]))
    copy.write_bytes(log_file.path.read_bytes())
    exporter.poll()
    log_file.truncate(0)
    log_file.append(lines([101]))
    exporter.let_rest()
    assert exporter.counted(range(60), [100, 101])
    assert exporter.lost_bytes == 0


@down
@pytest.mark.parametrize("is_packed", [True, False])
def test_b4_generations_within_a_glob_are_read_once(
    exporter: Exporter, log_file: LogFile, is_packed: bool, is_down: bool
) -> None:
    Path(f"{log_file}.1").write_bytes(lines([900]))
    log_file.append(lines([0]))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    for number in (1, 2, 3):
        log_file.append(lines([number]))
        shift(log_file.path)
        if is_packed:
            pack(Path(f"{log_file}.1"))
    log_file.append(lines([4]))
    if is_down:
        exporter.start()
    exporter.let_rest().restart().let_rest()
    assert exporter.counted([900], range(5))
    assert exporter.lost_bytes == 0


def test_a4_two_files_of_a_glob_with_names_like_rotation_and_the_same_8_kib_are_both_read(
    tmp_path: Path, clock: FakeClock, log_file: LogFile
) -> None:
    exporter = Exporter(tmp_path, clock, log_file.path.parent / "*.jsonl")
    other = LogFile(log_file.path.with_name("events.1.jsonl"))
    preamble = b'{"about":"the same in every file"}\n' * 250
    log_file.append(preamble + lines([0]))
    other.append(preamble + lines([1]))
    exporter.start().poll().restart()
    assert exporter.counted([0, 1])
    assert sum(exporter.outcomes().values()) == 2 * 250 + 2


@down
def test_b3_a_file_that_comes_under_a_glob_is_read_from_its_start(
    exporter: Exporter, log_file: LogFile, is_down: bool
) -> None:
    exporter.start().poll()
    if is_down:
        exporter.kill()
    for number in range(3):
        Path(f"{log_file}-run{number}").write_bytes(lines([number]))
    if is_down:
        exporter.start()
    exporter.let_rest().restart()
    assert exporter.counted(range(3))


@down
def test_b16_a_file_of_a_glob_that_was_read_under_its_rotated_name_and_packed_counts_once(
    exporter: Exporter, log_file: LogFile, is_down: bool
) -> None:
    """The file was rotated before it was first looked at: it is followed by another name than that it was made from."""
    log_file.append(lines([0]))
    exporter.start()
    shift(log_file.path)
    exporter.poll()
    if is_down:
        exporter.kill()
    shift(log_file.path)
    pack(Path(f"{log_file}.2"))
    if is_down:
        exporter.start()
    exporter.let_rest().restart().let_rest()
    assert exporter.counted([0])


def test_b8_a_copy_in_a_glob_of_a_file_that_was_rotated_while_down_counts_once(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines([0, 1]))
    exporter.start().poll().kill()
    shutil.copyfile(log_file.path, f"{log_file}.2")
    shift(log_file.path)
    exporter.start().let_rest().restart().let_rest()
    assert exporter.counted([0, 1])


def test_b16_a_file_of_a_glob_packed_while_down_is_finished_inside_its_gz(
    tmp_path: Path, clock: FakeClock, log_file: LogFile
) -> None:
    exporter = Exporter(tmp_path, clock, log_file.path.with_name("day-*.jsonl"))
    day = LogFile(log_file.path.with_name("day-20261126.jsonl"))
    day.append(lines([0]))
    exporter.start().poll().kill()
    day.append(lines([1, 2]))
    pack(day.path)
    LogFile(log_file.path.with_name("day-20261127.jsonl")).append(lines([3]))
    exporter.start().let_rest().restart().let_rest()
    assert exporter.counted(range(4))
    assert (exporter.lost_bytes, exporter.recoveries["missing"]) == (0, 0)
    exporter.end()


def test_b8_of_two_copies_in_a_glob_that_go_on_where_a_cut_file_ended_one_is_read(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines([0, 1]))
    exporter.start().poll()
    log_file.append(lines([2, 3]))
    copy_to_backup(log_file.path)
    copytruncate(log_file.path)
    folder, away = log_file.path.parent, log_file.path.parent.with_name("away")
    folder.rename(away)
    exporter.poll().poll(0.2)
    away.rename(folder)
    exporter.let_rest().restart().let_rest()
    assert exporter.counted(range(4))
    assert exporter.lost_bytes == 0
