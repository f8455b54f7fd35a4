import json
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.model import REJECTION_REASONS, Contract
from exporters.engine.accounting import LIVE, STORED, Accounting, status_of
from exporters.engine.decode import Decoder
from exporters.engine.translate.translate import Translator
from exporters.engine.values import Batch, Count, Decoded, Effect, Notice, Outcome, Sample, Update
from tests.engine.support.harness import NOW, Bench, contract_of, vitals

TEXT = """
vocabulary: {kind: {values: [a, b]}, n: {type: number, unit: seconds, min: 0}, id: {type: id}, edge: {values: [e]},
  at: {type: time}}
sources:
  one:
    match: {v: 1}
    expect: {w: 1}
    read: {kind: {path: kind, required: true}, n: n, id: id, edge: edge, at: at}
pairs: {pair: {id: id, stage: kind, at: at, edge: edge, latency: n, edges: {e: [a, b]}}}
metrics:
  kinds_total: {type: counter, counts: kind, labels: [kind], help: Kinds., budget: 2}
  n_seconds: {type: histogram, observes: n, labels: [edge], buckets: [1], help: N., budget: 1}
  refused_total:
    {type: counter, rejections: {bad_json: bad, not_object: bad, unknown_schema: schema}, labels: [source, reason],
      help: Refused., budget: 4}
  lost_total: {type: counter, rejections: {too_long: long}, help: Lost., budget: 1}
"""


@pytest.fixture
def accounting(contract: Callable[[str], Contract]) -> Accounting:
    return Accounting(contract(TEXT))


def shown(updates: list[Update]) -> dict[tuple[str, ...], float]:
    """Return (metric, labels...) -> amount; the exporter's own without prefix and name."""
    found: Counter[tuple[str, ...]] = Counter()
    for update in updates:
        assert isinstance(update, Count)
        own = update.metric.name.startswith("peak_trade_exporter_")
        found[update.metric.name.removeprefix("peak_trade_exporter_"), *update.labels[own:]] += int(update.amount)
    return dict(found)


def test_a_batch_is_accounted_for_line_by_line_and_byte_by_byte(accounting: Accounting) -> None:
    batch = Batch("f", start=100, end=600, data=b"", skipped_bytes=3, too_long=2, too_long_bytes=40)
    decoded = Decoded([], blank=4, rejected=Counter(bad_json=5, not_object=1, invalid_utf8=6), skipped_bytes=7)
    effect = Effect(
        outcomes=Counter[Outcome]({"applied": 8, "ignored": 9}),
        rejected=Counter({("one", "unknown_schema"): 10, ("unknown", "unknown_schema"): 11}),
        refused=Counter({("n", "out_of_range"): 12}),
        absent=Counter({"at": 13}),
        parts=Counter({("one.leg", "applied"): 14}),
    )
    assert shown(accounting.lines(batch, decoded, effect)) == {
        ("lines_total", "applied"): 8,
        ("lines_total", "ignored"): 9,
        ("lines_total", "blank"): 4,
        ("lines_total", "bad_json"): 5,
        ("lines_total", "invalid_utf8"): 6,
        ("lines_total", "not_object"): 1,
        ("lines_total", "too_long"): 2,
        ("lines_total", "unknown_schema"): 21,
        ("read_bytes_total",): 500,
        ("skipped_bytes_total", "filler"): 10,
        ("skipped_bytes_total", "too_long"): 40,
        ("refused_values_total", "n", "out_of_range"): 12,
        ("absent_values_total", "at"): 13,
        ("parts_total", "one.leg", "applied"): 14,
        ("refused_total", "unknown", "bad"): 6,
        ("refused_total", "one", "schema"): 10,
        ("refused_total", "unknown", "schema"): 11,
        ("lost_total",): 2,
    }


def test_an_empty_batch_changes_no_line(accounting: Accounting) -> None:
    assert shown(accounting.lines(Batch("f", 5, 5, b""), Decoded([]), Effect())) == {("read_bytes_total",): 0}


@pytest.mark.parametrize(
    ("notice", "expected"),
    [
        (Notice("rotated", "f"), {("rotations_total",): 1}),
        (Notice("rotated", "f", 9), {("rotations_total",): 1, ("lost_bytes_total",): 9}),
        (Notice("truncated", "f"), {("truncations_total",): 1}),
        (Notice("truncated", "f", 3), {("truncations_total",): 1, ("lost_bytes_total",): 3}),
        (Notice("lost", "f", 4), {("lost_bytes_total",): 4}),
        (Notice("recovered", "f", outcome="found"), {("recoveries_total", "found"): 1}),
    ],
    ids=str,
)
def test_each_notice_counts_once(
    accounting: Accounting, notice: Notice, expected: dict[tuple[str, ...], float]
) -> None:
    assert shown(accounting.notice(notice)) == expected


