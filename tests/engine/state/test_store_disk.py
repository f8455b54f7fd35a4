import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exporters.engine.state.readonly import read_rows
from exporters.engine.state.rows import Row, StoreError
from exporters.engine.state.store import Store
from tests.engine.support.mounts import fill, remount, small_disk
from tests.engine.support.stores import kill, opened, rows_of

SOME: list[Row] = [("a", str(number), "x" * 100) for number in range(100)]
MORE: list[Row] = [("a", str(number), "y" * 900) for number in range(50, 300)]
MERGED = sorted([*SOME[:50], *MORE])


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as folder:
        yield folder


def test_a_full_disk_loses_nothing_and_the_same_rows_fit_later(disk: Path) -> None:
    path = disk / "sample.db"
    with opened(path) as (store, _):
        store.write(SOME)
        filler = fill(disk)
        for _ in range(3):
            with pytest.raises(StoreError) as caught:
                store.write(MORE)
            assert str(caught.value) == f"{path}: the state cannot be written (database or disk is full)"
            assert sorted(read_rows(path, "sample")) == sorted(SOME)
        filler.unlink()
        store.write(MORE)
        assert store.is_in_place
    assert sorted(rows_of(path)) == MERGED


def test_a_kill_on_a_full_disk_leaves_the_last_commit(disk: Path) -> None:
    path = disk / "sample.db"
    with opened(path) as (store, _):
        store.write(SOME)
        filler = fill(disk)
        with pytest.raises(StoreError):
            store.write(MORE)
        filler.unlink()
        kill(store)
    assert sorted(rows_of(path)) == sorted(SOME)


def test_no_state_can_be_made_on_a_full_disk_and_nothing_half_made_is_left(disk: Path) -> None:
    path = disk / "sample.db"
    (disk / "sample.lock").touch()
    filler = fill(disk)
    store = Store(path, "sample")
    store.lock()
    with pytest.raises(StoreError) as caught:
        store.open()
    assert str(caught.value) == f"{path}: the state cannot be opened (database or disk is full)"
    assert not path.exists()
    filler.unlink()
    assert store.open() == []
    store.close()


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_read_only_disk_can_be_read_but_not_had(disk: Path, is_killed: bool) -> None:
    path = disk / "sample.db"
    with opened(path) as (store, _):
        store.write(SOME)
        if is_killed:
            kill(store)
    remount(disk, "ro")
    store = Store(path, "sample")
    with pytest.raises(StoreError) as caught:
        store.lock()
    assert str(caught.value) == f"{disk}: the state cannot be kept here (read-only file system)"
    assert sorted(read_rows(path, "sample")) == sorted(SOME)
    remount(disk, "rw")
    assert sorted(store.reopen()) == sorted(SOME)
    store.close()


def test_a_file_that_may_not_be_written_is_not_called_damaged(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = disk / "sample.db"
    with opened(path) as (store, _):
        store.write(SOME)
    store = Store(path, "sample")
    store.lock()
    connect = sqlite3.connect
    monkeypatch.setattr("sqlite3.connect", lambda name, **more: connect(name.replace("mode=rw", "mode=ro"), **more))
    monkeypatch.setattr("os.access", lambda name, mode: not str(name).endswith(".db"))
    with pytest.raises(StoreError) as caught:
        store.open()
    assert str(caught.value) == f"{path}: the state cannot be opened (attempt to write a readonly database)"
    store.close()


class Failing(sqlite3.Connection):
    """Refuses the statements that `fails` says, as a full disk would."""

    fails: Callable[[str], bool] = staticmethod(lambda _: False)

    def execute(self, statement: str, *given: Any) -> sqlite3.Cursor:
        self._refuse(statement)
        return super().execute(statement, *given)

    def executemany(self, statement: str, *given: Any) -> sqlite3.Cursor:
        self._refuse(statement)
        return super().executemany(statement, *given)

    def _refuse(self, statement: str) -> None:
        if Failing.fails(statement):
            raise sqlite3.OperationalError("database or disk is full")


@pytest.mark.parametrize("verb", ["BEGIN", "SELECT hex", "DELETE", "INSERT", "COMMIT"])
def test_whatever_statement_fails_the_commit_is_all_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    connect, path = sqlite3.connect, tmp_path / "sample.db"
    monkeypatch.setattr("sqlite3.connect", lambda *names, **more: connect(*names, **more, factory=Failing))
    monkeypatch.setattr(Failing, "fails", staticmethod(lambda _: False))
    with opened(path) as (store, _):
        store.write(SOME)
        monkeypatch.setattr(Failing, "fails", staticmethod(lambda statement: statement.startswith(verb)))
        for replace in (False, True):
            with pytest.raises(StoreError) as caught:
                store.write([*MORE, ("a", "0", None)], replace)
            assert str(caught.value) == f"{path}: the state cannot be written (database or disk is full)"
        monkeypatch.setattr(Failing, "fails", staticmethod(lambda _: False))
        assert sorted(read_rows(path, "sample")) == sorted(SOME)
        store.write(MORE)
        kill(store)
    assert sorted(rows_of(path)) == MERGED


def test_a_new_state_and_its_name_are_synced_in_this_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that was not synced may be gone after a power loss, and the file with it."""
    path, synced, real = tmp_path / "state" / "sample.db", list[str](), os.fsync

    def noting(fd: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        synced.append("named" if path.exists() else "not named")
        real(fd)

    monkeypatch.setattr(os, "fsync", noting)
    with opened(path):
        pass
    assert synced[1:] == ["not named", str(path.parent), "named"]
    assert Path(synced[0]).parent == path.parent
