from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from contracts.model import Contract
from exporters.engine.translate import plan_cache as plan_cache
from tests.engine.support.harness import NOW, Bench, Event

SHOP = """
vocabulary:
  kind: {values: [buy, sell]}
  run: {allow: a-z, max_length: 8, max_values: 2, default: none}
  size: {type: number, min: 0}
  latency: {type: number, unit: seconds, min: 0}
  heat: {type: number}
  state: {values: ["on", "off"]}
  at: {type: time, max_future: 5}
sources:
  one:
    match: {v: {present: true}}
    expect: {v: 1}
    read:
      kind: {path: kind, required: true}
      run: run
      size: size
      latency: [{path: latency_s}, {path: latency_ms, scale: 0.001}]
      heat: heat
      state: state
      at: ts
  two:
    match: {schema: s2}
    read: {at: when}
    by: type
    rows: {DO: {kind: buy}, TICK: {}}
  three: {match: {schema: s3}, by: type, rows: {ACK: {}}}
metrics:
  kinds_total: {type: counter, counts: kind, labels: [kind, run], help: Kinds., budget: 6}
  size_total: {type: counter, counts: kind, amount: size, labels: [kind], help: Sizes., budget: 2}
  latency_seconds: {type: histogram, observes: latency, labels: [kind], buckets: [0.1, 1], help: Latency., budget: 2}
  run_latency_seconds: {type: histogram, observes: latency, labels: [run], buckets: [1], help: By run., budget: 3}
  latest_latency_seconds: {type: gauge, sets: latency, help: Newest latency., budget: 1}
  heat_celsius: {type: gauge, sets: heat, labels: [run], help: Heat., budget: 3}
  any_heat_celsius: {type: gauge, sets: heat, help: Heat again., budget: 1}
  last_timestamp_seconds: {type: gauge, sets: at, labels: [source], help: Last., budget: 3}
  last_kind_timestamp_seconds: {type: gauge, sets: at, when: {kind: {present: true}}, help: Last kind., budget: 1}
  state: {type: gauge, states: state, labels: [run, state], help: SeriesTable., budget: 6}
"""

Make = Callable[..., Bench]


@pytest.fixture
def shop(bench: Make) -> Bench:
    return bench(SHOP)


def one(**fields: object) -> dict[str, object]:
    return {"v": 1, "kind": "buy", **fields}


def at(seconds: float) -> str:
    return datetime.fromtimestamp(NOW + seconds, UTC).isoformat()


@pytest.mark.parametrize("version", ["true", "1.5", '"1"', "2", "1e1", "[1]", '{"v":1}', "false"])
def test_only_the_number_one_is_version_one(shop: Bench, version: str) -> None:
    shop.feed(f'{{"v":{version},"kind":"buy"}}', '{"v":1,"kind":"buy"}', f'{{"v":{version},"kind":"buy"}}')
    assert shop.moved("kinds_total") == {("buy", "none"): 1}
    assert shop.effect.rejected == {("one", "unknown_schema"): 2}


@pytest.mark.parametrize("version", ["1.0", "1e0", "10e-1"])
def test_a_whole_number_is_one_however_it_is_written(shop: Bench, version: str) -> None:
    shop.feed(f'{{"v":{version},"kind":"buy"}}')
    assert shop.moved("kinds_total") == {("buy", "none"): 1}


def test_null_is_an_absent_field(shop: Bench) -> None:
    shop.feed('{"v":null,"kind":"buy"}', '{"v":1,"kind":null}')
    assert shop.effect.rejected == {("unknown", "unknown_schema"): 1, ("one", "missing_fields"): 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("-1", "out_of_range"),
        ("-0.0001", "out_of_range"),
        ("true", "mistyped"),
        ('"85 ms"', "mistyped"),
        ("[85]", "mistyped"),
        ("1e999", "out_of_range"),
        ("NaN", "mistyped"),
        ("Infinity", "out_of_range"),
        ("-Infinity", "out_of_range"),
    ],
)
def test_an_odd_latency_is_refused_once_however_many_metrics_read_it(shop: Bench, text: str, reason: str) -> None:
    good = '{"v":1,"kind":"buy","latency_ms":500}'
    shop.feed(good, f'{{"v":1,"kind":"buy","latency_ms":{text}}}', good, f'{{"v":1,"kind":"sell","latency_ms":{text}}}')
    assert shop.moved("refused_values_total") == {("latency", reason): 2}
    assert shop.moved("kinds_total") == {("buy", "none"): 3, ("sell", "none"): 1}
    assert shop.values("latency_seconds") == {("buy",): 1.0, ("sell",): 0.0}
    assert [sample.buckets for sample in shop.samples("latency_seconds")] == [(0, 2, 0), (0, 0, 0)]
    assert shop.values("run_latency_seconds") == {("none",): 1.0}
    assert shop.values("latest_latency_seconds") == {(): 0.5}


