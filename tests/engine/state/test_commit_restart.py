import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.engine.exposition.render import render
from tests.budget import amount
from tests.engine.support.commits import Plant, Shown, failing_disk, shop_event
from tests.engine.support.harness import NOW
from tests.engine.support.stages import remembered_by
from tests.engine.support.stores import quick_folder

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def created_lines(plant: Plant) -> list[str]:
    """Return what an OpenMetrics scrape says about when series were created."""
    assert plant._engine is not None
    body = render(*plant._engine.publish(), accept=OPENMETRICS, with_process=False, with_created=True)[0].decode()
    return [line for line in body.splitlines() if "_created" in line]


@pytest.mark.parametrize("is_killed", [False, True])
def test_when_a_series_was_created_survives_restarts(plant: Plant, is_killed: bool) -> None:
    plant.begin()
    plant.step()
    plant.clock.seconds += 100
    plant.write({"kind": "sold", "run": "late"}, *map(shop_event, range(20, 30)))
    plant.step()
    before = created_lines(plant)
    assert len(before) > 30
    assert len({line.split()[-1] for line in before}) > 1
    for _ in range(3):
        plant.kill() if is_killed else plant.stop()
        plant.clock.seconds += 1000
        plant.begin()
        plant.write(*map(shop_event, range(30, 35)))
        plant.step()
        assert created_lines(plant) == before


def test_label_values_seen_before_a_restart_still_fill_the_cap(plant: Plant) -> None:
    plant.begin()
    plant.step()
    plant.kill()
    plant.events.unlink()
    plant.write({"kind": "sold", "run": "z"}, {"kind": "sold", "run": "b"}, {"kind": "sold", "run": "a"})
    plant.begin()
    plant.step()
    shown = {name[1]: value for name, (value, _) in plant.shown().items() if name[0] == "runs_total"}
    assert shown == {"a": 6.0, "b": 6.0, "other": 11.0}
    assert plant.own("label_overflow_total", "runs_total", "run") == 11


def test_a_label_value_seen_but_not_committed_is_not_kept(plant: Plant) -> None:
    plant.events.write_text("")
    plant.begin()
    plant.step()
    with failing_disk():
        plant.write({"kind": "sold", "run": "lost"})
        plant.step()
        plant.kill()
    plant.events.write_text("")
    plant.begin()
    plant.write({"kind": "sold", "run": "a"}, {"kind": "sold", "run": "b"})
    plant.step()
    assert plant.shown()["runs_total", "b"] == (1.0, ())
    assert ("runs_total", "lost") not in plant.shown()


EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["sold", "lost", "gone"]),
            "run": st.sampled_from("abc"),
            "size": st.integers(0, 5),
            "stage": st.sampled_from(["open", "done"]),
            "id": st.sampled_from("uvwxyz"),
            "at": st.integers(0, 400).map(lambda after: NOW - 1000 + after),
        }
    ),
    max_size=8,
)
ENDS = st.sampled_from(["on", "on", "stop", "kill", "fail"])


@pytest.mark.slow
@given(st.lists(st.tuples(EVENTS, ENDS), min_size=2, max_size=10))
@settings(max_examples=amount(10, 1000), deadline=None)
def test_restarts_at_any_point_change_nothing(steps: list[tuple[list[dict[str, object]], str]]) -> None:
    """Values, label caps, open pairs in their order, expiry and eviction: as in one life that was never cut."""
    with quick_folder() as folder:
        (folder / "one").mkdir()
        (folder / "many").mkdir()
        one, many = Plant(folder / "one"), Plant(folder / "many")
        one.begin()
        many.begin()
        for events, ending in steps:
            one.write(*events)
            one.step()
            lived(many, events, ending)
            assert many.shown() == one.shown()
            assert order_of(many) == order_of(one)
        one.stop()
        many.stop()


def lived(plant: Plant, events: list[dict[str, object]], ending: str) -> None:
    """Write and read the events, and end and begin as said: after them, or with them read but not committed."""
    plant.write(*events)
    if ending == "fail":
        with failing_disk():
            plant.step()
            plant.kill()
        plant.begin()
    plant.step()
    if ending in ("stop", "kill"):
        plant.stop() if ending == "stop" else plant.kill()
        plant.begin()


def order_of(plant: Plant) -> list[tuple[str, list[object]]]:
    """Return the open ids with what is known of each, the one to go first first."""
    assert plant._engine is not None
    return [(name, entry[:-4]) for name, entry in remembered_by(plant._engine.ledger.pipeline.pairs).items()]


@pytest.mark.slow
def test_restart_after_restart_changes_nothing(tmp_path: Path) -> None:
    chance = random.Random(3)
    with quick_folder() as folder:
        plant = Plant(folder)
        written = 0
        last: Shown = {}
        for _ in range(amount(40, 100)):
            plant.begin()
            assert {name: plant.shown()[name] for name in last} == last, "kept, before anything is read"
            more = chance.randrange(6)
            plant.write(*map(shop_event, range(written, written + more)))
            written += more
            plant.step()
            shown = plant.shown()
            assert all(shown[name][0] >= value for name, (value, _) in last.items())
            last = shown
            plant.kill() if chance.random() < 0.5 else plant.stop()
        plant.begin()
        assert plant.shown() == plant.truth()
        assert plant.own("state_resets_total", "corrupt") == 0
        plant.stop()
