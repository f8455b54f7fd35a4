import os
import sqlite3
from pathlib import Path
from typing import Any, cast

import pytest

from contracts.model import Metric, Word
from exporters.engine.series import SeriesTable
from exporters.engine.stored import read_rows
from exporters.engine.values import Count, Put
from tests.engine.support.commits import Plant, failing_disk, shop_event
from tests.engine.support.harness import contract_of, stored
from tests.engine.support.stores import files_of, kill, opened, rows_of

RUN = Word("run", "name", allow="a-z", max_length=9, max_values=2, otherwise="rest")
TOTAL = Metric("a_total", "counter", "counts", "Help.", {"run": "run"}, 3)
GAUGE = Metric("d", "gauge", "sets", "Help.", {"run": "run"}, 3)


def stamps(plant: Plant) -> list[tuple[int, int]]:
    """Return size and time of last write of everything the state stands in."""
    return [(one.stat().st_size, one.stat().st_mtime_ns) for one in sorted(plant.state.parent.iterdir())]


def test_an_idle_exporter_writes_nothing(plant: Plant) -> None:
    plant.begin()
    plant.step()
    plant.step(1.5)  # the look after the first one tells that nothing unread stands beside the file
    statements: list[str] = []
    assert plant.store is not None
    assert plant.store._database is not None
    plant.store._database.set_trace_callback(statements.append)
    before, contents = stamps(plant), files_of(plant.state)
    for _ in range(50):
        plant.step(1.5)
    assert statements == []
    assert stamps(plant) == before
    assert files_of(plant.state) == contents
    assert plant.own("last_commit_timestamp_seconds") == plant.clock.now()
    plant.write(shop_event(20))
    plant.step()
    assert "COMMIT" in statements
    assert stamps(plant) != before


def test_what_is_set_to_the_value_it_has_is_not_written() -> None:
    state = SeriesTable((TOTAL, GAUGE), {"run": RUN})
    state.apply([Put(GAUGE, ("a",), 5.0), Count(TOTAL, ("a",), 1.0)], now=1.0)
    assert len(stored(state.changes(everything=False))) == 5
    state.commit()
    state.apply([Put(GAUGE, ("a",), 5.0), Count(TOTAL, ("a",), 0.0)], now=2.0)
    assert stored(state.changes(everything=False)) == []
    state.apply([Put(GAUGE, ("a",), 4.0)], now=3.0)
    assert stored(state.changes(everything=False)) == [("series", '["d", "a"]', [4.0, 1.0, None])]


def test_a_value_beyond_all_numbers_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "sample.db"
    first = SeriesTable((TOTAL,), {"run": RUN})
    first.apply([Count(TOTAL, ("a",), 1.7e308), Count(TOTAL, ("a",), 1.7e308)], now=1.0)
    with opened(path) as (store, _):
        store.write(stored(first.changes(everything=False)))
    first.commit()
    second = SeriesTable((TOTAL,), {"run": RUN})
    spec = contract_of(tmp_path, CAPPED.format(cap=2))
    assert second.restore(read_rows(rows_of(path)), spec) == {}
    assert second.snapshot() == first.snapshot()


CAPPED = """
vocabulary:
  run: {{allow: a-z0-9, max_length: 9, max_values: {cap}, otherwise: rest}}
sources: {{all: {{match: {{}}, read: {{run: run}}}}}}
metrics:
  runs_total: {{type: counter, counts: run, labels: [run], help: Runs., budget: 20000}}
"""


class Counting(sqlite3.Connection):
    """Counts the rows that are written."""

    written = 0

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        Counting.written += statement.startswith(("INSERT", "DELETE"))
        return super().execute(statement, *values)


@pytest.mark.slow
def test_a_commit_costs_what_changed_not_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr("sqlite3.connect", lambda *names, **more: connect(*names, **more, factory=Counting))
    plant = Plant(tmp_path, CAPPED.format(cap=3_000))
    plant.write(*({"run": f"r{number}"} for number in range(3_000)))
    plant.begin()
    plant.step()
    assert plant.own("series") == 3_000
    Counting.written = 0
    log = os.stat(f"{plant.state}-wal").st_size
    plant.write(*({"run": f"r{number}"} for number in range(0, 3_000, 300)))
    plant.step()
    lines_and_bytes, checkpoint, total = 2, 1, 1
    assert Counting.written == 10 + lines_and_bytes + checkpoint + total
    grown = os.stat(f"{plant.state}-wal").st_size - log
    assert grown <= 0 or grown < 40 * 4200
    plant.kill()
    plant.begin()
    assert plant.shown()["runs_total", "r2700"] == (2.0, ())
    plant.kill()


def test_a_commit_that_failed_is_made_up_for_by_the_next(plant: Plant) -> None:
    plant.begin()
    plant.step()
    before = plant.shown()
    with failing_disk():
        for number in range(20, 40):
            plant.write(shop_event(number))
            plant.step()
            assert plant.shown() == before
    plant.write(shop_event(40))
    plant.step()
    assert plant.shown() == plant.truth()
    plant.kill()
    plant.begin()
    assert plant.shown() == plant.truth()


def test_while_commits_fail_the_ids_that_come_and_go_take_no_memory(plant: Plant) -> None:
    plant.begin()
    plant.step()
    with failing_disk():
        for number in range(200):
            plant.write({"stage": "open", "id": f"new-{number}", "at": 1_769_290_000 + number})
            plant.step()
        assert plant._engine is not None
        rows = [value for kind, _, value in stored(plant._engine.ledger.pipeline.pairs.changes()) if kind == "pair"]
    assert [value and len(cast(list[object], value)) for value in rows] == [None, 1, 1, 1], "three go, three come"
    plant.step(1.5)
    assert plant.shown() == plant.truth()


def test_a_killed_store_keeps_what_it_had_committed(tmp_path: Path) -> None:
    path = tmp_path / "sample.db"
    with opened(path) as (store, _):
        store.write([("a", "1", 1)])
        kill(store)
    assert rows_of(path) == [("a", "1", 1)]
