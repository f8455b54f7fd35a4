"""What an engine keeps and says of its state: damaged, vanished, or none at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import pytest

from exporters.engine.run import Engine
from exporters.engine.state.rows import Row
from exporters.engine.tail.tail import Tail
from tests.engine.support.commits import Plant, shop_event, warnings
from tests.engine.support.harness import NOW
from tests.engine.support.stores import rows_of


def test_a_start_over_a_damaged_state_says_what_became_of_it(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    plant.state.parent.mkdir()
    plant.state.write_bytes(b"damaged")
    plant.begin()
    assert warnings(caplog) == [
        f"{plant.state}: the state is damaged (file is not a database); set aside as"
        " sample.db.corrupt-20260125T001320Z, starting anew from the files that exist"
    ]
    assert plant.own("state_resets_total", "corrupt") == 1


def test_a_state_that_vanished_is_written_anew_whole(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    plant.begin()
    plant.step()
    plant.step(1.5)
    expected = plant.shown()
    plant.state.unlink()
    plant.step(1.5)
    assert warnings(caplog) == [f"{plant.state}: the state vanished or was replaced; writing it anew"]
    assert plant.kept() == expected


def test_a_commit_writes_what_changed_and_nothing_of_what_did_not(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.begin()
    plant.step()
    plant.step(1.5)
    assert plant.store is not None
    write, written = plant.store.write, list[Row]()

    def noted(rows: Iterable[Row], replace: bool = False) -> None:
        written.extend(found := list(rows))
        write(found, replace)

    monkeypatch.setattr(plant.store, "write", noted)
    plant.step(1.5)
    assert written == []
    plant.write(shop_event(20))
    plant.step(1.5)
    kinds = [key for kind, key, _ in written if kind == "series" and "kinds_total" in key]
    assert (kinds, [kind for kind, _, _ in written].count("mark")) == (['["kinds_total", "other"]'], 1)
    written.clear()
    plant.step(1.5)
    assert written == []


def test_without_a_state_it_is_known_how_far_each_file_was_read(plant: Plant) -> None:
    engine = Engine(plant.contract, Tail([str(plant.events)]), {}, plant.clock).start()
    assert engine.positions.files() == []
    for number in (20, 21):
        engine.step()
        (file,) = engine.positions.files()
        assert (file.path, file.offset) == (str(plant.events), plant.events.stat().st_size)
        plant.write(shop_event(number))
    engine.tail.close()


def test_what_a_look_at_the_paths_finds_is_counted(plant: Plant) -> None:
    plant.begin()
    plant.step()
    plant.events.rename(f"{plant.events}.1")
    plant.write(shop_event(20))
    plant.step(1.5)
    assert plant.own("rotations_total") == 1


def test_at_the_end_even_what_only_a_look_has_found_is_committed(plant: Plant) -> None:
    plant.begin()
    plant.step()
    plant.step(1.5)
    plant.step(0.5)
    plant.write(shop_event(20))
    plant.step(0.25)
    plant.events.rename(f"{plant.events}.1")
    plant.events.touch()
    plant.clock.seconds += 0.75
    plant.stop()
    plant.begin()
    assert plant.own("rotations_total") == 1


def test_however_often_it_is_started_a_file_has_one_position(plant: Plant) -> None:
    for _ in range(3):
        plant.begin()
        plant.step()
        plant.kill()
        marks = [cast(list[object], value) for kind, _, value in rows_of(plant.state) if kind == "mark"]
        assert [path for _, path, *_ in marks] == [str(plant.events)]


def test_ids_that_wait_in_vain_are_counted_when_all_there_is_has_been_read(plant: Plant) -> None:
    plant.events.unlink()
    for number in range(2):
        plant.write({"stage": "open", "id": str(number), "at": NOW - 1000 + 100 * number})
    plant.begin()
    plant.step()
    assert plant.own("pairs_forgotten_total", "order", "expired") == 1


def test_what_a_start_finds_of_each_file_is_counted(plant: Plant) -> None:
    plant.begin()
    plant.step()
    plant.kill()
    plant.begin()
    assert plant.own("recoveries_total", "resumed") == 1
