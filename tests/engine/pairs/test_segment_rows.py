"""Which records stand in which rows of a pair: the newest of each id once, whatever happened before it was written."""

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from contracts.model import Contract
from exporters.engine.pairs import segments
from exporters.engine.pairs.entry import SEGMENT
from exporters.engine.pairs.pairs import OpenPairs
from exporters.engine.stored import read_rows
from tests.engine.pairs.test_segments import Rows, commit, listed, records_in
from tests.engine.support.harness import Bench
from tests.engine.support.stages import STAGES, event, remembered_by

Make = Callable[[str], Contract]
ROOM = STAGES.replace("max_open: 3", "max_open: 40")


def rows_of(stored: Rows) -> dict[str, list[str]]:
    """Return the ids of each row."""
    return {
        key: [record[0] for record in value]
        for (kind, key), value in stored.items()
        if kind == "pair" and isinstance(value, list)
    }


def test_what_was_forgotten_or_changed_before_a_row_was_written_is_not_written_in_it(contract: Make) -> None:
    bench, stored = Bench(contract(STAGES)), Rows()
    bench.feed(*(event("open", 0, identity) for identity in "abc"))
    list(bench.pairs.changes())  # the disk said no
    bench.feed(event("ack", 1, "b"), event("open", 2, "d"))
    commit(bench.pairs, stored)
    assert rows_of(stored) == {'["order", 1]': ["c"], '["order", 2]': ["b", "d"]}


def test_a_row_that_was_never_written_is_left_out_when_nothing_of_it_is_new(contract: Make) -> None:
    bench, stored = Bench(contract(STAGES)), Rows()
    bench.feed(*(event("open", 0, identity) for identity in "abc"))
    list(bench.pairs.changes())  # the disk said no
    bench.feed(*(event("ack", 1, identity) for identity in "abc"))
    commit(bench.pairs, stored)
    assert rows_of(stored) == {'["order", 2]': ["a", "b", "c"]}


def test_an_id_that_changed_and_was_forgotten_since_is_not_written(contract: Make) -> None:
    bench, stored = Bench(contract(STAGES)), Rows()
    bench.feed(*(event("open", 0, identity) for identity in "abc"))
    commit(bench.pairs, stored)
    bench.feed(*(event("ack", 1, identity) for identity in "abc"), event("open", 2, "d"))
    commit(bench.pairs, stored)
    assert rows_of(stored) == {'["order", 2]': ["b", "c", "d"]}


def test_an_id_that_changed_and_was_heard_of_again_is_written_once(contract: Make) -> None:
    bench, stored = Bench(contract(STAGES)), Rows()
    bench.feed(event("open", 0, "a"), event("open", 0, "b"))
    commit(bench.pairs, stored)
    bench.feed(event("done", 1, "a"), event("ack", 2, "a"), event("ack", 3, "a"), event("open", 4, "a"))
    commit(bench.pairs, stored)
    assert rows_of(stored) == {'["order", 1]': ["a", "b"], '["order", 2]': ["a"]}
    bench.feed(event("done", 3, "a"), event("done", 3, "b"))
    commit(bench.pairs, stored)
    assert list(rows_of(stored)) == ['["order", 3]'], "nothing of the others is new"
    assert not list(bench.pairs.changes())


def test_a_row_of_which_nothing_is_new_any_more_goes_with_the_next_commit(contract: Make) -> None:
    spec = contract(STAGES)
    record = ["a", 1, None, None, None, None, None, 1, None, 1]
    rows = [("newest", "order", [1, 0]), *(("pair", f'["order", {n}]', [[*record, n]]) for n in (1, 2))]
    pairs, stored = OpenPairs(spec), Rows({row[:2]: row[2] for row in rows})
    pairs.restore(read_rows(rows))
    commit(pairs, stored)
    assert list(rows_of(stored)) == ['["order", 2]']
    commit(pairs, stored)


def test_rows_are_written_together_also_after_restarts(contract: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """One id of each row stays, so that no row empties by itself."""
    monkeypatch.setattr(segments, "_SPARE", 8)
    chance, spec = Random(3), contract(ROOM)
    bench, stored = Bench(spec), Rows()
    for number in range(120):
        bench.feed(event("open", 0, f"stays-{number}"))
        bench.feed(*(event(chance.choice(["open", "done"]), 0, f"busy-{chance.randrange(9)}") for _ in range(6)))
        commit(bench.pairs, stored)
        assert records_in(stored) <= 2 * len(remembered_by(bench.pairs)) + 8
        of_pair = bench.pairs._open["order"].segments
        newest = Counter(entry[SEGMENT] for entry in bench.pairs._open["order"].entries.values())
        assert of_pair._newest == {one: newest[one] for one in of_pair._ids}
        assert of_pair._records == sum(map(len, of_pair._ids.values()))
        if number % 7 == 0:
            before = remembered_by(bench.pairs)
            bench.pairs = OpenPairs(spec)
            bench.pairs.restore(listed(stored))
            assert remembered_by(bench.pairs) == before


def test_without_a_store_nothing_piles_up_of_what_changes(contract: Make) -> None:
    bench = Bench(contract(STAGES))
    for number in range(20):
        bench.feed(event("open", number, f"i-{number}"))
        list(bench.pairs.changes())
        bench.pairs.committed()
        bench.feed(event("ack", number, f"i-{number}"))
        list(bench.pairs.changes())
        bench.pairs.committed()
    of_pair = bench.pairs._open["order"].segments
    assert len(of_pair._ids) == len(of_pair._newest) <= 3
    assert not of_pair._changed and not of_pair._gone and not of_pair._unwritten


def test_a_pair_left_of_which_no_id_was_remembered_is_no_loss(contract: Make) -> None:
    record = ["a", 1, None, None, None, None, None, 1, None, 1, 3]
    rows = [("newest", "gone", [1, 5]), ("pair", '["gone", 1]', [record])]
    assert not OpenPairs(contract(STAGES)).restore(read_rows(rows))
