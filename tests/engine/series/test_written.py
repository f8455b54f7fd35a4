"""What a commit writes of the series, and what a restart takes over of it."""

from collections.abc import Callable

import pytest

from contracts.model import Contract, Metric, Word
from exporters.engine.records import Change, Gone, MetricMeaning, SavedName, SavedSeries
from exporters.engine.series import SeriesTable
from exporters.engine.stored import read_rows
from exporters.engine.values import Count, Put
from tests.engine.support.harness import Bench

WORDS = {name: Word(name, "name", allow="a-z", max_length=9, max_values=2, otherwise="rest") for name in ("run", "day")}
RUNS = Metric("runs_total", "counter", "counts", "Runs.", {"run": "run"}, 3, subject="events")
BOTH = Metric("both", "gauge", "sets", "Both.", {"day": "day", "run": "run"}, 9, subject="size")


def table_of(*metrics: Metric) -> SeriesTable:
    return SeriesTable(metrics, WORDS)


def written(table: SeriesTable) -> list[Change]:
    """Return what the next commit writes but for what metrics mean."""
    return [one for one in table.changes(everything=False) if not isinstance(one, MetricMeaning)]


def test_a_commit_writes_what_changed_and_nothing_else() -> None:
    table = table_of(RUNS, BOTH)
    table.apply([Count(RUNS, ("a",), 2.0)], now=7.0)
    first = [SavedSeries("runs_total", ("a",), 2.0, 7.0, None, 0), SavedName("run", "a")]
    assert written(table) == written(table) == first, "also when the one before could not be written"
    meanings = [one.name for one in table.changes(everything=False) if isinstance(one, MetricMeaning)]
    assert meanings == ["runs_total", "both"]
    table.commit()
    assert list(table.changes(everything=False)) == []
    table.apply([Count(RUNS, ("a",), 0.0), Put(BOTH, ("x", "a"), 3.0)], now=8.0)
    assert list(table.changes(everything=False)) == [
        SavedSeries("both", ("x", "a"), 3.0, 8.0, None, 0),
        SavedName("day", "x"),
    ]
    table.commit()
    assert {one.value for one in table.changes(everything=True) if isinstance(one, SavedName)} == {"a", "x"}


def test_of_several_names_each_takes_a_place_of_its_own_word() -> None:
    table = table_of(BOTH)
    table.apply([Put(BOTH, (day, run), 1.0) for day, run in (("x", "a"), ("y", "b"))], now=1.0)
    overflow = table.apply([Put(BOTH, ("rest", "c"), 2.0), Put(BOTH, ("z", "a"), 3.0)], now=1.0).overflow
    assert overflow == {("both", "run"): 1, ("both", "day"): 1}
    table.commit()
    ((_, samples),) = table.snapshot()
    assert [sample.labels for sample in samples] == [("rest", "a"), ("rest", "rest"), ("x", "a"), ("y", "b")]


CONTRACT = """
vocabulary:
  kind: {values: [a, b]}
  size: {type: number, min: 0}
  weight: {type: number, min: 0}
sources: {all: {match: {}, read: {kind: kind, size: size, weight: weight}}}
metrics:
  sizes_total: {type: counter, counts: kind, amount: size, labels: [kind, source], budget: 2, help: Sizes.}
  most: {type: gauge, sets: size, keeps: max, budget: 1, help: Most.}
  weights_total: {type: counter, counts: kind, amount: weight, budget: 1, help: Weights.}
  kinds_total: {type: counter, counts: kind, budget: 1, help: Kinds.}
  up: {type: gauge, always: 1, init: [{}], budget: 1, help: Up.}
"""


def restarted(contract: Callable[[str], Contract], old: str, new: str) -> tuple[SeriesTable, set[object]]:
    """Return the series under the contract with a change, after a start under it as it was, and what was left."""
    assert old in CONTRACT
    rows = Bench(contract(CONTRACT)).feed({"kind": "a", "size": 2}, {"kind": "b", "size": 3}).rows()
    spec = contract(CONTRACT.replace(old, new))
    table = SeriesTable(spec.metrics, spec.words)
    saved = read_rows(row for row in rows if "peak_trade_exporter" not in row[1])
    left = table.restore(saved, spec)
    gone = [one.record for one in table.changes(everything=False) if isinstance(one, Gone)]
    assert left.total() == sum(isinstance(one, SavedSeries) for one in gone), "what is left is taken out"
    table.begin(spec, {}, 9.0)
    return table, {one.metric if isinstance(one, SavedSeries) else one for one in gone}


@pytest.mark.parametrize(
    ("old", "new", "left"),
    [
        ("help: Sizes.", "help: Sums.", set()),
        ("amount: size", "amount: weight", {"sizes_total"}),
        ("amount: size, ", "", {"sizes_total"}),
        ("keeps: max", "keeps: min", {"most"}),
        ("keeps: max, ", "", {"most"}),
        ("labels: [kind, source], budget: 2", "labels: [source, kind], budget: 2", {"sizes_total"}),
        ("values: [a, b]", "values: [a]", {"sizes_total"}),
        ("sources: {all:", "sources: {every:", {"sizes_total"}),
    ],
)
def test_series_of_another_meaning_or_beyond_the_lists_are_left(
    contract: Callable[[str], Contract], old: str, new: str, left: set[str]
) -> None:
    assert restarted(contract, old, new)[1] == left


def test_a_metric_that_is_no_more_is_taken_out_with_its_meaning_once(contract: Callable[[str], Contract]) -> None:
    table, gone = restarted(contract, "  kinds_total: {type: counter, counts: kind, budget: 1, help: Kinds.}\n", "")
    assert gone == {"kinds_total", MetricMeaning("kinds_total", "counter", "counts", "kind", None, (), ())}
    table.commit()
    assert list(table.changes(everything=False)) == []


def test_under_the_same_contract_a_restart_writes_nothing(contract: Callable[[str], Contract]) -> None:
    assert list(restarted(contract, "help: Kinds.", "help: Sorts.")[0].changes(everything=False)) == []


def test_a_constant_is_what_the_contract_says_now(contract: Callable[[str], Contract]) -> None:
    table = restarted(contract, "always: 1", "always: 2")[0]
    table.commit()
    assert {metric.name: [one.value for one in samples] for metric, samples in table.snapshot()}["up"] == [2]


def test_a_series_that_ended_is_not_shown_after_a_restart_and_begins_anew(contract: Callable[[str], Contract]) -> None:
    spec = contract("""
vocabulary: {size: {type: number}, is: {values: [on, off]}}
sources: {all: {match: {}, read: {size: size, is: is}}}
metrics: {most: {type: gauge, sets: size, keeps: max, ends: {is: off}, budget: 1, help: Most.}}
""")
    first = Bench(spec).feed({"size": 5, "is": "on"}, {"is": "off"})
    second = Bench(spec, rows=first.rows())
    assert second.values("most") == {}
    assert second.feed({"size": 2}).values("most") == {(): 2}
