"""What files are, and how many are read at once (failure modes A3 to A8, B3, B17, B18, E8)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.engine.values import Batch, Notice
from tests.conftest import LogFile
from tests.engine.support.tailing import Follower, line, open_descriptors


@pytest.fixture
def followed(log_file: LogFile) -> Iterator[Follower]:
    """The event file, followed alone."""
    follower = Follower(log_file)
    yield follower
    follower.tail.close()


def test_a3_files_of_no_and_of_one_byte_are_followed(log_file: LogFile, followed: Follower) -> None:
    log_file.append(b"")
    assert followed.poll() == []
    given = []
    for index in range(6):
        log_file.append(b"{}\n{}\n"[index : index + 1])
        given += followed.poll()
    assert given == [b"{}", b"{}"]


def test_a4_two_files_that_begin_alike_are_two_files(tmp_path: Path) -> None:
    head = b"".join(line(number) for number in range(200))
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(head)
    follower = Follower(tmp_path / "*.jsonl")
    assert len(follower.poll()) == 400
    LogFile(tmp_path / "b.jsonl").append(b"{}\n")
    assert follower.poll() == [b"{}"]


def test_a4_a_rotated_file_whose_successor_begins_alike_is_read_as_a_new_one(
    log_file: LogFile, followed: Follower
) -> None:
    head = b"".join(line(number) for number in range(200))
    log_file.append(head)
    assert len(followed.poll()) == 200
    log_file.rotate("elsewhere")
    log_file.append(head + b"{}\n")
    assert len(followed.poll()) == 201


def test_a5_empty_files_are_not_one_file(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(b"")
    follower = Follower(tmp_path / "*")
    follower.poll()
    for name in "abc":
        (tmp_path / name).write_bytes(name.encode() + b"\n")
    assert sorted(follower.poll()) == [b"a", b"b", b"c"]
    assert follower.tail.files_open == 3


@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symlink", "hardlink"])
def test_a6_a_file_with_two_names_is_read_once(log_file: LogFile, link: object) -> None:
    log_file.append(b"1\n")
    link(log_file.path, log_file.path.with_name("again.jsonl"))  # type: ignore[operator]
    follower = Follower(log_file, log_file.path.parent / "*.jsonl", log_file.path.parent / ".." / "logs" / "*")
    assert follower.poll() == [b"1"]
    log_file.append(b"2\n")
    assert follower.poll() == [b"2"]
    assert (follower.tail.files_open, follower.tail.files_present) == (1, 1)


def test_a6_a_relative_and_an_absolute_path_are_one_file(log_file: LogFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(log_file.path.parent)
    log_file.append(b"1\n")
    assert Follower("events.jsonl", "./events.jsonl", log_file).poll() == [b"1"]


def test_a8_a_path_given_to_an_open_file_between_look_and_opening_is_not_opened_twice(
    log_file: LogFile, followed: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_file.append(b"1\n")
    followed.poll()
    old = log_file.rotate("events.1")
    log_file.append(b"2\n")
    real_open = os.open

    def swap_back_first(path: str, flags: int, *args: int) -> int:
        if path == str(log_file):
            old.replace(log_file.path)
        return real_open(path, flags, *args)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", swap_back_first)
        assert followed.poll() == []
    log_file.append(b"3\n")
    assert followed.poll() == [b"3"]
    assert followed.tail.files_open == 1


def test_a8_a_path_given_to_another_file_between_look_and_opening_is_read_as_what_was_opened(
    log_file: LogFile, followed: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_file.append(b"1\n")
    real_open = os.open

    def swap_first(path: str, flags: int, *args: int) -> int:
        if path == str(log_file) and not log_file.path.with_name("x").exists():
            log_file.rotate("x")
            log_file.path.write_bytes(b"another\n")
        return real_open(path, flags, *args)

    monkeypatch.setattr(os, "open", swap_first)
    assert followed.poll() == [b"another"]
    assert followed.poll() == []


def test_b3_a_file_found_later_is_read_from_its_start(log_file: LogFile, followed: Follower) -> None:
    assert followed.poll() == []
    log_file.append(b"".join(line(number) for number in range(100)))
    assert len(followed.poll()) == 100
    assert followed.said("rotated") == 0


def test_b17_drained_deleted_files_leave_no_descriptor(tmp_path: Path) -> None:
    follower = Follower(tmp_path / "*.jsonl")
    with open_descriptors() as change:
        for number in range(200):
            (tmp_path / f"{number}.jsonl").write_bytes(b"{}\n")
        assert len(follower.poll()) == 200
        for path in tmp_path.iterdir():
            path.unlink()
        follower.poll()
        assert follower.tail.files_open == 200
        follower.poll(10)
        assert follower.tail.files_open == 0
    assert change == [0]


@pytest.mark.thorough
def test_b17_files_moved_out_of_a_glob_one_by_one_do_not_use_up_the_descriptors(tmp_path: Path) -> None:
    (tmp_path / "done").mkdir()
    follower = Follower(tmp_path / "*.jsonl")
    with open_descriptors() as change:
        for number in range(200):
            path = tmp_path / f"{number}.jsonl"
            path.write_bytes(b"{}\n")
            assert follower.poll(20) == [b"{}"]
            path.rename(tmp_path / "done" / path.name)
        follower.poll(20)
        follower.poll(20)
    assert change[0] <= 64


def test_b18_a_file_that_may_not_be_read_is_named_and_tried_again(
    log_file: LogFile, followed: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_file.append(b"1\n")
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", _refuse)
        assert followed.poll() == []
        assert followed.tail.unreadable == {str(log_file): "Permission denied"}
        assert followed.notices == [Notice("unreadable", str(log_file), problem="Permission denied")]
    assert followed.poll() == [b"1"]
    assert followed.tail.unreadable == {}


def test_b18_a_file_in_a_glob_that_may_not_be_read_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "good").write_bytes(b"1\n")
    (tmp_path / "bad").write_bytes(b"2\n")
    real_open = os.open
    monkeypatch.setattr(os, "open", lambda path, *a: _refuse() if path.endswith("bad") else real_open(path, *a))
    follower = Follower(tmp_path / "*")
    assert follower.poll() == [b"1"]
    assert follower.tail.unreadable == {str(tmp_path / "bad"): "Permission denied"}


def _refuse(*_: object) -> int:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def test_e8_a_busy_file_lets_every_other_file_have_its_turn(tmp_path: Path) -> None:
    (tmp_path / "0busy").write_bytes(line(0) * 50_000)
    for number in range(50):
        (tmp_path / f"small{number}").write_bytes(b"{}\n")
    follower = Follower(tmp_path / "*", batch_bytes=1 << 14)
    follower.tail.scan(0.0)
    first = [item for item, _ in zip(follower.tail.drain(0.0, 0.0), range(51), strict=False)]
    assert {Path(item.path).name for item in first} == {path.name for path in tmp_path.iterdir()}


def test_e8_a_writer_that_never_pauses_cannot_hold_a_drain(log_file: LogFile, followed: Follower) -> None:
    log_file.append(b"x" * 63 + b"\n")
    follower = Follower(log_file, batch_bytes=64)
    follower.tail.scan(0.0)
    items: list[Batch | Notice] = []
    for item in follower.tail.drain(0.0, 0.0):
        items.append(item)
        log_file.append((b"x" * 63 + b"\n") * 2)
        assert len(items) < 10
    assert len(items) == 1
    assert len(follower.poll()) == 2


def test_files_open_and_present_tell_rotated_files_from_live_ones(log_file: LogFile, followed: Follower) -> None:
    log_file.append(b"1\n")
    followed.poll()
    log_file.rotate("elsewhere")
    followed.poll()
    assert (followed.tail.files_present, followed.tail.files_open) == (0, 1)
    log_file.append(b"2\n")
    followed.poll()
    assert (followed.tail.files_present, followed.tail.files_open) == (1, 2)
    followed.poll(10)
    assert (followed.tail.files_present, followed.tail.files_open) == (1, 1)


def test_a_file_that_no_path_leads_to_any_more_is_not_present_though_nothing_is_to_be_read(
    log_file: LogFile, followed: Follower
) -> None:
    log_file.append(line(1))
    followed.poll()
    later = log_file.path.stat().st_mtime + 60
    assert list(followed.tail.drain(later, 1.0)) == []
    assert followed.tail.files_present == 1
    log_file.rotate("elsewhere")
    later += 60
    assert list(followed.tail.drain(later, 1.0)) == []
    assert followed.tail.files_present == 1, "it has not been looked for yet"
    followed.tail.scan(2.0)
    assert (followed.tail.files_present, followed.tail.files_open) == (0, 1)


def test_half_a_line_of_a_deleted_file_is_measured_though_another_was_found_behind_it(
    log_file: LogFile, followed: Follower
) -> None:
    followed.tail.recover([], frozenset(), 0.0)
    log_file.append(b"half")
    followed.poll()
    log_file.path.unlink()
    followed.poll()
    assert list(followed.tail.drain(os.stat(log_file.path.parent).st_mtime + 60, 1.0)) == []
    log_file.path.with_name("events.jsonl.1").write_bytes(line(1))
    log_file.append(line(2))
    later = log_file.path.stat().st_mtime + 60
    followed.tail.scan(3.0)
    assert [getattr(item, "data", b"") for item in followed.tail.drain(later, 3.0)] == [line(1), line(2)]
    assert Notice("lost", str(log_file), 4) in followed.tail.release(100.0)
