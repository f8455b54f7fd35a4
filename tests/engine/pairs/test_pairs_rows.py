import json
from collections import Counter
from collections.abc import Callable
from random import Random

from contracts.model import Contract
from exporters.engine.pairs.pairs import OpenPairs
from exporters.engine.stored import read_rows
from tests.engine.support.harness import NOW, Bench, Row, stored
from tests.engine.support.stages import STAGES, event

Rows = dict[tuple[str, str], object]


def changed(pairs: OpenPairs, everything: bool = False) -> list[Row]:
    """Return the rows of what changed, but for what they mean."""
    return [row for row in stored(pairs.changes(everything)) if row[0] != "law"]


def restarted(contract: Contract, pairs: OpenPairs, kept: Rows) -> OpenPairs:
    """Return pairs that only know the rows yielded so far."""
    for kind, key, value in changed(pairs):
        kept[kind, key] = value
    pairs.committed()
    fresh = OpenPairs(contract)
    rows: list[Row] = json.loads(json.dumps([[*name, value] for name, value in kept.items() if value is not None]))
    fresh.restore(read_rows([(kind, key, value) for kind, key, value in rows]))
    return fresh


def test_a_change_is_yielded_until_it_is_committed(contract: Callable[[str], Contract]) -> None:
    stages = Bench(contract(STAGES)).feed(event("open", 0, "a"), event("ack", 2, "a"))
    base = round(NOW - 1000) * 10**9
    then = base + 2 * 10**9
    record = ["a", base, then, True, None, None, True, then, None, then, 1]
    rows = [("newest", "order", [then, 0]), ("pair", '["order", 1]', [record])]
    assert changed(stages.pairs) == changed(stages.pairs) == rows
    stages.pairs.committed()
    assert changed(stages.pairs) == []
    stages.feed(event("done", 500, "b"))
    newest, gone, waits = changed(stages.pairs)
    assert newest == ("newest", "order", [base + 500 * 10**9, 1])
    assert gone == ("pair", '["order", 1]', None)
    assert waits[:2] == ("pair", '["order", 2]')


def test_everything_is_yielded_again_when_asked_for(contract: Callable[[str], Contract]) -> None:
    stages = Bench(contract(STAGES))
    assert changed(stages.pairs, everything=True) == [("newest", "order", None)]
    (_, _, newest), (_, _, records) = changed(stages.feed(event("open", 0, "a")).pairs)
    stages.pairs.committed()
    assert changed(stages.pairs, everything=True) == [
        ("newest", "order", newest),
        ("pair", '["order", 1]', None),
        ("pair", '["order", 2]', records),
    ]


def test_what_a_restart_brings_back_goes_on_as_if_nothing_had_happened(contract: Callable[[str], Contract]) -> None:
    random, seen = Random(7), Counter[str]()
    for room in (3, 300):
        spec = contract(STAGES.replace("max_open: 3", f"max_open: {room}"))
        bench, kept = Bench(spec), Rows()
        steady, restarting = OpenPairs(spec), OpenPairs(spec)
        for clock in range(0, 3000, 8):
            stage, identity = random.choice(["open", "open", "ack", "done"]), random.choice("abcde")
            moment = NOW - 4000 + clock + random.choice([0, 0, 30, 0, -150, 0, 120])
            joins = bench.feed({"stage": stage, "id": identity, "at": moment}).effect.joins
            expected, settled = steady.join(joins), steady.settle()
            assert (restarting.join(joins), restarting.settle()) == (expected, settled)
            assert restarting.sizes() == steady.sizes()
            seen.update(outcome for _, _, outcome in (*expected[1], *settled))
            restarting = restarted(spec, restarting, kept)
    assert seen.keys() == {"joined", "orphan", "repeated", "negative", "expired", "evicted"}


def test_entries_of_a_pair_the_contract_no_longer_has_are_left_out(contract: Callable[[str], Contract]) -> None:
    records = [["a", 1.0, None, None, None, None, None, 1.0, 1]]
    pairs = OpenPairs(contract(STAGES))
    rows = [("newest", "gone", [1.0, 0]), ("pair", '["gone", 1]', records), ("pair", '["order", 4]', records)]
    left = pairs.restore(read_rows(rows))
    assert left == {"gone": 1}
    assert pairs.sizes() == {"order": 1}
    assert changed(pairs) == [("newest", "gone", None), ("pair", '["gone", 1]', None)]


def test_a_cap_lowered_between_two_runs_holds_from_the_next_opening_on(contract: Callable[[str], Contract]) -> None:
    stages = Bench(contract(STAGES)).feed(*[event("open", 0, identity) for identity in "abc"])
    smaller = Bench(contract(STAGES.replace("max_open: 3", "max_open: 1")))
    smaller.pairs.restore(read_rows(changed(stages.pairs)))
    smaller.feed(event("open", 1, "d"))
    assert smaller.pairs.sizes() == {"order": 1}
    assert smaller.moved("pairs_forgotten_total") == {("order", "evicted"): 3}


def test_ids_over_a_timeout_that_was_shortened_in_between_are_forgotten_after_the_restart(
    contract: Callable[[str], Contract],
) -> None:
    first = Bench(contract(STAGES)).feed(event("open", 0, "old"), event("open", 60, "new"))
    assert first.pairs.sizes() == {"order": 2}
    second = Bench(contract(STAGES.replace("timeout: 100", "timeout: 50")), rows=first.rows())
    second.feed()
    assert second.pairs.sizes() == {"order": 1}
    second.feed(event("ack", 60, "old"), event("ack", 60, "new")).conclude()
    found = {key[1:]: number for key, number in second.moved("pair_edges_total").items()}
    assert found == {("open_to_ack", "orphan"): 1, ("open_to_ack", "joined"): 1}


def test_times_stored_in_seconds_by_an_earlier_version_are_taken_over(contract: Callable[[str], Contract]) -> None:
    base = NOW - 1000
    record = ["i1", base + 0.1, None, None, None, None, None, base + 0.1, 1]
    stages = Bench(contract(STAGES), rows=[("newest", "order", [base + 0.1, 0]), ("pair", '["order", 1]', [record])])
    stages.feed(event("ack", 1.1))
    assert stages.values("exact_seconds") == {(): 1.0}


def test_what_a_pair_means_is_written_once_and_taken_out_when_it_means_something_else(
    contract: Callable[[str], Contract],
) -> None:
    spec = contract(STAGES)
    stages = Bench(spec).feed(event("open", 0, "a"), event("open", 1, "b"))
    first = stored(stages.pairs.changes(everything=False))
    (meaning,) = [row for row in first if row[0] == "law"]
    assert meaning[1] == "order"
    assert meaning in stored(stages.pairs.changes(everything=False)), "until it has been written"
    stages.pairs.committed()
    assert stored(stages.pairs.changes(everything=False)) == []
    assert meaning in stored(stages.pairs.changes(everything=True))
    same, other = (
        OpenPairs(spec),
        OpenPairs(contract(STAGES.replace("open_to_done: [open, done]}", "open_to_done: [done, open]}"))),
    )
    assert not same.restore(read_rows(first))
    assert stored(same.changes(everything=False)) == []
    assert other.restore(read_rows(first)) == {"order": 2}
    changes = stored(other.changes(everything=False))
    assert {row[:2] for row in changes if row[2] is None} >= {("law", "order"), ("pair", '["order", 1]')}
    assert [row[2] for row in changes if row[:2] == ("law", "order")][-1] not in (None, meaning[2])
    other.committed()
    assert stored(other.changes(everything=False)) == []