@pytest.mark.parametrize("text", ["nan", "-NaN", "+Infinity", "NaN1", "1NaN", "InfinityNaN"])
@pytest.mark.parametrize("rest", ["", ',"v":true'], ids=["plain", "mistyped besides"])
def test_a_line_with_what_no_writer_means_as_a_number_is_no_json(shop: Bench, text: str, rest: str) -> None:
    shop.feed(one(latency_ms=1), f'{{"v":1,"kind":"buy","latency_ms":{text}{rest}}}')
    assert shop.moved("lines_total") == {("applied",): 1, ("bad_json",): 1}
    assert shop.values("latency_seconds")["buy",] == 0.001


def test_a_text_may_hold_what_elsewhere_is_no_number(shop: Bench) -> None:
    shop.feed('{"v":1,"kind":"buy","run":"NaN","note":"a \\"Infinity\\" of NaN","heat":NaN,"more":[-Infinity]}')
    assert shop.moved("kinds_total") == {("buy", "_a_"): 1}
    assert shop.moved("refused_values_total") == {("heat", "mistyped"): 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f'"{at(5.5)}"', "future"),
        ('"2999-01-01T00:00:00Z"', "future"),
        ('"yesterday"', "mistyped"),
        ('""', "mistyped"),
        ("true", "mistyped"),
        ("{}", "mistyped"),
        ("1e12", "future"),
        ("1e400", "out_of_range"),
        ("-0.001", "out_of_range"),
        ('"0001-01-01T00:00:00Z"', "out_of_range"),
        ('"1969-12-31T23:59:59.999999999Z"', "out_of_range"),
    ],
)
def test_an_odd_time_is_refused_once_and_moves_no_gauge(shop: Bench, text: str, reason: str) -> None:
    shop.feed(f'{{"v":1,"kind":"buy","ts":{text}}}')
    assert shop.moved("refused_values_total") == {("at", reason): 1}
    assert shop.values("last_timestamp_seconds") == shop.values("last_kind_timestamp_seconds") == {}
    assert shop.moved("kinds_total") == {("buy", "none"): 1}


@pytest.mark.parametrize("alone", [False, True], ids=["one batch", "a batch each"])
def test_a_time_gauge_never_goes_back(shop: Bench, alone: bool) -> None:
    events: list[Event] = [
        one(ts=at(-9)),
        one(ts=at(-5)),
        {"schema": "s2", "type": "TICK", "when": at(-3)},
        one(ts=at(-7)),
    ]
    (shop.feed_each if alone else shop.feed)(*events)
    assert shop.values("last_timestamp_seconds") == {("one",): NOW - 5, ("two",): NOW - 3}
    assert shop.values("last_kind_timestamp_seconds") == {(): NOW - 5}


def test_times_up_to_five_seconds_ahead_and_the_epoch_are_times(shop: Bench) -> None:
    assert shop.feed(one(ts="1970-01-01T00:00:00Z")).values("last_timestamp_seconds") == {("one",): 0.0}
    assert shop.feed(one(ts=at(5))).values("last_timestamp_seconds") == {("one",): NOW + 5}


def test_a_known_line_that_feeds_nothing_is_ignored_and_counts_no_decision(shop: Bench) -> None:
    shop.feed({"schema": "s3", "type": "ACK"}, {"schema": "s2", "type": "TICK"})
    assert shop.moved("lines_total") == {("ignored",): 2}
    assert shop.moved("absent_values_total") == {("at",): 1}
    assert not shop.effect.rejected
    assert shop.moved("kinds_total") == {}


