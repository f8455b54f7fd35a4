"""Ending while there is still much to read: soon, between two batches, and exact at the next start."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporters.engine.run import Engine
from exporters.engine.state.store import Store
from exporters.engine.tail.tail import Tail
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
    engine.publish()
    return published(engine)


def published(engine: Engine) -> int:
    """Return how many lines a scrape answered now would show as applied."""
    snapshot, _ = engine.published
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
    taken, take, stopped_at = [], engine.ledger.take, float("inf")
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

    engine.ledger.take = take_and_stop  # type: ignore[method-assign]
    engine.run(lambda: True)
    assert 0.4 < clock.seconds - stopped_at < 0.8, "half a second, and the batch at hand"
    assert 0 < applied(engine) < LINES
    engine.tail.close()
    following = begun()
    following.step()
    assert applied(following) == LINES
    following.run(lambda: False)
    following.tail.close()


def test_the_last_lines_are_published_at_the_end(tmp_path: Path) -> None:
    events = tmp_path / "sample.jsonl"
    engine = Engine(contract_of(tmp_path, SHOP), Tail([str(events)]), {}, StandingClock()).start()
    events.write_bytes(line_of(shop_event(0)))
    engine.run(lambda: False)
    assert published(engine) == 1
    engine.tail.close()


def test_a_scrape_that_waits_at_the_end_is_answered_and_so_are_later_ones(tmp_path: Path) -> None:
    engine = Engine(contract_of(tmp_path, SHOP), Tail([str(tmp_path / "x")]), {}, StandingClock()).start()
    turn = engine.scrape(10)
    assert not turn.done()
    engine.stop()
    engine.run(lambda: True)
    assert turn.done()
    assert engine.scrape(10).done()
    engine.tail.close()
