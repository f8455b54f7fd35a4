"""A batch taken at once comes to the same as its events one by one: latencies, outcomes, and what is remembered."""

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from contracts.model import Contract
from exporters.engine.pairs import bulk
from exporters.engine.pairs.pairs import OpenPairs
from tests.budget import amount
from tests.engine.support.judged import ONE_EDGE, Event, Judged, Writer, plain
from tests.engine.support.pair_truth import truth_of
from tests.engine.support.stages import STAGES

Make = Callable[[str], Contract]


@pytest.fixture
def judged(contract: Make) -> Callable[[int], Judged]:
    return lambda room: Judged(contract(ONE_EDGE.replace("max_open: 3", f"max_open: {room}")))


@pytest.mark.parametrize("group", range(amount(6, 400)))
def test_a_batch_taken_at_once_comes_to_the_same_as_its_events_one_by_one(
    judged: Callable[[int], Judged], monkeypatch: pytest.MonkeyPatch, group: int
) -> None:
    monkeypatch.setattr(bulk, "_LONGEST_PAUSE", 1)
    at_once = 0
    for seed in range(10 * group, 10 * group + 10):
        chance = Random(seed)
        monkeypatch.setattr(bulk, "_FEWEST", chance.choice([1, 20]))
        monkeypatch.setattr(bulk, "_MOST_WAITING", chance.choice([10, 1000]))
        pair, writer = judged(chance.choice([20, 60, 200, 100_000])), Writer(chance)
        if seed % 2:  # one way to open and one to close
            pair.steps = {plan: pair.steps[plan] for plan in ("open", "close")}
        for _ in range(40):
            batch = writer.batch()
            pair.read(*[(plan if plan in pair.steps else plan.lower(), one, at) for plan, one, at in batch])
            at_once += pair.at_once > 0
            if chance.random() < 0.1:
                chance.choice([pair.settle, pair.restart])()
        pair.end()
    assert at_once > 20, "of 400 batches"


