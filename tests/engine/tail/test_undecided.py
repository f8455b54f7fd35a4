"""What cannot be told yet beside a path: it stays open until it can, through looks, rotations and restarts."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.engine.tail.backups import Backup
from exporters.engine.tail.undecided import Undecided
from exporters.engine.values import FileKey
from tests.conftest import FakeClock, LogFile
from tests.engine.support.restart_harness import Exporter, lines, pack


@pytest.fixture
def exporter(tmp_path: Path, clock: FakeClock, log_file: LogFile) -> Iterator[Exporter]:
    exporter = Exporter(tmp_path, clock, log_file)
    yield exporter
    exporter.end()


def backup(log_file: LogFile, ending: str) -> Path:
    return log_file.path.with_name(log_file.path.name + ending)


@pytest.mark.parametrize("begun", [b"", gzip.compress(lines(range(3, 6)), mtime=0)[:-9]], ids=["empty", "half"])
@pytest.mark.parametrize("is_killed", [False, True])
def test_b16_a_file_being_packed_while_its_successor_is_begun_is_read_once_it_is_whole(
    exporter: Exporter, log_file: LogFile, begun: bytes, is_killed: bool
) -> None:
    log_file.append(lines(range(3)))
    exporter.start().poll()
    log_file.path.rename(backup(log_file, ".2"))
    backup(log_file, ".1.gz").write_bytes(begun)  # of a generation that came and went between two looks
    log_file.append(lines(range(6, 9)))
    exporter.poll()
    if is_killed:
        exporter.kill().start()
    backup(log_file, ".1.gz").write_bytes(gzip.compress(lines(range(3, 6)), mtime=0))
    assert exporter.poll().poll().counted(range(9))


def test_b16_of_one_text_in_two_files_the_other_is_read_if_the_one_goes_unread(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines(range(3)))
    exporter.start().poll().kill()
    log_file.path.rename(backup(log_file, ".2"))
    late = lines(range(3, 7))
    backup(log_file, ".1").write_bytes(late)
    backup(log_file, ".1.gz").write_bytes(gzip.compress(late[:240], mtime=0))  # packed before the last line came
    log_file.append(lines(range(7, 9)))
    exporter.start().kill()  # both are seen, neither is read
    backup(log_file, ".1").unlink()
    assert exporter.start().poll().counted([*range(6), 7, 8])


def test_b7_what_was_copied_and_cut_unseen_after_a_cut_is_read_through_a_kill(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines(range(3)))
    exporter.start().poll()
    os.truncate(log_file.path, 0)
    exporter.poll(0.2).poll(0.2)  # the cut is found between two looks
    backup(log_file, ".1").write_bytes(lines(range(3, 6)))
    log_file.append(lines(range(6, 9)))
    exporter.poll(0.1)  # read on, still without a look
    assert exporter.counted([0, 1, 2, 6, 7, 8])
    assert exporter.kill().start().poll().counted(range(9))


def test_b5_a_late_line_in_a_file_packed_while_its_path_led_nowhere_at_the_start_is_all_that_is_read_of_it(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines(range(3)))
    exporter.start().poll()
    os.truncate(log_file.path, 0)
    exporter.poll().poll().kill()
    log_file.path.unlink()
    backup(log_file, ".1").write_bytes(lines(range(3, 6)))
    exporter.start().poll()
    assert exporter.counted(range(6))
    exporter.kill().start()
    pack(backup(log_file, ".1"))
    assert exporter.poll().poll().counted(range(6))


def test_b8_a_copy_made_of_a_file_that_no_checkpoint_speaks_of_is_read_if_that_is_cut_unread(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines(range(60)))
    exporter.start().poll().kill()
    backup(log_file, ".2").write_bytes(log_file.path.read_bytes())
    os.truncate(log_file.path, 0)
    log_file.append(lines(range(60, 63)))
    backup(log_file, ".1").write_bytes(lines(range(60, 63)))
    exporter.start()
    os.truncate(log_file.path, 0)
    log_file.append(lines(range(63, 66)))
    assert exporter.poll().poll().counted(range(66))


def test_a_damaged_file_is_left_alone_after_a_minute(exporter: Exporter, log_file: LogFile) -> None:
    log_file.append(lines(range(3)))
    exporter.start().poll()
    log_file.path.rename(backup(log_file, ".2"))
    backup(log_file, ".1.gz").write_bytes(b"not packed at all")
    log_file.append(lines(range(3, 6)))
    exporter.poll().poll()
    assert exporter.engine is not None
    assert [one.unsure for one in exporter.engine.tail.checkpoints() if not one.done] == [True, True]
    exporter.poll(61.0).poll(61.0)
    assert not any(one.unsure for one in exporter.engine.tail.checkpoints())
    assert exporter.counted(range(6))


def test_what_cannot_be_told_is_waited_for_until_it_has_not_changed_for_a_minute() -> None:
    one, grown = (Backup("e.1.gz", FileKey(1, 1), size, 0, is_packed=True) for size in (5, 6))
    undecided = Undecided()
    for moment, files, is_waited_for in (
        (0.0, [one], True),
        (59.9, [one], True),
        (60.0, [one], False),
        (61.0, [one], True),
        (100.0, [grown], True),
        (159.9, [grown], True),
        (160.0, [grown], False),
        (170.0, [one], True),
        (171.0, [], False),
        (200.0, [one], True),
    ):
        undecided.note("e", files)
        assert "other" not in undecided
        undecided.end_look(moment)
        assert ("e" in undecided) == is_waited_for, moment
    undecided.end_look(201.0)
    assert "e" not in undecided, "nothing was found open at this look"
