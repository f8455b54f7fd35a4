import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from exporters.engine.state.readonly import read_copy, read_rows
from exporters.engine.state.rows import Row, StoreCorruptError, StoreError
from tests.engine.support.stores import kill, opened, rows_of

ROWS: list[Row] = [("a", str(number), "x" * 100) for number in range(100)]

WRITE = """
import sys
from pathlib import Path
from exporters.engine.state.store import Store
store = Store(Path(sys.argv[1]), "sample")
store.lock()
store.open()
number = 0
while True:
    store.write([("a", str(key), [number, "x" * (number % 90)]) for key in range(40)])
    number += 1
    if number == 1:
        print("writing", flush=True)
    if number % 1500 == 0:
        store.close()
        store.lock()
        store.open()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sample.db"


def listing(path: Path) -> dict[str, tuple[int, int, int, int]]:
    """Return every name in the folder with what tells whether it was touched."""
    found = {one.name: one.stat() for one in path.parent.iterdir()}
    return {name: (one.st_ino, one.st_size, one.st_mtime_ns, one.st_uid) for name, one in found.items()}


@pytest.mark.slow
def test_a_writer_that_never_pauses_is_neither_disturbed_nor_called_damaged(path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITE, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        seen: list[int] = []
        for _ in range(60):
            commits = {value[0] for _, _, value in read_rows(path, "sample")}  # type: ignore[index]
            assert len(commits) == 1, "rows of two commits in one look"
            seen += commits
            try:
                assert len({value[0] for _, _, value in read_copy(path, "sample")}) == 1  # type: ignore[index]
            except StoreError as error:
                assert str(error) == f"{path}: the state cannot be read (it is written all the time)"
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()
    assert seen == sorted(seen)
    assert len(set(seen)) > 10
    assert len({value[0] for _, _, value in read_rows(path, "sample")}) == 1  # type: ignore[index]
    assert len(rows_of(path)) == 40


def test_a_look_at_a_running_exporter_shows_its_last_commit_and_touches_nothing(path: Path) -> None:
    with opened(path) as (store, _):
        store.write(ROWS)
        store.write([("a", "7", "uncommitted")])
        before = listing(path)
        assert sorted(read_rows(path, "sample")) == sorted([*ROWS[:7], *ROWS[8:], ("a", "7", "uncommitted")])
        after = listing(path)
        assert {name: after[name] for name in ("sample.db", "sample.db-wal", "sample.lock")} == {
            name: before[name] for name in ("sample.db", "sample.db-wal", "sample.lock")
        }
        assert after.keys() == before.keys()
        assert store.is_in_place
        store.write([("b", "1", 1)])


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_look_at_a_stopped_exporter_leaves_nothing_behind(path: Path, is_killed: bool) -> None:
    with opened(path) as (store, _):
        store.write(ROWS)
        if is_killed:
            kill(store)
    before = listing(path)
    assert sorted(read_rows(path, "sample")) == sorted(ROWS)
    assert listing(path) == before


def test_a_running_state_whose_index_may_not_be_opened_is_read_from_a_copy(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def refuse(name: str | Path, uri: bool = False) -> sqlite3.Connection:
        if uri:
            raise sqlite3.OperationalError("unable to open database file")
        return connect(name)

    with opened(path) as (store, _):
        store.write(ROWS)
        monkeypatch.setattr("sqlite3.connect", refuse)
        assert sorted(read_rows(path, "sample")) == sorted(ROWS)


def test_a_look_at_a_state_that_is_not_there_makes_none(path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        read_rows(path, "sample")
    assert str(caught.value) == f"{path}: the state cannot be read (no such file or directory)"
    assert listing(path) == {}


def test_damage_is_seen_and_left_as_it_is(path: Path) -> None:
    with opened(path) as (store, _):
        store.write(ROWS)
    path.write_bytes(path.read_bytes()[:5000])
    before = listing(path)
    with pytest.raises(StoreCorruptError) as caught:
        read_rows(path, "sample")
    assert str(caught.value) == f"{path}: the state is damaged (database disk image is malformed)"
    assert listing(path) == before


def test_another_owners_state_is_seen(path: Path) -> None:
    with opened(path, "other") as (store, _):
        store.write(ROWS)
        with pytest.raises(StoreCorruptError) as caught:
            read_rows(path, "sample")
    assert str(caught.value) == f"{path}: the state belongs to 'other', not to 'sample'"


def test_damage_of_a_running_state_is_seen(path: Path) -> None:
    with opened(path) as (store, _):
        store.write(ROWS)
        path.write_bytes(b"no database " * 1000)
        Path(f"{path}-wal").write_bytes(b"")
        with pytest.raises(StoreCorruptError) as caught:
            read_rows(path, "sample")
    assert str(caught.value) == f"{path}: the state is damaged (file is not a database)"


def test_without_a_place_for_the_copy_it_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path):
        pass
    monkeypatch.setattr("tempfile.tempdir", str(path / "nowhere"))
    with pytest.raises(StoreError) as caught:
        read_rows(path, "sample")
    assert str(caught.value) == f"{path}: the state cannot be read (not a directory)"
