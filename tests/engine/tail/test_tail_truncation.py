"""Files cut, emptied and written over in place (failure modes B6, B7, B9, B10, D13)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from exporters.engine.tail.fingerprint import PROOF_BYTES
from exporters.engine.values import Notice
from tests.conftest import LogFile
from tests.engine.support.tailing import Follower, line


@pytest.fixture
def followed(log_file: LogFile) -> Iterator[Follower]:
    """The event file, followed alone."""
    follower = Follower(log_file, max_line_bytes=2048)
    yield follower
    follower.tail.close()


def lines_of(text: bytes) -> list[bytes]:
    return text.split(b"\n")[:-1]


def test_b6_a_file_emptied_and_written_again_is_read_from_its_start_in_the_same_poll(
    log_file: LogFile, followed: Follower
) -> None:
    log_file.append(line(1) + line(2))
    followed.poll()
    log_file.rewrite(line(3))
    assert followed.poll() == [line(3)[:-1]]
    assert (followed.said("truncated"), followed.lost_bytes) == (1, 0)


def test_b6_truncation_again_and_again_is_seen_every_time(log_file: LogFile, followed: Follower) -> None:
    for number in range(20):
        log_file.rewrite(line(number, size=40 - number))
        assert followed.poll() == [line(number, size=40 - number)[:-1]]
    assert followed.said("truncated") == 19


def test_b6_a_file_cut_in_place_keeps_what_was_read_of_it(log_file: LogFile, followed: Follower) -> None:
    """A file that still begins with its first 4096 bytes was cut, not rewritten: its lines do not count again."""
    text = b"".join(line(number) for number in range(200))
    log_file.append(text)
    followed.poll()
    log_file.truncate(len(text) // 2)
    assert followed.poll() + followed.poll() == []
    log_file.append(b"\n" + line(500))
    half = lines_of(text[: len(text) // 2] + b"\n")[-1]
    assert followed.poll() == [half, line(500)[:-1]]
    assert (followed.said("truncated"), followed.lost_bytes) == (1, 0)


def test_b6_a_file_cut_within_a_line_too_long_drops_the_rest_of_that_line(
    log_file: LogFile, followed: Follower
) -> None:
    log_file.append(b"x" * 9000 + b"\n" + line(1))
    assert followed.poll() == [line(1)[:-1]]
    log_file.truncate(8000)
    assert followed.poll() + followed.poll() == []
    log_file.append(b"y\n" + line(2))
    assert followed.poll() == [line(2)[:-1]]
    assert followed.too_long == 1


def test_b6_an_emptied_file_with_half_a_line_loses_that_half_and_says_so(log_file: LogFile, followed: Follower) -> None:
    log_file.append(line(1) + b"half")
    followed.poll()
    log_file.rewrite(line(2))
    assert followed.poll() == [line(2)[:-1]]
    assert followed.lost_bytes == 4


def test_b6_a_line_shorter_than_the_half_it_replaces_is_read_in_the_same_poll(
    log_file: LogFile, followed: Follower
) -> None:
    log_file.append(line(1)[:-1])
    followed.poll()
    log_file.rewrite(b"{}\n")
    assert followed.poll() == [b"{}"]
    assert followed.lost_bytes == len(line(1)[:-1]) - len(b"{}\n")  # what of it was written over cannot be told


@pytest.mark.parametrize("first", [1, 100], ids=["short", "longer than the proof"])
def test_b7_a_file_cut_and_regrown_beyond_the_offset_is_read_from_its_start(
    log_file: LogFile, followed: Follower, first: int
) -> None:
    log_file.append(b"".join(line(number) for number in range(1000, 1000 + first)))
    followed.poll()
    fresh = b"".join(line(number) for number in range(2000, 2002 + first))
    log_file.rewrite(fresh)
    assert followed.poll() == lines_of(fresh)
    assert followed.said("truncated") == 1


def test_b7_repetitive_lines_do_not_hide_a_regrown_file(log_file: LogFile, followed: Follower) -> None:
    same = line(7) * 20
    log_file.append(same)
    followed.poll()
    log_file.rewrite(line(8) + same)
    assert len(followed.poll()) == 21


def test_b7_a_line_too_long_does_not_hide_a_regrown_file(log_file: LogFile, followed: Follower) -> None:
    log_file.append(b"x" * 9000)
    followed.poll()
    log_file.rewrite(line(1) * 400)
    assert len(followed.poll()) == 400
    assert followed.too_long == 1


def test_b7_a_file_of_the_same_size_and_other_content_is_read_again_however_old_its_times_are(
    log_file: LogFile, followed: Follower
) -> None:
    log_file.append(line(1))
    os.utime(log_file.path, (0, 0))
    assert len(followed.poll()) == 1
    log_file.rewrite(line(2))
    os.utime(log_file.path, (0, 0))
    assert followed.poll() == [line(2)[:-1]]


def test_b9_a_writer_that_keeps_its_place_after_truncation_leaves_filler(log_file: LogFile, followed: Follower) -> None:
    with log_file.path.open("wb", buffering=0) as writer:
        writer.write(line(1) * 100)
        assert len(followed.poll()) == 100
        log_file.truncate(0)
        writer.write(line(2))
        assert [text.lstrip(b"\0") for text in followed.poll()] == [line(2)[:-1]]
        writer.write(line(3))
        assert followed.poll() == [line(3)[:-1]]
    assert followed.skipped_bytes == len(line(1)) * 100
    assert followed.said("truncated") == 1


@pytest.mark.parametrize("jump", [365 * 86400.0, -365 * 86400.0])
def test_d13_neither_file_times_nor_the_wall_clock_decide_whether_lines_are_read(
    log_file: LogFile, followed: Follower, jump: float
) -> None:
    followed.tail.scan(0.0)
    given = 0
    for number in range(5):
        log_file.append(line(number))
        now = log_file.path.stat().st_mtime
        os.utime(log_file.path, (now + jump * number, now + jump * number))
        followed.tail.scan(0.0)
        given += sum(1 for _ in followed.tail.drain(now + jump * number, 0.0))
        given += sum(1 for _ in followed.tail.drain(now - jump, 0.0))
    assert given == 5


def test_an_idle_file_costs_one_fstat_per_look(
    log_file: LogFile, followed: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_file.append(line(1))
    followed.poll()
    later = log_file.path.stat().st_mtime + 60
    assert list(followed.tail.drain(later, 0.0)) == []
    calls: list[str] = []
    for name in ("pread", "fstat", "lseek"):
        monkeypatch.setattr(os, name, _noted(getattr(os, name), name, calls))
    assert list(followed.tail.drain(later, 0.0)) == []
    assert calls == ["fstat"]


def _noted(real: object, name: str, calls: list[str]) -> object:
    def call(*args: object) -> object:
        calls.append(name)
        return real(*args)  # type: ignore[operator]

    return call


def test_b6_a_cut_loses_what_it_destroyed_and_nothing_that_survived_however_long_the_backlog(log_file: LogFile) -> None:
    follower = Follower(log_file, batch_bytes=80)
    length = len(line(10))
    log_file.append(b"".join(line(number) for number in range(10, 100)))
    follower.tail.scan(0.0)
    given: list[bytes] = []
    for item in follower.tail.drain(0.0, 0.0):
        if isinstance(item, Notice):
            follower.notices.append(item)
        else:
            given += lines_of(item.data)
        if len(given) == 1:
            log_file.truncate(50 * length)
    given += follower.poll()
    assert given == [line(number)[:-1] for number in range(10, 60)]
    assert (follower.said("truncated"), follower.lost_bytes) == (1, 40 * length)
    follower.tail.close()


def test_b6_a_line_of_the_longest_size_that_a_cut_left_without_its_newline_is_no_line_too_long(
    log_file: LogFile, followed: Follower
) -> None:
    text = b"".join(line(number) for number in range(100))
    longest = b'"' + b"x" * 2046 + b'"'
    log_file.append(text + longest + b"\n" + line(500))
    followed.poll()
    log_file.truncate(len(text) + len(longest))
    assert followed.poll() + followed.poll() == []
    log_file.append(b"\n" + line(501))
    assert followed.poll() == [longest, line(501)[:-1]]
    assert followed.too_long == 0


@pytest.mark.parametrize("number", [100, 1000])
def test_b7_a_file_written_over_with_others_of_the_same_beginning_is_read_from_its_start_in_the_same_poll(
    log_file: LogFile, followed: Follower, number: int
) -> None:
    head = b"".join(map(line, range(number)))
    log_file.append(head + line(200))
    followed.poll()
    log_file.rewrite(head + line(300))
    assert followed.poll() == lines_of(head + line(300))
    assert followed.said("truncated") == 1


@pytest.mark.parametrize(("size", "kept"), [(PROOF_BYTES, True), (PROOF_BYTES - 1, False)])
def test_b6_what_a_cut_left_of_a_file_is_known_by_its_first_page(
    log_file: LogFile, followed: Follower, size: int, kept: bool
) -> None:
    text = (b"x" * 63 + b"\n") * 63 + b"x" * (63 - PROOF_BYTES + size) + b"\n"
    assert len(text) == size
    log_file.append(text + b"".join(map(line, range(100))))
    followed.poll()
    log_file.truncate(size)
    assert followed.poll() + followed.poll() == ([] if kept else lines_of(text))
    assert followed.said("truncated") == 1


def test_b7_a_file_made_anew_with_the_same_first_page_and_shorter_is_read_from_its_start(
    log_file: LogFile, followed: Follower
) -> None:
    head = b"".join(map(line, range(1000)))
    log_file.append(head + b"".join(map(line, range(5000, 6000))))
    followed.poll()
    log_file.rewrite(head + b"".join(map(line, range(7000, 7100))))
    assert followed.poll() + followed.poll() == lines_of(head + b"".join(map(line, range(7000, 7100))))


@pytest.mark.parametrize("length", [2047, 2048, 2049, 3000])
def test_b6_of_a_long_line_that_a_cut_left_unfinished_nothing_is_counted_twice(
    log_file: LogFile, followed: Follower, length: int
) -> None:
    text = b"".join(map(line, range(1000)))
    log_file.append(text + b"y" * length + b"y\n" + line(2000))
    followed.poll()
    number = len(followed.batches)
    log_file.truncate(len(text) + length)
    assert followed.poll() + followed.poll() == []
    log_file.append(b"\n" + line(501))
    assert followed.poll() == [*([b"y" * length] if length <= 2048 else []), line(501)[:-1]]
    late = followed.batches[number:]
    assert (sum(batch.too_long for batch in late), sum(batch.too_long_bytes for batch in late)) == (0, length > 2048)


def test_b6_a_cut_in_a_second_line_after_a_blank_one_leaves_that_to_be_finished(log_file: LogFile) -> None:
    follower = Follower(log_file, max_line_bytes=8192)
    log_file.append(b"\n" + b"y" * 6000 + b"\n" + line(2))
    follower.poll()
    log_file.truncate(5001)
    assert follower.poll() + follower.poll() == []
    log_file.append(b"\n")
    assert follower.poll() == [b"y" * 5000]
    follower.tail.close()
