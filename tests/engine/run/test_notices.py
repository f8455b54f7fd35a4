"""What an operator is told of what happened to a file."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import FakeClock, LogFile
from tests.engine.support.restart_harness import Exporter, lines


@pytest.fixture
def exporter(tmp_path: Path, clock: FakeClock, log_file: LogFile) -> Iterator[Exporter]:
    exporter = Exporter(tmp_path, clock, log_file)
    yield exporter
    exporter.end()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def destroyed(path: object, number: int) -> str:
    return f"{path}: {number} bytes were destroyed before they could be read; rotate by rename, not by truncating"


def test_destroyed_bytes_are_said_once_with_file_number_and_remedy(
    exporter: Exporter, log_file: LogFile, caplog: pytest.LogCaptureFixture
) -> None:
    log_file.append(lines(range(5)) + b"half a line")
    exporter.start().poll()
    assert warnings(caplog) == []
    os.truncate(log_file.path, 0)
    exporter.poll().poll().poll()
    assert (warnings(caplog), exporter.lost_bytes) == ([destroyed(log_file, 11)], 11)


def test_a_rewrite_without_loss_is_said_once_and_in_other_words(
    exporter: Exporter, log_file: LogFile, caplog: pytest.LogCaptureFixture
) -> None:
    log_file.append(lines(range(5)))
    exporter.start().poll()
    log_file.rewrite(lines([7]))
    exporter.poll().poll().poll()
    assert warnings(caplog) == [f"{log_file}: truncated or rewritten in place; reading what is new"]
    assert exporter.lost_bytes == 0
    assert exporter.counted([*range(5), 7])


def test_the_last_half_line_of_a_file_that_was_deleted_is_said_to_be_destroyed(
    exporter: Exporter, log_file: LogFile, caplog: pytest.LogCaptureFixture
) -> None:
    log_file.append(lines(range(5)) + b"half")
    exporter.start().poll()
    log_file.path.unlink()
    exporter.let_rest()
    assert (warnings(caplog), exporter.lost_bytes) == ([destroyed(log_file, 4)], 4)


def test_bytes_destroyed_while_down_are_said_at_the_start(
    exporter: Exporter, log_file: LogFile, caplog: pytest.LogCaptureFixture
) -> None:
    log_file.append(lines(range(5)) + b"half a line")
    exporter.start().poll().kill()
    log_file.rewrite(lines([7]))
    exporter.start()
    assert (warnings(caplog), exporter.lost_bytes) == ([destroyed(log_file, 11)], 11)


def test_a_path_that_keeps_losing_says_so_once_a_minute_and_counts_every_byte(
    exporter: Exporter, log_file: LogFile, caplog: pytest.LogCaptureFixture
) -> None:
    exporter.start()
    for _ in range(30):
        log_file.append(b"half a line")
        exporter.poll()
        os.truncate(log_file.path, 0)
        exporter.poll(2.0)
    assert (warnings(caplog), exporter.lost_bytes) == ([destroyed(log_file, 11)] * 2, 330)


def test_an_ordinary_rotation_says_nothing(
    exporter: Exporter, log_file: LogFile, caplog: pytest.LogCaptureFixture
) -> None:
    log_file.append(lines(range(5)))
    exporter.start().poll()
    log_file.rotate("events.jsonl.1")
    log_file.append(lines([5]))
    exporter.let_rest()
    assert warnings(caplog) == []
    assert exporter.counted(range(6))
