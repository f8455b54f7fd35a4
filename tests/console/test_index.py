"""The index: every line once, through rotation, restarts, damage and a kill; positions that never move."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from console.index import queries, step_queries
from console.index.index import Index
from console.index.store import NAME, IndexBusyError
from tests.console.world import RUN, World, execution_event, step


def positions(index: Index, run_id: str = "r") -> list[tuple[int, str]]:
    stream = queries.stream(index.database, "execution", run_id)
    return [(one.seq, one.type) for one in queries.events_after(index.database, stream, 0, 999)] if stream else []


def steps_of(index: Index, limit: int = 10_000) -> list[float | None]:
    stream = queries.stream(index.database, "step", RUN)
    return [one.step.step for one in step_queries.steps_before(index.database, stream, limit)] if stream else []


def event(second: int, event_type: str) -> dict[str, object]:
    return execution_event("r", f"2026-01-01T00:00:{second:02d}Z", event_type)


def test_a_new_line_is_in_the_next_answer(world: World) -> None:
    index = world.index()
    world.executions(event(0, "created"))
    with index.reading():
        assert positions(index) == [(0, "created")]
    world.executions(event(1, "filled"))
    with index.reading():
        assert positions(index) == [(0, "created"), (1, "filled")]


def test_half_a_line_waits_for_its_newline(world: World) -> None:
    world.executions(event(0, "created"))
    with world.pipeline.open("a") as file:
        file.write('{"schema":"execution_event_v0",')
    index = world.index()
    assert positions(index) == [(0, "created")]
    assert queries.refused_total(index.database) == 0
    with world.pipeline.open("a") as file:
        file.write('"run_id":"r","event_type":"filled","ts":"2026-01-01T00:00:01Z"}\n')
    index.catch_up(5.0)
    assert positions(index) == [(0, "created"), (1, "filled")]


def test_a_bad_line_costs_itself_and_is_counted_with_its_place(world: World) -> None:
    world.executions(event(0, "created"))
    start = world.pipeline.stat().st_size
    world.append(world.pipeline, "[1]", b'{"schema":"\xff"}', '{"schema":', event(1, "filled"))
    index = world.index()
    assert positions(index) == [(0, "created"), (1, "filled")]
    found = sorted((one.start - start, one.reason) for one in queries.refusals(index.database))
    assert found == [(0, "not_an_object"), (4, "not_text"), (19, "not_json")]


def test_lines_are_read_through_rotation(world: World) -> None:
    world.executions(event(0, "created"))
    index = world.index()
    world.executions(event(1, "submitted"))
    os.rename(world.pipeline, f"{world.pipeline}.1")
    world.executions(event(2, "filled"))
    index.catch_up(5.0)
    assert positions(index) == [(0, "created"), (1, "submitted"), (2, "filled")]


def test_a_restart_goes_on_where_the_last_commit_stood(world: World, tmp_path: Path) -> None:
    world.executions(event(0, "created"))
    world.steps(step(number) for number in range(5))
    index = world.index(state_dir=tmp_path / "state")
    index.close()
    world.executions(event(1, "filled"))
    world.steps([step(5)])
    index = world.index(state_dir=tmp_path / "state")
    assert positions(index) == [(0, "created"), (1, "filled")]
    assert steps_of(index) == [0, 1, 2, 3, 4, 5]
    index.close()


def test_an_index_belongs_to_one_console(world: World, tmp_path: Path) -> None:
    first = world.index(state_dir=tmp_path / "state")
    with pytest.raises(IndexBusyError) as caught:
        Index(first._settings)
    path = tmp_path / "state" / NAME
    assert str(caught.value) == f"{path}: another console has this index; stop it, or give another --state-dir"
    first.close()


@pytest.mark.parametrize("where", [0, 100, 8192])
def test_a_damaged_index_is_set_aside_and_read_anew(world: World, tmp_path: Path, where: int) -> None:
    world.executions(event(0, "created"), event(1, "filled"))
    world.index(state_dir=tmp_path / "state").close()
    path = tmp_path / "state" / NAME
    with path.open("r+b") as file:
        file.seek(where)
        file.write(b"\xa5" * 600)
    index = world.index(state_dir=tmp_path / "state")
    assert positions(index) == [(0, "created"), (1, "filled")]
    assert (tmp_path / "state" / f"{NAME}.damaged").exists()
    index.close()


def test_a_killed_console_counts_no_line_twice(world: World, tmp_path: Path) -> None:
    world.executions(event(0, "created"), event(1, "submitted"))
    code = (
        "import os, sys; from tests.console.world import World; from pathlib import Path\n"
        "world = World(Path(sys.argv[1])); index = world.index(state_dir=Path(sys.argv[2]))\n"
        "index.database.execute('BEGIN'); index.database.execute('DELETE FROM events'); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code, str(world.root), str(tmp_path / "state")]
    assert subprocess.run(command, cwd=Path(__file__).parents[2], check=False).returncode == -9
    world.executions(event(2, "filled"))
    index = world.index(state_dir=tmp_path / "state")
    assert positions(index) == [(0, "created"), (1, "submitted"), (2, "filled")]
    index.close()


def test_an_index_of_another_version_is_begun_anew(world: World, tmp_path: Path) -> None:
    world.executions(event(0, "created"))
    world.index(state_dir=tmp_path / "state").close()
    with sqlite3.connect(tmp_path / "state" / NAME) as database:
        database.execute("PRAGMA user_version = 77")
    database.close()
    index = world.index(state_dir=tmp_path / "state")
    assert positions(index) == [(0, "created")]
    index.close()


def steps_taken(database: sqlite3.Connection, ask: Callable[[], object]) -> int:
    """Return how many steps of its machine SQLite takes to answer."""
    taken = [0]

    def count() -> int:
        taken[0] += 1
        return 0

    database.set_progress_handler(count, 1)
    ask()
    database.set_progress_handler(None, 1)
    return taken[0]


def test_the_events_of_an_order_cost_no_more_the_longer_its_run_is(world: World) -> None:
    costs = []
    for number in (20, 2000):
        orders = (execution_event("r", "2026-01-01T00:00:00Z", "created", order_id=f"o{at}") for at in range(number))
        world.executions(*orders)
        index = world.index()
        stream = queries.stream(index.database, "execution", "r")
        assert stream is not None
        ask = partial(queries.events_of_keys, index.database, stream, ["o7", "o3"])
        assert {one.key for one in ask()} == {"o3", "o7"}
        costs.append(steps_taken(index.database, ask))
        index.close()
    assert costs[1] < 2 * costs[0], costs


def test_steps_are_found_by_position_from_either_end(world: World) -> None:
    world.steps(step(number) for number in range(1000))
    index = world.index()
    stream = queries.stream(index.database, "step", RUN)
    assert stream is not None
    assert steps_of(index, 3) == [997, 998, 999]
    assert [one.seq for one in step_queries.steps_after(index.database, stream, 510, 4)] == [510, 511, 512, 513]
    found = step_queries.steps_after(index.database, stream, 700, 1)[0]
    raw = (world.run_folder() / "events.jsonl").read_bytes()[found.start :].partition(b"\n")[0]
    assert raw == found.raw


def test_the_tally_is_the_same_whatever_batches_the_steps_came_in(world: World) -> None:
    rows = [step(number, equity=1000.0 + number % 7, orders_blocked=int(number % 3 == 0)) for number in range(700)]
    index = world.index()
    for at in range(0, 700, 90):
        world.steps(rows[at : at + 90])
        index.catch_up(5.0)
    piecewise = queries.stream(index.database, "step", RUN), queries.curve_of(index.database, RUN)
    whole = world.index()
    stream = queries.stream(whole.database, "step", RUN)
    assert stream is not None
    assert piecewise[0] is not None
    assert stream.tally == piecewise[0].tally
    assert queries.curve_of(whole.database, RUN) == piecewise[1]
    assert (stream.tally.steps, stream.tally.orders, stream.tally.blocked) == (700, 700, 234)
    assert stream.tally.worst == pytest.approx(-6 / 1006)
    assert len(piecewise[1].points) <= 240


def test_a_run_whose_file_is_rewritten_has_its_steps_replaced_and_positions_go_on(world: World) -> None:
    path = world.steps(step(number) for number in range(3))
    index = world.index()
    path.write_text("")
    index.catch_up(5.0)
    world.steps(step(number, equity=5.0) for number in range(2))
    index.catch_up(5.0)
    stream = queries.stream(index.database, "step", RUN)
    assert stream is not None
    assert [(one.seq, one.step.equity) for one in step_queries.steps_before(index.database, stream, 9)] == [
        (3, 5),
        (4, 5),
    ]
    assert stream.tally.steps == 2


def test_of_two_files_with_steps_one_counts(world: World) -> None:
    world.meta()
    world.steps([step(0)])
    world.write(world.run_folder() / "events.csv", "step,equity\n0,1.0\n1,1.0\n")
    assert steps_of(world.index()) == [0]


def test_a_link_that_leads_out_of_the_folders_is_not_followed(world: World, tmp_path: Path) -> None:
    outside = world.append(tmp_path / "elsewhere" / "events.jsonl", step(7))
    world.run_folder().mkdir(parents=True)
    (world.run_folder() / "events.jsonl").symlink_to(outside)
    (world.settings.base_runs_dir / "other").symlink_to(outside.parent)
    index = world.index()
    assert steps_of(index) == []
    assert [one.path for one in queries.files(index.database)] == []


def test_a_broken_document_costs_itself(world: World) -> None:
    world.meta()
    world.meta("other").write_text('{"mode":')
    world.session("s1")
    world.session("s2").write_text("[]")
    index = world.index()
    assert [one.run_id for one in queries.metas(index.database)] == [RUN]
    assert [one.session_id for one, _ in queries.sessions(index.database)] == ["s1"]
    problems = [(Path(path).name, problem) for path, problem in queries.broken_documents(index.database)]
    assert problems == [("meta.json", "is not JSON"), ("s2.json", "is no JSON object")]
    world.meta("other")
    with index.reading():
        assert queries.meta(index.database, "other") is not None


def test_a_document_that_is_gone_is_forgotten(world: World) -> None:
    path = world.session("s1")
    index = world.index()
    path.unlink()
    with index.reading():
        assert queries.sessions(index.database) == []


def test_blocks_are_packed(world: World) -> None:
    world.steps(step(number) for number in range(256))
    index = world.index()
    (data,) = index.database.execute("SELECT data FROM blocks").fetchone()
    assert len(data) < len(zlib.decompress(data)) / 3


def test_a_document_that_rests_is_looked_at_once_a_second_and_a_young_one_every_time(world: World) -> None:
    path, now = world.meta(), [0.0]
    for place in (path, path.parent, path.parent.parent):
        os.utime(place, (1, 1))
    index = Index(world.settings, lambda: now[0])

    def read_of(strategy: str, at: float, written_at: float) -> str:
        world.meta(strategy_name=strategy)
        os.utime(path, (written_at, written_at))
        now[0] = at
        index.catch_up(1.0)
        (meta,) = queries.metas(index.database)
        return meta.strategy_name

    assert read_of("first", 0.0, 1) == "first"
    assert read_of("second", 0.5, 2) == "first"
    assert read_of("third", 1.0, time.time()) == "third"
    assert read_of("fourth", 1.5, time.time()) == "fourth"
    index.close()


def test_a_folder_whose_name_begins_like_a_file_is_none_of_its_rotated_ones(world: World) -> None:
    world.steps([step(0)])
    index = world.index(ledger=world.root / "live")
    assert steps_of(index) == [0]
    index.close()


def test_a_session_that_has_ended_is_looked_at_once_a_second_and_an_open_one_every_time(world: World) -> None:
    now = [0.0]
    ended, still = world.session("ended"), world.session("open", status="started", finished_at=None)
    for place in (ended, still, ended.parent):
        os.utime(place, (1, 1))
    index = Index(world.settings, lambda: now[0])

    def symbols() -> dict[str, str]:
        os.utime(ended.parent, (1, 1))
        index.catch_up(1.0)
        return {one.session_id: one.symbol for one, _ in queries.sessions(index.database)}

    assert symbols() == {"ended": "BTC/EUR", "open": "BTC/EUR"}
    for name, status in (("ended", "completed"), ("open", "started")):
        world.session(name, symbol="ETH/EUR", status=status)
    now[0] = 0.5
    assert symbols() == {"ended": "BTC/EUR", "open": "ETH/EUR"}
    world.session("new")
    now[0] = 0.6
    index.catch_up(1.0)
    assert sorted(one.session_id for one, _ in queries.sessions(index.database)) == ["ended", "new", "open"]
    still.unlink()
    now[0] = 0.7
    index.catch_up(1.0)
    assert sorted(one.session_id for one, _ in queries.sessions(index.database)) == ["ended", "new"]
    index.close()
