"""What is kept for answers: never another than what would be read anew, and read anew only of what changed."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable

import pytest

from console.api.routes import ENDPOINTS
from console.app import Console, build_app
from console.index.held import Held
from console.index.index import Index
from console.index.turns import Turns
from console.pages.pages import PAGES
from tests.console.client import Client
from tests.console.test_api import NOW, alert
from tests.console.world import RUN, World, execution_event, step

NAMES = {"{run_id}": RUN, "{session_id}": "s1", "{name}": "stack"}
PATHS = [re.sub("{[a-z_]+}", lambda found: NAMES[str(found[0])], one.path) for one in (*ENDPOINTS, *PAGES)]
LINE = {"ts": "2026-01-15T18:20:00Z", "session_id": "s1", "kind": "gate", "payload": {}}

CHANGES: dict[str, Callable[[World, int], object]] = {
    "a step": lambda world, at: world.steps([step(at)]),
    "a step of another run": lambda world, at: world.steps([step(at)], "other"),
    "a run": lambda world, at: world.meta(f"r{at}"),
    "a run's end": lambda world, at: world.meta(ended_at=f"2026-01-15T19:00:{at:02d}Z"),
    "a broken run": lambda world, at: world.meta(f"r{at}").write_text("{"),
    "a run's alert": lambda world, at: world.append(
        world.run_folder() / "alerts.jsonl", alert(f"2026-01-15T18:{at}:00Z")
    ),
    "an alert": lambda world, at: world.append(
        world.settings.base_runs_dir / "alerts/alerts_2026-01-15.jsonl",
        alert(f"2026-01-15T18:{at}:00Z", session_id="s1"),
    ),
    "a trade": lambda world, at: world.append(
        world.run_folder() / "trades.jsonl", {"ts": 1768500000 + at, "price": at}
    ),
    "a session": lambda world, at: world.session("s1", symbol=f"S{at}", status="started", finished_at=None),
    "another session": lambda world, at: world.session(f"s{at}", mode="paper"),
    "telemetry": lambda world, at: world.append(
        world.settings.execution_dir / "s1.jsonl", {**LINE, "payload": {"n": at}}
    ),
    "an order": lambda world, at: world.executions(
        execution_event(RUN, f"2026-01-15T18:{at}:00Z", "filled", order_id=f"o{at}")
    ),
    "an execution": lambda world, at: world.executions(execution_event(f"x{at}", "2026-01-15T18:00:00Z", "created")),
    "a decision": lambda world, at: world.append(
        world.settings.ai_events, {"v": 1, "ts_utc": f"2026-01-15T18:{at}:00Z", "run_id": RUN, "decision": "reject"}
    ),
    "a line of the ledger": lambda world, at: world.append(
        world.settings.ledger,
        {"ts": f"2026-01-15T18:{at}:00Z", "run_id": RUN, "stage": "intent", "intent_id": f"i{at}"},
    ),
    "a line that is refused": lambda world, at: world.append(world.pipeline, '{"schema":'),
}


@pytest.mark.slow
def test_whatever_came_an_answer_is_what_it_would_be_were_all_read_anew(world: World) -> None:
    world.meta(), world.meta("other"), world.session("s1")
    clock = [0.0]
    console = Console(world.settings, Index(world.settings, lambda: clock[0]), lambda: NOW)
    client = Client(build_app(console))
    changes, chance = [*CHANGES.items()], random.Random(7)
    chance.shuffle(changes)
    for at, (name, change) in enumerate(changes, 10):
        change(world, at)
        clock[0] += 10.0  # long enough for what rests to have its turn
        assert {client.get(path).status_code for path in PATHS} <= {200, 404}
        kept = {path: client.get(path).content for path in PATHS}
        console.index.held = Held()
        anew = {path: client.get(path).content for path in PATHS}
        assert [path for path in PATHS if kept[path] != anew[path]] == [], name
    client.close()


def test_a_line_of_one_run_has_no_other_run_read_again(world: World) -> None:
    for run_id in ("a", "b"):
        world.meta(run_id)
        world.steps([step(0)], run_id)
    index = world.index()
    before = {one.subject: one for one in index.held.streams(index.database, "step")}
    world.steps([step(1)], "b")
    with index.reading():
        after = {one.subject: one for one in index.held.streams(index.database, "step")}
    assert after["a"] is before["a"]
    assert (before["b"].next, after["b"].next) == (1, 2)
    index.close()


def test_each_has_its_turn_in_time_and_no_look_bears_more_than_its_part() -> None:
    items, turns, chance = [str(number) for number in range(50)], Turns(1.0), random.Random(3)
    monotonic, looked_at, worst = 0.0, dict.fromkeys(items, 0.0), 0.0
    assert turns.due(items, monotonic) is items
    for _ in range(2000):
        gap = chance.choice((0.001, 0.03, 0.2))
        monotonic += gap
        due = turns.due(items, monotonic)
        assert len(due) <= len(items) * gap + 1
        worst = max([worst, *(monotonic - looked_at[one] for one in due)])
        looked_at.update(dict.fromkeys(due, monotonic))
    assert worst <= 1.0 + 0.2, "the time given, and the gap between two looks"
    assert turns.due(items, monotonic + 1.0) is items, "after a pause all have"
    assert turns.due([*items], monotonic + 1.0) == items, "and when it is another list"


def test_a_short_answer_waits_for_one_long_one_at_most(world: World) -> None:
    console, done = Console(world.settings, world.index(), lambda: NOW), []

    def make(name: str) -> None:
        time.sleep(0.02)
        done.append(name)

    async def ask() -> None:
        long_ones = [asyncio.create_task(console.in_turn({"limit": 5000}, make, "long")) for _ in range(20)]
        await asyncio.sleep(0.01)
        await console.in_turn({"limit": 100}, make, "short")
        await console.in_turn({}, make, "short")
        await asyncio.gather(*long_ones)

    asyncio.run(ask())
    assert done.index("short") <= 2
    assert (len(done), done[:10].count("short")) == (22, 2)
