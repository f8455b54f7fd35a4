import json
from collections import Counter
from collections.abc import Callable
from random import Random

from contracts.model import Contract
from exporters.engine.pairs.pairs import OpenPairs
from tests.engine.support.harness import NOW, Bench
from tests.engine.support.stages import STAGES, event

Rows = dict[tuple[str, str], object]


def restarted(contract: Contract, pairs: OpenPairs, kept: Rows) -> OpenPairs:
    """Return pairs that only know the rows told so far."""
    for kind, key, value in pairs.rows():
        kept[kind, key] = value
    pairs.committed()
    fresh = OpenPairs(contract)
    shown: list[tuple[str, str, object]] = json.loads(
        json.dumps([[*name, value] for name, value in kept.items() if value is not None])
    )
    fresh.restore(shown)
    return fresh


def test_a_change_is_told_until_it_is_settled(contract: Callable[[str], Contract]) -> None:
    stages = Bench(contract(STAGES)).feed(event("open", 0, "a"), event("ack", 2, "a"))
    base = NOW - 1000
    record = ["a", base, base + 2, True, None, None, True, base + 2, 2]
    rows = [("newest", "order", [base + 2, 0]), ("pair", '["order", 1]', [record])]
    assert list(stages.pairs.rows()) == list(stages.pairs.rows()) == rows
    stages.pairs.committed()
    assert list(stages.pairs.rows()) == []
    stages.feed(event("done", 500, "b"))
    assert list(stages.pairs.rows()) == [("newest", "order", [base + 500, 2]), ("pair", '["order", 1]', None)]


def test_everything_is_told_again_when_asked_for(contract: Callable[[str], Contract]) -> None:
    stages = Bench(contract(STAGES))
    assert list(stages.pairs.rows(everything=True)) == [("newest", "order", None)]
    (_, _, newest), (_, _, records) = stages.feed(event("open", 0, "a")).pairs.rows()
    stages.pairs.committed()
    assert list(stages.pairs.rows(everything=True)) == [
        ("newest", "order", newest),
        ("pair", '["order", 1]', None),
        ("pair", '["order", 2]', records),
    ]


def test_what_a_restart_brings_back_goes_on_as_if_nothing_had_happened(contract: Callable[[str], Contract]) -> None:
    random, spec = Random(7), contract(STAGES)
    bench = Bench(spec)
    steady, restarting = OpenPairs(spec), OpenPairs(spec)
    kept: Rows = {}
    seen: Counter[str] = Counter()
    for clock in range(0, 3000, 9):
        stage, identity = random.choice(["open", "open", "ack", "done"]), random.choice("abcde")
        moment = NOW - 4000 + clock + random.choice([0, 0, 30, 0, -150, 0, 120])
        joins = bench.feed({"stage": stage, "id": identity, "at": moment}).effect.joins
        expected = steady.join(joins)
        assert restarting.join(joins) == expected
        assert restarting.sizes() == steady.sizes()
        seen.update(outcome for _, _, outcome in expected[1])
        restarting = restarted(spec, restarting, kept)
    assert seen.keys() == {"joined", "orphan", "repeated", "negative", "expired", "evicted"}


def test_entries_of_a_pair_the_contract_no_longer_has_are_left_out(contract: Callable[[str], Contract]) -> None:
    records = [["a", 1.0, None, None, None, None, None, 1.0, 1]]
    pairs = OpenPairs(contract(STAGES))
    left = pairs.restore(
        [("newest", "gone", [1.0, 0]), ("pair", '["gone", 1]', records), ("pair", '["order", 4]', records)]
    )
    assert left == {"gone": 1}
    assert pairs.sizes() == {"order": 1}
    assert list(pairs.rows()) == [("newest", "gone", None), ("pair", '["gone", 1]', None)]


def test_a_cap_lowered_between_two_runs_holds_from_the_next_opening_on(contract: Callable[[str], Contract]) -> None:
    stages = Bench(contract(STAGES)).feed(*[event("open", 0, identity) for identity in "abc"])
    smaller = Bench(contract(STAGES.replace("max_open: 3", "max_open: 1")))
    smaller.pairs.restore(stages.pairs.rows())
    smaller.feed(event("open", 1, "d"))
    assert smaller.pairs.sizes() == {"order": 1}
    assert smaller.moved("pairs_forgotten_total") == {("order", "evicted"): 3}
