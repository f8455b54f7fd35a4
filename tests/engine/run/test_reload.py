"""Another contract put in force while running: what a restart under it would show, with no file opened again."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from exporters.engine.run import ReloadError
from tests.budget import amount
from tests.engine.support.commits import SHOP, Plant, failing_disk, shop_event
from tests.engine.support.harness import NOW

RUNS = "runs_total: {type: counter, counts: kind, labels: [run], help: Runs., budget: 3}"
SIZE = "  size_total: {type: counter, counts: kind, amount: size, help: Sizes., budget: 1}\n"


LARGE = SIZE.replace("size_total", "large_total")
BASE = SHOP + LARGE


def changed(old: str, new: str) -> str:
    assert old in BASE
    return BASE.replace(old, new)


CONTRACTS = {
    "as it was": BASE,
    "another help": changed("help: Kinds.", "help: Sorts."),
    "a label added": changed(RUNS, RUNS.replace("[run]", "[run, kind]").replace("3}", "9}")),
    "other buckets": changed("buckets: [1, 10]", "buckets: [1, 5, 10]"),
    "a metric less": changed(SIZE, ""),
    "a metric more": BASE + SIZE.replace("size_total", "total_size_total"),
    "a value less": changed("values: [sold, lost], oth", "values: [sold], oth"),
    "a wider cap": changed("max_values: 2", "max_values: 3").replace(
        "help: Runs., budget: 3", "help: Runs., budget: 4"
    ),
    "other edges": changed("{open_to_done: [open, done]}", "{open_to_done: [done, open]}"),
    "a longer timeout": changed("timeout: 50", "timeout: 500"),
    "fewer ids": changed("max_open: 3", "max_open: 1"),
}


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    plant = Plant(tmp_path, BASE)
    plant.begin()
    plant.write(*map(shop_event, range(20)))
    plant.step()
    yield plant
    plant.stop()


def outcome(plant: Plant) -> object:
    """Return all that can be compared between a reload and a restart."""
    vitals = [plant.own(name) for name in ("lag_bytes", "series", "config_reload_success", "read_bytes_total")]
    return plant.shown(), plant.created(), plant.own("state_resets_total", "contract"), vitals


Actions = st.lists(
    st.one_of(
        st.integers(0, 40),
        st.sampled_from(sorted(CONTRACTS)),
        st.just("half a line"),
        st.just("time"),
        st.just("kill"),
    ),
    max_size=14,
)


def play(plant: Plant, actions: list[int | str], may_reload: bool) -> list[object]:
    """Do the same with reloads or with restarts between the batches; return what was to be seen after each step."""
    seen: list[object] = []
    number, halves, half = 0, 0, b""
    plant.begin()
    for action in actions:
        if isinstance(action, int):
            plant.write(*((half,) if half else ()), *(shop_event(number + more) for more in range(action)))
            number, halves, half = number + action, halves + bool(half), b""
        elif action == "half a line" and not half:
            with plant.events.open("ab") as file:
                file.write(b'{"kind":')
            half = b' "sold"}'
        elif action == "time":
            plant.clock.seconds += 30
        plant.step(1.5)
        if action == "kill":
            plant.kill()
            plant.begin()
        elif action in CONTRACTS and may_reload:
            plant.reload(CONTRACTS[str(action)])
        elif action in CONTRACTS:
            plant.stop()
            plant.change(CONTRACTS[str(action)])
            plant.begin()
        seen.append(outcome(plant))
    lines = sum(value for name, (value, _) in plant.shown().items() if name[0] == "peak_trade_exporter_lines_total")
    assert lines == number + halves
    plant.stop()
    return seen


@pytest.mark.slow
@settings(deadline=None, max_examples=amount(25, 400))
@given(actions=Actions)
def test_a_reload_shows_what_a_restart_would_and_no_line_counts_twice_or_not_at_all(actions: list[int | str]) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        assert play(Plant(Path(one), BASE), actions, True) == play(Plant(Path(other), BASE), actions, False)


@pytest.mark.parametrize("name", CONTRACTS)
def test_what_was_reloaded_is_what_the_next_start_finds(plant: Plant, name: str) -> None:
    plant.reload(CONTRACTS[name])
    before = outcome(plant)
    plant.kill()
    plant.begin()
    assert outcome(plant) == before


def test_what_begins_anew_is_said_and_counted_at_each_reload(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("other buckets", "as it was", "another help"):
        plant.reload(CONTRACTS[name])
    path = plant.contract.path
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        f"{path}: the contract changed; these begin anew: open_seconds",
        f"{path}: the contract changed; these begin anew: open_seconds",
    ]
    assert plant.own("state_resets_total", "contract") == 2


def test_nothing_is_opened_again_and_a_deleted_file_is_still_read(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with plant.events.open("ab") as writer:
        plant.events.unlink()
        opened: list[object] = []
        real = os.open

        def noted(path: str, flags: int, *rest: int) -> int:
            opened.append(path)
            return real(path, flags, *rest)

        monkeypatch.setattr(os, "open", noted)
        plant.reload(CONTRACTS["another help"])
        assert str(plant.events) not in map(str, opened)
        writer.write(b'{"kind": "sold"}\n')
        writer.flush()
        plant.step()
    assert plant.own("lines_total", "applied") == 21
    assert plant.own("lost_bytes_total") == 0


def test_the_contract_in_force_and_when_it_was_read_are_to_be_seen(plant: Plant) -> None:
    assert plant.own("config_reload_success") == 1
    begun = plant.own("config_last_reload_success_timestamp_seconds")
    plant.clock.seconds += 100
    plant.reload(CONTRACTS["another help"])
    assert plant.own("contract_info", "sample.yaml", plant.contract.sha256) == 1
    assert plant.own("config_last_reload_success_timestamp_seconds") == plant.clock.now() > begun


def test_while_the_state_cannot_be_written_nothing_is_reloaded_and_nothing_lost(plant: Plant) -> None:
    before = plant.shown()
    plant.write(*map(shop_event, range(20, 30)))
    with failing_disk():
        plant.step()
        with pytest.raises(ReloadError) as caught:
            plant.reload(CONTRACTS["other buckets"])
        assert plant.shown() == before
    assert str(caught.value) == (
        f"{plant.state}: the state cannot be written (disk i/o error); holding the last committed values,"
        " trying again at every commit"
    )
    plant.step(1.5)
    assert plant.own("lines_total", "applied") == 30
    plant.reload(CONTRACTS["other buckets"])
    assert plant.own("lines_total", "applied") == 30
    assert plant.own("state_resets_total", "contract") == 1


def test_what_was_forgotten_while_the_state_could_not_be_written_stays_forgotten_after_a_reload(plant: Plant) -> None:
    opened = [{"stage": "open", "id": f"late-{number}", "at": NOW - 10 + number} for number in range(3)]
    plant.write(*opened)
    plant.step()
    with failing_disk():
        plant.write({"stage": "open", "id": "next", "at": NOW})
        plant.step()
    plant.reload(CONTRACTS["another help"])
    assert plant.own("open_pairs", "order") == 3
    plant.kill()
    plant.begin()
    assert plant.own("open_pairs", "order") == 3
    plant.write({"stage": "done", "id": "late-0", "at": NOW + 1}, {"stage": "done", "id": "next", "at": NOW + 1})
    before = plant.own("pair_edges_total", "order", "open_to_done", "joined")
    plant.step()
    assert plant.own("pair_edges_total", "order", "open_to_done", "joined") == before + 1
