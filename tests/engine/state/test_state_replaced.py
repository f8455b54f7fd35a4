"""A state that is removed, or replaced, under a running exporter: it is written whole, from memory."""

import shutil

import pytest

from tests.engine.support.commits import SHOP, Plant, Shown, shop_event, warnings
from tests.engine.support.stores import files_of, put_back, rows_of


def begun(plant: Plant) -> Shown:
    plant.begin()
    plant.step()
    return plant.shown()


def test_a_state_folder_removed_while_running_is_made_anew_with_everything_in_it(
    plant: Plant, caplog: pytest.LogCaptureFixture
) -> None:
    begun(plant)
    shutil.rmtree(plant.state.parent)
    plant.write(shop_event(20))
    plant.step()
    expected = plant.truth()
    assert plant.shown() == expected
    assert plant.own("state_ok") == 1
    assert plant.own("state_errors_total") == 0
    assert warnings(caplog) == [f"{plant.state}: the state vanished or was replaced; writing it anew"]
    assert plant.kept() == expected


@pytest.mark.parametrize("name", ["sample.db", "sample.db-wal", "sample.lock"])
def test_any_file_of_the_state_removed_while_idle_is_back_a_second_later(plant: Plant, name: str) -> None:
    expected = begun(plant)
    (plant.state.parent / name).unlink()
    plant.step(1.5)
    assert plant.kept() == expected
    assert plant.own("state_resets_total", "corrupt") == 0


def stored(plant: Plant) -> list[tuple[str, object]]:
    """Return kind and value of the rows on disk now, while the exporter runs."""
    copy = plant.folder / "copy.db"
    put_back(copy, files_of(plant.state))
    return [(kind, value) for kind, _, value in rows_of(copy)]


@pytest.mark.parametrize("has_log", [True, False], ids=["beside the newer log", "with its log"])
def test_a_state_replaced_by_an_older_one_is_written_over(plant: Plant, has_log: bool) -> None:
    """The older one is of a contract with one more metric."""
    plant.change(SHOP + "  large_total: {type: counter, counts: kind, help: Large., budget: 1}\n")
    begun(plant)
    plant.stop()
    old = plant.state.read_bytes()
    plant.change(SHOP)
    plant.write(*map(shop_event, range(20, 60)))
    expected, rows = begun(plant), stored(plant)
    put_back(plant.state, {"": old, "-wal": files_of(plant.state)["-wal"]} if has_log else {"": old})
    plant.step(1.5)
    assert stored(plant) == rows, "of the older state nothing is left"
    assert plant.kept() == expected


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"", "damaged (no such table: rows)"), (b"no state " * 999, "damaged (file is not a database)")],
    ids=["empty", "text"],
)
def test_a_state_replaced_by_something_else_is_set_aside_and_written_anew(
    plant: Plant, content: bytes, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    expected = begun(plant)
    put_back(plant.state, {"": content})
    plant.step(1.5)
    aside = "sample.db.corrupt-20260125T001321Z"
    assert warnings(caplog) == [f"{plant.state}: the state is {what}; set aside as {aside}, writing it anew"]
    assert plant.state.with_name(aside).read_bytes() == content
    assert plant.own("state_ok") == 1
    assert plant.kept() == expected
    assert plant.own("state_resets_total", "corrupt") == 0
