import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from exporters.engine.records import Saved
from exporters.engine.state.keeper import Keeper, Loaded, records_of
from exporters.engine.state.rows import Row, StoreBusyError, StoreError
from exporters.engine.state.store import Store
from exporters.engine.stored import row_of
from exporters.engine.values import Checkpoint, FileKey
from tests.engine.support.commits import Plant, Shown, shop_event, warnings
from tests.engine.support.mounts import fill, remount, small_disk
from tests.engine.support.stores import opened, put_back, rows_of

pytestmark = pytest.mark.thorough

CHECKPOINT = Checkpoint(3, "/logs/a.jsonl", FileKey(1, 2, 3), 100, 120, 5, 64, "aa", 64, "bb")


def begun(plant: Plant) -> Shown:
    plant.begin()
    plant.step()
    return plant.shown()


def test_while_the_folder_cannot_be_made_again_the_last_committed_values_are_held(
    plant: Plant, caplog: pytest.LogCaptureFixture
) -> None:
    expected = begun(plant)
    committed_at = plant.own("last_commit_timestamp_seconds")
    shutil.rmtree(plant.state.parent)
    plant.state.parent.write_text("in the way")
    plant.write(shop_event(20))
    for number, seconds in enumerate((0.5, 1.5, 1.5), 1):
        plant.step(seconds)
        assert plant.shown() == expected
        assert plant.own("state_ok") == 0
        assert plant.own("state_errors_total") == number
        assert plant.own("last_commit_timestamp_seconds") == committed_at
    folder = plant.state.parent
    assert warnings(caplog) == [
        f"{folder}: the state cannot be kept here (file exists);"
        " holding the last committed values, trying again at every commit"
    ]
    plant.state.parent.unlink()
    plant.step(1.5)
    expected = plant.truth()
    assert plant.shown() == expected
    assert plant.own("state_ok") == 1
    assert plant.own("state_errors_total") == 3
    assert plant.kept() == expected


def test_a_state_someone_else_took_after_its_lock_was_removed_is_not_written(plant: Plant) -> None:
    expected = begun(plant)
    plant.state.with_suffix(".lock").unlink()
    other = Store(plant.state, "sample")
    other.lock()
    plant.write(shop_event(20))
    plant.step(1.5)
    assert plant.shown() == expected
    assert plant.own("state_ok") == 0
    other.close()
    plant.step(1.5)
    expected = plant.truth()
    assert plant.shown() == expected
    assert plant.kept() == expected


