"""What is remembered of files let go, how much of it, and what a restart costs (A2, B16, D12, E9)."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from exporters.engine.state.keeper import records_of
from exporters.engine.state.readonly import read_rows
from exporters.engine.tail.classify import NOTHING, REMEMBERED, no_checkpoint
from exporters.engine.tail.history import History
from exporters.engine.values import Checkpoint, FileKey
from tests.conftest import FakeClock, LogFile
from tests.engine.support.restart_harness import Exporter, line, lines, pack, shift

pytestmark = pytest.mark.thorough


@pytest.fixture
def exporter(tmp_path: Path, clock: FakeClock, log_file: LogFile) -> Iterator[Exporter]:
    exporter = Exporter(tmp_path, clock, log_file)
    yield exporter
    exporter.end()


def stored(exporter: Exporter) -> list[Checkpoint]:
    return records_of(exporter.state, read_rows(exporter.state, "sample")).checkpoints


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("is_live_there", [True, False])
def test_b1_a_generation_let_go_that_grows_is_read_on_from_where_it_was(
    exporter: Exporter, log_file: LogFile, restarts: bool, is_live_there: bool
) -> None:
    log_file.append(lines([0]))
    exporter.start().poll()
    shift(log_file.path)
    log_file.append(lines([1]))
    exporter.let_rest()
    assert exporter.engine is not None
    assert exporter.engine.tail.files_open == 1
    if not is_live_there:
        log_file.path.unlink()
        exporter.let_rest()
    if restarts:
        exporter.kill()
    LogFile(Path(f"{log_file}.1")).append(lines([2]))
    if restarts:
        exporter.start()
    exporter.let_rest().restart()
    assert exporter.counted([0, 1, 2])


def test_b16_what_a_finished_generation_got_before_it_was_packed_is_read_in_its_gz(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines(range(3)))
    exporter.start().poll()
    shift(log_file.path)
    log_file.append(lines([10]))
    exporter.let_rest().kill()
    LogFile(Path(f"{log_file}.1")).append(lines([3]))
    pack(Path(f"{log_file}.1"))
    shift(log_file.path)
    log_file.append(lines([11]))
    exporter.start().let_rest()
    assert exporter.counted(range(4), [10, 11])


@pytest.mark.parametrize("is_down", [True, False])
@pytest.mark.parametrize("is_let_go", [True, False])
@pytest.mark.parametrize("was_read_packed", [True, False])
def test_b16_unpacking_a_generation_does_not_count_it_again(
    exporter: Exporter, log_file: LogFile, is_down: bool, is_let_go: bool, was_read_packed: bool
) -> None:
    log_file.append(lines(range(60)))
    exporter.start().poll()
    if was_read_packed:
        exporter.kill()
    shift(log_file.path)
    pack(Path(f"{log_file}.1"))
    log_file.append(lines([100]))
    if was_read_packed:
        exporter.start()
    _ = exporter.let_rest() if is_let_go else exporter.poll()
    if is_down:
        exporter.kill()
    packed = Path(f"{log_file}.1.gz")
    Path(f"{log_file}.1").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    shift(log_file.path)
    log_file.append(lines([101]))
    if is_down:
        exporter.start()
    exporter.let_rest().restart().let_rest()
    assert exporter.counted(range(60), [100, 101])


def test_b16_generations_beyond_those_remembered_are_told_by_their_age(exporter: Exporter, log_file: LogFile) -> None:
    log_file.append(lines([0]))
    exporter.start().poll()
    for number in range(1, 45):
        os.utime(log_file.path, (number * 1000, number * 1000))
        shift(log_file.path)
        log_file.append(lines([number]))
        exporter.poll().poll(11.0)
    assert len([checkpoint for checkpoint in stored(exporter) if checkpoint.done]) == 32
    for number in (44, 40, 5):
        pack(Path(f"{log_file}.{number}"))
    exporter.let_rest().kill()
    shift(log_file.path)
    log_file.append(lines([45]))
    exporter.start().let_rest()
    assert exporter.counted(range(46))


def test_a2_files_that_come_and_go_under_a_glob_do_not_fill_the_state(
    exporter: Exporter, log_file: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporters.engine.tail.history._REMEMBERED_IN_ALL", 20)
    exporter.patterns = [str(log_file.path.parent / "*.jsonl")]
    exporter.start()
    for number in range(60):
        path = log_file.path.with_name(f"day-{number}.jsonl")
        path.write_bytes(line(number))
        exporter.poll()
        path.unlink()
        exporter.poll().poll(11.0)
    exporter.let_rest().restart()
    assert exporter.counted(range(60))
    assert len(stored(exporter)) <= 20


@pytest.mark.parametrize("restarted", [False, True])
def test_b16_of_paths_beyond_the_total_that_is_remembered_an_older_copy_is_not_read_again(
    exporter: Exporter, log_file: LogFile, monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    monkeypatch.setattr("exporters.engine.tail.history._REMEMBERED_IN_ALL", 20)
    exporter.patterns = [str(log_file.path.parent / "*.jsonl")]
    exporter.start()
    for number in range(3):
        log_file.append(lines([number]))
        os.utime(log_file.path, (number * 1000, number * 1000))
        exporter.poll().poll(11.0)
        shift(log_file.path)
    log_file.append(lines([3]))
    exporter.let_rest()
    for number in range(100, 130):
        path = log_file.path.with_name(f"day-{number}.jsonl")
        path.write_bytes(line(number))
        exporter.poll()
        path.unlink()
        exporter.poll().poll(11.0)
    assert len(stored(exporter)) <= 21
    if restarted:
        exporter.restart()
    for number in (3, 2):
        pack(Path(f"{log_file}.{number}"))
    shift(log_file.path)
    log_file.append(lines([4]))
    exporter.let_rest()
    assert exporter.counted(range(5), range(100, 130))


def test_d12_a_restart_reads_kilobytes_of_a_file_however_large_it_is(
    exporter: Exporter, log_file: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_file.append(lines(range(60)))
    log_file.truncate(5 << 30)
    log_file.append(b"\n" + lines([100]))
    exporter.start().poll()
    assert exporter.counted(range(60), [100])
    exporter.kill()
    asked: list[int] = []
    real = os.pread

    def counting(fd: int, length: int, offset: int) -> bytes:
        data = real(fd, length, offset)
        asked.append(len(data))
        return data

    monkeypatch.setattr(os, "pread", counting)
    exporter.start().poll()
    assert sum(asked) <= 128 << 10
    log_file.append(lines([101]))
    exporter.poll()
    assert exporter.counted(range(60), [100, 101])


def test_e9_a_look_at_hundreds_of_files_and_their_backups_opens_each_once(
    exporter: Exporter, log_file: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = log_file.path.parent
    for number in range(200):
        (folder / f"run-{number}.jsonl").write_bytes(line(number))
        for backup in (1, 2):
            (folder / f"run-{number}.jsonl.{backup}").write_bytes(b"{}\n")
    exporter.patterns = [str(folder / "*.jsonl")]
    exporter.start().poll().poll()
    opened: list[str] = []
    real = os.open

    def counting(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        opened.append(path)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", counting)
    exporter.poll().poll()
    assert opened == []
    exporter.kill().start().poll()
    assert len(opened) <= 5 * 200
    assert exporter.counted(range(200))


def done(path: str, serial: int) -> Checkpoint:
    """Return the checkpoint of a file that was read to its end."""
    return replace(no_checkpoint(path, serial), key=FileKey(1, serial))


def test_a2_of_all_files_let_go_as_many_are_remembered_as_may_be_and_that_others_were_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("exporters.engine.tail.history._REMEMBERED_IN_ALL", 5)
    history = History()
    every = [done(f"e{serial}", serial) for serial in range(1, 9)]
    for one in every[:5]:
        history.finish(one)
    assert (history.finished(), history.known) == (every[:5], frozenset())
    for one in every[5:]:
        history.finish(one)
    assert (history.finished(), history.known) == (every[3:], frozenset({NOTHING}))
    assert sorted(history.paths()) == ["e4", "e5", "e6", "e7", "e8"]
    assert len(history._homes) == 5, "nothing is left of what was forgotten"


def test_of_one_path_as_many_generations_are_remembered_as_rotation_may_keep() -> None:
    history = History()
    history.finish(no_checkpoint("e", 1))
    assert history.finished() == [no_checkpoint("e", 1)], "that the path was looked at"
    every = [done("e", serial) for serial in range(2, 40)]
    for one in every:
        history.finish(one)
    assert (history.finished(), history.known) == (every[-REMEMBERED:], frozenset())
