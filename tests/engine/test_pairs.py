import json
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from contracts.model import Contract
from exporters.engine.pairs import OpenPairs
from exporters.engine.values import Join
from tests.engine.harness import NOW, Bench, Values

STAGES = """
vocabulary:
  stage: {values: [open, ack, done, note]}
  edge: {values: [open_to_ack, ack_to_done, open_to_done]}
  mode: {values: [x, y]}
  id: {type: id}
  at: {type: time, max_future: 5}
  latency: {type: number, unit: seconds, min: 0}
sources:
  all:
    match: {}
    read:
      stage: stage
      edge: edge
      mode: mode
      id: [{path: id}, {path: other_id}]
      at: at
      latency: latency
pairs:
  order:
    id: id
    stage: stage
    at: at
    edge: edge
    latency: latency
    edges: {open_to_ack: [open, ack], ack_to_done: [ack, done], open_to_done: [open, done]}
    timeout: 100
    max_open: 3
metrics:
  stages_total: {type: counter, counts: stage, labels: [stage], help: Stages., budget: 4}
  edge_seconds: {type: histogram, observes: latency, when: {edge: {present: true}}, labels: [edge], buckets: [1],
    help: E., budget: 3}
  mode_seconds: {type: histogram, observes: latency, labels: [mode], buckets: [1], help: M., budget: 2}
  exact_seconds: {type: histogram, observes: latency, when: {edge: open_to_ack}, buckets: [1], help: O., budget: 1}
"""

Make = Callable[..., Bench]


@pytest.fixture
def stages(bench: Make) -> Bench:
    return bench(STAGES)


def event(stage: str, after: float, identity: object = "i1", **more: object) -> dict[str, object]:
    return {"stage": stage, "id": identity, "at": NOW - 1000 + after, **more}


def edges(bench: Bench) -> Values:
    return {key[1:]: number for key, number in bench.moved("pair_edges_total").items()}


def test_every_edge_of_a_complete_order_is_observed_once(stages: Bench) -> None:
    stages.feed(event("open", 0), event("ack", 2), event("done", 5))
    assert edges(stages) == {("open_to_ack", "joined"): 1, ("ack_to_done", "joined"): 1, ("open_to_done", "joined"): 1}
    assert stages.values("edge_seconds") == {("open_to_ack",): 2, ("ack_to_done",): 3, ("open_to_done",): 5}
    assert stages.values("exact_seconds") == {(): 2}


def test_the_latency_has_the_labels_of_the_closing_event(stages: Bench) -> None:
    stages.feed(event("open", 0, mode="x"), event("ack", 2, mode="y"))
    assert stages.values("mode_seconds") == {("x",): 0, ("y",): 2}
    assert [sample.buckets for sample in stages.samples("mode_seconds")] == [(0, 0), (0, 1)]


def test_a_closing_stage_that_nothing_opened_is_an_orphan(stages: Bench) -> None:
    stages.feed(event("ack", 1), event("done", 2, "i2"))
    assert edges(stages) == {("open_to_ack", "orphan"): 1, ("ack_to_done", "orphan"): 1, ("open_to_done", "orphan"): 1}
    assert stages.moved("edge_seconds") == {}


def test_a_closing_stage_said_again_is_repeated_and_not_observed_again(stages: Bench) -> None:
    stages.feed(event("open", 0), event("ack", 1), event("ack", 7))
    assert edges(stages) == {("open_to_ack", "joined"): 1, ("open_to_ack", "repeated"): 1}
    assert stages.values("edge_seconds")["open_to_ack",] == 1


def test_the_first_of_two_openings_stands(stages: Bench) -> None:
    stages.feed(event("open", 0), event("open", 4), event("ack", 5))
    assert stages.values("edge_seconds")["open_to_ack",] == 5


