from collections.abc import Callable

import pytest

from tests.engine.support.harness import NOW, Bench, Values
from tests.engine.support.stages import STAGES, event, remembered_by

Make = Callable[..., Bench]


@pytest.fixture
def stages(bench: Make) -> Bench:
    return bench(STAGES)


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


@pytest.mark.parametrize(
    "identity", ["x" * 129, "x" * 5000, "\u00fc", " padded "], ids=["long", "huge", "odd", "padded"]
)
@pytest.mark.parametrize("is_mixed_first", [True, False])
def test_an_id_beside_plain_ones_is_the_same_as_alone_and_so_joins_across_batches(
    stages: Bench, identity: str, is_mixed_first: bool
) -> None:
    alone, mixed = [""], ["", "short", "other"]
    for stage, after, ids in zip(
        ("open", "ack"), (0, 2), (mixed, alone) if is_mixed_first else (alone, mixed), strict=True
    ):
        stages.feed(*(event(stage, after, one or identity) for one in ids))
    assert edges(stages)["open_to_ack", "joined"] == 1
    assert max(map(len, remembered_by(stages.pairs))) <= 128, "memory per id is bounded"


def test_a_closing_stage_that_nothing_opened_is_an_orphan(stages: Bench) -> None:
    stages.feed(event("ack", 1), event("done", 2, "i2"))
    assert edges(stages) == {}
    assert edges(stages.conclude()) == {
        ("open_to_ack", "orphan"): 1,
        ("ack_to_done", "orphan"): 1,
        ("open_to_done", "orphan"): 1,
    }
    assert stages.moved("edge_seconds") == {}


def test_a_closing_stage_said_again_is_repeated_and_not_observed_again(stages: Bench) -> None:
    stages.feed(event("open", 0), event("ack", 1), event("ack", 7))
    assert edges(stages) == {("open_to_ack", "joined"): 1, ("open_to_ack", "repeated"): 1}
    assert stages.values("edge_seconds")["open_to_ack",] == 1


@pytest.mark.parametrize(("after", "outcome"), [(100, "repeated"), (101, "orphan")], ids=["in time", "over"])
def test_a_closing_stage_said_again_at_the_very_end_of_the_timeout_is_repeated(
    stages: Bench, after: int, outcome: str
) -> None:
    stages.feed(event("open", 0), event("ack", 1), event("ack", after)).conclude()
    assert edges(stages) == {("open_to_ack", "joined"): 1, ("open_to_ack", outcome): 1}


def test_the_first_of_two_openings_stands(stages: Bench) -> None:
    stages.feed(event("open", 0), event("open", 4), event("ack", 5))
    assert stages.values("edge_seconds")["open_to_ack",] == 5


def test_a_closing_before_its_opening_is_negative_and_leaves_the_edge_open(stages: Bench) -> None:
    stages.feed(event("open", 3), event("ack", 1), event("ack", 4)).conclude()
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
        ("open_to_ack", "joined"): 1,
        ("open_to_ack", "repeated"): 1,
        ("ack_to_done", "joined"): 1,
        ("open_to_done", "joined"): 1,
    }
    assert stages.values("edge_seconds") == {("open_to_ack",): 4, ("ack_to_done",): 4, ("open_to_done",): 8}


def test_a_stated_edge_is_observed_as_given_and_takes_no_part_in_pairing(stages: Bench) -> None:
    stages.feed(event("open", 0), event("ack", 9, edge="open_to_ack", latency=0.5), event("done", 10)).conclude()
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
    stages.feed({**event("open", 0), **more}, event("ack", 1)).conclude()
    assert edges(stages) == {("open_to_ack", "orphan"): 1}
    assert stages.values("stages_total")["open",] == 1
    assert stages.moved("refused_values_total") == refused


@pytest.mark.parametrize("alone", [False, True], ids=["one batch", "a batch each"])
def test_an_id_is_forgotten_after_the_timeout_and_counted_if_it_never_joined(stages: Bench, alone: bool) -> None:
    events = [event("open", 0, "lost"), event("open", 1, "kept"), event("ack", 2, "kept"), event("ack", 103, "lost")]
    (stages.feed_each if alone else stages.feed)(*events)
    assert stages.pairs.sizes() == {"order": 1}
    assert edges(stages.conclude()) == {("open_to_ack", "joined"): 1, ("open_to_ack", "orphan"): 1}
    assert stages.moved("pairs_forgotten_total") == {("order", "expired"): 1}
    assert stages.pairs.sizes() == {"order": 1}


def test_an_edge_may_last_as_long_as_the_timeout_and_no_longer(stages: Bench) -> None:
    stages.feed(event("open", 0, "a"), event("ack", 100, "a"))
    assert edges(stages) == {("open_to_ack", "joined"): 1}
    stages.feed(event("open", 200, "b"), event("ack", 290, "b"), event("done", 301, "b")).conclude()
    assert edges(stages)["open_to_done", "orphan"] == edges(stages)["ack_to_done", "joined"] == 1


