"""The rows of pairs: whatever happens between commits, what is stored is what is remembered, and not much more."""

import json
from collections.abc import Callable
from random import Random

import pytest

from contracts.model import Contract
from exporters.engine.pairs.pairs import OpenPairs
from exporters.engine.pairs.segments import remembered
from exporters.engine.records import Saved
from exporters.engine.stored import read_rows
from tests.engine.support.harness import NOW, Bench
from tests.engine.support.harness import stored as stored_as
from tests.engine.support.stages import STAGES, event, remembered_by

pytestmark = pytest.mark.thorough

Rows = dict[tuple[str, str], object]
Make = Callable[[str], Contract]

ROOMY = STAGES.replace("max_open: 3", "max_open: 300")


def commit(pairs: OpenPairs, stored: Rows, everything: bool = False) -> None:
    """Write as the store does: of two rows with one name the last one stands, None deletes."""
    rows = json.loads(json.dumps(stored_as(pairs.changes(everything))))
    if everything:
        stored.clear()
    for kind, key, value in rows:
        stored[kind, key] = value
        if value is None:
            del stored[kind, key]
    pairs.committed()


def listed(stored: Rows) -> Saved:
    return read_rows([(*name, value) for name, value in stored.items()])


def records_in(stored: Rows) -> int:
    return sum(len(value) for (kind, _), value in stored.items() if kind == "pair" and isinstance(value, list))


def some_events(chance: Random) -> list[dict[str, object]]:
    """Return a few events; half of them are of the same few ids."""
    names = [f"often-{chance.randrange(8)}", f"once-{chance.randrange(10**6)}"]
    return [
        event(chance.choice(["open", "ack", "done"]), chance.randrange(60), chance.choice(names))
        for _ in range(chance.randrange(1, 40))
    ]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_stored_is_what_is_remembered_whatever_happens_between_commits(contract: Make, seed: int) -> None:
    """Commits that fail, commits of everything, restarts: ids, times, latencies and order."""
    chance, spec = Random(seed), contract(ROOMY)
    bench, stored = Bench(spec), Rows()
    for number in range(200):
        bench.feed(*({**one, "at": NOW - 90_000 + number * 20 + chance.random()} for one in some_events(chance)))
        if chance.random() < 0.2:
            list(bench.pairs.changes())  # the disk said no
            continue
        commit(bench.pairs, stored, everything=chance.random() < 0.02)
        kept = remembered(listed(stored)).get("order", {})
        kept_entries = {identity: [*entry, number, 0] for identity, (number, entry) in kept.items()}
        assert list(kept_entries.items()) == list(remembered_by(bench.pairs).items())
        if chance.random() < 0.1:
            bench.pairs = OpenPairs(spec)
            bench.pairs.restore(listed(stored))
    assert remembered_by(bench.pairs)


@pytest.mark.slow
def test_one_id_heard_of_again_and_again_leaves_no_trail(contract: Make) -> None:
    bench, stored = Bench(contract(STAGES)), Rows()
    joins = bench.feed(event("open", 0, "waiting")).feed(event("open", 0, "busy")).effect.joins
    for _ in range(6_000):
        bench.pairs.join(joins)
        commit(bench.pairs, stored)
    assert len(stored) == 4, "the newest time, what it means, and a segment for each of the two"
    assert list(remembered(listed(stored))["order"]) == ["waiting", "busy"]
    assert len(bench.pairs._open["order"].queue) <= 2 * 2 + 4096 + 1


@pytest.mark.slow
def test_segments_are_written_together_when_most_of_their_records_are_out_of_date(contract: Make) -> None:
    """One id of each segment stays, so that no segment empties by itself."""
    bench, stored = Bench(contract(ROOMY.replace("max_open: 300", "max_open: 1000"))), Rows()
    for number in range(200):
        bench.feed(event("open", 0, f"stays-{number}"), *(event("open", 0, f"busy-{one}") for one in range(100)))
        commit(bench.pairs, stored)
        assert records_in(stored) <= 2 * len(remembered_by(bench.pairs)) + 4096
    assert len(remembered_by(bench.pairs)) == 300
    assert records_in(stored) < 200 * 101 / 4


def test_many_ids_at_once_are_cut_into_rows(contract: Make) -> None:
    bench, stored = Bench(contract(ROOMY.replace("max_open: 300", "max_open: 9000"))), Rows()
    bench.feed(*(event("open", 0, f"i-{one}") for one in range(2500)))
    commit(bench.pairs, stored)
    assert [len(value) for value in stored.values() if isinstance(value, list)] == [2, *[256] * 9, 196]


def test_ids_that_come_and_go_between_two_commits_are_never_written(contract: Make) -> None:
    bench, stored = Bench(contract(STAGES)), Rows()
    for number in range(50):
        bench.feed(event("open", number, f"i-{number}"))
    commit(bench.pairs, stored)
    assert list(remembered(listed(stored))["order"]) == ["i-47", "i-48", "i-49"]
    assert records_in(stored) == 3


def test_after_a_restart_nothing_is_to_be_written_until_something_comes(contract: Make) -> None:
    spec, stored = contract(STAGES), Rows()
    bench = Bench(spec)
    for number in range(5):
        bench.feed(event("open", number, f"i-{number}"))
        commit(bench.pairs, stored)
    again = OpenPairs(spec)
    again.restore(listed(stored))
    assert list(again.changes()) == []
    assert stored_as(again.changes(everything=True))[0] == stored_as(bench.pairs.changes(everything=True))[0]


def test_without_a_store_nothing_piles_up(contract: Make) -> None:
    bench = Bench(contract(STAGES))
    for number in range(500):
        bench.feed(event("open", number, f"i-{number}"), event("ack", number, f"i-{number}"))
        bench.pairs.committed()
    segments = bench.pairs._open["order"].segments
    assert not any(value for value in vars(segments).values() if isinstance(value, list | dict))
