import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.engine.state.rows import Durability, Row, StoreBusyError, StoreError
from exporters.engine.state.store import Store
from tests.budget import amount
from tests.engine.support.stores import files_of, kill, opened, quick_folder, rows_of

pytestmark = pytest.mark.thorough

NAMES = st.tuples(st.sampled_from(["series", "mark"]), st.text("ab\u00e9\0", max_size=2))
VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.lists(st.tuples(NAMES, VALUES | st.lists(VALUES, max_size=3)).map(lambda one: (*one[0], one[1])), max_size=5)

HOLD = """
import sys
from pathlib import Path
from exporters.engine.state.store import Store
store = Store(Path(sys.argv[1]), "sample")
store.lock()
store.open()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "state" / "sample.db"


def hold(path: Path) -> subprocess.Popen[str]:
    """Start a process that has the state, and wait until it has."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def let_go(process: subprocess.Popen[str], kill: bool) -> None:
    if kill:
        process.kill()
    process.communicate()


@given(st.lists(st.tuples(ROWS, st.booleans(), st.sampled_from(["on", "close", "kill"])), max_size=6))
@settings(max_examples=amount(25, 500), deadline=None)
def test_rows_come_back_as_they_were_last_committed(commits: list[tuple[list[Row], bool, str]]) -> None:
    with quick_folder() as folder:
        store, expected = Store(folder / "sample.db", "sample"), dict[tuple[str, str], object]()
        store.lock()
        store.open()
        for rows, replace, then in commits:
            store.write(rows, replace)
            expected = {} if replace else expected
            expected.update({(kind, key): value for kind, key, value in rows})
            if then != "on":
                kill(store) if then == "kill" else store.close()
                store.lock()
                found = {(kind, key): value for kind, key, value in store.open()}
                assert found == {name: value for name, value in expected.items() if value is not None}
        store.close()


def test_of_two_rows_with_one_name_the_later_one_stands(path: Path) -> None:
    with opened(path) as (store, found):
        assert found == []
        store.write([("a", "1", "first"), ("a", "1", None), ("a", "1", "last"), ("b", "1", 1), ("b", "1", None)])
    assert rows_of(path) == [("a", "1", "last")]


def test_with_replace_no_other_row_remains(path: Path) -> None:
    with opened(path) as (store, _):
        store.write([("a", "1", 1), ("a", "2", 2)])
        store.write([("a", "2", 3)], replace=True)
        store.write([("a", "4", 4)])
    assert rows_of(path) == [("a", "2", 3), ("a", "4", 4)]


def test_with_nothing_to_write_nothing_is_written(path: Path) -> None:
    with opened(path) as (store, _):
        store.write([("a", "1", 1)])
        before = files_of(path)
        store.write([])
        assert files_of(path) == before
        store.write([("a", "1", 2)])
        assert files_of(path) != before


def test_a_row_that_cannot_be_stored_takes_none_of_its_commit_along(path: Path) -> None:
    with opened(path) as (store, _):
        store.write([("a", "1", 1)])
        with pytest.raises(TypeError):
            store.write([("a", "1", 2), ("a", "2", object())])
        store.write([("a", "3", 3)])
    assert rows_of(path) == [("a", "1", 1), ("a", "3", 3)]


@pytest.mark.parametrize(("durability", "level"), [("process", 1), ("power", 2)])
def test_a_commit_is_synced_as_far_as_was_asked_for(path: Path, durability: Durability, level: int) -> None:
    store = Store(path, "sample", durability)
    store.lock()
    store.open()
    assert store._database is not None
    assert store._database.execute("PRAGMA synchronous").fetchone() == (level,)
    assert store._database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


@pytest.mark.slow
def test_the_proof_of_many_rows_takes_no_memory(path: Path) -> None:
    with opened(path) as (store, _):
        store.write([("series", f'["some_metric_total", "label value {number}"]', [1.0]) for number in range(8_000)])
        tracemalloc.start()
        store.reopen()
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    assert held < 500_000


