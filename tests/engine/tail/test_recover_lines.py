"""Lines and clocks across restarts: what was begun is finished once (failure modes C1, C2, C5, C10, D12, D13)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import FakeClock, LogFile
from tests.engine.support.restart_harness import Exporter, line, lines, pack, shift

pytestmark = pytest.mark.thorough


@pytest.fixture
def exporter(tmp_path: Path, clock: FakeClock, log_file: LogFile) -> Iterator[Exporter]:
    exporter = Exporter(tmp_path, clock, log_file)
    yield exporter
    exporter.end()


@pytest.mark.parametrize("cut", [1, 40, 79])
@pytest.mark.parametrize("is_rotated", [True, False])
def test_c1_a_line_completed_while_down_is_counted_once(
    exporter: Exporter, log_file: LogFile, cut: int, is_rotated: bool
) -> None:
    whole = line(1)
    log_file.append(lines([0]) + whole[:cut])
    exporter.start().poll().kill()
    log_file.append(whole[cut:])
    if is_rotated:
        shift(log_file.path)
    log_file.append(lines([2]))
    exporter.start().let_rest()
    assert exporter.counted([0, 1, 2])
    assert (exporter.outcomes(), exporter.lost_bytes) == ({"applied": 3}, 0)


@pytest.mark.parametrize("cut", [1, 40, 79])
def test_c2_a_kill_with_half_a_line_read_costs_nothing(exporter: Exporter, log_file: LogFile, cut: int) -> None:
    whole = line(1)
    exporter.start()
    log_file.append(lines([0]) + whole[:cut])
    exporter.read_without_commit().kill().start().poll().kill()
    log_file.append(whole[cut:])
    exporter.start().poll()
    assert exporter.counted([0, 1])
    assert exporter.outcomes() == {"applied": 2}


def test_c1_half_a_line_in_a_file_let_go_is_read_when_it_is_completed(exporter: Exporter, log_file: LogFile) -> None:
    whole = line(1)
    log_file.append(lines([0]) + whole[:40])
    exporter.start().poll()
    old = LogFile(log_file.rotate("events.jsonl.1"))
    log_file.append(lines([2]))
    exporter.let_rest().restart()
    old.append(whole[40:])
    exporter.let_rest()
    assert exporter.counted([0, 1, 2])
    assert (exporter.outcomes(), exporter.lost_bytes) == ({"applied": 3}, 0)


@pytest.mark.parametrize("is_committed", [True, False])
@pytest.mark.parametrize("is_rotated", [True, False])
def test_c5_a_restart_within_a_line_too_long_counts_it_once(
    exporter: Exporter, log_file: LogFile, is_committed: bool, is_rotated: bool
) -> None:
    log_file.append(lines([0]) + b"x" * 20_000)
    exporter.start()
    _ = exporter.poll() if is_committed else exporter.read_without_commit()
    exporter.restart().kill()
    log_file.append(b"y" * 20_000 + b"\n" + lines([1]))
    if is_rotated:
        shift(log_file.path)
    log_file.append(lines([2]))
    exporter.start().let_rest()
    assert exporter.counted([0, 1, 2])
    assert (exporter.outcomes(), exporter.lost_bytes) == ({"applied": 3, "too_long": 1}, 0)


@pytest.mark.parametrize(("text", "outcome"), [(b"\n" * 5, "blank"), (b"garbage\n" * 5, "bad_json")])
def test_c10_lines_that_are_no_events_are_counted_once_across_restarts(
    exporter: Exporter, log_file: LogFile, text: bytes, outcome: str
) -> None:
    log_file.append(text)
    exporter.start().poll().restart().restart()
    assert exporter.outcomes() == {outcome: 5}
    exporter.kill()
    shift(log_file.path)
    pack(Path(f"{log_file}.1"))
    log_file.append(lines([0]))
    exporter.start().let_rest().restart()
    assert exporter.outcomes() == {outcome: 5, "applied": 1}


def test_d12_an_idle_file_is_never_read_again_however_long_it_is_idle(
    exporter: Exporter, clock: FakeClock, log_file: LogFile
) -> None:
    log_file.append(lines(range(3)))
    exporter.start().poll()
    for _ in range(12):
        clock.advance(30 * 86400.0)
        exporter.restart()
    log_file.append(lines([3]))
    exporter.poll()
    assert exporter.counted(range(4))
    assert exporter.recoveries == {"resumed": 12}


@pytest.mark.parametrize("days", [-400, 400])
def test_d13_neither_clocks_nor_file_times_decide_what_is_read(
    exporter: Exporter, clock: FakeClock, log_file: LogFile, days: int
) -> None:
    log_file.append(lines([0]))
    exporter.start().poll().kill()
    clock.jump(86400.0 * days)
    for number in (1, 2, 3):
        log_file.append(lines([number]))
        when = log_file.path.stat().st_mtime + 86400 * days * number
        os.utime(log_file.path, (when, when))
        shift(log_file.path)
        if number == 2:
            pack(Path(f"{log_file}.1"))
    log_file.append(lines([4]))
    os.utime(log_file.path, (0, 0))
    exporter.start().let_rest()
    clock.jump(-2 * 86400.0 * days)
    exporter.let_rest().restart()
    assert exporter.counted(range(5))
    assert exporter.lost_bytes == 0