def test_a_second_file_with_older_events_is_paired_as_well(stages: Bench) -> None:
    stages.feed(event("open", 900, "new"), event("ack", 901, "new"))
    stages.feed_each(
        event("open", 0, "old"), event("ack", 1, "old"), event("open", 5, "late"), event("ack", 106, "late")
    )
    assert edges(stages.conclude()) == {("open_to_ack", "joined"): 2, ("open_to_ack", "orphan"): 1}


def test_beyond_its_cap_a_pair_forgets_the_id_not_heard_of_longest(stages: Bench) -> None:
    stages.feed(event("open", 0, "a"), event("open", 1, "b"), event("open", 2, "c"), event("open", 3, "a"))
    stages.feed(event("open", 4, "d"))
    assert stages.moved("pairs_forgotten_total") == {("order", "evicted"): 1}
    assert stages.pairs.sizes() == {"order": 3}
    stages.feed(*[event("done", 5, identity) for identity in "acdb"]).conclude()
    assert {edge: number for edge, number in edges(stages).items() if edge[0] == "open_to_done"} == {
        ("open_to_done", "joined"): 3,
        ("open_to_done", "evicted"): 1,
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
    both.conclude()
    assert both.moved("pair_edges_total") == {
        ("order", "ack_to_done", "orphan"): 1,
        ("order", "open_to_done", "joined"): 1,
        ("again", "open_to_done", "joined"): 1,
    }
    assert both.moved("refused_values_total") == {("id", "mistyped"): 1, ("at", "mistyped"): 1}


def test_each_pair_has_a_timeout_of_its_own(bench: Make) -> None:
    both = bench(TWO_PAIRS).feed(event("open", 0), event("done", 50)).conclude()
    assert both.moved("pair_edges_total") == {
        ("order", "ack_to_done", "orphan"): 1,
        ("order", "open_to_done", "joined"): 1,
        ("again", "open_to_done", "orphan"): 1,
    }
    assert both.pairs.sizes() == {"order": 1, "again": 0}


def stage_named_like_an_edge() -> str:
    names = "values: [open_to_ack, ack]", "open_to_ack: [open_to_ack, ack]}"
    text = STAGES.replace("values: [open, ack, done, note]", names[0])
    return text.replace("open_to_ack: [open, ack], ack_to_done: [ack, done], open_to_done: [open, done]}", names[1])


def test_a_stage_may_be_named_like_an_edge(bench: Make) -> None:
    odd = bench(stage_named_like_an_edge()).feed(event("open_to_ack", 0), event("ack", 1), event("ack", 2))
    assert edges(odd) == {("open_to_ack", "joined"): 1, ("open_to_ack", "repeated"): 1}


def test_a_latency_is_exact_whatever_the_date(stages: Bench) -> None:
    """100 ms between two times is 0.1 s, as the bucket of 0.1 says."""
    for number in range(40):
        begin, end = (f"2026-01-25T00:00:{number:02}.{milli:03}Z" for milli in (number * 17, number * 17 + 100))
        stages.feed({"stage": "open", "id": number, "at": begin}, {"stage": "ack", "id": number, "at": end})
        first, second = stages.effect.joins[0].times
        assert second - first == 100_000_000
    assert stages.values("exact_seconds")[()] == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("times", "elsewhere", "outcome", "number", "latency"),
    [
        (range(33), None, "evicted", 1, 2.0),
        (range(34), None, "evicted", 2, 3.0),
        ([0, *range(69, 101)], None, "evicted", 1, 70.0),
        ([0, *range(70, 102)], None, "orphan", 1, 71.0),
        ([0, 1, *range(151, 183)], 150, "orphan", 2, None),
    ],
    ids=["one too many", "two", "just within the timeout", "just beyond it", "long beyond it"],
)
def test_of_an_id_for_which_too_many_events_wait_those_that_waited_longest_are_counted(
    stages: Bench, times: list[int], elsewhere: int | None, outcome: str, number: int, latency: float | None
) -> None:
    stages.files_end = False
    before, after = [at for at in times if at < (elsewhere or 0)], [at for at in times if at >= (elsewhere or 0)]
    others = [event("open", elsewhere, "i2")] if elsewhere else []
    stages.feed(*(event("ack", at) for at in before), *others, *(event("ack", at) for at in after))
    assert edges(stages) == {("open_to_ack", outcome): number}
    if latency is not None:
        stages.feed(event("open", -1))
        assert stages.values("edge_seconds")["open_to_ack",] == latency, "the first of those that still wait"
    found = edges(stages.conclude())
    assert sum(found.values()) == len(times), "each is counted once"