def test_a_full_disk_holds_the_last_committed_values_until_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "state", "2m") as disk:
        plant = Plant(tmp_path)
        plant.write(*map(shop_event, range(20)))
        expected = begun(plant)
        filler = fill(disk)
        plant.write(*map(shop_event, range(20, 40)))
        for number, seconds in enumerate((0.5, 1.5, 1.5), 1):
            plant.step(seconds)
            assert (plant.shown(), plant.own("state_ok"), plant.own("state_errors_total")) == (expected, 0, number)
        filler.unlink()
        plant.step(1.5)
        expected = plant.truth()
        assert (plant.shown(), plant.own("state_ok")) == (expected, 1)
        assert plant.kept() == expected
        plant.stop()


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_start_on_a_read_only_disk_serves_the_last_values_and_goes_on_when_it_can(
    tmp_path: Path, is_killed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with small_disk(tmp_path / "state") as disk:
        plant = Plant(tmp_path)
        plant.write(*map(shop_event, range(20)))
        expected = begun(plant)
        plant.kill() if is_killed else plant.stop()
        plant.write(*map(shop_event, range(20, 40)))
        remount(disk, "ro")
        assert begun(plant) == expected
        assert plant.own("state_ok") == 0
        assert warnings(caplog) == [
            f"{disk}: the state cannot be kept here (read-only file system);"
            " holding the last committed values, trying again at every commit"
        ]
        remount(disk, "rw")
        plant.step(1.5)
        expected = plant.truth()
        assert (plant.shown(), plant.own("state_ok")) == (expected, 1)
        assert plant.kept() == expected
        plant.stop()


def test_a_start_without_the_right_to_write_serves_the_last_values(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a read-only disk, where none can be mounted."""
    expected = begun(plant)
    plant.stop()
    open_file = os.open

    def refuse(name: str, *given: int, **more: int) -> int:
        if str(name).endswith(".lock"):
            raise PermissionError(13, "Permission denied")
        return open_file(name, *given, **more)

    plant.write(*map(shop_event, range(20, 40)))
    monkeypatch.setattr("exporters.engine.state.store.os.open", refuse)
    assert begun(plant) == expected
    assert plant.own("state_ok") == 0
    monkeypatch.undo()
    plant.step(1.5)
    expected = plant.truth()
    assert plant.shown() == expected
    assert plant.kept() == expected


def test_a_damaged_state_is_said_counted_and_begun_anew(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    names = ["sample.db.corrupt-20260125T001320Z", "sample.db.corrupt-20260125T001320Z-2"]
    plant.begin()
    plant.stop()
    plant.clock.seconds = 0
    for number, name in enumerate(names, 1):
        put_back(plant.state, {"": b"damaged", "-wal": b"log"})
        caplog.clear()
        plant.begin()
        assert warnings(caplog) == [
            f"{plant.state}: the state is damaged (file is not a database); set aside as {name},"
            " starting anew from the files that exist"
        ]
        assert plant.own("state_resets_total", "corrupt") == number, "a second damage must be seen as an increase"
        assert plant.state.with_name(name).read_bytes() == b"damaged"
        plant.kill()
    assert begun(plant) == plant.truth()
    assert plant.own("state_resets_total", "corrupt") == 2


@pytest.mark.parametrize(
    "row",
    [
        ("mark", "9", [1, 2, 3]),
        ("series", '["kinds_total", "sold"]', ["many", None, None]),
        ("series", "no list", [1.0, 1.0, None]),
        ("pair", '["order"]', {}),
        ("known", "", [[1]]),
        ("from the future", "", 1),
    ],
    ids=lambda row: row[0],
)
def test_rows_of_another_version_are_set_aside_like_damage(
    plant: Plant, row: Row, caplog: pytest.LogCaptureFixture
) -> None:
    begun(plant)
    plant.stop()
    with opened(plant.state) as (store, _):
        store.write([row])
    assert begun(plant) == plant.truth()
    assert plant.own("state_resets_total", "corrupt") == 1
    assert warnings(caplog) == [
        f"{plant.state}: the state is not one of this version (a row of kind {row[0]!r});"
        " set aside as sample.db.corrupt-20260125T001320Z, starting anew from the files that exist"
    ]


def test_without_a_state_file_everything_is_in_memory_and_always_safe() -> None:
    keeper = Keeper(None)
    assert keeper.load(0.0) == Loaded(Saved())
    assert keeper.save(0.0, list, list) == ""
    keeper.close()
    assert (keeper.is_ok, keeper.errors) == (True, 0)


def test_a_file_whose_name_is_not_text_is_kept_too(tmp_path: Path) -> None:
    path = tmp_path / "sample.db"
    odd = replace(CHECKPOINT, serial=4, path=os.fsdecode(b"/logs/\xff\xe4.jsonl"))
    with opened(path) as (store, _):
        store.write(map(row_of, [odd]))
    assert records_of(path, rows_of(path)).checkpoints == [odd]


def test_a_state_that_cannot_be_made_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StoreError) as caught:
        Keeper(Store(tmp_path / "state" / "sample.db", "sample")).load(0.0)
    assert str(caught.value) == f"{tmp_path}/state: the state cannot be kept here (file exists)"


def test_a_state_another_process_has_is_never_read_by_way_of_a_copy(plant: Plant) -> None:
    begun(plant)
    with pytest.raises(StoreBusyError) as caught:
        Keeper(Store(plant.state, "sample")).load(0.0)
    assert str(caught.value) == f"{plant.state}: process {os.getpid()} has this state"


def test_rows_written_by_hand_are_damage(plant: Plant) -> None:
    begun(plant)
    plant.stop()
    with sqlite3.connect(plant.state) as database:
        database.execute("UPDATE rows SET value = x'00' WHERE kind = 'series'")
    database.close()
    assert begun(plant) == plant.truth()
    assert plant.own("state_resets_total", "corrupt") == 1
