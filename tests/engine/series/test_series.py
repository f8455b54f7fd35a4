from bisect import bisect_left
from collections.abc import Callable
from functools import reduce
from itertools import permutations
from operator import add

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.model import Contract, Metric, Word
from exporters.engine.records import Gone, SavedName
from exporters.engine.series import SeriesTable
from exporters.engine.stored import read_rows
from exporters.engine.values import Count, Observe, Put, Sample
from tests.engine.support.harness import Bench, Values

RUN = Word("run", "name", allow="a-z", max_length=9, max_values=2, otherwise="rest")


def metric(name: str, kind: str, job: str, **more: object) -> Metric:
    given = {"labels": {"run": "run"}, "budget": 3, "help": "Help.", **more}
    return Metric(name=name, type=kind, job=job, **given)  # type: ignore[arg-type]


TOTAL = metric("a_total", "counter", "counts")
AMOUNT = metric("b_total", "counter", "counts", amount="size")
SECONDS = metric("c_seconds", "histogram", "observes", buckets=(0.1, 1.0, 5.0))
GAUGE = metric("d", "gauge", "sets")
PLAIN = metric("e_total", "counter", "counts", labels={})


@pytest.fixture
def state() -> SeriesTable:
    return SeriesTable((TOTAL, AMOUNT, SECONDS, GAUGE, PLAIN), {"run": RUN})


def shown(state: SeriesTable, wanted: Metric) -> Values:
    return {s.labels: s.value for found, samples in state.snapshot() if found is wanted for s in samples}


def test_nothing_is_shown_before_it_is_committed(state: SeriesTable) -> None:
    state.apply([Count(TOTAL, ("a",), 2.0)], now=1.0)
    assert shown(state, TOTAL) == {}
    state.commit()
    state.apply([Count(TOTAL, ("a",), 3.0), Count(TOTAL, ("b",), 1.0)], now=2.0)
    before = state.snapshot()
    assert shown(state, TOTAL) == {("a",): 2.0}
    state.commit()
    assert shown(state, TOTAL) == {("a",): 5.0, ("b",): 1.0}
    assert before[0][1] == (Sample(("a",), 2.0, 1.0),)


def test_a_series_keeps_the_time_it_was_created_at(state: SeriesTable) -> None:
    state.apply([Count(TOTAL, ("a",), 1.0)], now=10.0)
    state.apply([Count(TOTAL, ("a",), 1.0)], now=20.0)
    state.commit()
    assert state.snapshot()[0][1] == (Sample(("a",), 2.0, 10.0),)


def test_a_snapshot_holds_the_metrics_in_their_order_and_the_series_by_label(state: SeriesTable) -> None:
    state.apply([Count(PLAIN, (), 1.0), Count(TOTAL, ("b",), 1.0), Count(TOTAL, ("a",), 1.0)], now=1.0)
    state.commit()
    names = ["a_total", "b_total", "c_seconds", "d", "e_total"]
    assert [found.name for found, _ in state.snapshot()] == names
    assert [sample.labels for sample in state.snapshot()[0][1]] == [("a",), ("b",)]
    assert state.size([TOTAL, GAUGE, PLAIN]) == 3


def test_a_forward_gauge_takes_larger_values_only_and_any_first_one(state: SeriesTable) -> None:
    for value, expected in ((-7.0, -7.0), (-9.0, -7.0), (0.0, 0.0), (-1.0, 0.0)):
        state.apply([Put(GAUGE, ("a",), value, keeps="max")], now=1.0)
        state.commit()
        assert shown(state, GAUGE) == {("a",): expected}
    state.apply([Put(GAUGE, ("a",), -1.0)], now=1.0)
    state.commit()
    assert shown(state, GAUGE) == {("a",): -1.0}


@given(st.lists(st.sampled_from([0.0, 0.05, 0.1, 0.100001, 0.5, 1.0, 1.5, 5.0, 5.1, 1e9]), min_size=1, max_size=20))
def test_a_value_falls_into_the_first_bucket_it_does_not_exceed(values: list[float]) -> None:
    state = SeriesTable((SECONDS,), {"run": RUN})
    state.apply([Observe(SECONDS, ("a",), values)], now=1.0)
    state.commit()
    expected = [0, 0, 0, 0]
    for value in values:
        expected[bisect_left((0.1, 1.0, 5.0), value)] += 1
    assert state.snapshot()[0][1] == (Sample(("a",), reduce(add, values), 1.0, tuple(expected)),)


def test_values_beyond_the_cap_share_one_series_and_are_counted(state: SeriesTable) -> None:
    assert not state.apply([Count(TOTAL, ("a",), 1.0), Count(TOTAL, ("b",), 1.0)], now=1.0).overflow
    applied = state.apply(
        [Count(TOTAL, ("c",), 3.0, events=3), Count(TOTAL, ("a",), 1.0), Observe(SECONDS, ("d",), [1.0, 2.0])], now=2.0
    )
    assert applied.overflow == {("a_total", "run"): 3, ("c_seconds", "run"): 2}
    state.commit()
    assert shown(state, TOTAL) == {("a",): 2.0, ("b",): 1.0, ("rest",): 3.0}


