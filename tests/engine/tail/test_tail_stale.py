"""What a network file system says for a moment and then takes back (failure modes B11, E10)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

import pytest

from tests.conftest import LogFile
from tests.engine.support.tailing import Follower, line, open_descriptors


@pytest.fixture
def followed(log_file: LogFile) -> Iterator[Follower]:
    """The event file, followed alone."""
    follower = Follower(log_file)
    yield follower
    follower.tail.close()


def test_b11_a_stale_smaller_size_alone_changes_nothing(
    log_file: LogFile, followed: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_file.append(line(1))
    old = log_file.path.stat()
    log_file.append(line(2))
    followed.poll()
    log_file.append(line(3))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", lambda fd: old)
        assert followed.drain() == [line(3)[:-1]]
    assert (followed.poll(), followed.notices) == ([], [])


def test_b11_bytes_missing_for_one_look_are_not_counted_twice(
    log_file: LogFile, followed: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_file.append(line(1))
    old = log_file.path.stat()
    log_file.append(line(2))
    followed.poll()
    log_file.append(line(3))
    real = os.pread
    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", lambda fd: old)
        patch.setattr(
            os, "pread", lambda fd, length, offset: real(fd, max(0, min(length, len(line(1)) - offset)), offset)
        )
        assert followed.drain() == []
    assert (followed.drain(), followed.notices) == ([line(3)[:-1]], [])


def test_b11_bytes_missing_twice_are_gone(log_file: LogFile, followed: Follower) -> None:
    log_file.append(line(1) + line(2))
    followed.poll()
    log_file.truncate(len(line(1)))
    assert (followed.poll(), followed.notices) == ([], [])
    followed.poll()
    assert followed.said("truncated") == 1


def _stale(*_: object) -> bytes:
    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))


class _StaleHandle:
    """Makes every call on one descriptor fail as a network file system does after a server restart."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, follower: Follower) -> None:
        self.fd = next(follower.tail._open_files.generations()).stream.fd
        for name in ("pread", "fstat"):
            monkeypatch.setattr(os, name, self._wrap(getattr(os, name)))

    def _wrap(self, real: object) -> object:
        return lambda fd, *args: _stale() if fd == self.fd else real(fd, *args)  # type: ignore[operator]


def test_e10_a_stale_handle_is_opened_anew_and_read_on_where_it_was(
    log_file: LogFile, followed: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_file.append(line(1) + b'{"ha')
    followed.poll()
    log_file.append(b'lf":1}\n')
    with open_descriptors() as change:
        _StaleHandle(monkeypatch, followed)
        assert followed.drain() == [b'{"half":1}']
    assert (change, followed.tail.unreadable, followed.notices) == ([0], {}, [])


def test_e10_a_stale_handle_whose_path_leads_to_another_file_is_given_up_and_measured(
    log_file: LogFile, followed: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_file.append(line(1) + b'{"ha')
    followed.poll()
    log_file.replace(line(2))
    _StaleHandle(monkeypatch, followed)
    assert followed.drain() == []
    assert followed.tail.unreadable == {str(log_file): "Stale file handle"}
    assert followed.poll() == [line(2)[:-1]]
    followed.poll(20)
    assert (followed.lost_bytes, followed.tail.files_open) == (4, 1)


def test_e10_a_stale_handle_whose_path_leads_to_a_file_that_is_read_already_is_given_up(
    log_file: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other file begins with the very lines that were read of this one."""
    other = LogFile(log_file.path.with_name("other.jsonl"))
    log_file.append(line(1))
    follower = Follower(log_file, other)
    assert follower.poll() == [line(1)[:-1]]
    other.append(line(1) + line(2))
    assert follower.poll() == [line(1)[:-1], line(2)[:-1]]
    log_file.path.unlink()
    os.link(other.path, log_file.path)
    _StaleHandle(monkeypatch, follower)
    assert follower.drain() == []
    other.append(line(3))
    assert follower.poll() == [line(3)[:-1]]
    follower.tail.close()


def test_e10_a_handle_that_stays_bad_stops_nothing_else(
    log_file: LogFile, followed: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = Follower(log_file, other := LogFile(log_file.path.with_name("other")))
    log_file.append(b"1\n")
    other.append(b"2\n")
    inode = log_file.path.stat().st_ino
    real = os.pread
    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", lambda fd, *a: _stale() if os.fstat(fd).st_ino == inode else real(fd, *a))
        assert follower.poll() == [b"2"]
        assert follower.tail.unreadable == {str(log_file): "Stale file handle"}
    assert follower.poll() == [b"1"]


def test_e10_a_handle_of_a_quiet_file_that_went_bad_is_named_and_stops_nothing_else(
    log_file: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = LogFile(log_file.path.with_name("other"))
    follower = Follower(log_file, other)
    log_file.append(line(1))
    follower.poll()
    later = log_file.path.stat().st_mtime + 60
    assert list(follower.tail.drain(later, 1.0)) == []
    log_file.path.unlink()
    other.append(line(2))
    follower.tail.scan(2.0)
    _StaleHandle(monkeypatch, follower)
    assert [item.path for item in follower.tail.drain(later, 2.0)] == [str(other)]
    assert follower.tail.unreadable == {str(log_file): "Stale file handle"}
