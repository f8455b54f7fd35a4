"""Of one id only so many lives are remembered: what becomes of the first ones, and of what would have joined them."""

from collections.abc import Callable

import pytest

from exporters.engine.pairs.entry import MOST
from tests.engine.support.harness import Bench, Values
from tests.engine.support.stages import STAGES, event

Make = Callable[..., Bench]

APART = STAGES.replace(
    "{open_to_ack: [open, ack], ack_to_done: [ack, done], open_to_done: [open, done]}",
    "{ack_to_done: [ack, done], open_to_done: [open, done]}",
).replace("{edge: open_to_ack}", "{edge: open_to_done}")
"""Two stages that are opened by events of their own, so that no opening closes the other's edge."""
STEP = 51
"""Between two lives: two of the same stage are further apart than the timeout, two of any stage are not."""
FIRST = -1000
LAST = FIRST + STEP * (MOST - 1)
"""When the first and the last life begin that are remembered."""


def with_all_lives(made: Bench) -> Bench:
    made.files_end = False
    return made.feed(*(event("ack" if number % 2 else "open", FIRST + number * STEP) for number in range(MOST)))


@pytest.fixture
def apart(bench: Make) -> Bench:
    """Return a pair that remembers as many lives of one id as it can, all of one episode."""
    return with_all_lives(bench(APART))


def edges(bench: Bench) -> Values:
    return {key[1:]: number for key, number in bench.moved("pair_edges_total").items()}


def forgotten(bench: Bench) -> dict[str, float]:
    return {outcome: number for (_, outcome), number in bench.moved("pairs_forgotten_total").items()}


def test_as_many_lives_as_are_remembered_all_join(apart: Bench) -> None:
    apart.feed(*(event("done", FIRST + number * STEP + 1) for number in range(MOST)))
    assert edges(apart) == {
        ("ack_to_done", "joined"): MOST / 2,
        ("open_to_done", "joined"): MOST / 2,
        ("ack_to_done", "repeated"): MOST / 2 - 1,
        ("open_to_done", "repeated"): MOST / 2,
    }
    assert forgotten(apart) == {}


@pytest.mark.parametrize(
    ("after", "outcome"), [(STEP, "evicted"), (100, "evicted"), (101, "expired")], ids=["early", "in time", "over"]
)
def test_one_life_more_costs_those_before_it_as_what_their_last_one_says(
    apart: Bench, after: int, outcome: str
) -> None:
    apart.feed(event("open", LAST + after))
    assert forgotten(apart) == {outcome: 1}
    apart.feed(event("done", LAST + after + 1), event("done", FIRST + 1)).conclude()
    assert {outcome: number for (edge, outcome), number in edges(apart).items() if edge == "open_to_done"} == {
        "joined": 1,
        "evicted": 1,
    }, "the newest is still there, the first is not"


def test_what_is_later_than_the_last_life_forgotten_by_more_than_the_timeout_is_known_for_certain(
    apart: Bench,
) -> None:
    apart.feed(event("open", LAST + STEP), event("done", LAST + 100, "i2"), event("done", LAST + 101, "i3")).conclude()
    assert edges(apart) == {
        ("ack_to_done", "evicted"): 1,
        ("open_to_done", "evicted"): 1,
        ("ack_to_done", "orphan"): 1,
        ("open_to_done", "orphan"): 1,
    }


def test_lives_that_joined_are_no_loss(apart: Bench) -> None:
    apart.feed(event("done", FIRST + 1), event("open", LAST + STEP))
    assert forgotten(apart) == {}


def test_lives_of_which_one_may_have_lost_its_other_half_are_evicted_and_not_expired(bench: Make) -> None:
    full = bench(APART).feed(*(event("open", FIRST - 50, identity) for identity in "abcd"))
    with_all_lives(full).feed(event("open", LAST + 101))
    assert forgotten(full) == {"evicted": 3}, "a and b for want of room, and what the first life began"


def test_one_life_that_may_have_lost_its_other_half_is_enough_for_all_of_its_episode(bench: Make) -> None:
    full = bench(APART.replace("max_open: 3", "max_open: 1"))
    full.feed(event("open", -50, "a"))
    full.feed(event("open", 0), event("open", 150), event("ack", 75))
    full.feed(event("open", 300, "b"))
    assert forgotten(full) == {"evicted": 2}, "a, and all three lives as one"


def test_in_the_end_the_newest_episode_is_kept_whole(bench: Make) -> None:
    """Its second opening of a stage is in front, the first is remembered beside it."""
    made = bench(STAGES)
    made.feed(event("open", -500), event("open", 0), event("ack", 90), event("open", 150), event("note", 160, "other"))
    made.feed(event("ack", 190, "other")).conclude()
    assert forgotten(made) == {"expired": 1}, "the episode before; what began at 90 is within its timeout"
    again = Bench(made.contract, rows=made.rows())
    again.feed(event("done", 95))
    assert edges(again)["open_to_done", "joined"] == 1


@pytest.mark.parametrize(("newest", "number"), [(100, 0), (101, 1)], ids=["in time", "over"])
def test_in_the_end_what_is_at_the_very_end_of_its_timeout_is_not_over(bench: Make, newest: int, number: int) -> None:
    made = bench(STAGES)
    made.files_end = False
    made.feed(event("open", 0), event("ack", newest, "other")).conclude()
    assert forgotten(made).get("expired", 0) == number
