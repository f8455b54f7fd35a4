"""The same events come to the same, whatever files they stand in, however these are read, with restarts in between."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.model import Contract
from exporters.engine.pairs.pairs import OpenPairs
from tests.budget import amount
from tests.engine.pairs.test_segments import commit, listed
from tests.engine.support.harness import NOW, Bench, contract_of
from tests.engine.support.pair_truth import Event, Truth, truth_of
from tests.engine.support.stages import STAGES

pytestmark = pytest.mark.thorough

ROOMY = STAGES.replace("max_open: 3", "max_open: 300")
EDGES = {"open_to_ack": ("open", "ack"), "ack_to_done": ("ack", "done"), "open_to_done": ("open", "done")}
TIMEOUT = 100
SETTINGS = settings(max_examples=amount(60, 2000), deadline=None, derandomize=True)

events = st.tuples(st.sampled_from("abc"), st.sampled_from(["open", "ack", "done"]), st.integers(0, 450))
seeds = st.randoms(use_true_random=False)


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    """Return a contract whose pair has room for every id."""
    return contract_of(tmp_path_factory.mktemp("roomy"), ROOMY)


class Reader:
    """Joins events as they are read, and says what they came to."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.bench = Bench(contract)
        self.pairs = OpenPairs(contract)
        self.stored: dict[tuple[str, str], object] = {}
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.latencies: Counter[tuple[str, float]] = Counter()

    def read(self, batch: Sequence[Event]) -> None:
        """Join one batch."""
        rows = [{"id": identity, "stage": stage, "at": NOW - 1000 + at} for identity, stage, at in batch]
        observed, tally = self.pairs.join(self.bench.feed(*rows).effect.joins)
        self.count(tally)
        for metric, labels, values in observed:
            if metric.name == "edge_seconds":
                self.latencies.update((labels[0], round(value)) for value in values)

    def count(self, tally: Counter[tuple[str, str, str]]) -> None:
        """Take over what became of edges and ids."""
        for (_, edge, outcome), number in tally.items():
            self.outcomes[edge, outcome] += number

    def restart(self) -> None:
        """Go on with what a commit kept."""
        commit(self.pairs, self.stored)
        self.pairs = OpenPairs(self.contract)
        self.pairs.restore(listed(self.stored))

    def result(self) -> Truth:
        """Conclude, and return what all came to."""
        self.count(self.pairs.conclude())
        return +self.outcomes, self.latencies


def in_stage_order(found: Sequence[Event]) -> list[Event]:
    """Return the events with those of one id and stage in the order of their times, in the places they had together."""
    sorted_times = {key: iter(sorted(e[2] for e in found if e[:2] == key)) for key in {e[:2] for e in found}}
    return [(identity, stage, next(sorted_times[identity, stage])) for identity, stage, _ in found]


@SETTINGS
@given(found=st.lists(events, max_size=40), cuts=st.lists(st.integers(1, 9)), restarts=st.sets(st.integers(0, 39)))
def test_all_that_is_read_before_the_files_end_joins_in_any_order(
    roomy: Contract, found: list[Event], cuts: list[int], restarts: set[int]
) -> None:
    reader = Reader(roomy)
    rest, number = in_stage_order(found), 0
    while rest:
        size = cuts[number % len(cuts)] if cuts else len(rest)
        reader.read(rest[:size])
        if number in restarts:
            reader.restart()
        rest, number = rest[size:], number + 1
    assert reader.result() == truth_of(found, EDGES, TIMEOUT)


@SETTINGS
@given(found=st.lists(events, max_size=40), ends=st.sets(st.integers(0, 450), max_size=12), random=seeds)
def test_what_is_written_later_joins_as_if_all_had_been_there_at_once(
    roomy: Contract, found: list[Event], ends: set[int], random: "object"
) -> None:
    reader = Reader(roomy)
    bounds = [-1, *sorted(ends), 451]
    for after, until in pairwise(bounds):
        batch = [one for one in found if after < one[2] <= until]
        random.shuffle(batch)  # type: ignore[attr-defined]
        reader.read(in_stage_order(batch))
        reader.count(reader.pairs.settle())
        if until % 2:
            reader.restart()
    assert reader.result() == truth_of(found, EDGES, TIMEOUT)


@SETTINGS
@given(found=st.lists(events, max_size=60), room=st.integers(1, 3), settles=st.sets(st.integers(0, 59)))
def test_every_closing_event_is_counted_once_whatever_the_room_and_the_order(
    tmp_path_factory: pytest.TempPathFactory, found: list[Event], room: int, settles: set[int]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    reader = Reader(contract_of(folder, STAGES.replace("max_open: 3", f"max_open: {room}")))
    for number, one in enumerate(found):
        reader.read([one])
        assert reader.pairs.sizes()["order"] <= room
        if number in settles:
            reader.count(reader.pairs.settle())
            reader.restart()
    outcomes, latencies = reader.result()
    for edge, (_, closing) in EDGES.items():
        of_edge = {outcome: number for (name, outcome), number in outcomes.items() if name == edge}
        assert sum(of_edge.values()) == sum(stage == closing for _, stage, _ in found)
        assert sum(number for (name, _), number in latencies.items() if name == edge) == of_edge.get("joined", 0)


def test_orders_and_fills_in_two_files_join_whichever_is_read_first(roomy: Contract) -> None:
    orders = [(f"o{number}", "open", 0) for number in range(200)]
    fills = [(f"o{number}", "ack", 1) for number in range(200)]
    for first, second in ((orders, fills), (fills, orders)):
        reader = Reader(roomy)
        reader.read(first)
        reader.read(second)
        assert reader.result() == (Counter({("open_to_ack", "joined"): 200}), Counter({("open_to_ack", 1): 200}))


@pytest.mark.parametrize("files", [("open", "ack"), ("ack", "open")], ids=["openings first", "closings first"])
def test_what_is_lost_for_want_of_room_is_counted_as_that(tmp_path: Path, files: tuple[str, str]) -> None:
    """Five ids, room for three: the last three of the first file are found, the others are evicted, not orphans."""
    reader = Reader(contract_of(tmp_path, STAGES))
    reader.read([(f"i{number}", files[0], 10) for number in range(5)])
    reader.read([(f"i{number}", files[1], 10) for number in reversed(range(5))])
    outcomes, _ = reader.result()
    assert {outcome: number for (edge, outcome), number in outcomes.items() if edge == "open_to_ack"} == {
        "joined": 3,
        "evicted": 2,
    }


def test_an_opening_whose_closing_may_have_been_evicted_is_evicted_and_not_expired(tmp_path: Path) -> None:
    reader = Reader(contract_of(tmp_path, STAGES))
    reader.read([(f"i{number}", "ack", 10) for number in range(5)])
    reader.read([(f"i{number}", "open", 10) for number in reversed(range(5))])
    reader.read([("late", "open", 300)])
    outcomes, _ = reader.result()
    assert {key: outcomes[key] for key in outcomes if key[0] == ""} == {("", "evicted"): 4}, "i0 and i1, twice"


def test_what_came_before_there_was_too_much_is_still_known_for_certain(tmp_path: Path) -> None:
    reader = Reader(contract_of(tmp_path, STAGES))
    reader.read([(f"i{number}", "ack", 10) for number in range(5)])
    reader.read([("late", "open", 300)])
    outcomes, _ = reader.result()
    assert outcomes == {
        ("open_to_ack", "orphan"): 1,
        ("open_to_ack", "evicted"): 4,
        ("", "expired"): 1,
        ("", "evicted"): 4,
    }
