import sqlite3
from pathlib import Path

import pytest

from exporters.engine.state.rows import TOTAL, Row, StoreCorruptError, StoreError, Total, pack
from exporters.engine.state.store import Store
from tests.budget import amount
from tests.engine.support.stores import Files, files_of, kill, opened, put_back, rows_of

pytestmark = pytest.mark.thorough

ROWS: list[Row] = [("series", f"key {number:03}", [float(number), "x" * (number % 7) * 40]) for number in range(120)]
"""Enough for a tree of several pages."""


def later(number: int) -> list[Row]:
    """Return the rows as the commit `number` leaves them (0: the first)."""
    changed = {key: [-number, "y" * 50 * number] for _, key, _ in ROWS[::40]} if number else {}
    return [(kind, key, changed.get(key, value)) for kind, key, value in ROWS]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sample.db"


@pytest.fixture
def closed(path: Path) -> bytes:
    """A state that was closed: one file."""
    with opened(path) as (store, _):
        store.write(ROWS)
    files = files_of(path)
    assert list(files) == [""]
    return files[""]


@pytest.fixture
def killed(path: Path) -> Files:
    """A state that was killed after three commits, all of them in its log."""
    with opened(path) as (store, _):
        for number in range(3):
            store.write(later(number))
        kill(store)
        return files_of(path)


def outcome(path: Path, files: Files) -> str | list[Row]:
    """Return the rows found in these files, or what was said about them, which are then left as they are."""
    put_back(path, files)
    try:
        return rows_of(path)
    except StoreCorruptError as error:
        return str(error).removeprefix(f"{path}: ")


def flipped(content: bytes, at: int, bits: int) -> bytes:
    return content[:at] + bytes([content[at] ^ bits]) + content[at + 1 :]


@pytest.mark.slow
def test_a_flipped_byte_is_found_or_harmless_wherever_it_is(path: Path, closed: bytes) -> None:
    """Harmless: in free space, or in SQLite's own hints. Every byte of the header, many of the rest."""
    found = 0
    for at in [*range(100), *range(100, len(closed), amount(47, 11))]:
        said = outcome(path, {"": flipped(closed, at, 1 << at % 8)})
        assert said == ROWS or str(said).startswith("the state is damaged ("), at
        found += said != ROWS
    assert found > amount(250, 1000)


def test_a_header_that_forbids_writing_is_damage_not_a_read_only_disk(path: Path, closed: bytes) -> None:
    said = outcome(path, {"": flipped(closed, 18, 0x10)})
    assert said == "the state is damaged (attempt to write a readonly database)"


@pytest.mark.slow
def test_a_flipped_byte_in_the_log_never_gives_a_mixture_of_commits(path: Path, killed: Files) -> None:
    states = [[], *(later(number) for number in range(3))]
    seen = set()
    for at in range(0, len(killed["-wal"]), amount(449, 149)):
        said = outcome(path, {**killed, "-wal": flipped(killed["-wal"], at, 0x10)})
        assert said in states or str(said).startswith("the state is damaged ("), at
        seen.add(states.index(said) if isinstance(said, list) else -1)
    assert {0, 1, 2} <= seen


@pytest.mark.parametrize("filler", [b"", b"\0"], ids=["cut", "zeroed"])
def test_a_file_that_ends_early_is_found(path: Path, closed: bytes, filler: bytes) -> None:
    lengths = [0, 1, 15, 16, 99, 100, 101, 511, 512, *range(1024, len(closed), 613), len(closed) - 1]
    for length in lengths:
        said = outcome(path, {"": closed[:length] + filler * (len(closed) - length)})
        is_free_space = length == len(closed) - 1 and said == ROWS
        assert is_free_space or str(said).startswith("the state is damaged ("), length


def test_every_page_that_is_zeroed_or_another_is_found(path: Path, closed: bytes) -> None:
    pages = [closed[at : at + 4096] for at in range(0, len(closed), 4096)]
    assert len(pages) > 3
    for at in range(len(pages)):
        for page in (b"\0" * 4096, pages[(at + 1) % len(pages)]):
            said = outcome(path, {"": b"".join([*pages[:at], page, *pages[at + 1 :]])})
            assert str(said).startswith("the state is damaged ("), at


def test_a_log_that_ends_early_gives_an_earlier_commit_whole(path: Path, killed: Files) -> None:
    """A commit torn by a kill at any byte is the commit before it."""
    log, states = killed["-wal"], [[], *(later(number) for number in range(3))]
    ends = [0]
    for length in [*range(0, len(log), 4096 + 24), *range(31, len(log), 777), len(log)]:
        for filler in (b"", b"\0" * (len(log) - length)):
            said = outcome(path, {**killed, "-wal": log[:length] + filler})
            assert said in states, length
            ends.append(states.index(said) if isinstance(said, list) else -1)
    assert set(ends) == {0, 1, 2, 3}


def test_an_old_page_among_new_ones_is_found(path: Path) -> None:
    with opened(path) as (store, _):
        store.write(ROWS)
    old = files_of(path)[""]
    with opened(path) as (store, _):
        store.write([("series", key, [value[0] + 0.5, value[1]]) for _, key, value in ROWS])  # type: ignore[index]
    new = files_of(path)[""]
    assert len(new) == len(old)
    pages = [at for at in range(4096, len(new), 4096) if new[at : at + 4096] != old[at : at + 4096]]
    assert pages
    for at in pages:
        said = outcome(path, {"": new[:at] + old[at : at + 4096] + new[at + 4096 :]})
        assert str(said).startswith("the state is damaged ("), at


