"""Ending while there is still much to read: soon, between two batches, and exact at the next start."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from exporters.engine import run
from exporters.engine.run import Engine
from exporters.engine.state.store import Store
from exporters.engine.tail.tail import Tail
from tests.end_to_end.storm import free_port, read_page
from tests.engine.support.commits import SHOP, StandingClock, shop_event
from tests.engine.support.harness import contract_of, line_of

LINES = 200


class BusyClock(StandingClock):
    """Time that passes by being asked for, as it does while something is being read."""

    def monotonic(self) -> float:
        self.seconds += 0.01
        return self.seconds


def applied(engine: Engine) -> int:
    """Return how many lines a scrape shows as applied."""
    snapshot, _ = engine.publish()
    found = {(metric.name, *sample.labels): sample.value for metric, samples in snapshot for sample in samples}
    return int(found["peak_trade_exporter_lines_total", "sample", "applied"])


@pytest.mark.parametrize("stop_at", [0, 1, 7])
def test_a_stop_during_a_backlog_ends_soon_at_a_batch_and_the_rest_is_read_at_the_next_start(
    tmp_path: Path, stop_at: int
) -> None:
    contract, events, clock = contract_of(tmp_path, SHOP), tmp_path / "sample.jsonl", BusyClock()
    events.write_bytes(b"".join(line_of(shop_event(number)) for number in range(LINES)))

    def begun() -> Engine:
        store = Store(tmp_path / "state.db", contract.name)
        return Engine(contract, Tail([str(events)], batch_bytes=200), {}, clock, store).start()

    engine = begun()
    taken, take, stopped_at = [], engine.take, float("inf")
    if stop_at == 0:
        engine.stop()
        stopped_at = clock.seconds

    def take_and_stop(item: object) -> None:
        nonlocal stopped_at
        take(item)  # type: ignore[arg-type]
        taken.append(item)
        if len(taken) == stop_at:
            engine.stop()
            stopped_at = clock.seconds

    engine.take = take_and_stop  # type: ignore[method-assign]
    engine.run(lambda: True)
    assert clock.seconds - stopped_at < run.STOP_S + 0.3
    assert 0 < applied(engine) < LINES
    engine.tail.close()
    following = begun()
    following.step()
    assert applied(following) == LINES
    following.run(lambda: False)
    following.tail.close()


def test_a_scrape_that_waits_at_the_end_is_answered_and_so_are_later_ones(tmp_path: Path) -> None:
    engine = Engine(contract_of(tmp_path, SHOP), Tail([str(tmp_path / "x")]), {}, StandingClock()).start()
    turn = engine.scrape(10)
    assert not turn.done()
    engine.stop()
    engine.run(lambda: True)
    assert turn.done()
    assert engine.scrape(10).done()
    engine.tail.close()


def test_a_process_that_is_told_to_stop_while_it_reads_much_stops_and_goes_on_exactly(tmp_path: Path) -> None:
    events, port, lines = tmp_path / "events.jsonl", free_port(), 1_500_000
    events.write_bytes(b'{"v":1,"decision":"accept","reason":"none","run_id":"r","latency_ms":5}\n' * lines)
    command = [sys.executable, "-m", "exporters.ai_live", "--file", str(events), "--state-dir", str(tmp_path / "state")]
    command += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]

    def begin() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command)
        deadline = time.monotonic() + 30
        while read_page(port) is None:
            assert time.monotonic() < deadline
        return process

    process = begin()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    process = begin()
    deadline = time.monotonic() + 60
    while (page := read_page(port) or {}) and sum(
        value for (name, _), value in page.items() if name == "peak_trade_exporter_lines_total"
    ) < lines:
        assert time.monotonic() < deadline
    found = {dict(labels)["outcome"]: v for (name, labels), v in page.items() if name.endswith("exporter_lines_total")}
    assert {outcome: number for outcome, number in found.items() if number} == {"applied": lines}
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
