"""What restarts and rotations while down must not cost (failure modes A1, A2, A7, A9, A10, B4, B5, B14, B15)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.engine.tail.finder import Found
from exporters.engine.tail.fingerprint import file_key
from tests.conftest import FakeClock, LogFile
from tests.engine.support.restart_harness import Exporter, line, lines, shift

pytestmark = pytest.mark.thorough


@pytest.fixture
def exporter(tmp_path: Path, clock: FakeClock, log_file: LogFile) -> Iterator[Exporter]:
    exporter = Exporter(tmp_path, clock, log_file)
    yield exporter
    exporter.end()


@pytest.mark.parametrize("is_committed", [True, False])
def test_b5_lines_of_a_file_rotated_while_down_are_read_before_its_successor(
    exporter: Exporter, log_file: LogFile, is_committed: bool
) -> None:
    log_file.append(lines(range(5)))
    exporter.start().poll()
    log_file.append(lines(range(5, 8)))
    if is_committed:
        exporter.poll()
    else:
        exporter.read_without_commit()
    exporter.kill()
    log_file.append(lines(range(8, 10)))
    log_file.rotate("events.jsonl.1")
    log_file.append(lines(range(10, 30)))
    exporter.start().let_rest()
    assert exporter.counted(range(30))
    assert (exporter.lost_bytes, exporter.recoveries) == (0, {"moved": 1})


@pytest.mark.parametrize("generations", [1, 2, 5])
@pytest.mark.parametrize("is_down", [True, False])
def test_b4_every_generation_rotated_between_two_looks_is_read(
    exporter: Exporter, log_file: LogFile, generations: int, is_down: bool
) -> None:
    log_file.append(lines([0, 1]))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    for generation in range(1, generations + 1):
        log_file.append(lines([10 * generation]))
        shift(log_file.path)
        log_file.append(lines([10 * generation + 1, 10 * generation + 2]))
    if is_down:
        exporter.start()
    exporter.let_rest()
    assert exporter.counted([0, 1], *([10 * g, 10 * g + 1, 10 * g + 2] for g in range(1, generations + 1)))
    assert exporter.lost_bytes == 0


def test_b4_generations_deleted_before_they_were_found_are_measured_as_far_as_they_were_seen(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines([0, 1]) + b"half a line")
    exporter.start().poll().kill()
    log_file.append(lines([2]))
    shift(log_file.path)
    log_file.append(lines([3]))
    shift(log_file.path)
    log_file.append(lines([4]))
    for number in (1, 2):
        Path(f"{log_file}.{number}").unlink()
    exporter.start().let_rest()
    assert exporter.counted([0, 1, 4])
    assert (exporter.lost_bytes, exporter.recoveries) == (len(b"half a line"), {"missing": 1})


def test_b4_a_file_made_and_rotated_before_it_was_first_seen_is_read(exporter: Exporter, log_file: LogFile) -> None:
    exporter.start().poll()
    log_file.append(lines([0]))
    shift(log_file.path)
    log_file.append(lines([1]))
    exporter.let_rest()
    assert exporter.counted([0, 1])


def test_b4_a_file_made_and_rotated_while_down_before_it_was_ever_seen_is_read(
    exporter: Exporter, log_file: LogFile
) -> None:
    exporter.start().poll().kill()
    log_file.append(lines([0]))
    shift(log_file.path)
    log_file.append(lines([1]))
    exporter.start().let_rest()
    assert exporter.counted([0, 1])


def test_b4_a_deleted_files_successors_rotated_while_down_are_read(exporter: Exporter, log_file: LogFile) -> None:
    log_file.append(lines([0]))
    exporter.start().poll()
    log_file.path.unlink()
    exporter.let_rest().kill()
    log_file.append(lines([1]))
    shift(log_file.path)
    log_file.append(lines([2]))
    exporter.start().let_rest()
    assert exporter.counted([0, 1, 2])


@pytest.mark.parametrize("count", [1, 10])
@pytest.mark.parametrize("is_down", [True, False])
def test_a1_a_new_file_with_an_inode_used_before_begins_at_its_start(
    exporter: Exporter, log_file: LogFile, count: int, is_down: bool
) -> None:
    log_file.append(lines(range(4)))
    exporter.start().poll()
    inode = log_file.path.stat().st_ino
    if is_down:
        exporter.kill()
    log_file.path.unlink()
    if not is_down:
        exporter.let_rest()
    make_with_inode(log_file.path, inode).append(lines(range(100, 100 + count)))
    if is_down:
        exporter.start()
    exporter.let_rest().restart()
    assert exporter.counted(range(4), range(100, 100 + count))
    assert (exporter.lost_bytes, exporter.recoveries["missing"]) == (0, int(is_down))


def make_with_inode(path: Path, inode: int) -> LogFile:
    """Return a new empty file at `path` with an inode number that was given back."""
    for number in range(2000):
        fresh = path.with_name(f"fresh-{number}")
        fresh.touch()
        if fresh.stat().st_ino == inode:
            return LogFile(fresh.rename(path))
    pytest.skip("this file system did not use the inode number again")


def test_a2_the_memory_of_a_file_deleted_while_down_never_makes_another_start_late(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines(range(4)))
    exporter.start().poll().kill()
    log_file.path.unlink()
    exporter.start().poll()
    log_file.append(lines(range(10, 18)))
    exporter.let_rest().restart()
    assert exporter.counted(range(4), range(10, 18))
    assert exporter.recoveries == {"missing": 1, "resumed": 1}


def test_a4_successors_that_begin_with_the_same_8_kib_are_told_apart(exporter: Exporter, log_file: LogFile) -> None:
    preamble = b'{"about":"the same in every file"}\n' * 250
    log_file.append(preamble + lines([0]))
    exporter.start().poll().kill()
    log_file.append(lines([1]))
    shift(log_file.path)
    log_file.append(preamble + lines([2]))
    shift(log_file.path)
    log_file.append(preamble + lines([3, 4]))
    exporter.start().let_rest()
    assert exporter.seen() == {0: 1, 1: 1, 2: 1, 3: 1, 4: 1}
    assert sum(exporter.outcomes().values()) == 3 * 250 + 5


def test_a4_two_live_files_with_the_same_8_kib_keep_their_own_places(
    tmp_path: Path, clock: FakeClock, log_file: LogFile
) -> None:
    other = LogFile(log_file.path.with_name("other.jsonl"))
    exporter = Exporter(tmp_path, clock, log_file, other)
    preamble = b'{"about":"the same in every file"}\n' * 250
    log_file.append(preamble + lines([0]))
    other.append(preamble)
    exporter.start().poll().kill()
    other.append(lines([1]))
    log_file.append(lines([2]))
    exporter.start().let_rest()
    assert exporter.counted([0, 1, 2])
    assert sum(exporter.outcomes().values()) == 2 * 250 + 3


def test_a7_a_larger_successor_at_the_same_path_is_not_resumed_in_its_middle(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines(range(3)))
    exporter.start().poll().kill()
    log_file.rotate("elsewhere")
    log_file.append(lines(range(100, 150)))
    exporter.start().let_rest()
    assert exporter.counted(range(3), range(100, 150))


@pytest.mark.parametrize("count", [1, 60])
def test_a9_a_file_rewritten_while_down_goes_on_where_it_was(exporter: Exporter, log_file: LogFile, count: int) -> None:
    log_file.append(lines(range(count)))
    exporter.start().poll().kill()
    log_file.replace(log_file.path.read_bytes() + lines([1000]))
    exporter.start().let_rest()
    assert exporter.counted(range(count), [1000])
    assert (exporter.lost_bytes, exporter.recoveries) == (0, {"copied": 1})


def test_a10_a_device_that_has_another_number_after_a_restart_does_not_matter(
    exporter: Exporter, log_file: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_file.append(lines(range(3)))
    with monkeypatch.context() as patch:
        patch.setattr("exporters.engine.tail.stream.file_key", lambda fd: file_key(fd)._replace(dev=4711))
        exporter.start()
        engine = exporter.engine
        assert engine is not None
        patch.setattr(
            engine.tail._finder, "resolve", lambda known: Found({(4711, log_file.path.stat().st_ino): str(log_file)})
        )
        exporter.poll().kill()
    log_file.append(lines([3]))
    exporter.start().let_rest()
    assert exporter.counted(range(4))
    assert exporter.recoveries == {"copied": 1}


def test_b14_a_followed_file_renamed_over_another_while_down_keeps_its_place(
    tmp_path: Path, clock: FakeClock, log_file: LogFile
) -> None:
    other = LogFile(log_file.path.with_name("other.jsonl"))
    exporter = Exporter(tmp_path, clock, log_file, other)
    log_file.append(lines([0, 1]))
    other.append(lines([2, 3]))
    exporter.start().poll().kill()
    log_file.append(lines([4]))
    log_file.path.replace(other.path)
    log_file.append(lines([5]))
    exporter.start().let_rest()
    assert exporter.counted(range(6))
    assert (exporter.lost_bytes, exporter.recoveries) == (0, {"moved": 1, "missing": 1})


@pytest.mark.parametrize("is_down", [True, False])
def test_b15_moved_away_emptied_and_moved_back_is_read_from_its_start(
    exporter: Exporter, log_file: LogFile, is_down: bool
) -> None:
    log_file.append(lines(range(5)))
    exporter.start().poll()
    away = log_file.rotate("away")
    if is_down:
        exporter.restart()
    else:
        exporter.poll()
    away.write_bytes(lines([10]))
    away.rename(log_file.path)
    exporter.let_rest()
    assert exporter.counted(range(5), [10])


def test_b5_a_file_that_cannot_be_found_is_given_up_once_its_path_leads_to_another(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(line(0) + b"half")
    exporter.start().poll().kill()
    shutil.move(log_file.path, log_file.path.with_name("elsewhere"))
    os.unlink(log_file.path.with_name("elsewhere"))
    exporter.start().poll().restart().restart()
    assert (exporter.recoveries, exporter.lost_bytes) == ({}, 0)
    log_file.append(line(1))
    exporter.poll().restart().restart()
    assert (exporter.recoveries, exporter.lost_bytes) == ({"missing": 1, "resumed": 2}, len(b"half"))
    assert exporter.counted([0, 1])
