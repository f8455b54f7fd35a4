"""Files that go away while they are looked at: between the look at a path and its opening."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import FakeClock, LogFile
from tests.engine.support.restart_harness import Exporter, lines, pack, shift


@pytest.fixture
def exporter(tmp_path: Path, clock: FakeClock, log_file: LogFile) -> Iterator[Exporter]:
    exporter = Exporter(tmp_path, clock, log_file)
    yield exporter
    exporter.end()


@contextlib.contextmanager
def just_before_opening(path: Path, act: Callable[[], object], opening_number: int = 1) -> Iterator[list[str]]:
    """Do something right before an opening of a path within the block; give a list of the times it happened."""
    real, done, left = os.open, list[str](), [opening_number]

    def opening(name: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        left[0] -= str(name) == str(path)
        if not left[0] and not done:
            done.append(name)
            act()
        return real(name, flags, mode, dir_fd=dir_fd)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", opening)
        yield done


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize("is_renamed", [True, False])
@pytest.mark.parametrize("is_new", [True, False])
def test_a_file_that_goes_between_the_look_and_its_opening_is_passed_over_and_read_when_it_is_back(
    exporter: Exporter, log_file: LogFile, is_renamed: bool, is_new: bool, caplog: pytest.LogCaptureFixture
) -> None:
    exporter.start().poll()
    if not is_new:
        log_file.append(lines([0]))
        exporter.poll()
        log_file.rotate("events.jsonl.1")
    log_file.append(lines([1]))
    away = log_file.path.with_name("away")
    with just_before_opening(log_file.path, lambda: log_file.path.rename(away)) as done:
        exporter.poll()
    assert done, "the file went at another moment"
    assert exporter.counted([] if is_new else [0])
    if is_renamed:
        away.rename(log_file.path)
    else:
        away.unlink()
        log_file.append(lines([1]))
    exporter.let_rest().restart()
    assert exporter.counted([1] if is_new else [0, 1])
    assert (warnings(caplog), exporter.lost_bytes) == ([], 0)


def test_a_file_that_goes_just_before_it_is_opened_at_the_start_is_passed_over_too(
    exporter: Exporter, log_file: LogFile, caplog: pytest.LogCaptureFixture
) -> None:
    log_file.append(lines([0]))
    with just_before_opening(log_file.path, log_file.path.unlink) as done:
        exporter.start()
    assert done, "the file went at another moment"
    log_file.append(lines([1]))
    exporter.let_rest()
    assert exporter.counted([1])
    assert warnings(caplog) == []


@pytest.mark.parametrize("is_packed", [True, False])
@pytest.mark.parametrize("is_down", [True, False])
def test_b4_backups_that_are_renamed_in_a_row_while_they_are_looked_at_are_each_read_once(
    exporter: Exporter, log_file: LogFile, is_packed: bool, is_down: bool
) -> None:
    log_file.append(lines([0]))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    for number in (1, 2, 3):
        shift(log_file.path)
        log_file.append(lines([number], size=80 + number))
    one, two = (log_file.path.with_name(f"{log_file.path.name}.{at}") for at in (1, 2))
    first = pack(two) if is_packed else two
    if is_packed:
        pack(one)

    def shift_once_more() -> None:
        shift(log_file.path)
        log_file.append(lines([4]))

    with just_before_opening(first, shift_once_more) as done:
        exporter = exporter.start().poll() if is_down else exporter.poll()
    assert done
    exporter.let_rest().restart()
    assert exporter.counted(range(5))


@pytest.mark.parametrize("opening_number", [1, 2])
def test_b6_a_copy_is_none_to_be_read_if_its_original_is_cut_while_they_are_compared(
    exporter: Exporter, log_file: LogFile, opening_number: int
) -> None:
    log_file.append(lines([0]))
    exporter.start().poll()
    log_file.append(lines([1, 2]))
    copy = log_file.path.with_name(f"{log_file.path.name}.1")
    exporter.poll(0.2)
    copy.write_bytes(log_file.path.read_bytes())
    with just_before_opening(copy, lambda: os.truncate(log_file.path, 0), opening_number) as done:
        exporter.poll()
    assert done
    log_file.append(lines([3]))
    exporter.poll().poll().restart()
    assert exporter.counted(range(4))