def test_an_old_copy_put_back_whole_is_taken_for_what_it_is(path: Path, killed: Files) -> None:
    with opened(path) as (store, _):
        store.write([("series", "key 000", "newer")])
    assert outcome(path, killed) == later(2)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the state is damaged (no such table: rows)"),
        (b"not a database, but long enough to be one\n" * 200, "the state is damaged (file is not a database)"),
        (b"\0" * 8192, "the state is damaged (file is not a database)"),
    ],
    ids=["empty", "text", "zeros"],
)
def test_a_file_that_is_no_state_is_said(path: Path, content: bytes, said: str) -> None:
    assert outcome(path, {"": content}) == said
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM rows WHERE key = 'key 007'", "the state is damaged (rows are missing)"),
        ("DELETE FROM rows WHERE kind = 'total'", "the state is damaged (rows are missing)"),
        ("DELETE FROM rows", "the state is damaged (rows are missing)"),
        ("DROP TABLE rows", "the state is damaged (no such table: rows)"),
        ("ALTER TABLE rows RENAME COLUMN value TO price", "the state is damaged (no such column: value)"),
        ("UPDATE rows SET key = 'key 999' WHERE key = 'key 007'", "a row does not match its digest"),
        ("UPDATE rows SET value = NULL WHERE key = 'key 007'", "a row does not match its digest"),
        ("UPDATE rows SET value = 'text' WHERE key = 'key 007'", "a row does not match its digest"),
        ("UPDATE rows SET value = 7 WHERE key = 'key 007'", "a row does not match its digest"),
        ("UPDATE rows SET value = zeroblob(3) WHERE key = 'key 007'", "a row does not match its digest"),
        ("UPDATE rows SET key = CAST(x'ff' AS TEXT) WHERE key = 'key 007'", "Could not decode to UTF-8 column 'key'"),
        ("UPDATE rows SET key = x'00' WHERE key = 'key 007'", "a row does not match its digest"),
    ],
)
def test_a_state_someone_changed_by_hand_is_found(path: Path, closed: bytes, statement: str, said: str) -> None:
    with sqlite3.connect(path) as database:
        database.execute(statement)
    database.close()
    found = str(outcome(path, files_of(path)))
    assert found.startswith("the state is damaged (")
    assert said in found


def test_another_owners_state_is_refused_and_left_as_it_is(path: Path) -> None:
    with opened(path, "other") as (store, _):
        store.write(ROWS)
    assert outcome(path, files_of(path)) == "the state belongs to 'other', not to 'sample'"
    assert rows_of(path, "other") == ROWS


def test_another_versions_state_is_refused(path: Path, closed: bytes) -> None:
    blob = pack(TOTAL, [99, "sample", *Total()])[0]
    with sqlite3.connect(path) as database:
        database.execute("UPDATE rows SET value = ? WHERE kind = 'total'", (blob,))
    database.close()
    assert outcome(path, files_of(path)) == "the state has format 99, this version reads format 3"


@pytest.mark.parametrize("ending", ["", "-wal", "-shm"])
def test_a_folder_in_a_files_place_is_found_and_can_be_set_aside(path: Path, ending: str) -> None:
    if ending:
        rows_of(path)
    Path(f"{path}{ending}").mkdir()
    store = Store(path, "sample")
    store.lock()
    with pytest.raises(StoreCorruptError) as caught:
        store.open()
    assert str(caught.value) == f"{path}: the state is damaged (sample.db{ending} is a directory)"
    aside = store.set_aside("corrupt")
    assert Path(f"{aside}{ending}").is_dir()
    assert store.open() == []
    store.close()


@pytest.mark.parametrize("ending", ["-wal", "-shm", ".new", ".new-journal"])
def test_what_another_state_left_beside_a_missing_one_is_not_mixed_into_it(
    path: Path, killed: Files, ending: str
) -> None:
    path.unlink()
    Path(f"{path}{ending}").write_bytes(killed["-wal"])
    assert rows_of(path) == []


def test_damage_met_while_writing_is_told_from_a_disk_that_says_no(path: Path) -> None:
    many: list[Row] = [("series", f"key {number:05}", "x" * 300) for number in range(10_000)]
    with opened(path) as (store, _):
        store.write(many)
    with opened(path) as (store, _):
        path.write_bytes(path.read_bytes()[:4096] + b"\1" * (path.stat().st_size - 4096))
        with pytest.raises(StoreCorruptError) as caught:
            store.write([(*row[:2], 1) for row in many])
        assert str(caught.value) == f"{path}: the state is damaged (database disk image is malformed)"
        assert not store.is_in_place
        with pytest.raises(StoreCorruptError):
            store.reopen()
        store.set_aside("corrupt")
        store.reopen()
        store.write(ROWS, replace=True)
    assert rows_of(path) == ROWS


def test_a_store_error_is_what_all_of_them_are() -> None:
    assert issubclass(StoreCorruptError, StoreError)
