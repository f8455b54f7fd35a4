"""A copy is never counted, whatever the writer does while it is made (failure modes A9, B8, B16, E7, B4)."""

from __future__ import annotations

import gzip
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import FakeClock, LogFile
from tests.engine.support.restart_harness import Exporter, copytruncate, lines, pack, shift

pytestmark = pytest.mark.thorough


@pytest.fixture
def exporter(tmp_path: Path, clock: FakeClock, log_file: LogFile) -> Iterator[Exporter]:
    exporter = Exporter(tmp_path, clock, log_file)
    yield exporter
    exporter.end()


down = pytest.mark.parametrize("is_down", [True, False])
sizes = pytest.mark.parametrize("size", [2, 10, 300])
texts = pytest.mark.parametrize("is_same", [False, True], ids=["numbered lines", "one line repeated"])


class Writer:
    """Writes lines that are numbered or all the same, and knows how many there are."""

    def __init__(self, log_file: LogFile, is_same: bool) -> None:
        self.log_file = log_file
        self.is_same = is_same
        self.count = 0

    def text(self, count: int) -> bytes:
        numbers = range(self.count, self.count + count)
        self.count += count
        return lines([0] * count if self.is_same else numbers)

    def append(self, count: int) -> None:
        self.log_file.append(self.text(count))


def total(exporter: Exporter) -> int:
    """Return how many lines were counted, and check that no numbered one was counted twice."""
    return sum(exporter.seen().values())


@sizes
@texts
@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("restarts", [False, True])
def test_b8_a_line_read_between_the_copy_and_the_cut_counts_once(
    exporter: Exporter, log_file: LogFile, size: int, is_same: bool, is_packed: bool, restarts: bool
) -> None:
    writer = Writer(log_file, is_same)
    writer.append(size)
    exporter.start().poll()
    shutil.copyfile(log_file.path, f"{log_file}.1")
    writer.append(1)
    exporter.poll()
    if restarts:
        exporter.kill()
    log_file.truncate(0)
    if is_packed:
        pack(Path(f"{log_file}.1"))
    writer.append(1)
    if restarts:
        exporter.start()
    exporter.let_rest().restart().let_rest()
    assert total(exporter) == writer.count


@pytest.mark.parametrize("seen", [True, False])
def test_b8_a_copy_that_holds_more_than_was_read_is_read_on_from_there(
    exporter: Exporter, log_file: LogFile, seen: bool
) -> None:
    log_file.append(lines(range(100)))
    exporter.start().poll().kill()
    log_file.append(lines(range(100, 110)))
    shutil.copyfile(log_file.path, f"{log_file}.1")
    if seen:
        exporter.start().poll()
    log_file.append(lines(range(110, 112)))
    log_file.truncate(0)
    log_file.append(lines([200]))
    if not seen:
        exporter.start()
    exporter.let_rest().restart()
    assert exporter.counted(range(110), [200])


def test_b8_what_copytruncate_destroyed_is_measured_behind_the_end_of_its_copy(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines(range(100)))
    exporter.start().poll()
    log_file.append(lines([100]))
    shutil.copyfile(log_file.path, f"{log_file}.1")
    log_file.append(b'{"n":"half')
    exporter.poll()
    log_file.truncate(0)
    exporter.let_rest()
    assert exporter.counted(range(101))
    assert exporter.lost_bytes == len(b'{"n":"half')


@sizes
@texts
@pytest.mark.parametrize("restarts", [False, True])
def test_b16_a_late_line_that_gzip_did_not_pack_counts_once(
    exporter: Exporter, log_file: LogFile, size: int, is_same: bool, restarts: bool
) -> None:
    writer = Writer(log_file, is_same)
    writer.append(size)
    exporter.start().poll()
    late = log_file.path.open("ab")
    log_file.rotate("events.jsonl.1")
    writer.append(1)
    plain = Path(f"{log_file}.1")
    Path(f"{plain}.gz").write_bytes(gzip.compress(plain.read_bytes()))
    exporter.poll()
    late.write(writer.text(1))
    late.close()
    exporter.poll()
    if restarts:
        exporter.kill()
    plain.unlink()
    if restarts:
        exporter.start()
    exporter.let_rest().restart().let_rest()
    assert total(exporter) == writer.count


@sizes
@texts
@pytest.mark.parametrize("rest", [0, 11, 30])
def test_b16_a_generation_unread_plain_and_packed_at_once_is_read_once(
    exporter: Exporter, log_file: LogFile, size: int, is_same: bool, rest: int
) -> None:
    writer = Writer(log_file, is_same)
    writer.append(2 * size)
    exporter.start().poll(1.1 + rest).kill()
    shift(log_file.path)
    writer.append(size)
    shift(log_file.path)
    Path(f"{log_file}.1.gz").write_bytes(gzip.compress(Path(f"{log_file}.1").read_bytes()))
    writer.append(1)
    exporter.start().let_rest()
    Path(f"{log_file}.1").unlink()
    exporter.let_rest().restart()
    assert total(exporter) == writer.count