def test_the_value_that_stands_for_the_rest_is_no_overflow_and_the_cap_stays_shut(state: SeriesTable) -> None:
    state.apply([Count(TOTAL, ("a",), 1.0), Count(TOTAL, ("b",), 1.0)], now=1.0)
    assert not state.apply([Count(TOTAL, ("rest",), 1.0)], now=1.0).overflow
    assert state.apply([Count(TOTAL, ("c",), 1.0)], now=1.0).overflow == {("a_total", "run"): 1}


def test_overflow_counts_events_of_gauges_and_amounts_too(bench: Callable[..., Bench]) -> None:
    text = """
vocabulary:
  run: {allow: a-z, max_length: 8, max_values: 1}
  size: {type: number, min: 0}
  at: {type: time}
sources: {all: {match: {}, read: {run: run, size: size, at: at}}}
metrics:
  size_total: {type: counter, counts: run, amount: size, labels: [run], help: Sizes., budget: 2}
  last_timestamp_seconds: {type: gauge, sets: at, labels: [run], help: Last., budget: 2}
"""
    events = [{"run": run, "size": 2, "at": 1000} for run in "abbb"]
    found = bench(text).feed(*events).moved("label_overflow_total")
    assert found == {("size_total", "run"): 3, ("last_timestamp_seconds", "run"): 3}


INITIAL = """
vocabulary:
  kind: {values: [a, b], otherwise: other}
  only: {values: [x, y]}
  run: {allow: a-z, max_length: 8, max_values: 1, default: {env: RUN_NAME, value: none}}
  state: {values: ["on", "off"]}
  at: {type: time}
sources:
  one: {match: {v: 1}, read: {kind: kind, run: run, state: state, at: at}, by: t, rows: {T: {only: x}}}
  two: {match: {v: 2}, by: t, rows: {T: {only: y}, U: {kind: a}}}
metrics:
  closed_total: {type: counter, counts: kind, labels: [kind], help: Closed., budget: 3}
  reached_total: {type: counter, counts: only, labels: [source, only], help: Reached., budget: 4}
  named_total: {type: counter, counts: kind, labels: [kind, run], help: Named., init: [{kind: b}], budget: 6}
  open_total: {type: counter, counts: kind, labels: [run], help: Open., budget: 2}
  state: {type: gauge, states: state, labels: [state], help: SeriesTable., budget: 2}
  first_state: {type: gauge, states: state, labels: [run, state], init: [{state: "on"}], help: First., budget: 4}
  state_first: {type: gauge, states: state, labels: [state, run], init: [{state: "on"}], help: Before., budget: 4}
  up: {type: gauge, always: 1, labels: [run], init: [{}, {run: more}], help: Up., budget: 2}
  last_timestamp_seconds: {type: gauge, sets: at, labels: [source], help: Last., budget: 2}
  refused_total: {type: counter, rejections: {bad_json: bad}, labels: [reason], help: Refused., budget: 1}
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("closed_total", {("a",): 0, ("b",): 0, ("other",): 0}),
        ("reached_total", {("one", "x"): 0, ("two", "y"): 0}),
        ("named_total", {("b", "mine"): 0}),
        ("open_total", {}),
        ("state", {}),
        ("first_state", {("mine", "on"): 1, ("mine", "off"): 0}),
        ("state_first", {("on", "mine"): 1, ("off", "mine"): 0}),
        ("last_timestamp_seconds", {}),
        ("refused_total", {("bad",): 0}),
    ],
)
def test_what_can_be_known_exists_from_the_start(bench: Callable[..., Bench], name: str, expected: Values) -> None:
    assert bench(INITIAL, {"RUN_NAME": "mine"}).values(name) == expected


STATES = """
vocabulary:
  desk: {{values: [fx, rates]}}
  state: {{values: ["on", "off"]}}
  run: {{allow: a-z, max_length: 8, max_values: 1, default: none}}
sources: {{all: {{match: {{}}, read: {{desk: desk, state: state, run: run}}}}}}
metrics:
  desk_state: {{type: gauge, states: state, labels: [{}], init: [{{desk: fx, state: "on"}}], help: State., budget: 8}}