def test_a_closing_before_its_opening_is_negative_and_leaves_the_edge_open(stages: Bench) -> None:
    stages.feed(event("open", 3), event("ack", 1), event("ack", 4))
    assert edges(stages) == {("open_to_ack", "negative"): 1, ("open_to_ack", "joined"): 1}
    assert stages.values("edge_seconds")["open_to_ack",] == 1


def test_a_closing_at_the_same_moment_is_a_latency_of_zero(stages: Bench) -> None:
    stages.feed(event("open", 3), event("ack", 3))
    assert edges(stages) == {("open_to_ack", "joined"): 1}
    assert stages.samples("exact_seconds")[0].buckets == (1, 0)


@pytest.mark.parametrize("alone", [False, True], ids=["one batch", "a batch each"])
def test_lines_are_joined_in_their_order_whatever_their_signature_and_batch(stages: Bench, alone: bool) -> None:
    events = [
        event("ack", 5),
        event("open", 1, mode="x"),
        event("ack", 6, mode="y"),
        event("open", 2),
        event("done", 9),
    ]
    (stages.feed_each if alone else stages.feed)(*events)
    assert edges(stages) == {
        ("open_to_ack", "orphan"): 1,
        ("open_to_ack", "joined"): 1,
        ("ack_to_done", "joined"): 1,
        ("open_to_done", "joined"): 1,
    }
    assert stages.values("edge_seconds") == {("open_to_ack",): 5, ("ack_to_done",): 4, ("open_to_done",): 8}


def test_a_stated_edge_is_observed_as_given_and_takes_no_part_in_pairing(stages: Bench) -> None:
    stages.feed(event("open", 0), event("ack", 9, edge="open_to_ack", latency=0.5), event("done", 10))
    assert edges(stages) == {("ack_to_done", "orphan"): 1, ("open_to_done", "joined"): 1}
    assert stages.values("edge_seconds") == {("open_to_ack",): 0.5, ("ack_to_done",): 0, ("open_to_done",): 10}


def test_an_unknown_edge_is_refused_and_the_event_is_paired(stages: Bench) -> None:
    stages.feed(event("open", 0), event("ack", 9, edge="sideways"))
    assert edges(stages) == {("open_to_ack", "joined"): 1}
    assert stages.moved("refused_values_total") == {("edge", "unknown_value"): 1}


def test_a_latency_without_edge_is_of_no_edge(stages: Bench) -> None:
    stages.feed(event("open", 0), event("ack", 9, latency=0.5, mode="x"))
    assert stages.values("edge_seconds")["open_to_ack",] == 9
    assert stages.values("mode_seconds")["x",] == 9.5


def test_ids_may_be_whole_numbers_and_may_stand_in_another_field(stages: Bench) -> None:
    stages.feed(event("open", 0, 0), event("ack", 1, "0"), event("done", 3, None, other_id=0))
    assert sum(edges(stages).values()) == edges(stages)["open_to_ack", "joined"] * 3 == 3


@pytest.mark.parametrize(
    ("more", "refused"),
    [
        ({"id": ""}, {}),
        ({"id": None}, {}),
        ({"id": True}, {("id", "mistyped"): 1}),
        ({"at": None}, {}),
        ({"at": "later"}, {("at", "mistyped"): 1}),
        ({"at": NOW + 60}, {("at", "future"): 1}),
        ({"id": [1], "at": {}}, {("id", "mistyped"): 1, ("at", "mistyped"): 1}),
    ],
    ids=str,
)
def test_an_event_without_id_or_time_is_counted_but_not_paired(
    stages: Bench, more: dict[str, object], refused: dict[tuple[str, str], int]
) -> None:
    stages.feed({**event("open", 0), **more}, event("ack", 1))
    assert edges(stages) == {("open_to_ack", "orphan"): 1}
    assert stages.values("stages_total")["open",] == 1
    assert stages.moved("refused_values_total") == refused


