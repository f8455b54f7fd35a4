"""What is remembered of one id: its lives come out as they went in, and say what becomes of what waited."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

import pytest

from contracts.model import Contract
from exporters.engine.pairs.entry import (
    JOINED,
    LAST,
    NEVER,
    ODD,
    Entry,
    EntryCodec,
    Life,
    Odd,
    Waiting,
    episodes,
    outcome_of,
    pack,
    unpack,
)
from exporters.engine.values import FIRST_PLACE, Close
from tests.engine.support.stages import STAGES

OPEN, ACK = FIRST_PLACE, FIRST_PLACE + 1
EDGES = {OPEN: [FIRST_PLACE + 2, FIRST_PLACE + 4], ACK: [FIRST_PLACE + 3]}
TIMEOUT = 10


def blank() -> Entry:
    return [None, None, None, NEVER, 0, 0, 0, *[None] * 5]


def told(life: Life) -> tuple[object, ...]:
    return life.place, life.first, tuple(life.joined), life.is_certain


def close(opened: int = OPEN, joined_at: int = FIRST_PLACE + 2) -> Close:
    keys = (("p", "e", outcome) for outcome in ("joined", "orphan", "repeated", "negative", "evicted"))
    return Close(opened, joined_at, (), *keys)


def packed(*lives: Life, waiting: tuple[Waiting, ...] = ()) -> Entry:
    entry = blank()
    pack(entry, list(lives), list(waiting), EDGES, TIMEOUT)
    return entry


def test_lives_that_begin_within_the_timeout_of_each_other_are_one_episode() -> None:
    lives = [Life(OPEN, at, []) for at in (40, 0, 10, 20, 31)]
    assert [[life.first for life in one] for one in episodes(lives, TIMEOUT)] == [[0, 10, 20], [31, 40]]
    assert list(episodes([], TIMEOUT)) == []


@pytest.mark.parametrize("seed", range(20))
def test_lives_come_out_as_they_went_in(seed: int) -> None:
    chance = Random(seed)
    lives = [
        Life(place, first, [edge for edge in EDGES[place] if chance.random() < 0.5])
        for place, first in {(chance.choice((OPEN, ACK)), chance.randrange(60)) for _ in range(chance.randrange(1, 7))}
    ]
    entry = packed(*lives)
    assert sorted(map(told, unpack(entry, EDGES))) == sorted(map(told, lives))
    front = list(episodes(lives, TIMEOUT))[-1]
    assert entry[LAST] == front[-1].first
    for place in EDGES:
        mine = [life.first for life in front if life.place == place]
        assert entry[place] == (mine[-1] if mine else None), "in front stands the newest of its stage"
    pack(entry, unpack(entry, EDGES), [], EDGES, TIMEOUT)
    assert sorted(map(told, unpack(entry, EDGES))) == sorted(map(told, lives))


def test_of_an_id_without_a_life_nothing_stays_in_front() -> None:
    one = Waiting(5, close())
    entry = packed(Life(OPEN, 1, [FIRST_PLACE + 2]))
    pack(entry, [], [one], EDGES, TIMEOUT)
    assert (entry[FIRST_PLACE:], entry[LAST], entry[ODD].waiting, entry[ODD].lives) == ([None] * 5, None, [one], [])
    assert packed(Life(OPEN, 1, []))[ODD] is None


@pytest.mark.parametrize(
    ("lives", "joined"),
    [
        ([Life(OPEN, 0, []), Life(ACK, 1, [])], None),
        ([Life(OPEN, 0, [FIRST_PLACE + 2]), Life(ACK, 1, [])], True),
        ([Life(OPEN, 0, [], is_certain=False), Life(ACK, 1, [])], False),
        ([Life(OPEN, 0, [FIRST_PLACE + 2], is_certain=False), Life(ACK, 1, [])], True),
        ([Life(OPEN, 0, [FIRST_PLACE + 2]), Life(ACK, 50, [])], None),
        ([Life(OPEN, 0, [], is_certain=False), Life(ACK, 50, [])], None),
    ],
)
def test_an_id_in_front_joined_or_did_not_or_may_have_lost_its_other_half(
    lives: list[Life], joined: bool | None
) -> None:
    entry = packed(*lives)
    assert entry[JOINED] is joined
    assert {life.is_certain for life in unpack(entry, EDGES) if life.first == lives[-1].first} == {joined is not False}


@pytest.mark.parametrize(
    ("at", "first", "other", "is_certain", "outcome"),
    [
        (5, None, None, True, "orphan"),
        (5, None, None, False, "evicted"),
        (5, 6, None, True, "negative"),
        (5, 6, None, False, "evicted"),
        (5, 15, None, True, "negative"),
        (5, 16, None, True, "orphan"),
        (5, 5, None, True, "orphan"),
        (20, 5, None, True, "orphan"),
        (5, None, (OPEN, 15), True, "negative"),
        (5, None, (OPEN, 6), True, "negative"),
        (5, None, (OPEN, 16), True, "orphan"),
        (5, None, (OPEN, 5), True, "orphan"),
        (5, None, (ACK, 6), True, "orphan"),
    ],
)
def test_what_waited_in_vain_is_told_by_the_openings_there_are(
    at: int, first: int | None, other: tuple[int, int] | None, is_certain: bool, outcome: str
) -> None:
    entry = blank()
    one = Waiting(at, close(), is_certain)
    entry[OPEN] = first
    entry[ODD] = Odd([one], [Life(*other, [])] if other else [])
    assert outcome_of(one, entry, TIMEOUT) == ("p", "e", outcome)


def test_an_entry_comes_back_from_the_state_as_it_was(contract: Callable[[str], Contract]) -> None:
    spec = contract(STAGES)
    (pair,) = spec.pairs
    codec = EntryCodec(pair, spec)
    metrics = {metric.name: metric for metric in spec.metrics}
    targets = ((metrics["edge_seconds"], ("open_to_ack",)), (metrics["exact_seconds"], ()))
    keys = (("order", "open_to_ack", outcome) for outcome in ("joined", "orphan", "repeated", "negative", "evicted"))
    waits = Waiting(7, Close(FIRST_PLACE, FIRST_PLACE + 2, targets, *keys), is_certain=False)
    entry = blank()
    pack(entry, [Life(OPEN, 1, [FIRST_PLACE + 2]), Life(ACK, 50, [], is_certain=False)], [waits], EDGES, TIMEOUT)
    found = codec.entry(json.loads(json.dumps(codec.stored(entry)).replace("-Infinity", "0")), 4)
    assert (found[FIRST_PLACE:], found[:ODD]) == (entry[FIRST_PLACE:], entry[:ODD])
    assert (
        list(map(told, found[ODD].lives)) == list(map(told, entry[ODD].lives)) == [(OPEN, 1, (FIRST_PLACE + 2,), True)]
    )
    (back,) = found[ODD].waiting
    assert (back.at, back.is_certain, back.close.opened, back.close.joined_at) == (7, False, OPEN, FIRST_PLACE + 2)
    assert [(metric.name, labels) for metric, labels in back.close.targets] == [
        ("edge_seconds", ("open_to_ack",)),
        ("exact_seconds", ()),
    ]
    assert back.close.orphan == ("order", "open_to_ack", "orphan")


def test_what_an_earlier_version_stored_has_its_newest_opening(contract: Callable[[str], Contract]) -> None:
    spec = contract(STAGES)
    found = EntryCodec(spec.pairs[0], spec).entry([10, 20, True, None, None, True, 30, 1], 4)
    assert (found[LAST], found[ODD], found[FIRST_PLACE:]) == (20, None, [10, 20, True, None, None])


def test_of_what_waited_only_what_the_contract_still_has_is_moved(contract: Callable[[str], Contract]) -> None:
    spec = contract(STAGES)
    codec = EntryCodec(spec.pairs[0], spec)
    for target in (["gone", "x"], ["edge_seconds"], ["edge_seconds", "a", "b"], ["stages_total", "open"]):
        assert codec._target(target) is None
    found = codec._target(["edge_seconds", "ack_to_done"])
    assert found is not None
    assert (found[0].name, found[1]) == ("edge_seconds", ("ack_to_done",))
