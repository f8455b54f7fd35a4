"""Scrapes that wait for the engine: each goes on once, in time, and none waits for an engine that has ended."""

import threading

from exporters.engine.exposition.scrape_queue import ScrapeQueue


def test_a_scrape_waits_until_it_is_answered_and_wakes_the_engine() -> None:
    queue, wake = ScrapeQueue(), threading.Event()
    first, second = (queue.join(100.0, 10.0, wake) for _ in range(2))
    assert wake.is_set()
    waiting = queue.waiting()
    assert [one.done for one in waiting] == [first, second]
    queue.answer(waiting[:1])
    assert (first.done(), second.done()) == (True, False)
    queue.answer(waiting)
    assert (second.done(), queue.waiting()) == (True, [])


def test_a_scrape_is_overdue_when_most_of_its_time_is_up() -> None:
    queue = ScrapeQueue()
    assert queue.overdue(1e9) == []
    queue.join(100.0, 10.0, threading.Event())
    queue.join(100.0, 5.0, threading.Event())
    long, short = queue.waiting()
    for moment, expected in ((102.9, []), (103.0, [short]), (105.9, [short]), (106.0, [long, short])):
        assert queue.overdue(moment) == expected


def test_a_scrape_whose_client_has_gone_keeps_no_other_from_its_answer() -> None:
    queue = ScrapeQueue()
    gone, other = (queue.join(0.0, 1.0, threading.Event()) for _ in range(2))
    assert gone.cancel()
    queue.answer(queue.waiting())
    assert other.done()


def test_nobody_waits_for_an_engine_that_has_ended() -> None:
    queue = ScrapeQueue()
    early = queue.join(0.0, 1.0, threading.Event())
    queue.close()
    late = queue.join(0.0, 1.0, wake := threading.Event())
    assert (early.done(), late.done(), wake.is_set(), queue.waiting()) == (True, True, True, [])