def test_a_refused_line_moves_nothing_at_all(shop: Bench) -> None:
    before = shop.everything()
    shop.feed(one(kind="?", size=3, latency_ms=-1, heat=1, state="on", ts=at(0)), {"schema": "s2", "type": "?"})
    changed = {key: value for key, value in shop.everything().items() if value != before.get(key)}
    assert {key[0] for key in changed} == {"peak_trade_exporter_lines_total", "peak_trade_exporter_read_bytes_total"}
    assert shop.moved("lines_total") == {("missing_fields",): 1, ("unknown_schema",): 1}


@pytest.mark.parametrize("alone", [False, True], ids=["one batch", "a batch each"])
def test_of_states_and_numbers_the_last_line_wins_across_signatures(shop: Bench, alone: bool) -> None:
    events = [
        one(state="on", heat=1, run="a"),
        one(state="off", heat=2, kind="sell", run="a"),
        one(state="on", heat=3, run="a"),
        one(state="off", heat=-4, run="b"),
        one(heat="hot", run="b"),
        one(),
    ]
    (shop.feed_each if alone else shop.feed)(*events)
    assert shop.moved("state") == {("a", "on"): 1, ("b", "off"): 1}
    assert shop.values("state")["b", "on"] == shop.values("state")["a", "off"] == 0
    assert shop.values("heat_celsius") == {("a",): 3, ("b",): -4}
    assert shop.values("any_heat_celsius") == {(): -4}
    assert shop.moved("refused_values_total") == {("heat", "mistyped"): 1}


def test_the_last_line_wins_among_label_values_that_share_a_series(shop: Bench) -> None:
    shop.feed(one(heat=1, run="a"), one(heat=2, run="b"))
    shop.feed(one(heat=3, run="c"), one(heat=4, run="d"), one(heat=5, run="c"))
    assert shop.values("heat_celsius") == {("a",): 1, ("b",): 2, ("other",): 5}


def test_an_amount_is_added_and_an_event_without_one_adds_nothing(shop: Bench) -> None:
    shop.feed(one(size=2.5), one(size=4), one(), one(size=-1), one(size=7, kind="sell"), one(size=0))
    assert shop.values("size_total") == {("buy",): 6.5, ("sell",): 7}
    assert shop.moved("refused_values_total") == {("size", "out_of_range"): 1}


def test_names_beyond_the_cap_are_folded_and_counted_per_event(shop: Bench) -> None:
    shop.feed(one(run="a"), one(run="b"), one(run="c"), one(run="d"), one(run="c"), one(run="a"))
    shop.feed(one(run="c"))
    assert shop.moved("kinds_total") == {("buy", "a"): 2, ("buy", "b"): 1, ("buy", "other"): 4}
    assert shop.moved("label_overflow_total")["kinds_total", "run"] == 4


def test_the_cap_is_on_the_word_whatever_metric_saw_a_value_first(shop: Bench) -> None:
    shop.feed(one(run="a"), one(run="b"), one(run="c", latency_s=1))
    assert shop.values("run_latency_seconds") == {("other",): 1.0}


def test_results_do_not_depend_on_how_lines_are_cut_into_batches(shop: Bench, bench: Make) -> None:
    events: list[Event] = [
        one(run=run, kind=kind, latency_s=0.125, size=index, heat=index, state=state, ts=at(-index))
        for index, (run, kind, state) in enumerate([("a", "buy", "on"), ("b", "sell", "off"), ("a", "buy", "off")] * 3)
    ]
    assert shop.feed(*events).everything() == bench(SHOP).feed_each(*events).everything()


def test_a_plan_forgotten_is_worked_out_again(shop: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_cache, "_PLANS_KEPT", 2)
    shop.feed(*[one(kind=f"x{number}") for number in range(5)], *[one(run="a")] * 3, *[one(kind="sell")] * 2)
    assert shop.moved("kinds_total") == {("buy", "a"): 3, ("sell", "none"): 2}
    assert max(len(shop.translator._plans._plans), len(shop.translator._plans._known)) <= 2


def test_the_plan_of_an_overlong_text_is_not_kept(shop: Bench) -> None:
    shop.feed(one(run="a" * 5000), one(run="a" * 5000))
    assert shop.moved("kinds_total") == {("buy", "aaaaaaaa"): 2}
    assert not shop.translator._plans._known
    assert max(len(text) for key in shop.translator._plans._plans for text in key if isinstance(text, str)) == 100


