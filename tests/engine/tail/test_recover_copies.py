"""Copies and cuts while running and while down (failure modes B4, B6, B7, B8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import FakeClock, LogFile
from tests.engine.support.restart_harness import Exporter, copy_to_backup, copytruncate, lines, pack, shift

pytestmark = pytest.mark.thorough


@pytest.fixture
def exporter(tmp_path: Path, clock: FakeClock, log_file: LogFile) -> Iterator[Exporter]:
    exporter = Exporter(tmp_path, clock, log_file)
    yield exporter
    exporter.end()


down = pytest.mark.parametrize("is_down", [True, False])


@down
@pytest.mark.parametrize("read", [0, 1, 60])
@pytest.mark.parametrize("after", [lambda copy: copy, pack], ids=["plain", "gz"])
def test_b8_unread_lines_are_read_in_the_copy_that_copytruncate_made(
    exporter: Exporter, log_file: LogFile, is_down: bool, read: int, after: Callable[[Path], Path]
) -> None:
    log_file.append(lines(range(read)))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    log_file.append(lines(range(100, 103)))
    after(copytruncate(log_file.path))
    log_file.append(lines([200]))
    if is_down:
        exporter.start()
    exporter.let_rest().restart().let_rest()
    assert exporter.counted(range(read), range(100, 103), [200])
    assert exporter.lost_bytes == 0


@down
def test_b8_half_a_line_that_was_seen_is_read_whole_in_the_copy(
    exporter: Exporter, log_file: LogFile, is_down: bool
) -> None:
    whole = lines([0])
    log_file.append(whole[:30])
    exporter.start().poll()
    if is_down:
        exporter.kill()
    log_file.append(whole[30:] + lines([1]))
    copytruncate(log_file.path)
    if is_down:
        exporter.start()
    exporter.let_rest()
    assert exporter.counted([0, 1])
    assert exporter.lost_bytes == 0


@down
def test_b8_without_a_copy_the_bytes_seen_and_not_read_are_measured(
    exporter: Exporter, log_file: LogFile, is_down: bool
) -> None:
    log_file.append(lines([0]) + b"seen, not read")
    exporter.start().poll()
    if is_down:
        exporter.kill()
    log_file.append(lines([1]))
    log_file.truncate(0)
    log_file.append(lines([2]))
    if is_down:
        exporter.start()
    exporter.let_rest()
    assert exporter.counted([0, 2])
    assert exporter.lost_bytes == len(b"seen, not read")


@down
def test_b8_a_copy_in_another_folder_cannot_be_found_and_is_measured(
    exporter: Exporter, log_file: LogFile, is_down: bool
) -> None:
    log_file.append(lines([0]) + b"seen, not read")
    exporter.start().poll()
    if is_down:
        exporter.kill()
    (log_file.path.parent / "old").mkdir()
    copytruncate(log_file.path, "old/events.jsonl.1")
    if is_down:
        exporter.start()
    exporter.let_rest()
    assert exporter.counted([0])
    assert exporter.lost_bytes == len(b"seen, not read")


@down
@pytest.mark.parametrize("first", [0, 5])
def test_b4_copytruncate_twice_between_two_looks_costs_nothing(
    exporter: Exporter, log_file: LogFile, is_down: bool, first: int
) -> None:
    log_file.append(lines(range(first)))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    for number in (10, 20, 30):
        log_file.append(lines([number]))
        copytruncate(log_file.path)
    log_file.append(lines([40]))
    if is_down:
        exporter.start()
    exporter.let_rest()
    assert exporter.counted(range(first), [10, 20, 30, 40])
    assert exporter.lost_bytes == 0


@down
@pytest.mark.parametrize("read", [0, 3])
def test_b8_a_copy_that_is_being_made_is_not_read_beside_its_original(
    exporter: Exporter, log_file: LogFile, is_down: bool, read: int
) -> None:
    log_file.append(lines(range(read)))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    log_file.append(lines(range(10, 14)))
    copy = Path(f"{log_file}.1")
    copy.write_bytes(log_file.path.read_bytes()[:200])
    if is_down:
        exporter.start()
    exporter.poll().poll()
    copy.write_bytes(log_file.path.read_bytes())
    log_file.truncate(0)
    log_file.append(lines([20]))
    exporter.let_rest()
    assert exporter.counted(range(read), range(10, 14), [20])
    assert exporter.lost_bytes == 0


@pytest.mark.parametrize("count", [3, 60])
def test_b7_a_file_cut_and_regrown_beyond_the_offset_while_down_is_read_from_its_start(
    exporter: Exporter, log_file: LogFile, count: int
) -> None:
    log_file.append(lines(range(count)))
    exporter.start().poll().kill()
    log_file.rewrite(lines(range(100, 102 + count)))
    exporter.start().let_rest()
    assert exporter.counted(range(count), range(100, 102 + count))


@pytest.mark.parametrize(("size", "kept"), [(80, 60 * 80), (80, 60 * 80 + 7), (64, 4096), (64, 4096 + 7)])
def test_b6_a_file_cut_while_down_keeps_what_was_read_of_it(
    exporter: Exporter, log_file: LogFile, size: int, kept: int
) -> None:
    """The first 4096 bytes prove that it is the same file; the last line left may end just there."""
    log_file.append(lines(range(70), size) + b"half")
    exporter.start().poll().kill()
    log_file.truncate(kept)
    exporter.start().poll()
    log_file.append(b"\n" + lines([100]))
    exporter.let_rest()
    assert exporter.counted(range(70), [100])
    assert exporter.lost_bytes == len(b"half")


def test_b8_a_copy_of_a_rewrite_is_not_read_for_the_file_that_was_rewritten(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines([0]))
    exporter.start().poll()
    copytruncate(log_file.path)
    log_file.replace(lines([1]))
    exporter.poll()
    log_file.replace(lines([1, 2]))
    copytruncate(log_file.path)
    exporter.poll(0.2)
    copytruncate(log_file.path)
    exporter.let_rest().restart().let_rest()
    assert exporter.counted(range(3))
    assert exporter.lost_bytes == 0


def test_b7_a_file_regrown_rewritten_and_copied_between_two_looks_counts_once(
    exporter: Exporter, log_file: LogFile
) -> None:
    log_file.append(lines([0]))
    exporter.start().poll()
    log_file.rewrite(lines([1, 2]))
    log_file.replace(lines([1, 2, 3]))
    copytruncate(log_file.path)
    exporter.poll(0.2)
    copytruncate(log_file.path)
    exporter.let_rest()
    assert exporter.counted(range(4))
    assert exporter.lost_bytes == 0


def test_a9_a_file_rewritten_again_and_again_and_rotated_counts_once(exporter: Exporter, log_file: LogFile) -> None:
    log_file.append(lines([0]))
    exporter.start().poll()
    log_file.replace(lines([0, 1]))
    exporter.poll().poll(11.0)
    log_file.replace(lines([0, 1, 2]))
    log_file.rotate("events.jsonl.1")
    exporter.let_rest().restart()
    assert exporter.counted(range(3))


@pytest.mark.parametrize("is_packed", [False, True])
def test_a9_a_deleted_original_is_not_gone_on_with_in_its_rewrite_that_was_read_itself(
    exporter: Exporter, log_file: LogFile, is_packed: bool
) -> None:
    """The original keeps its position, as its path leads nowhere; its rewrite is let go before it is looked for."""
    log_file.append(lines([0]))
    exporter.start().poll()
    log_file.replace(lines([0, 1]))
    log_file.rotate("events.jsonl.1")
    exporter.poll().kill()
    if is_packed:
        pack(Path(f"{log_file}.1"))
    exporter.start().let_rest().let_rest()
    assert exporter.counted([0, 1])
    assert exporter.lost_bytes == 0


@down
def test_a9_of_two_copies_of_a_rewrite_one_is_read(exporter: Exporter, log_file: LogFile, is_down: bool) -> None:
    log_file.append(lines(range(2), size=200))
    exporter.start().poll()
    if is_down:
        exporter.kill()
    rewritten = log_file.path.with_name("editor~")
    rewritten.write_bytes(lines(range(5), size=200))
    rewritten.replace(log_file.path)
    copy_to_backup(log_file.path)
    copytruncate(log_file.path)
    if is_down:
        exporter.start()
    exporter.let_rest().restart().let_rest()
    assert exporter.counted(range(5))


def test_a9_a_copy_of_a_rewrite_is_not_gone_on_in_for_the_file_before_it(exporter: Exporter, log_file: LogFile) -> None:
    log_file.append(lines(range(2), size=200))
    exporter.start().poll()
    rewritten = log_file.path.with_name("editor~")
    rewritten.write_bytes(lines(range(5), size=200))
    rewritten.replace(log_file.path)
    exporter.poll()
    copy_to_backup(log_file.path)
    copy_to_backup(log_file.path)
    exporter.kill()
    log_file.path.write_bytes(lines(range(100, 120), size=200))
    exporter.start().let_rest()
    assert exporter.counted(range(5), range(100, 120))


@pytest.mark.parametrize("rest", [1, 30])
def test_b8_a_copy_that_ends_within_a_line_is_a_copy(exporter: Exporter, log_file: LogFile, rest: int) -> None:
    text = lines([0, 1], size=100)
    exporter.start()
    log_file.append(text[: 100 + rest])
    copy_to_backup(log_file.path)
    log_file.append(text[100 + rest :])
    shift(log_file.path)
    log_file.append(lines([2]))
    exporter.poll().let_rest()
    assert exporter.counted([0, 1, 2])


def test_a9_a_copy_of_a_rewrite_that_is_open_is_not_gone_on_in_for_the_file_before_it(
    exporter: Exporter, log_file: LogFile
) -> None:
    """Its path leads nowhere at the start, so the file before it is looked for later, when its rewrite is open."""
    log_file.append(lines([0]))
    exporter.start().poll()
    log_file.replace(lines([0, 1]))
    copy_to_backup(log_file.path)
    shift(log_file.path)
    exporter.poll().kill()
    exporter.start().let_rest()
    assert exporter.counted([0, 1])


def test_c1_half_a_line_seen_and_completed_in_a_copy_is_not_lost(exporter: Exporter, log_file: LogFile) -> None:
    text = lines([0])
    log_file.append(text[:1])
    exporter.start().poll()
    log_file.append(text[1:])
    copytruncate(log_file.path)
    exporter.poll(0.2).let_rest()
    assert exporter.counted([0])
    assert exporter.lost_bytes == 0


def test_b12_a_copy_of_what_a_link_leads_to_now_is_not_taken_for_what_was_cut_before(
    exporter: Exporter, log_file: LogFile
) -> None:
    """The cut is met between two looks: that the link was switched is not known yet."""
    first, second = (log_file.path.with_name(f"target-{number}.jsonl") for number in (0, 1))
    first.write_bytes(lines([0]))
    log_file.path.symlink_to(first.name)
    exporter.start().poll()
    copytruncate(first)
    shift(first)
    exporter.poll(0.2)
    second.write_bytes(lines([1]))
    log_file.path.unlink()
    log_file.path.symlink_to(second.name)
    copy_to_backup(second)
    exporter.poll(0.2)
    copy_to_backup(second)
    exporter.let_rest()
    assert exporter.counted([0, 1])


def test_c1_half_a_line_in_a_packed_copy_is_not_lost(exporter: Exporter, log_file: LogFile) -> None:
    exporter.start()
    log_file.append(lines([0])[:1])
    pack(copy_to_backup(log_file.path))
    log_file.path.unlink()
    exporter.poll().let_rest().let_rest()
    assert exporter.lost_bytes == 0