def test_pairs_and_overflow_are_told_by_what_became_of_them(accounting: Accounting) -> None:
    tally = {("pair", "e", "joined"): 3, ("pair", "e", "orphan"): 2, ("pair", "", "expired"): 1}
    assert shown(accounting.joined(tally)) == {
        ("pair_edges_total", "pair", "e", "joined"): 3,
        ("pair_edges_total", "pair", "e", "orphan"): 2,
        ("pairs_forgotten_total", "pair", "expired"): 1,
    }
    assert shown(accounting.folded({("kinds_total", "run"): 4})) == {("label_overflow_total", "kinds_total", "run"): 4}
    assert shown(accounting.folded({}, {("n", "out_of_range"): 5})) == {
        ("refused_values_total", "n", "out_of_range"): 5
    }


def test_every_outcome_and_edge_exists_from_the_start(accounting: Accounting) -> None:
    begun = shown(accounting.begin())
    assert set(begun.values()) == {0}
    outcomes = {labels[0] for name, *labels in begun if name == "lines_total"}
    assert outcomes == {"applied", "ignored", "blank", *REJECTION_REASONS}
    kinds = {labels[-1] for name, *labels in begun if name == "pair_edges_total"}
    assert kinds == {"joined", "orphan", "repeated", "negative", "evicted"}
    never_begun = {name for name in STORED if name not in {key[0] for key in begun}}
    assert never_begun == {"refused_values_total", "absent_values_total", "label_overflow_total", "parts_total"}


def test_every_gauge_has_a_value_for_each_of_its_labels(accounting: Accounting) -> None:
    gauges = accounting.gauges(vitals(files_present=2, open_pairs={"pair": 3}))
    assert gauges.keys() == LIVE.keys()
    for name, values in gauges.items():
        assert {len(labels) for labels, _ in values} == {len(LIVE[name].labels)}
    assert gauges["file_present"] == [(("sample",), 1.0)]
    assert gauges["open_pairs"] == [(("sample", "pair"), 3.0)]
    assert gauges["series_budget"] == [(("sample",), 8.0)]
    assert gauges["live_trading_enabled"] == [(("sample",), 0.0)]


def test_live_trading_that_is_on_is_shown(contract: Callable[[str], Contract]) -> None:
    gauges = Accounting(contract(TEXT), live_trading=True).gauges(vitals())
    assert gauges["live_trading_enabled"] == [(("sample",), 1.0)]


PIECES = st.sampled_from(
    [
        *[json.dumps({"v": 1, "w": 1, "kind": kind, "n": 1, "id": "i", "at": 5}) for kind in "ab"],
        '{"v":1,"w":1,"kind":"zz"}',
        '{"v":1,"w":2}',
        '{"v":true}',
        "{}",
        "[]",
        "",
        "\0\0",
        '\0{"v":1,"w":1,"kind":"a"}',
        "{",
        "ü",
        '{"x":"\udcff"}',
        '{"v":1}{"v":1}',
        "\r",
        '{"v":1,"w":1,"kind":"b","n":-1,"at":"x"}\r',
    ]
)


@pytest.mark.slow
@given(st.lists(st.lists(PIECES, max_size=12), max_size=4))
def test_every_line_has_one_outcome_and_every_byte_is_read_once(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[str]]
) -> None:
    bench = Bench(contract_of(tmp_path_factory.mktemp("balance"), TEXT))
    total_bytes = 0
    for batch in batches:
        lines = [piece.encode("utf-8", "surrogateescape") for piece in batch]
        bench.feed(*lines)
        total_bytes += sum(map(len, lines)) + len(lines)
    outcomes = bench.moved("lines_total")
    assert sum(outcomes.values()) == sum(map(len, batches))
    assert sum(bench.values("read_bytes_total").values()) == total_bytes
    refused = sum(n for (reason,), n in outcomes.items() if reason in ("bad_json", "not_object", "unknown_schema"))
    assert sum(bench.values("refused_total").values()) == refused
    assert sum(bench.values("kinds_total").values()) == outcomes.get(("applied",), 0)


def test_translating_an_empty_batch_does_nothing(contract: Callable[[str], Contract]) -> None:
    spec = contract(TEXT)
    assert Translator(spec, {}).translate(Decoder(spec).decode(b"").events, NOW) == Effect()


def test_the_landing_page_says_of_each_outcome_how_many_lines_had_it() -> None:
    lines = (
        Sample(("shop", "applied"), 2.0, 0.0),
        Sample(("shop", "blank"), 0.0, 0.0),
        Sample(("shop", "too_long"), 1.0, 0.0),
    )
    snapshot = ((STORED["lines_total"], lines), (STORED["read_bytes_total"], (Sample(("shop",), 9.0, 0.0),)))
    assert status_of(snapshot, [], []).lines == {"applied": 2.0, "too_long": 1.0}