"""


@pytest.mark.parametrize("labels", [*permutations(["desk", "state", "run"])], ids=" ".join)
def test_a_state_gauge_shows_whole_label_sets_from_the_start_and_later_wherever_its_state_stands(
    bench: Callable[..., Bench], labels: tuple[str, ...]
) -> None:
    def shown(**values: dict[str, float]) -> Values:
        return {
            tuple({"desk": desk, "state": state, "run": "none"}[label] for label in labels): value
            for desk, states in values.items()
            for state, value in states.items()
        }

    shop = bench(STATES.format(", ".join(labels)))
    assert shop.values("desk_state") == shown(fx={"on": 1, "off": 0})
    shop.feed({"desk": "fx", "state": "off"}, {"desk": "rates", "state": "on"})
    assert shop.values("desk_state") == shown(fx={"on": 0, "off": 1}, rates={"on": 1, "off": 0})


def test_a_value_given_from_the_start_counts_towards_the_cap(bench: Callable[..., Bench]) -> None:
    assert bench(INITIAL).values("up") == {("none",): 1, ("other",): 1}


def test_what_was_stored_comes_back_and_goes_on(contract: Callable[[str], Contract]) -> None:
    spec = contract(INITIAL)
    first = Bench(spec).feed({"v": 1, "t": "T", "kind": "b", "run": "r", "state": "off", "at": 77}, "bad")
    second = Bench(spec, rows=first.rows())
    assert not second.left
    assert second.everything() == first.everything()
    event = {"v": 1, "t": "T", "kind": "b", "run": "zz", "state": "on", "at": 76}
    assert second.feed(event).everything() == first.feed(event).everything()


def test_stored_series_of_a_metric_that_changed_its_meaning_begin_anew(contract: Callable[[str], Contract]) -> None:
    first = Bench(contract(INITIAL)).feed({"v": 1, "t": "T", "kind": "b"})
    second = Bench(contract(INITIAL.replace("labels: [source, only]", "labels: [only, source]")), rows=first.rows())
    assert second.left == {"reached_total": 2}
    assert second.moved("reached_total") == {}
    assert second.moved("closed_total") == {("b",): 1}


@pytest.mark.parametrize("number", [1, 9], ids=["one by one", "many"])
def test_a_value_that_would_make_a_sum_infinite_is_refused(state: SeriesTable, number: int) -> None:
    values = [1e308, *[1e308] * number, 5.0]
    assert state.apply([Observe(SECONDS, ("a",), values)], now=1.0).refused == {("", "out_of_range"): number}
    state.commit()
    (sample,) = {metric.name: samples for metric, samples in state.snapshot()}[SECONDS.name]
    assert (sample.value, sum(sample.buckets)) == (1e308, 2)


def test_a_gauge_with_a_time_is_set_by_the_newest_and_by_the_later_of_two_of_one_time(state: SeriesTable) -> None:
    for value, at in ((1.0, 50), (2.0, 40), (3.0, 50), (4.0, 0), (5.0, 49)):
        state.apply([Put(GAUGE, ("a",), value, at=at)], now=1.0)
    state.commit()
    (sample,) = {metric.name: samples for metric, samples in state.snapshot()}[GAUGE.name]
    assert (sample.value, sample.at) == (3.0, 50)


NAMES = """
vocabulary:
  run: {{allow: a-z, max_length: 8, max_values: {}}}
  day: {{allow: a-z, max_length: 8, max_values: 2}}
sources: {{all: {{match: {{}}, read: {{run: run, day: day}}}}}}
metrics:
  runs_total: {{type: counter, counts: events, labels: [run], help: Runs., budget: 5}}
  days_total: {{type: counter, counts: events, labels: [day], help: Days., budget: 3}}
"""


@pytest.mark.parametrize(
    ("cap", "taken", "counted"),
    [
        (4, ["a", "b", "c", "d"], {("a",): 1, ("b",): 1, ("c",): 2, ("d",): 1}),
        (3, ["a", "b", "c"], {("a",): 1, ("b",): 1, ("c",): 2, ("other",): 1}),
        (1, ["a"], {("a",): 1, ("b",): 1, ("c",): 1, ("other",): 2}),
    ],
    ids=["a wider cap", "the same cap", "a narrower cap"],
)
def test_names_keep_their_places_over_a_restart_as_far_as_the_cap_goes(
    contract: Callable[[str], Contract], cap: int, taken: list[str], counted: Values
) -> None:
    first = Bench(contract(NAMES.format(3))).feed(*({"run": run, "day": "x"} for run in "abc"))
    second = Bench(contract(NAMES.format(cap)), rows=first.rows()).feed({"run": "c"}, {"run": "d"})
    assert [*second.state.seen["run"]] == taken
    assert [*second.state.seen["day"]] == ["x"]
    assert second.moved("runs_total") == counted


def test_names_that_lost_their_places_are_taken_out_of_the_state(contract: Callable[[str], Contract]) -> None:
    rows = Bench(contract(NAMES.format(3))).feed(*({"run": run, "day": "x"} for run in "abc")).rows()
    unlabelled = NAMES.replace("{{allow: a-z, max_length: 8, max_values: 2}}", "{{values: [x]}}")
    for text, gone in ((NAMES.format(1), {"b", "c"}), (unlabelled.format(3), {"x"})):
        spec = contract(text)
        table = SeriesTable(spec.metrics, spec.words)
        table.restore(read_rows(rows), spec)
        found = [one.record for one in table.changes(everything=False) if isinstance(one, Gone)]
        assert {one.value for one in found if isinstance(one, SavedName)} == gone