@down
@pytest.mark.parametrize("name", ["events.jsonl.7", "events.jsonl.old"])
@pytest.mark.parametrize("of", ["live", "read", "unread"])
def test_b4_a_copy_made_by_hand_counts_once(
    exporter: Exporter, log_file: LogFile, is_down: bool, name: str, of: str
) -> None:
    log_file.append(lines(range(50)))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    if of != "live":
        shift(log_file.path)
        log_file.append(lines(range(50, 60)))
    if of == "unread":
        shift(log_file.path)
        log_file.append(lines(range(60, 70)))
    source = f"{log_file}" if of == "live" else f"{log_file}.1"
    shutil.copyfile(source, log_file.path.with_name(name))
    if is_down:
        exporter.start()
    exporter.let_rest().restart().let_rest()
    assert exporter.counted(range({"live": 50, "read": 60, "unread": 70}[of]))


MESSAGE = "{}: leads to no file; positions are kept until it does"


@pytest.mark.parametrize("fresh_folder", [False, True])
def test_e7_positions_outlive_a_folder_that_is_not_mounted_at_the_start(
    exporter: Exporter, log_file: LogFile, caplog: pytest.LogCaptureFixture, fresh_folder: bool
) -> None:
    Path(f"{log_file}.1").write_bytes(lines([900]))
    log_file.append(lines(range(10)))
    exporter.start().poll()
    shift(log_file.path)
    log_file.append(lines(range(10, 20)))
    exporter.let_rest().kill()
    folder = log_file.path.parent
    folder.rename(folder.with_name("elsewhere"))
    if fresh_folder:
        folder.mkdir()
    with caplog.at_level(logging.WARNING, "peaktrade.exporter"):
        exporter.start()
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == [MESSAGE.format(log_file)]
    exporter.poll().restart().let_rest()
    assert exporter.counted(range(20))
    if fresh_folder:
        folder.rmdir()
    folder.with_name("elsewhere").rename(folder)
    log_file.append(lines([20]))
    exporter.let_rest().restart().let_rest()
    assert exporter.counted(range(21))
    assert exporter.lost_bytes == 0


def test_e7_a_file_that_was_rotated_while_it_could_not_be_reached_is_finished(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines(range(10)))
    exporter.start().poll().kill()
    folder = log_file.path.parent
    folder.rename(folder.with_name("elsewhere"))
    exporter.start().poll()
    log_file = LogFile(folder.with_name("elsewhere") / "events.jsonl")
    log_file.append(lines([10]))
    shift(log_file.path)
    log_file.append(lines([11]))
    folder.with_name("elsewhere").rename(folder)
    exporter.let_rest()
    assert exporter.counted(range(12))


@texts
def test_b6_a_file_begun_anew_with_the_lines_it_had_is_read_if_a_copy_was_made(
    exporter: Exporter, log_file: LogFile, is_same: bool
) -> None:
    writer = Writer(log_file, is_same)
    writer.append(300)
    exporter.start().poll()
    shutil.copyfile(log_file.path, f"{log_file}.1")
    log_file.truncate(0)
    writer.append(200)
    exporter.let_rest().restart()
    assert total(exporter) == writer.count


@pytest.mark.parametrize("is_down", [True, False])
def test_a4_a_long_preamble_that_every_file_has_does_not_hide_what_was_cut_and_begun_anew(
    exporter: Exporter, log_file: LogFile, is_down: bool
) -> None:
    preamble = lines(range(900, 1000))
    log_file.append(preamble + lines(range(100)))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    log_file.rewrite(preamble + lines(range(200, 230)))
    if is_down:
        exporter.start()
    exporter.let_rest()
    assert total(exporter) == 2 * 100 + 100 + 30


def test_b8_it_is_said_that_what_was_cut_goes_on_in_its_copy(exporter: Exporter, log_file: LogFile) -> None:
    log_file.append(lines(range(60)))
    exporter.start().poll()
    log_file.append(lines([60]))
    shutil.copyfile(log_file.path, f"{log_file}.1")
    log_file.truncate(0)
    exporter.poll(0.2)
    exporter.let_rest()
    assert exporter.counted(range(61))
    assert (exporter.recoveries, exporter.lost_bytes) == ({"copied": 1}, 0)


@pytest.mark.parametrize("is_down", [False, True])
def test_e7_a_copy_made_just_before_the_folder_went_is_read_once_it_is_back(
    exporter: Exporter, log_file: LogFile, is_down: bool
) -> None:
    """The open file is read while its folder is away: only a look beside it can tell what was cut before that."""
    exporter.start().poll()
    log_file.append(lines([0]))
    copytruncate(log_file.path)
    exporter.poll()
    log_file.append(lines([1, 2]))
    copytruncate(log_file.path)
    log_file.append(lines([3, 4, 5]))
    folder, away = log_file.path.parent, log_file.path.parent.with_name("away")
    folder.rename(away)
    exporter.poll()
    if is_down:
        exporter.restart()
    away.rename(folder)
    exporter.let_rest()
    assert exporter.counted(range(6))
    assert exporter.lost_bytes == 0
