"""Parquet files of runs, as pyarrow writes them: read like any other, or said in words not to be."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.app import Console, build_app
from console.index import queries
from console.parquet import BROKEN, MISSING
from tests.console.client import Client
from tests.console.test_api import NOW
from tests.console.test_index import steps_of
from tests.console.world import RUN, World, step

arrow: Any = pytest.importorskip("pyarrow", reason="pip install pyarrow")
parquet: Any = pytest.importorskip("pyarrow.parquet")

START = datetime(2026, 1, 15, 18, tzinfo=UTC)
EVENTS = f"/api/v0/runs/{RUN}/events"


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    client = Client(build_app(Console(world.settings, world.index(), lambda: NOW)))
    yield client
    client.close()


def write(world: World, rows: list[dict[str, object]], name: str = "events.parquet", **options: Any) -> Path:
    path = world.run_folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(arrow.Table.from_pylist(rows), path, **options)
    return path


def a_step(number: int, **columns: object) -> dict[str, object]:
    return {**step(number), "ts_bar": None, "ts_event": START + timedelta(seconds=number), **columns}


def test_steps_are_read_whatever_types_their_columns_have(world: World, client: Client) -> None:
    world.meta()
    table = arrow.table(
        {
            "step": arrow.array([0, 1], arrow.int32()),
            "ts_event": arrow.array([1_768_500_000_000_000_001, None], arrow.timestamp("ns", "Europe/Berlin")),
            "ts_bar": arrow.array([None, 1_768_500_001], arrow.timestamp("s")),
            "equity": arrow.array([1000.5, float("nan")], arrow.float32()),
            "realized_pnl": arrow.array(["1.25", "2.50"]).cast(arrow.decimal128(9, 2)),
            "risk_allowed": arrow.array([True, False]),
            "risk_reasons": arrow.array([[], ["limit", "loss"]], arrow.list_(arrow.string())),
            "orders_blocked": arrow.array([0.0, 1.0]),
            "extra_note": arrow.array(["a", "<b>"]).dictionary_encode(),
            "extra_raw": arrow.array([b"\xff", None], arrow.binary()),
        }
    )
    parquet.write_table(table, world.run_folder() / "events.parquet", compression="zstd")
    first, second = client.json(f"/runs/{RUN}/tail")
    assert (first["ts_event"], first["equity"], first["realized_pnl"]) == ("2026-01-15T18:00:00Z", 1000.5, 1.25)
    assert (second["ts_bar"], second["equity"], second["risk_reasons"]) == ("2026-01-15T18:00:01Z", None, "limit, loss")
    (warning,) = [one for one in client.json(EVENTS)["items"] if one["level"] == "warning"]
    assert warning["msg"] == "step 1: 1 blocked (limit, loss)"
    page = client.get(f"/watch/runs/{RUN}").text
    assert "events.parquet @ row 1<" in page
    assert "&lt;b&gt;" in page
    assert client.json("/api/live/status/snapshot.json")["meta"]["conservation"]["adds_up"] is True


def test_a_file_written_anew_with_more_rows_goes_on_where_it_was(world: World, client: Client) -> None:
    world.meta()
    rows = [a_step(number) for number in range(5000)]
    write(world, rows[:50])
    assert client.json(EVENTS)["next_seq"] == 50
    write(world, rows, row_group_size=999)
    found = client.json(f"{EVENTS}?since_seq=50&limit=2000")
    assert [one["seq"] for one in found["items"]] == [*range(50, 2050)]
    assert found["items"][0]["msg"] == "step 50: equity 1050"
    assert client.json(f"/runs/{RUN}/snapshot")["total_steps"] == 5000


def test_a_file_that_says_something_else_replaces_what_was_read(world: World, client: Client) -> None:
    world.meta()
    write(world, [a_step(number) for number in range(3)])
    assert len(client.json(f"/runs/{RUN}/tail")) == 3
    write(world, [a_step(number, equity=5.0) for number in range(4)])
    found = client.json(EVENTS)["items"]
    assert [(one["seq"], one["msg"]) for one in found] == [(3 + n, f"step {n}: equity 5") for n in range(4)]
    assert client.json(f"/runs/{RUN}/snapshot")["total_steps"] == 4


def test_w35_a_run_whose_file_is_being_written_stays_and_says_so(world: World, client: Client) -> None:
    world.meta()
    path = write(world, [a_step(number) for number in range(3)])
    assert len(client.json(f"/runs/{RUN}/tail")) == 3
    whole = write(world, [a_step(number) for number in range(9)]).read_bytes()
    path.write_bytes(whole[:-1])
    assert client.json("/runs")[0]["problems"] == [f"events.parquet {BROKEN}"]
    assert len(client.json(f"/runs/{RUN}/tail")) == 3
    path.write_bytes(whole)
    assert "problems" not in client.json("/runs")[0]
    assert [one["seq"] for one in client.json(EVENTS)["items"]] == [*range(9)]
    path.write_bytes(b"")
    assert client.json(f"/runs/{RUN}/snapshot")["problems"] == [f"events.parquet {BROKEN}"]
    path.unlink()
    assert "problems" not in client.json(f"/runs/{RUN}/snapshot")


def test_of_several_files_jsonl_is_read_before_parquet_and_that_before_csv(world: World) -> None:
    world.meta()
    world.write(world.run_folder() / "events.csv", "step,equity\n0,1.0\n")
    write(world, [a_step(0), a_step(1)])
    index = world.index()
    assert steps_of(index) == [0, 1]
    world.steps([step(0)])
    assert steps_of(world.index()) == [0]


def test_parquet_that_comes_after_csv_replaces_its_steps(world: World) -> None:
    world.meta()
    world.write(world.run_folder() / "events.csv", "step,equity\n0,1.0\n1,2.0\n2,3.0\n")
    index = world.index()
    assert len(steps_of(index)) == 3
    write(world, [a_step(0), a_step(1)])
    index.catch_up(5.0)
    assert steps_of(index) == [0, 1]


def test_trades(world: World, client: Client) -> None:
    world.meta()
    rows = [{"timestamp": START, "order_id": "o1", "price": 7.5}, {"timestamp": START, "order_id": "o2", "price": 8.0}]
    write(world, rows[:1], "trades.parquet")
    path = f"/api/v0/runs/{RUN}/trades"
    assert [one["price"] for one in client.json(path)["items"]] == [7.5]
    write(world, rows, "trades.parquet")
    assert [(one["seq"], one["order_id"]) for one in client.json(path)["items"]] == [(0, "o1"), (1, "o2")]
    write(world, rows[1:], "trades.parquet")
    assert [(one["seq"], one["order_id"]) for one in client.json(path)["items"]] == [(2, "o2")]


def test_without_the_extra_a_run_says_so_in_words_until_it_is_there(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.meta()
    write(world, [a_step(0)])
    write(world, [{"order_id": "o1"}], "trades.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    index = world.index(state_dir=tmp_path / "state")
    client = Client(build_app(Console(world.settings, index, lambda: NOW)))
    said = [f"events.parquet {MISSING}", f"trades.parquet {MISSING}"]
    for path in (f"/runs/{RUN}/snapshot", "/runs"):
        found = client.json(path)
        assert (found[0] if isinstance(found, list) else found)["problems"] == said
    assert client.json("/api/v0/runs_v02")["items"][0]["problems"] == said
    because = f"({'; '.join(said)})"
    for what, code in (("events", f":{RUN}"), ("equity", ""), ("trades", "")):
        assert client.json(f"/api/v0/runs/{RUN}/{what}", 404)["detail"] == f"{what}_not_available{code} {because}"
    for page in (f"/watch/runs/{RUN}", "/", "/watch"):
        assert "pip install &#39;peak-trade-exporters[parquet]&#39;" in client.get(page).text, page
    assert "2 documents broken" in client.get("/").text
    client.close()
    index.close()
    monkeypatch.delitem(sys.modules, "pyarrow")
    monkeypatch.setitem(sys.modules, "pyarrow", arrow)
    assert steps_of(world.index(state_dir=tmp_path / "state")) == [0]


def test_what_was_read_is_not_read_again_after_a_start(world: World, tmp_path: Path) -> None:
    world.meta()
    path = write(world, [a_step(0), a_step(1)])
    world.index(state_dir=tmp_path / "state").close()
    index = world.index(state_dir=tmp_path / "state")
    assert [one.lines for one in queries.files(index.database) if one.path == str(path)] == [2]
    write(world, [a_step(number) for number in range(3)])
    index.catch_up(5.0)
    assert steps_of(index) == [0, 1, 2]
    index.close()


def test_only_regular_files_of_runs_are_read(world: World, tmp_path: Path) -> None:
    world.meta()
    path = write(world, [a_step(0)])
    elsewhere = path.rename(tmp_path / "elsewhere.parquet")
    path.symlink_to(elsewhere)
    for folder in (world.settings.base_runs_dir, world.settings.execution_dir, world.settings.base_runs_dir / "alerts"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "events.parquet").write_bytes(elsewhere.read_bytes())
    index = world.index()
    assert queries.files(index.database) == []
    assert queries.broken_documents(index.database) == []
    index.close()