@pytest.mark.parametrize("seed", range(amount(20, 1000)))
def test_what_is_joined_at_once_is_what_all_events_come_to(
    judged: Callable[[int], Judged], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Worked out from all events together, in plain Python that shares nothing with the pairs stage."""
    monkeypatch.setattr(bulk, "_FEWEST", 1)
    chance, pair = Random(seed), judged(100_000)
    writer, events, at_once = Writer(chance), list[Event](), 0
    outcomes: Counter[tuple[str, str]] = Counter()
    latencies: Counter[tuple[str, float]] = Counter()
    for _ in range(20):
        batch = [writer.plain(chance.choice([0, 1, 3]), 8) for _ in range(90)]
        batch += [(chance.choice(["open", "close"]), f"i{chance.randrange(writer.opened)}", writer.at)] * (seed % 2)
        events += batch
        observed, tally = pair.read(*batch)
        at_once += pair.at_once > 0
        for (_, edge, outcome), number in tally.items():
            outcomes[edge, outcome] += number
        latencies.update(("open_to_ack", round(one)) for update in observed if update.labels for one in update.values)
    for (_, edge, outcome), number in pair.both[0].conclude().items():
        outcomes[edge, outcome] += number
    assert at_once > 5 or seed % 2
    stages = {"open": "open", "close": "ack"}
    told = [(identity, stages[plan.lower()], at) for plan, identity, at in events]
    assert (+outcomes, latencies) == truth_of(told, {"open_to_ack": ("open", "ack")}, 100)


def test_a_batch_of_pairs_that_hold_nothing_odd_is_taken_at_once(judged: Callable[[int], Judged]) -> None:
    pair = judged(1000)
    _, tally = pair.read(*plain(0, 100, 1000))
    assert (pair.at_once, tally) == (100, {("order", "open_to_ack", "joined"): 100})


def test_few_events_are_taken_one_by_one(judged: Callable[[int], Judged]) -> None:
    pair = judged(1000)
    pair.read(*plain(0, 31, 1000), ("open", "other", 1001))
    assert pair.at_once == 0
    pair.read(*plain(100, 32, 1000))
    assert pair.at_once == 32


def test_a_pair_of_more_than_one_edge_is_taken_event_by_event(contract: Make) -> None:
    pair = Judged(contract(STAGES.replace("max_open: 3", "max_open: 1000")))
    pair.read(*plain(0, 100, 1000))
    assert pair.at_once == 0


ODD: dict[str, Event] = {
    "an id that opens twice": ("open", "i1", 1002),
    "an id that closes twice": ("close", "i1", 1002),
    "an id that closes and never opened": ("close", "other", 1002),
    "an id that was open before the batch opens again": ("open", "before", 1002),
    "a time before the newest": ("open", "other", 999),
    "a closing later than the timeout": ("close", "before", 1102),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_batch_with_one_odd_event_is_taken_one_by_one(judged: Callable[[int], Judged], odd: Event) -> None:
    for is_committed in (False, True):
        pair = judged(1000)
        pair.read(*plain(1000, 100, 980), ("open", "before", 1001))
        assert pair.at_once == 101
        if is_committed:
            pair.restart()
        pair.read(*plain(0, 100, 1001), odd)
        assert pair.at_once == 0
        pair.end()


def test_after_a_batch_taken_one_by_one_the_next_is_taken_at_once_again(judged: Callable[[int], Judged]) -> None:
    """What waits across the end of a batch stands in an entry then, and joins there."""
    pair = judged(1000)
    pair.read(*plain(0, 100, 1000), ("open", "waits", 1001), ("close", "never opened", 1001))
    pair.read(*plain(100, 100, 1000))
    assert pair.at_once == 0, "it is not even looked at"
    _, tally = pair.read(*plain(200, 100, 1000), ("close", "waits", 1003))
    assert (pair.at_once, tally["order", "open_to_ack", "joined"]) == (100, 101)
    pair.restart()
    pair.end()


def test_a_stream_that_is_always_odd_is_looked_at_ever_more_seldom(judged: Callable[[int], Judged]) -> None:
    pair, looks = judged(1000), []
    joiner = pair.both[0]._open["order"]
    for number in range(300):
        before = joiner._left
        pair.read(*plain(100 * number, 40, 1000), ("close", "never opened", 1000 + number))
        if not before:
            looks.append(number)
    assert looks == [0, 2, 6, 14, 30, 62, 126, 191, 256]


def test_an_id_that_closes_before_it_opens_at_the_same_time_waits(judged: Callable[[int], Judged]) -> None:
    """It was heard of when it closed, which is what room is made by."""
    pair = judged(1000)
    others: list[Event] = [("open", "slow", 1000), *plain(0, 100, 1000), ("close", "slow", 1002)]
    _, tally = pair.read(*others, ("close", "x", 1002), ("open", "x", 1002))
    assert (pair.at_once, tally["order", "open_to_ack", "joined"]) == (0, 102)


def test_ids_that_wait_in_great_number_are_taken_one_by_one(judged: Callable[[int], Judged]) -> None:
    for waiting, at_once in ((1024, 1124), (1025, 0)):
        pair = judged(100_000)
        pair.read(*[("open", f"waits-{one}", 1000.0) for one in range(waiting)])
        assert pair.at_once == waiting
        pair.read(*plain(0, 100, 1000))
        assert pair.at_once == at_once


def test_what_never_joined_and_has_to_go_is_counted(judged: Callable[[int], Judged]) -> None:
    """Room for 100: of what is forgotten, what waited longer than the timeout is expired, else evicted."""
    pair = judged(100)
    pair.read(*[("open", f"old{one}", 1000.0) for one in range(2)], *plain(0, 40, 1000))
    _, tally = pair.read(*plain(40, 60, 1200, apart=0))
    assert (pair.at_once, tally["order", "", "expired"]) == (100, 2)
    pair.read(*[("open", f"young{one}", 1200.0) for one in range(2)], *plain(100, 40, 1200, apart=0))
    _, tally = pair.read(*plain(140, 60, 1200, apart=0))
    assert (pair.at_once, tally["order", "", "evicted"]) == (100, 2)


def test_an_id_that_has_to_go_before_it_closes_in_the_same_batch_is_not_joined(judged: Callable[[int], Judged]) -> None:
    for is_committed in (False, True):
        pair = judged(100)
        pair.read(("open", "goes", 1000), *plain(0, 40, 1000))
        if is_committed:
            pair.restart()
        _, tally = pair.read(*plain(40, 90, 1000), ("close", "goes", 1002))
        assert tally["order", "open_to_ack", "joined"] == 90
        assert pair.at_once == 0


def test_ids_are_kept_as_copies_next_to_each_other(judged: Callable[[int], Judged]) -> None:
    """One of a batch would keep a page of its memory."""
    pair = judged(1000)
    events = plain(0, 100, 1000)
    pair.read(*events)
    given = {identity: identity for _, identity, _ in events}
    (fresh,) = pair.both[0]._open["order"].fresh
    assert all(one == given[one] and one is not given[one] for one in fresh.ids)
    assert bulk.copies_of(["two\nlines", "one"]) == ["two\nlines", "one"]


@pytest.mark.parametrize("plans", [("open", "close"), ("open", "OPEN", "close", "CLOSE")], ids=len)
def test_a_batch_in_which_nothing_closes_observes_nothing(
    judged: Callable[[int], Judged], plans: tuple[str, ...]
) -> None:
    pair = judged(1000)
    pair.steps = {plan: pair.steps[plan] for plan in plans}
    assert pair.read(*[("open", f"i{one}", 1000.0) for one in range(100)]) == ([], {})
    assert pair.at_once == 100


@pytest.mark.parametrize("first", [1000.5, 1001.5])
def test_a_batch_that_begins_before_the_newest_time_is_taken_one_by_one(
    judged: Callable[[int], Judged], first: float
) -> None:
    pair = judged(1000)
    pair.read(*plain(0, 100, 1000), ("open", "newest", 1001.2))
    pair.read(("open", "early", first), *plain(200, 100, 1000))
    assert pair.at_once == (0 if first < 1001.2 else 202)


def test_a_closing_at_the_very_end_of_the_timeout_is_in_time(judged: Callable[[int], Judged]) -> None:
    pair = judged(1000)
    pair.read(("open", "slow", 1000), *plain(0, 100, 1000))
    _, tally = pair.read(*plain(100, 100, 1000), ("close", "slow", 1100))
    assert (pair.at_once, tally["order", "open_to_ack", "joined"]) == (201, 101)


@pytest.mark.parametrize(("at", "outcome"), [(1100.0, "evicted"), (1100.1, "expired")])
def test_what_has_to_go_at_the_very_end_of_its_timeout_is_not_over(
    judged: Callable[[int], Judged], at: float, outcome: str
) -> None:
    pair = judged(100)
    pair.read(("open", "waits", 1000), *plain(0, 40, 1000, apart=0))
    _, tally = pair.read(*plain(40, 60, at, apart=0))
    assert (pair.at_once, tally["order", "", outcome]) == (100, 1)


@pytest.mark.parametrize(("at", "outcome"), [(1100.0, "evicted"), (1100.1, "expired")])
def test_what_opens_within_the_timeout_of_an_evicted_id_may_have_joined(
    judged: Callable[[int], Judged], at: float, outcome: str
) -> None:
    """Its closing may have come before it and been forgotten: when it is over nobody can say that it was in vain."""
    pair = judged(100)
    pair.read(*plain(0, 100, 1000, apart=0))
    pair.read(("open", "waits", at), *plain(100, 40, at, apart=0))
    assert pair.at_once == 100
    _, tally = pair.read(*plain(140, 100, at + 1000, apart=0))
    assert (pair.at_once, tally["order", "", outcome]) == (100, 1)


def test_a_closing_that_waits_and_comes_again_is_taken_one_by_one(judged: Callable[[int], Judged]) -> None:
    pair = judged(1000)
    pair.read(*plain(0, 100, 1000), ("close", "late", 1001))
    pair.read(*plain(100, 100, 1000))
    pair.read(*plain(200, 100, 1000), ("close", "late", 1003))
    assert pair.at_once == 0
    pair.read(*plain(300, 100, 1000), ("open", "late", 1004))
    pair.end()


def test_where_more_is_stored_than_there_is_room_for_now_the_first_goes_at_once(contract: Make) -> None:
    pair = Judged(contract(ONE_EDGE.replace("max_open: 3", "max_open: 1000")))
    pair.read(*plain(0, 500, 1000))
    pair.restart(contract(ONE_EDGE.replace("max_open: 3", "max_open: 100")))
    pair.read(*plain(500, 60, 1000))
    pair.read(*plain(560, 60, 1000))
    pair.read(*plain(620, 60, 1000))
    assert pair.at_once == 60
    pair.end()


@pytest.mark.parametrize("forget", [OpenPairs.settle, OpenPairs.conclude], ids=["settle", "conclude"])
@pytest.mark.parametrize(("before", "outcome"), [(32, "expired"), (100, "evicted")], ids=["with room", "without"])
def test_what_waits_in_vain_is_counted_once_though_nothing_has_to_go(
    judged: Callable[[int], Judged], forget: Callable[[OpenPairs], Counter[object]], before: int, outcome: str
) -> None:
    """`waits` is over with the last batch, which has room; whatever is fresh is still so."""
    pair = judged(100 + before // 100 * 32)
    pair.read(*plain(0, before, 1000, apart=0))
    pair.read(*plain(100, 34, 1050, apart=0), ("open", "waits", 1050))
    pair.read(*plain(200, 32, 1150.1, apart=0))
    assert pair.at_once == pair.both[1].sizes()["order"]
    found, expected = map(forget, pair.both)
    assert found == expected == Counter({("order", "", outcome): 1})
    assert pair.at_once == 32
    assert forget(pair.both[0]) == Counter()
