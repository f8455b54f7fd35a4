"""Scrapes, during a backlog too: answered in time with what has been committed, each of them once."""

from __future__ import annotations

from pathlib import Path

from exporters.engine.run import Engine
from exporters.engine.tail.tail import Tail
from tests.engine.run.test_stop import BusyClock, published
from tests.engine.support.commits import SHOP, shop_event
from tests.engine.support.harness import contract_of, line_of


def test_a_scrape_answered_during_a_backlog_is_not_answered_again_at_its_end(tmp_path: Path) -> None:
    lines, events = 200, tmp_path / "sample.jsonl"
    events.write_bytes(b"".join(line_of(shop_event(number)) for number in range(lines)))
    engine = Engine(contract_of(tmp_path, SHOP), Tail([str(events)], batch_bytes=200), {}, BusyClock()).start()
    hurried, given_up, patient = engine.scrape(0.1), engine.scrape(0.1), engine.scrape(60)
    given_up.cancel()
    shown: list[int] = []
    hurried.add_done_callback(lambda _: shown.append(published(engine)))
    patient.add_done_callback(lambda _: shown.append(published(engine)))
    engine.step()
    assert 0 < shown[0] < lines == shown[1]
    assert (hurried.done(), patient.done(), given_up.cancelled()) == (True, True, True)
    engine.tail.close()


def test_whoever_asks_to_be_answered_ends_the_wait_for_the_next_look(tmp_path: Path) -> None:
    engine = Engine(contract_of(tmp_path, SHOP), Tail([str(tmp_path / "x")]), {}, BusyClock()).start()
    assert not engine._wake.is_set()
    engine.wake()
    assert engine._wake.is_set()
    engine._wake.clear()
    engine.scrape(1.0)
    assert engine._wake.is_set()
    engine.tail.close()