@pytest.mark.parametrize("alone", [False, True], ids=["one batch", "a batch each"])
def test_an_id_is_forgotten_after_the_timeout_and_counted_if_it_never_joined(stages: Bench, alone: bool) -> None:
    events = [event("open", 0, "lost"), event("open", 1, "kept"), event("ack", 2, "kept"), event("ack", 103, "lost")]
    (stages.feed_each if alone else stages.feed)(*events)
    assert edges(stages) == {("open_to_ack", "joined"): 1, ("open_to_ack", "orphan"): 1}
    assert stages.moved("pairs_forgotten_total") == {("order", "expired"): 1}
    assert stages.pairs.sizes() == {"order": 1}


def test_an_edge_may_last_as_long_as_the_timeout_and_no_longer(stages: Bench) -> None:
    stages.feed(event("open", 0, "a"), event("ack", 100, "a"))
    assert edges(stages) == {("open_to_ack", "joined"): 1}
    stages.feed(event("open", 200, "b"), event("ack", 290, "b"), event("done", 301, "b"))
    assert edges(stages)["open_to_done", "orphan"] == edges(stages)["ack_to_done", "joined"] == 1


def test_a_second_file_with_older_events_is_paired_as_well(stages: Bench) -> None:
    stages.feed(event("open", 900, "new"), event("ack", 901, "new"))
    stages.feed_each(
        event("open", 0, "old"), event("ack", 1, "old"), event("open", 5, "late"), event("ack", 106, "late")
    )
    assert edges(stages) == {("open_to_ack", "joined"): 2, ("open_to_ack", "orphan"): 1}


def test_beyond_its_cap_a_pair_forgets_the_id_not_heard_of_longest(stages: Bench) -> None:
    stages.feed(event("open", 0, "a"), event("open", 1, "b"), event("open", 2, "c"), event("open", 3, "a"))
    stages.feed(event("open", 4, "d"))
    assert stages.moved("pairs_forgotten_total") == {("order", "evicted"): 1}
    assert stages.pairs.sizes() == {"order": 3}
    stages.feed(*[event("done", 5, identity) for identity in "abcd"])
    assert {edge: number for edge, number in edges(stages).items() if edge[0] == "open_to_done"} == {
        ("open_to_done", "joined"): 3,
        ("open_to_done", "orphan"): 1,
    }


def test_a_joined_id_that_is_evicted_is_no_loss(stages: Bench) -> None:
    stages.feed(event("open", 0, "a"), event("ack", 1, "a"), *[event("open", 2, identity) for identity in "bcd"])
    assert stages.moved("pairs_forgotten_total") == {}


TWO_PAIRS = STAGES.replace(
    "\nmetrics:",
    """
  again:
    {id: id, stage: stage, at: at, edge: edge, latency: latency, edges: {open_to_done: [open, done]}, timeout: 1}
metrics:""",
)


def test_an_event_may_take_part_in_several_pairs_and_is_refused_once(bench: Make) -> None:
    both = bench(TWO_PAIRS).feed(event("open", 0), event("done", 1), event("open", 0, True), event("open", 0, at="?"))
    assert both.moved("pair_edges_total") == {
        ("order", "ack_to_done", "orphan"): 1,
        ("order", "open_to_done", "joined"): 1,
        ("again", "open_to_done", "joined"): 1,
    }
    assert both.moved("refused_values_total") == {("id", "mistyped"): 1, ("at", "mistyped"): 1}


def stage_named_like_an_edge() -> str:
    names = "values: [open_to_ack, ack]", "open_to_ack: [open_to_ack, ack]}"
    text = STAGES.replace("values: [open, ack, done, note]", names[0])
    return text.replace("open_to_ack: [open, ack], ack_to_done: [ack, done], open_to_done: [open, done]}", names[1])


def test_a_stage_may_be_named_like_an_edge(bench: Make) -> None:
    odd = bench(stage_named_like_an_edge()).feed(event("open_to_ack", 0), event("ack", 1), event("ack", 2))
    assert edges(odd) == {("open_to_ack", "joined"): 1, ("open_to_ack", "repeated"): 1}


