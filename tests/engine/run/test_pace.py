"""How often an exporter looks, commits and speaks while nothing happens, and what it says when it starts."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import pytest

from exporters.engine.run import Engine
from exporters.engine.state.rows import StoreError
from exporters.engine.state.store import Store
from exporters.engine.tail.tail import Tail
from exporters.engine.values import Batch, Notice
from tests.engine.run.test_stop import BusyClock
from tests.engine.support.commits import SHOP, Plant, shop_event
from tests.engine.support.harness import contract_of, line_of


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    plant = Plant(tmp_path)
    plant.write(*map(shop_event, range(20)))
    plant.begin()
    yield plant
    plant.stop()


def looks(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, seconds: float, lasting: float = 0.0
) -> dict[str, list[float]]:
    """Return when what was done in so many seconds of run(); a look for files takes `lasting` seconds."""
    tail, keeper, found = plant.engine.tail, plant.engine._keeper, dict[str, list[float]]()
    for owner, name in ((tail, "drain"), (tail, "scan"), (keeper, "save")):
        found[name], real = [], getattr(owner, name)

        def noted(*given: object, name: str = name, real: object = real, **more: object) -> object:
            found[name].append(plant.clock.seconds)
            plant.clock.seconds += lasting * (name == "scan")
            return real(*given, **more)  # type: ignore[operator]

        monkeypatch.setattr(owner, name, noted)
    end = plant.clock.seconds + seconds
    while plant.clock.seconds < end:
        plant.engine.step()
        plant.clock.wait(plant.engine._wake, 0.2)
    return found


def test_a_quiet_exporter_looks_for_files_and_commits_once_a_second(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.step()
    found = looks(plant, monkeypatch, 20)
    assert len(found["drain"]) in (100, 101)
    for name in ("scan", "save"):
        steps = [after - before for before, after in pairwise(found[name])]
        assert all(0.99 <= step < 1.3 for step in steps), name
        assert len(steps) in (15, 16, 17, 18, 19, 20), name


def test_looking_for_files_takes_a_thirtieth_of_the_time_at_most(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    begins = looks(plant, monkeypatch, 30, lasting=0.1)["scan"]
    steps = [after - before for before, after in pairwise(begins)]
    assert all(2.99 <= step < 3.3 for step in steps)
    assert len(steps) in (8, 9, 10)


def test_a_look_for_files_takes_a_thirtieth_of_the_time_however_long_it_lasts(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    begins = looks(plant, monkeypatch, 100, lasting=1.0)["scan"]
    assert all(29.99 <= after - before < 30.3 for before, after in pairwise(begins[1:]))
    assert len(begins) == 4


def test_with_every_look_for_files_those_are_read_that_have_been_quiet_and_a_scrape_has_it_at_once(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.step(0.25)
    scan, drain, found = plant.engine.tail.scan, plant.engine.tail.drain, list[object]()

    def scanned(monotonic: float, at_once: bool) -> list[Notice]:
        found.append((monotonic, at_once))
        return scan(monotonic, at_once)

    def drained(now: float, monotonic: float, everything: bool) -> Iterator[Batch | Notice]:
        found.append(everything)
        return drain(now, monotonic, everything)

    monkeypatch.setattr(plant.engine.tail, "scan", scanned)
    monkeypatch.setattr(plant.engine.tail, "drain", drained)
    begun = plant.clock.seconds
    plant.step(0.5)
    plant.engine.scrape(1.0)
    plant.step(0.25)
    plant.step(0.5)
    plant.step(0.5)
    assert found == [False, (begun + 0.75, True), True, False, (begun + 1.75, False), True]


def test_a_scrape_shows_the_files_there_are_though_nothing_is_in_them(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.begin()
    plant.step()
    plant.events.touch()
    plant.engine.scrape(1.0)
    plant.step()
    gauges = {metric.name: dict(values) for metric, values in plant.engine.published[1]}
    assert gauges["peak_trade_exporter_file_present"] == {("sample",): 1}
    plant.stop()


def test_a_backlog_is_committed_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events, clock = tmp_path / "sample.jsonl", BusyClock()
    engine = Engine(contract_of(tmp_path, SHOP), Tail([str(events)], batch_bytes=200), {}, clock).start()
    events.write_bytes(b"".join(line_of(shop_event(number)) for number in range(400)))
    commit, commits = engine._commit, list[float]()

    def noted() -> None:
        commits.append(clock.seconds)
        commit()

    monkeypatch.setattr(engine, "_commit", noted)
    begun = clock.seconds
    engine.step()
    steps = [after - before for before, after in pairwise([begun, *commits])]
    assert len(steps) > 5
    assert all(1.0 <= step < 1.2 for step in steps[1:-1])
    engine.tail.close()


def test_between_two_looks_it_waits_a_fifth_of_a_second(plant: Plant) -> None:
    begun, left = plant.clock.seconds, iter(range(10))
    plant.engine.run(lambda: next(left, None) is not None)
    assert plant.clock.seconds - begun == pytest.approx(2.0)


def test_a_start_says_what_there_was_of_the_last_process(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "peaktrade.exporter")
    plant.step()
    series = sum(len(samples) for _, samples in plant.engine.publish()[0])
    plant.kill()
    plant.begin()
    assert [record.getMessage() for record in caplog.records] == [
        f"state exporter=sample restored_series={series} files=1"
    ]
    plant.kill()
    plant.state.unlink()
    caplog.clear()
    plant.begin()
    assert [record.getMessage() for record in caplog.records] == [
        "no state yet: every file is read from its start exporter=sample",
        "state exporter=sample restored_series=0 files=0",
    ]


def test_without_a_state_nothing_is_said_of_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "peaktrade.exporter")
    plant = Plant(tmp_path)
    plant.truth()
    assert caplog.records == []


def test_until_something_was_committed_no_time_of_it_is_shown(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    with patch.object(Store, "write", side_effect=StoreError("the disk is full")):
        plant.begin()
        plant.step()
        assert plant.own("last_commit_timestamp_seconds") == 0
        assert plant.own("state_ok") == 0
    plant.step(1.5)
    assert plant.own("last_commit_timestamp_seconds") == plant.clock.now()
    plant.stop()


def test_what_the_last_process_committed_is_shown_before_anything_is_read(plant: Plant) -> None:
    assert plant.engine.published[0], "what exists from the start"
    plant.step()
    before = plant.shown()
    plant.kill()
    plant.begin()
    shown = {metric.name: samples for metric, samples in plant.engine.published[0]}
    (kinds,) = [value for (name, *labels), (value, _) in before.items() if (name, *labels) == ("kinds_total", "sold")]
    assert {one.labels: one.value for one in shown["kinds_total"]}["sold",] == kinds == 7
