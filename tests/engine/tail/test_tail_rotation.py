"""Rotation, replacement and deletion while the process lives (failure modes A9, B1, B2, B12 to B15)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exporters.engine.tail.tail import Tail
from exporters.engine.values import Notice
from tests.conftest import LogFile
from tests.engine.support.tailing import Follower, line


@pytest.fixture
def followed(log_file: LogFile) -> Iterator[Follower]:
    """The event file, followed alone."""
    follower = Follower(log_file, max_line_bytes=4096)
    yield follower
    follower.tail.close()


@pytest.mark.parametrize("name", ["events.jsonl.1", "elsewhere"])
def test_b1_the_writer_keeps_writing_to_the_renamed_file(log_file: LogFile, followed: Follower, name: str) -> None:
    log_file.append(b"1\n")
    followed.poll()
    with log_file.path.open("ab", buffering=0) as writer:
        log_file.rotate(name)
        log_file.append(b"4\n")
        writer.write(b"2\n3")
        assert followed.poll() == [b"2", b"4"]
        writer.write(b"\n")
        assert followed.poll() == [b"3"]
    assert (followed.said("rotated"), followed.lost_bytes) == (1, 0)


def test_b1_old_lines_come_before_those_of_the_successor(log_file: LogFile, followed: Follower) -> None:
    follower = Follower(log_file, batch_bytes=64)
    log_file.append(b"".join(line(number) for number in range(20)))
    follower.tail.scan(0.0)
    log_file.rotate("elsewhere")
    log_file.append(b"".join(line(number) for number in range(20, 40)))
    assert follower.poll() == [line(number)[:-1] for number in range(40)]


def test_b1_a_renamed_file_is_let_go_only_when_quiet_and_replaced(log_file: LogFile, followed: Follower) -> None:
    log_file.append(b"1\n")
    followed.poll()
    old = LogFile(log_file.rotate("elsewhere"))
    followed.poll(1000)
    assert followed.tail.files_open == 1
    log_file.append(b"")
    followed.poll()
    old.append(b"2\n")
    assert followed.poll(1000) == [b"2"]
    assert followed.tail.files_open == 2
    followed.poll(10)
    assert followed.tail.files_open == 1


def test_b1_what_is_written_between_drain_and_release_keeps_a_file_open(log_file: LogFile, followed: Follower) -> None:
    log_file.append(b"1\n")
    followed.poll()
    with log_file.path.open("ab", buffering=0) as writer:
        log_file.path.unlink()
        followed.poll()
        writer.write(b"2\n")
    assert followed.tail.release(followed.monotonic + 100) == []
    assert followed.poll() == [b"2"]


def test_b2_the_grace_period_counts_from_the_last_byte_and_a_backlog_is_never_dropped(
    log_file: LogFile, followed: Follower
) -> None:
    follower = Follower(log_file, batch_bytes=64)
    log_file.append(b"".join(line(number) for number in range(1000)))
    follower.tail.scan(0.0)
    log_file.path.unlink()
    follower.tail.scan(1000.0)
    assert follower.tail.release(2000.0) == []
    assert len(follower.poll()) == 1000


def test_b2_half_a_line_of_a_deleted_file_is_lost_and_counted_once(log_file: LogFile, followed: Follower) -> None:
    log_file.append(b"1\nhalf")
    followed.poll()
    log_file.path.unlink()
    for _ in range(3):
        followed.poll(20)
    assert followed.notices == [Notice("lost", str(log_file), 4)]
    assert followed.tail.files_open == 0


def test_b2_reserved_space_of_a_deleted_file_is_no_loss(log_file: LogFile, followed: Follower) -> None:
    log_file.append(b"1\n" + b"\0" * 5000)
    followed.poll()
    log_file.path.unlink()
    followed.poll()
    followed.poll(20)
    assert (followed.notices, followed.tail.files_open) == ([], 0)


def test_c5_a_line_too_long_is_counted_once_though_its_file_is_rotated_and_deleted_within_it(
    log_file: LogFile, followed: Follower
) -> None:
    log_file.append(b"x" * 10_000)
    followed.poll()
    old = log_file.rotate("elsewhere")
    log_file.append(b"1\n")
    assert followed.poll() == [b"1"]
    old.unlink()
    followed.poll(20)
    assert (followed.too_long, followed.lost_bytes, followed.tail.files_open) == (1, 0, 1)


def test_a9_a_file_rewritten_with_its_own_content_gives_only_what_is_new(log_file: LogFile, followed: Follower) -> None:
    log_file.append(line(1) + line(2) + b'{"ha')
    followed.poll()
    log_file.replace(line(1) + line(2) + b'{"half":2}\n' + line(3))
    assert followed.poll() == [b'{"half":2}', line(3)[:-1]]
    followed.poll(20)
    assert (followed.lost_bytes, followed.tail.files_open) == (0, 1)


def test_a9_a_rewrite_in_a_line_too_long_does_not_count_it_again(log_file: LogFile, followed: Follower) -> None:
    log_file.append(line(1) + b"x" * 9000)
    followed.poll()
    log_file.replace(line(1) + b"x" * 9500 + b"\n" + line(2))
    assert followed.poll() == [line(2)[:-1]]
    assert followed.too_long == 1


def test_a9_a_file_made_anew_after_a_gap_is_another_file(log_file: LogFile, followed: Follower) -> None:
    log_file.append(line(1))
    followed.poll()
    log_file.path.unlink()
    followed.poll()
    log_file.append(line(1) + line(2))
    assert len(followed.poll()) == 2


def test_a9_a_replacement_with_other_content_is_another_file(log_file: LogFile, followed: Follower) -> None:
    log_file.append(line(1))
    followed.poll()
    log_file.replace(line(2))
    assert followed.poll() == [line(2)[:-1]]


def test_b12_a_symlink_is_followed_to_its_new_target_after_the_old_ones_end(
    log_file: LogFile, followed: Follower
) -> None:
    targets = [LogFile(log_file.path.with_name(f"target{number}")) for number in range(30)]
    given = []
    for number, target in enumerate(targets):
        target.append(b"%d\n" % number)
        log_file.path.unlink(missing_ok=True)
        log_file.path.symlink_to(target.path)
        given += followed.poll()
        target.append(b"%d late\n" % number)
    given += followed.poll()
    expected = [text for number in range(30) for text in (b"%d" % number, b"%d late" % number)]
    assert sorted(given) == sorted(expected)
    assert followed.said("rotated") == 29
    followed.poll(10)
    assert followed.tail.files_open == 1


def test_b12_a_dangling_link_is_waited_for(log_file: LogFile, followed: Follower) -> None:
    log_file.path.symlink_to(log_file.path.with_name("target"))
    assert followed.poll() == []
    LogFile(log_file.path.with_name("target")).append(b"1\n")
    assert followed.poll() == [b"1"]


@pytest.mark.parametrize("pause", [1, 100], ids=["while it is open", "after it was let go"])
def test_b12_a_link_that_comes_back_to_an_old_target_goes_on_where_it_was(
    log_file: LogFile, followed: Follower, pause: float
) -> None:
    blue, green = (LogFile(log_file.path.with_name(name)) for name in ("blue", "green"))
    blue.append(line(1) * 3)
    green.append(line(2))
    given = []
    for target in (blue, green, blue, green, blue):
        log_file.path.unlink(missing_ok=True)
        log_file.path.symlink_to(target.path)
        target.append(line(3))
        for _ in range(3):
            given += followed.poll(pause)
    assert len(given) == 3 + 1 + 5
    assert followed.tail.files_open <= 2


def test_b13_a_deleted_file_is_waited_for_and_read_from_its_start(log_file: LogFile, followed: Follower) -> None:
    log_file.append(b"1\n")
    followed.poll()
    for _ in range(3):
        log_file.path.unlink()
        for _ in range(3):
            assert followed.poll(7) == []
        log_file.append(b"2\n")
        assert followed.poll() == [b"2"]


def test_b14_a_followed_file_renamed_over_another_keeps_its_place(log_file: LogFile) -> None:
    other = LogFile(log_file.path.with_name("other.jsonl"))
    follower = Follower(log_file, other)
    log_file.append(b"1\n")
    other.append(b"2\n")
    assert sorted(follower.poll()) == [b"1", b"2"]
    log_file.path.replace(other.path)
    other.append(b"3\n")
    log_file.append(b"4\n")
    assert sorted(follower.poll()) == [b"3", b"4"]
    follower.poll(20)
    assert (follower.tail.files_open, follower.tail.files_present) == (2, 2)


def test_b15_moved_away_truncated_and_moved_back_is_a_truncation(log_file: LogFile, followed: Follower) -> None:
    log_file.append(line(1) + line(2))
    followed.poll()
    moved = LogFile(log_file.rotate("elsewhere"))
    followed.poll()
    moved.rewrite(line(3))
    moved.path.rename(log_file.path)
    assert followed.poll() == [line(3)[:-1]]
    assert (followed.said("truncated"), followed.said("rotated")) == (1, 0)


def test_a_rotation_within_a_glob_is_one_rotation_and_keeps_the_order(log_file: LogFile) -> None:
    follower = Follower(f"{log_file}*", batch_bytes=64)
    given: list[bytes] = []
    for number in range(5):
        log_file.append(line(10 * number) + line(10 * number + 1))
        given += follower.poll()
        log_file.append(line(10 * number + 2))
        for age in range(number, 0, -1):
            log_file.path.with_name(f"events.jsonl.{age}").rename(log_file.path.with_name(f"events.jsonl.{age + 1}"))
        log_file.rotate("events.jsonl.1")
    given += follower.poll()
    assert given == [line(10 * number + part)[:-1] for number in range(5) for part in range(3)]
    assert follower.said("rotated") == 4
    assert follower.poll(100) == []


def test_files_rotated_unseen_within_a_glob_are_read_once_and_before_the_live_one(log_file: LogFile) -> None:
    follower = Follower(f"{log_file}*")
    follower.tail.recover([], frozenset(), 0.0)
    log_file.append(line(1))
    follower.poll()
    log_file.path.unlink()
    log_file.append(line(2))
    log_file.rotate("events.jsonl.1")
    log_file.append(line(3))
    assert follower.poll() == [line(2)[:-1], line(3)[:-1]]
    log_file.replace(line(3) + line(4))
    assert follower.poll() == [line(4)[:-1]]


def test_files_that_appear_together_in_a_glob_are_all_read_whatever_their_names(log_file: LogFile) -> None:
    follower = Follower(f"{log_file}*")
    follower.tail.recover([], frozenset(), 0.0)
    follower.poll()
    log_file.append(line(1))
    log_file.rotate("events.jsonl.1")
    log_file.append(line(2))
    assert sorted(follower.poll()) == [line(1)[:-1], line(2)[:-1]]


def test_b1_a_file_let_go_that_grows_under_its_rotated_name_is_opened_again(
    log_file: LogFile, followed: Follower
) -> None:
    followed.tail.recover([], frozenset(), 0.0)
    log_file.append(line(1))
    followed.poll()
    old = LogFile(log_file.rotate("events.jsonl.1"))
    log_file.append(line(2))
    followed.poll()
    followed.poll(20)
    assert followed.tail.files_open == 1
    old.append(line(3))
    assert followed.poll() == [line(3)[:-1]]


def test_a_rename_within_a_glob_alone_is_no_rotation(log_file: LogFile) -> None:
    follower = Follower(f"{log_file}*")
    log_file.append(b"1\n")
    follower.poll()
    renamed = LogFile(log_file.rotate("events.jsonl.1"))
    renamed.append(b"2\n")
    assert follower.poll() == [b"2"]
    assert follower.notices == []


def test_a9_a_file_that_comes_back_goes_on_at_its_own_end_and_not_at_that_of_a_deleted_one_it_begins_like(
    log_file: LogFile, followed: Follower
) -> None:
    followed.tail.recover([], frozenset(), 0.0)
    log_file.append(line(1) + line(2) + line(3))
    followed.poll()
    away = log_file.rotate("elsewhere")
    log_file.append(line(1))
    followed.poll()
    followed.poll(20)
    assert followed.tail.files_open == 1
    away.replace(log_file.path)
    log_file.append(line(4))
    assert followed.poll() == [line(4)[:-1]]


def test_of_two_files_moved_away_in_turn_the_newer_is_read_on(log_file: LogFile, followed: Follower) -> None:
    log_file.append(b"1\n")
    followed.poll()
    log_file.rotate("first")
    log_file.append(b"2\n")
    followed.poll()
    newer = LogFile(log_file.rotate("second"))
    followed.poll()
    followed.poll(1000)
    assert followed.tail.files_open == 1
    newer.append(b"3\n")
    assert followed.poll() == [b"3"]


def test_b2_by_default_a_deleted_file_is_let_go_after_ten_seconds(log_file: LogFile) -> None:
    log_file.append(b"1\n")
    tail = Tail([str(log_file)])
    for moment in (0.0, 1.0):
        tail.scan(moment)
        list(tail.drain(0.0, moment))
        log_file.path.unlink(missing_ok=True)
    tail.release(10.9)
    assert tail.files_open == 1
    tail.release(11.0)
    assert tail.files_open == 0