def test_a_state_that_is_had_says_who_has_it_and_a_kill_gives_it_back(path: Path) -> None:
    process = hold(path)
    try:
        store = Store(path, "sample")
        with pytest.raises(StoreBusyError) as caught:
            store.lock()
        assert str(caught.value) == f"{path}: process {process.pid} has this state"
    finally:
        let_go(process, kill=True)
    store.lock()
    assert store.open() == []
    assert path.with_suffix(".lock").read_text() == f"{os.getpid()}\n"
    store.close()


def test_an_end_gives_the_state_back(path: Path) -> None:
    let_go(hold(path), kill=False)
    assert rows_of(path) == []


def test_a_lock_file_without_a_name_still_locks(path: Path) -> None:
    with opened(path):
        path.with_suffix(".lock").write_text("")
        with pytest.raises(StoreBusyError) as caught:
            Store(path, "sample").lock()
        assert str(caught.value) == f"{path}: another process has this state"


def test_an_old_lock_file_that_nobody_holds_locks_nothing(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.with_suffix(".lock").write_text("4194303 was here and wrote a long line\n")
    assert rows_of(path) == []
    assert path.with_suffix(".lock").read_text() == f"{os.getpid()}\n"


def test_a_lock_that_cannot_be_had_is_not_called_busy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(handle: int, what: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(StoreError) as caught:
        Store(path, "sample").lock()
    assert type(caught.value) is StoreError
    assert str(caught.value) == f"{path.parent}: the state cannot be kept here (no locks available)"


def test_a_state_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StoreError) as caught:
        Store(tmp_path / "state" / "sample.db", "sample").lock()
    assert str(caught.value) == f"{tmp_path}/state: the state cannot be kept here (file exists)"


@pytest.mark.parametrize("ending", [".db", ".db-wal", ".lock"])
def test_a_state_is_in_place_until_one_of_its_files_is_gone_or_another(path: Path, ending: str) -> None:
    with opened(path) as (store, _):
        assert store.is_in_place
        store.write([("a", "1", 1)])
        assert store.is_in_place
        path.with_suffix(ending).rename(path.with_suffix(".moved"))
        assert not store.is_in_place
        path.with_suffix(ending).write_bytes(b"")
        assert not store.is_in_place
    assert not store.is_in_place


def test_a_lock_file_that_was_removed_is_taken_anew_unless_someone_else_has_it(path: Path) -> None:
    with opened(path) as (store, _):
        path.with_suffix(".lock").unlink()
        other = Store(path, "sample")
        other.lock()
        with pytest.raises(StoreBusyError):
            store.reopen()
        other.close()
        store.reopen()
        assert store.is_in_place


def test_what_is_set_aside_never_takes_the_place_of_what_was(path: Path) -> None:
    names = []
    for number in range(3):
        with opened(path) as (store, _):
            store.write([("a", "1", number)])
            names.append(store.set_aside("corrupt-20260125T001320Z").name)
    assert names == [f"sample.db.corrupt-20260125T001320Z{more}" for more in ("", "-2", "-3")]
    assert [rows_of(path.with_name(name)) for name in names] == [[("a", "1", number)] for number in range(3)]
    assert not path.exists()


def test_a_killed_state_is_set_aside_with_its_log(path: Path) -> None:
    with opened(path) as (store, _):
        store.write([("a", "1", 1)])
        kill(store)
        aside = store.set_aside("reset")
    assert rows_of(aside) == [("a", "1", 1)]


def test_what_cannot_be_set_aside_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(old: str, new: object) -> None:
        raise OSError(16, "Device or resource busy")

    with opened(path) as (store, _):
        monkeypatch.setattr("os.rename", rename)
        with pytest.raises(StoreError) as caught:
            store.set_aside("reset")
        assert str(caught.value) == f"{path}: the state cannot be set aside (device or resource busy)"