COUNTING = """
vocabulary: {kind: {values: [buy, sell]}}
sources: {all: {match: {}, read: {kind: kind}}}
metrics: {kinds_total: {type: counter, counts: kind, labels: [kind], help: Kinds., budget: 2}}
"""


def test_a_contract_that_only_counts_needs_no_single_events(bench: Make) -> None:
    counting = bench(COUNTING).feed({"kind": "buy"}, {"kind": "Buy"}, {"kind": "?"}, {"kind": 5.5}, {}, "[]")
    assert counting.values("kinds_total") == {("buy",): 2, ("sell",): 0}
    assert counting.moved("lines_total") == {("applied",): 2, ("ignored",): 3, ("not_object",): 1}
    assert counting.moved("refused_values_total") == {("kind", "mistyped"): 1, ("kind", "unknown_value"): 1}


def test_two_spellings_of_one_value_are_one_series(contract: Callable[[str], Contract]) -> None:
    one_batch = Bench(contract(COUNTING)).feed({"kind": " SELL "}, {"kind": "sell"})
    assert one_batch.moved("kinds_total") == {("sell",): 2}


NESTED = """
vocabulary:
  kind: {{values: [buy, sell]}}
  run: {{allow: a-z, max_length: 8, max_values: 2}}
  size: {{type: number, min: 0}}
  at: {{type: time}}
  order: {{type: id}}
  edge: {{values: [taken]}}
  wait: {{type: number, unit: seconds, min: 0}}
sources:
  one:
    match: {{event: request, {data}v: 1}}
    read:
      kind: {{path: {data}kind, required: true}}
      run: {data}{more}run
      size: {data}size
      at: at
      order: {data}order
  two:
    match: {{event: answer}}
    by: {data}type
    rows: {{BUY: {{kind: buy, run: {{path: run}}}}}}
pairs: {{orders: {{id: order, stage: kind, at: at, edge: edge, latency: wait, edges: {{taken: [buy, sell]}}}}}}
metrics:
  kinds_total: {{type: counter, counts: kind, labels: [kind, run, source], help: Kinds., budget: 16}}
  size_total: {{type: counter, counts: kind, amount: size, when: {{kind: buy}}, help: Sizes., budget: 1}}
  wait_seconds: {{type: histogram, observes: wait, labels: [edge], buckets: [5], help: Waits., budget: 1}}
"""


def asked(kind: str, run: str, size: float, second: int) -> dict[str, object]:
    return {"v": 1, "kind": kind, "run": run, "size": size, "order": "o1", "at": at(second - 100)}


def test_what_is_read_inside_objects_beside_what_is_not_counts_like_what_is_read_flat(bench: Make) -> None:
    asks = [asked("buy", "a", 2, 0), asked("sell", "b", 3, 7), asked("buy", "c", 4, 9), asked("hold", "a", 5, 9)]
    flat = bench(NESTED.format(data="", more=""))
    flat.feed(*({"event": "request", **ask} for ask in asks), {"event": "answer", "type": "BUY", "run": "a"})
    deep = bench(NESTED.format(data="data.", more="of."))
    deep.feed(
        *(
            {"event": "request", "at": ask.pop("at"), "data": {**ask, "of": {"run": ask.pop("run")}}}
            for ask in [dict(ask) for ask in asks]
        ),
        {"event": "answer", "run": "a", "data": {"type": "BUY"}},
        {"event": "request", "data": 7},
    )
    assert deep.moved("kinds_total") == {
        ("buy", "a", "one"): 1,
        ("sell", "b", "one"): 1,
        ("buy", "other", "one"): 1,
        ("buy", "a", "two"): 1,
    }
    for name in ("kinds_total", "size_total", "wait_seconds"):
        assert (
            deep.everything().items()
            >= {key: value for key, value in flat.everything().items() if key[0] == name}.items()
        )
    assert deep.moved("lines_total") == {("applied",): 4, ("missing_fields",): 1, ("unknown_schema",): 1}
    assert deep.values("wait_seconds") == {("taken",): 7}
