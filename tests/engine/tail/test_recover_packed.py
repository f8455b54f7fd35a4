"""Compression while running and while down: what is packed is read once, and not again (failure mode B16)."""

from __future__ import annotations

import gzip
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

import pytest

from exporters.engine.tail.classify import REMEMBERED
from tests.conftest import FakeClock, LogFile
from tests.engine.support.mounts import fill, small_disk
from tests.engine.support.restart_harness import Exporter, lines, pack, shift
from tests.engine.support.tailing import open_descriptors

pytestmark = pytest.mark.thorough


@pytest.fixture
def exporter(tmp_path: Path, clock: FakeClock, log_file: LogFile) -> Iterator[Exporter]:
    exporter = Exporter(tmp_path, clock, log_file)
    yield exporter
    exporter.end()


down = pytest.mark.parametrize("is_down", [True, False])


@pytest.mark.parametrize("read", [0, 1, 60])
def test_b16_a_generation_packed_while_down_is_finished_inside_its_gz(
    exporter: Exporter, log_file: LogFile, read: int
) -> None:
    log_file.append(lines(range(read)))
    exporter.start().poll().kill()
    log_file.append(lines(range(100, 103)))
    pack(log_file.rotate("events.jsonl.1"))
    log_file.append(lines([200]))
    exporter.start().let_rest().restart().let_rest()
    assert exporter.counted(range(read), range(100, 103), [200])
    assert exporter.lost_bytes == 0


@down
def test_b16_generations_both_unseen_and_packed_are_read(exporter: Exporter, log_file: LogFile, is_down: bool) -> None:
    log_file.append(lines([0]))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    for number in (10, 20, 30):
        log_file.append(lines([number]))
        shift(log_file.path)
        pack(Path(f"{log_file}.1"))
    log_file.append(lines([40]))
    if is_down:
        exporter.start()
    exporter.let_rest().restart().let_rest()
    assert exporter.counted([0, 10, 20, 30, 40])
    assert exporter.lost_bytes == 0


@pytest.mark.parametrize("is_packed", [True, False])
def test_b4_a_generation_found_but_not_yet_read_when_the_kill_came_is_found_again(
    exporter: Exporter, log_file: LogFile, is_packed: bool
) -> None:
    log_file.append(lines([0]))
    exporter.start().poll().kill()
    shift(log_file.path)
    log_file.append(lines([1]))
    shift(log_file.path)
    if is_packed:
        pack(Path(f"{log_file}.1"))
    log_file.append(lines([2]))
    exporter.start().kill().start().kill().start().let_rest()
    assert exporter.counted([0, 1, 2])
    assert exporter.lost_bytes == 0


@pytest.mark.parametrize("is_packed", [True, False])
def test_b16_an_unread_generation_packed_or_moved_on_after_the_kill_is_found_again(
    exporter: Exporter, log_file: LogFile, is_packed: bool
) -> None:
    log_file.append(lines([0]))
    exporter.start().poll().kill()
    shift(log_file.path)
    log_file.append(lines([1]))
    shift(log_file.path)
    log_file.append(lines([2]))
    exporter.start().kill()
    shift(log_file.path)
    if is_packed:
        pack(Path(f"{log_file}.2"))
    exporter.start().let_rest()
    assert exporter.counted([0, 1, 2])
    assert exporter.lost_bytes == 0


def test_b16_packing_a_file_that_is_being_read_does_not_count_it_again(exporter: Exporter, log_file: LogFile) -> None:
    log_file.append(lines([0, 1]))
    exporter.start().poll()
    log_file.append(lines([2]))
    shift(log_file.path)
    pack(Path(f"{log_file}.1"))
    log_file.append(lines([3]))
    exporter.let_rest().restart().let_rest()
    assert exporter.counted(range(4))
    assert exporter.lost_bytes == 0