Rows = dict[tuple[str, str], object]


def restarted(contract: Contract, pairs: OpenPairs, kept: Rows) -> OpenPairs:
    """Return pairs that only know the rows told so far."""
    for kind, key, value in pairs.rows():
        kept[kind, key] = value
    pairs.settled()
    fresh = OpenPairs(contract)
    told: list[tuple[str, str, object]] = json.loads(
        json.dumps([[*name, value] for name, value in kept.items() if value is not None])
    )
    fresh.restore(told)
    return fresh


def test_a_change_is_told_until_it_is_settled(contract: Callable[[str], Contract]) -> None:
    stages = Bench(contract(STAGES)).feed(event("open", 0, "a"), event("ack", 2, "a"))
    base = NOW - 1000
    entry = {"open": base, "ack": base + 2, " open_to_ack": 2.0, "": base + 2}
    rows = [("newest", "order", base + 2), ("pair", '["order", "a"]', [1, entry])]
    assert list(stages.pairs.rows()) == list(stages.pairs.rows()) == rows
    stages.pairs.settled()
    assert list(stages.pairs.rows()) == []
    stages.feed(event("done", 500, "b"))
    assert list(stages.pairs.rows()) == [("newest", "order", base + 500), ("pair", '["order", "a"]', None)]


def test_everything_is_told_again_when_asked_for(contract: Callable[[str], Contract]) -> None:
    stages = Bench(contract(STAGES))
    assert list(stages.pairs.rows(everything=True)) == [("newest", "order", None)]
    rows = list(stages.feed(event("open", 0, "a")).pairs.rows())
    stages.pairs.settled()
    assert list(stages.pairs.rows(everything=True)) == rows


def test_what_a_restart_brings_back_goes_on_as_if_nothing_had_happened(contract: Callable[[str], Contract]) -> None:
    random, law = Random(7), contract(STAGES)
    bench = Bench(law)
    steady, restarting = OpenPairs(law), OpenPairs(law)
    kept: Rows = {}
    seen: Counter[str] = Counter()
    for clock in range(0, 3000, 9):
        stage, identity = random.choice(["open", "open", "ack", "done"]), random.choice("abcde")
        moment = NOW - 4000 + clock + random.choice([0, 0, 30, 0, -150, 0, 120])
        joins: list[Join] = bench.feed({"stage": stage, "id": identity, "at": moment}).effect.joins
        expected = steady.join(joins)
        assert restarting.join(joins) == expected
        assert restarting.sizes() == steady.sizes()
        seen.update(outcome for _, _, outcome in expected[1])
        restarting = restarted(law, restarting, kept)
    assert seen.keys() == {"joined", "orphan", "repeated", "negative", "expired", "evicted"}


def test_entries_of_a_pair_the_contract_no_longer_has_are_left_out(contract: Callable[[str], Contract]) -> None:
    pairs, entry = OpenPairs(contract(STAGES)), {"open": 1.0, "": 1.0}
    pairs.restore(
        [("newest", "gone", 1.0), ("pair", '["gone", "a"]', [0, entry]), ("pair", '["order", "b"]', [1, entry])]
    )
    assert pairs.sizes() == {"order": 1}


def test_a_cap_lowered_between_two_runs_holds_from_the_next_opening_on(contract: Callable[[str], Contract]) -> None:
    stages = Bench(contract(STAGES)).feed(*[event("open", 0, identity) for identity in "abc"])
    smaller = Bench(contract(STAGES.replace("max_open: 3", "max_open: 1")))
    smaller.pairs.restore(stages.pairs.rows())
    smaller.feed(event("open", 1, "d"))
    assert smaller.pairs.sizes() == {"order": 1}
    assert smaller.moved("pairs_forgotten_total") == {("order", "evicted"): 3}