def test_b16_an_empty_file_written_rotated_and_packed_between_two_looks_counts_once(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(b"")
    exporter.start().poll()
    log_file.append(lines([0, 1]))
    shift(log_file.path)
    pack(Path(f"{log_file}.1"))
    log_file.append(lines([2]))
    exporter.let_rest().restart().let_rest()
    assert exporter.counted(range(3))


@down
@pytest.mark.parametrize("cut", [1, 9, 60])
def test_b16_a_gz_that_is_half_written_beside_its_original_is_not_read(
    exporter: Exporter, log_file: LogFile, is_down: bool, cut: int
) -> None:
    log_file.append(lines(range(60)))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    log_file.append(lines([100]))
    plain = log_file.rotate("events.jsonl.1")
    packed = gzip.compress(plain.read_bytes())
    Path(f"{plain}.gz").write_bytes(packed[:-cut])
    log_file.append(lines([200]))
    if is_down:
        exporter.start()
    exporter.poll()
    Path(f"{plain}.gz").write_bytes(packed)
    plain.unlink()
    exporter.let_rest().restart().let_rest()
    assert exporter.counted(range(60), [100, 200])
    assert exporter.lost_bytes == 0


def test_b16_a_damaged_gz_is_measured_loss_and_stops_nothing(exporter: Exporter, log_file: LogFile) -> None:
    log_file.append(lines(range(60)) + b"half")
    exporter.start().poll().kill()
    packed = pack(log_file.rotate("events.jsonl.1"))
    damaged = bytearray(packed.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    packed.write_bytes(damaged)
    log_file.append(lines([200]))
    exporter.start().let_rest()
    assert exporter.counted(range(60), [200])
    assert (exporter.lost_bytes, exporter.recoveries) == (len(b"half"), {"missing": 1})


@pytest.mark.parametrize("count", [1, 60, 2000, 4000])
def test_b16_a_gz_that_cannot_be_unpacked_for_lack_of_room_is_measured_loss_and_stops_nothing(
    exporter: Exporter, log_file: LogFile, tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is short of a buffer is written when the buffer is given back."""
    log_file.append(lines(range(count)) + b"half")
    exporter.start().poll().kill()
    pack(log_file.rotate("events.jsonl.1"))
    log_file.append(lines([4500]))
    with small_disk(tmp_path / "temporary") as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        fill(disk)
        with open_descriptors() as change:
            exporter.start().let_rest()
            assert exporter.counted(range(count), [4500])
            assert (exporter.lost_bytes, exporter.recoveries) == (len(b"half"), {"missing": 1})
            exporter.kill()
    assert change == [0]


@pytest.mark.parametrize("size", [3, 8, 80])
def test_b16_a_finished_generation_packed_later_is_not_read_again_however_small(
    exporter: Exporter, log_file: LogFile, size: int
) -> None:
    text = {3: b"{}\n", 8: b'{"a":1}\n', 80: lines([0])}[size]
    log_file.append(text)
    exporter.start().poll()
    shift(log_file.path)
    log_file.append(lines([1]))
    exporter.let_rest()
    pack(Path(f"{log_file}.1"))
    shift(log_file.path)
    log_file.append(lines([2]))
    exporter.let_rest().kill()
    shift(log_file.path)
    log_file.append(lines([3]))
    exporter.start().let_rest()
    assert sum(exporter.outcomes().values()) == 4
    assert exporter.lost_bytes == 0


def test_a1_an_inode_that_a_packed_file_had_is_another_file_though_its_text_is_still_open(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines([0]))
    exporter.start().poll().kill()
    log_file.append(lines([1]))
    packed = pack(log_file.rotate("events.jsonl.1"))
    log_file.append(lines([2]))
    exporter.start().poll()
    inode = packed.stat().st_ino
    packed.unlink()
    log_file.replace(log_file.path.read_bytes() + lines([3]))
    if log_file.path.stat().st_ino != inode:
        pytest.skip("this file system did not use the inode number again")
    exporter.let_rest()
    assert exporter.counted(range(4))


def test_a9_a_packed_generation_between_a_file_and_its_rewrite_does_not_part_them(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines([0]))
    exporter.start().poll()
    Path(f"{log_file}.2.gz").write_bytes(gzip.compress(b""))
    log_file.replace(log_file.path.read_bytes() + lines([1]))
    shift(log_file.path)
    exporter.let_rest()
    assert exporter.counted([0, 1])


def test_b4_what_was_packed_unseen_is_told_from_what_was_forgotten_by_its_own_age(
    exporter: Exporter, log_file: LogFile
) -> None:
    def rotate(at: int) -> None:
        shift(log_file.path)
        old = log_file.path.with_name(f"{log_file.path.name}.1")
        os.utime(old, (at, at))
        pack(old)

    exporter.start().poll().kill()
    for number in range(REMEMBERED + 1):
        log_file.append(lines([number]))
        rotate(1_000_000 + number)
    exporter.start().poll().let_rest().kill()  # as many as are remembered were unpacked just now, and let go
    for number in (90, 91):
        log_file.append(lines([number]))
        rotate(2_000_000 + number)
    log_file.append(lines([92]))
    exporter.start().poll()
    assert exporter.counted(range(REMEMBERED + 1), range(90, 93))


def test_b16_many_files_looked_for_among_many_packed_ones_do_not_unpack_each_for_each(
    exporter: Exporter, log_file: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"events.jsonl-{20261101 + number}" for number in range(12)]
    exporter.start()
    for number, name in enumerate(names):
        log_file.append(lines([number]))
        exporter.poll(0.2)
        log_file.rotate(name)
    exporter.kill()
    for name in names:
        pack(log_file.path.with_name(name))
    unpacked = []

    def open_counted(packed: BinaryIO, mode: Literal["rb"]) -> gzip.GzipFile:
        unpacked.append(packed)
        return gzip.GzipFile(fileobj=packed, mode=mode)

    monkeypatch.setattr("gzip.open", open_counted)
    exporter.start()
    assert len(unpacked) < 3 * len(names), "once to see how it begins, once to go on in it"
    exporter.let_rest()
    assert exporter.counted(range(12))


def test_b16_a_packed_file_that_is_being_read_is_the_same_one_after_the_next_kill(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines(range(60)))
    exporter.start().poll().kill()
    log_file.append(lines([100]))
    pack(log_file.rotate("events.jsonl.1"))
    log_file.append(lines([200]))
    exporter.start()
    assert exporter.recoveries == {"unpacked": 1}
    exporter.kill().start()
    assert exporter.recoveries == {"unpacked": 1, "moved": 1}
    assert exporter.engine is not None
    assert exporter.engine.tail.files_present == 0, "no path leads to a packed file"
    exporter.let_rest()
    assert exporter.counted(range(60), [100, 200])
