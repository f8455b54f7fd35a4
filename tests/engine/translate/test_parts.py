"""Parts: elements, entries and JSON in texts are events inside an event, each counted once."""

import json
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from contracts.diff import compare
from contracts.pages.show import render_contract
from exporters.engine.refusals.explain import explain
from tests.engine.support.harness import Bench, Event

pytestmark = pytest.mark.thorough

Make = Callable[..., Bench]

FILLS = """
vocabulary:
  qty: {type: number, min: 0}
  sym: {values: [BTC, ETH], otherwise: other}
  at: {type: time}
  bot: {allow: a-z, max_length: 5, max_values: 3}
  flag: {values: [a, b]}
  deep: {type: number}
sources:
  fills:
    match: {event: fills}
    read: {at: ts, bot: bot}
    max_parts: 6
    parts:
      fill:
        of: "data.fills[]"
        match: {dry: {not: true}}
        read: {qty: qty, sym: sym}
        parts:
          fee: {of: "fees{}.value[]", read: {deep: value}}
          note: {of: "note<>", read: {flag: flag, bot: bot}}
  plain: {match: {}, read: {sym: sym, qty: qty, at: ts, bot: bot}}
metrics:
  filled_total: {type: counter, counts: sym, amount: qty, labels: [sym, bot], budget: 12, help: Filled.}
  fills_total: {type: counter, counts: sym, labels: [sym], budget: 3, help: Fills.}
  sizes: {type: histogram, observes: qty, buckets: [1], budget: 1, help: Sizes.}
  last_qty: {type: gauge, sets: qty, labels: [sym], budget: 3, help: Newest.}
  bots_total: {type: counter, counts: bot, labels: [bot], budget: 4, help: Lines by bot.}
  fees: {type: gauge, adds: deep, labels: [sym], budget: 3, help: Fees.}
  flags_total: {type: counter, counts: flag, labels: [flag, bot, source], budget: 16, help: Flags.}
  lines_seen_total: {type: counter, counts: events, budget: 1, help: Lines.}
  last_timestamp_seconds: {type: gauge, sets: at, labels: [source], budget: 2, help: Newest.}
"""


def fills(*parts: object, **line: object) -> dict[str, object]:
    return {"event": "fills", "data": {"fills": list(parts)}, **line}


def test_every_outcome_of_every_part_exists_from_the_start(bench: Make) -> None:
    assert bench(FILLS).values("parts_total") == {
        ("sample", part, outcome): 0
        for part in ("fills.fill", "fills.fill.fee", "fills.fill.note")
        for outcome in ("applied", "ignored", "unmatched", "mistyped", "bad_json")
    }


def test_each_element_counts_with_the_words_of_its_line(bench: Make) -> None:
    made = bench(FILLS).feed(
        fills({"qty": 1, "sym": "BTC"}, {"qty": "2", "sym": "ETH"}, {"qty": 4, "sym": "BTC"}, bot="x", ts=1769000000),
        fills({"qty": 9, "sym": "BTC", "dry": True}, {"sym": "XRP"}, {"qty": -1, "sym": "ETH"}, bot="x", ts=1769000001),
    )
    assert made.moved("filled_total") == {("BTC", "x"): 5, ("ETH", "x"): 2}
    assert made.moved("fills_total") == {("BTC",): 2, ("ETH",): 2, ("other",): 1}
    assert made.values("last_qty") == {("BTC",): 4, ("ETH",): 2}
    assert made.moved("lines_total") == {("applied",): 2}
    assert (made.moved("lines_seen_total"), made.moved("bots_total")) == ({(): 2}, {("x",): 2})
    assert made.moved("parts_total") == {("fills.fill", "applied"): 5, ("fills.fill", "unmatched"): 1}
    assert made.moved("refused_values_total") == {("qty", "out_of_range"): 1}
    assert made.moved("absent_values_total") == {("qty",): 1}


def test_parts_inside_parts_have_the_words_of_all_around_them(bench: Make) -> None:
    note = json.dumps({"flag": "a", "bot": "y"})
    made = bench(FILLS).feed(
        fills({"sym": "BTC", "fees": {"EUR": [1, 2.5], "USD": [4]}, "note": note}, bot="x"),
        fills({"sym": "ETH", "dry": True, "fees": {"EUR": [8]}, "note": "{}"}, {"note": "{"}, {"note": 5}, bot="x"),
    )
    assert made.values("fees") == {("BTC",): 7.5, ("ETH",): 0, ("other",): 0}
    assert made.moved("flags_total") == {("a", "y", "fills"): 1}
    assert {key: n for key, n in made.moved("parts_total").items() if key[0] != "fills.fill"} == {
        ("fills.fill.fee", "applied"): 3,
        ("fills.fill.fee", "unmatched"): 1,
        ("fills.fill.note", "applied"): 1,
        ("fills.fill.note", "unmatched"): 1,
        ("fills.fill.note", "bad_json"): 1,
        ("fills.fill.note", "mistyped"): 1,
    }


def test_a_field_of_the_wrong_kind_in_a_part_and_an_element_that_is_null_cost_themselves_alone(bench: Make) -> None:
    made = bench(FILLS).feed(
        fills({"qty": 2, "sym": []}, {"qty": 3, "sym": "BTC", "fees": {"EUR": [1, None, "x", 2]}}, bot="x"),
    )
    assert made.values("sizes") == {(): 5}
    assert made.moved("fills_total") == {("BTC",): 1}
    assert made.values("fees")["BTC",] == 3
    assert made.moved("refused_values_total") == {("sym", "mistyped"): 1, ("deep", "mistyped"): 1}
    assert made.moved("absent_values_total")["deep",] == 1
    assert made.moved("lines_total") == {("applied",): 1}


def test_parts_may_lie_deep_inside_an_entry(bench: Make) -> None:
    made = bench(FILLS.replace("fees{}.value[]", "fees{}.value.paid.each[]")).feed(
        fills({"sym": "BTC", "fees": {"EUR": {"paid": {"each": [1, 2.5]}}, "USD": {"each": [8], "paid": {}}}}, bot="x"),
        fills({"sym": "BTC", "fees": {"GBP": 7, "CHF": {"paid": [1]}, "YEN": {"paid": {"each": [4]}}}}, bot="x"),
    )
    assert made.values("fees")[("BTC",)] == 7.5
    assert made.moved("lines_total") == {("applied",): 2}


def test_a_line_with_too_many_parts_is_refused_whole(bench: Make) -> None:
    six, seven = [{"qty": 1, "sym": "BTC"}] * 6, [{"qty": 1, "sym": "BTC", "fees": {"EUR": [1] * 6}}]
    made = bench(FILLS).feed(
        fills(*six, bot="a"), fills(*six, {"qty": 1}, bot="b"), fills(*seven, bot="c", ts=1769000000)
    )
    assert made.moved("lines_total") == {("applied",): 1, ("too_many_parts",): 2}
    assert (made.moved("fills_total"), made.values("fees")["BTC",]) == ({("BTC",): 6}, 0)
    assert (made.moved("bots_total"), made.values("last_timestamp_seconds")) == ({("a",): 1}, {})


@pytest.mark.parametrize("found", ["{}", "7", "true", '"x"', "null", "[]", '[7,"x",null,[1],{}]'])
def test_whatever_stands_where_parts_are_expected_costs_itself_alone(bench: Make, found: str) -> None:
    made = bench(FILLS).feed(f'{{"event":"fills","ts":1769000000,"data":{{"fills":{found}}}}}')
    assert made.moved("lines_total") == {("applied",): 1}
    odd = {("fills.fill", "mistyped"): 1} if found[0] in '{7t"' else {}
    assert made.moved("parts_total") == (odd or ({("fills.fill", "ignored"): 5} if found[1:2] == "7" else {}))


def test_one_field_may_be_a_text_here_and_opened_there(bench: Make) -> None:
    made = bench("""
vocabulary: {level: {values: [info, error]}, log: {allow: a-z, max_length: 9, max_values: 3}}
sources:
  json: {match: {kind: json, log: {present: true}}, parts: {app: {of: "log<>", read: {level: level}}}}
  text: {match: {}, read: {log: log}}
metrics:
  levels_total: {type: counter, counts: level, labels: [level, source], budget: 4, help: L.}
  logs_total: {type: counter, counts: log, labels: [log], budget: 4, help: L.}
""").feed({"kind": "json", "log": '{"level":"INFO"}\n'}, {"log": "plain"}, {"kind": "json", "log": None, "x": 1})
    assert made.moved("levels_total") == {("info", "json"): 1}
    assert made.moved("logs_total") == {("plain",): 1}


def test_flags_are_entries_and_exact_keys_lead_to_parts(bench: Make) -> None:
    made = bench("""
vocabulary: {flag: {values: [hot, cold]}, on: {type: number, aliases: {1: [true], 0: [false]}}}
sources: {f: {match: {}, parts: {flag: {of: [a.b, flags, "{}"], read: {flag: key, on: value}}}}}
metrics: {flags: {type: gauge, sets: on, labels: [flag], budget: 2, help: F.}}
""").feed({"a.b": {"flags": {"hot": True, "cold": False, "other": True}}}, {"a.b": {"flags": {"cold": "x"}}})
    assert made.values("flags") == {("hot",): 1, ("cold",): 0}
    assert made.moved("refused_values_total") == {("flag", "unknown_value"): 1, ("on", "mistyped"): 1}


@pytest.mark.parametrize(
    ("of", "found"), [("{}", [{"flag": "a"}]), ("<>", [{"flag": "a"}]), ("[]", {"x": {"flag": "a"}})]
)
def test_what_is_opened_as_one_thing_and_is_another_is_mistyped(bench: Make, of: str, found: object) -> None:
    made = bench(f"""
vocabulary: {{flag: {{values: [a, b]}}}}
sources: {{f: {{match: {{}}, parts: {{one: {{of: "items{of}", read: {{flag: flag}}}}}}}}}}
metrics: {{flags_total: {{type: counter, counts: flag, labels: [flag], budget: 2, help: F.}}}}
""").feed({"items": found}, {"items": None}, {})
    assert made.moved("flags_total") == {}
    assert made.moved("parts_total") == {("f.one", "mistyped"): 1}
    assert made.moved("lines_total") == {("ignored",): 3}


@pytest.mark.parametrize("newest", ["plain", "parts"])
def test_of_lines_and_parts_that_set_one_gauge_the_last_wins(bench: Make, newest: str) -> None:
    made = bench("""
vocabulary: {heat: {type: number}}
sources:
  many: {match: {kind: many}, parts: {one: {of: "items[]", read: {heat: t}}}}
  plain: {match: {}, read: {heat: t}}
metrics: {heat: {type: gauge, sets: heat, budget: 1, help: Newest.}}
""")
    events: list[Event] = [{"kind": "many", "items": [{"t": 1}, {"t": 2}]}, {"t": 3}]
    made.feed(*(events if newest == "plain" else reversed(events)))
    assert made.values("heat") == {(): 3 if newest == "plain" else 2}


def test_parts_take_part_in_pairs_by_ids_of_their_own_and_lines_by_theirs(bench: Make) -> None:
    made = bench("""
vocabulary:
  stage: {values: [open, done]}
  edge: {values: [open_to_done]}
  id: {type: id}
  leg: {type: id}
  leg_edge: {values: [open_to_done]}
  at: {type: time}
  latency: {type: number, unit: seconds, min: 0}
  leg_latency: {type: number, unit: seconds, min: 0}
sources:
  f:
    match: {}
    read: {stage: stage, id: id, at: at, leg_latency: took, leg_edge: edge}
    parts: {leg: {of: "legs[]", read: {leg: id}}}
pairs:
  order: {id: id, stage: stage, at: at, edge: edge, latency: latency, edges: {open_to_done: [open, done]}}
  legs: {id: leg, stage: stage, at: at, edge: leg_edge, latency: leg_latency, edges: {open_to_done: [open, done]}}
metrics:
  order_seconds: {type: histogram, observes: latency, labels: [edge], buckets: [1], budget: 1, help: O.}
  leg_seconds: {type: histogram, observes: leg_latency, labels: [leg_edge], buckets: [1], budget: 1, help: L.}
""").feed(
        {"stage": "open", "id": "o", "at": 1769000000, "legs": [{"id": "a"}, {"id": "b"}, {}]},
        {"stage": "done", "id": "o", "at": 1769000005, "legs": [{"id": "b"}]},
        {"stage": "done", "at": 1769000007, "legs": [{"id": "a"}]},
        {"took": 100, "edge": "open_to_done", "legs": [{"id": "c"}, {"id": "d"}]},
    )
    assert made.values("order_seconds") == {("open_to_done",): 5}
    assert made.values("leg_seconds") == {("open_to_done",): 112}, (
        "what the line states counts once, whatever its parts"
    )
    assert made.moved("pair_edges_total") == {
        ("order", "open_to_done", "joined"): 1,
        ("legs", "open_to_done", "joined"): 2,
    }
    assert made.moved("lines_total") == {("applied",): 4}


def test_a_line_is_applied_if_it_or_a_part_of_it_moves_something_and_counts_once(bench: Make) -> None:
    made = bench("""
vocabulary: {flag: {values: [a, b]}, kind: {values: [k]}}
sources: {f: {match: {}, max_parts: 2, read: {kind: kind}, parts: {one: {of: "items[]", read: {flag: flag}}}}}
metrics:
  flags_total: {type: counter, counts: flag, labels: [flag], budget: 2, help: F.}
  kinds_total: {type: counter, counts: kind, labels: [kind], budget: 1, help: K.}
""").feed(
        {"kind": "k", "items": [{"flag": "a"}] * 3},
        {"items": [{"flag": "a"}]},
        {"kind": "k"},
        {"kind": "k", "items": [{"flag": "b"}, {"flag": "x"}]},
        {"items": [{"flag": "x"}]},
        {"items": []},
    )
    assert made.moved("lines_total") == {("applied",): 3, ("ignored",): 2, ("too_many_parts",): 1}
    assert made.moved("parts_total") == {("f.one", "applied"): 2, ("f.one", "ignored"): 2}
    assert (made.moved("flags_total"), made.moved("kinds_total")) == ({("a",): 1, ("b",): 1}, {("k",): 2})


def random_lines(chance: Random) -> list[Event]:
    def part() -> object:
        one: dict[str, object] = {
            "qty": chance.choice([1, 0.25, "3", -1, None, "x", True]),
            "sym": chance.choice(["BTC", "eth", "XRP", None, 5]),
            "dry": chance.choice([False, False, True, None]),
            "fees": chance.choice([None, {}, {"EUR": [1, 2], "USD": [0.5]}, {"EUR": 3}, []]),
            "note": chance.choice([None, '{"flag":"a","bot":"n"}', '{"flag":"b"}', "{", 7]),
        }
        return chance.choice([one, one, one, one, 7, None, []])

    lines: list[Event] = []
    for number in range(chance.choice([1, 5, 30])):
        line: dict[str, Any] = {"bot": chance.choice(["a", "b", "c", "d", "e", None]), "ts": 1769000000 - number % 7}
        if chance.random() < 0.6:
            line |= {"event": "fills", "data": {"fills": [part() for _ in range(chance.randrange(4))]}}
        else:
            line |= {"qty": chance.choice([1, 2.5]), "sym": chance.choice(["BTC", "ETH"])}
        lines.append(line if chance.random() < 0.95 else "{")
    return lines


@pytest.mark.parametrize("seed", range(60))
def test_what_parts_do_does_not_depend_on_where_batches_end(bench: Make, seed: int) -> None:
    lines = random_lines(Random(seed))
    whole, each = bench(FILLS).feed(*lines), bench(FILLS).feed_each(*lines)
    assert whole.everything() == each.everything()
    assert {k: [*v] for k, v in whole.state.seen.items()} == {k: [*v] for k, v in each.state.seen.items()}
    number = sum(whole.moved("lines_total").values())
    assert number == len(lines)


@pytest.mark.parametrize("seed", range(30))
def test_a_plain_count_of_parts_agrees(bench: Make, seed: int) -> None:
    counted, filled = Counter[str](), 0.0
    lines: list[Any] = random_lines(Random(seed))
    for line in lines:
        parts = line["data"]["fills"] if isinstance(line, dict) and "data" in line else [line]
        for part in parts:
            if isinstance(part, dict) and part.get("dry") is not True:
                value: Any = part.get("qty")
                filled += float(value) if (type(value) in (int, float) and value > 0) or value == "3" else 0
                if part.get("sym") is not None:
                    name = str(part["sym"]).upper()
                    counted[name if name in ("BTC", "ETH") else "other"] += 1
    made = bench(FILLS.replace("max_parts: 6", "max_parts: 99")).feed(*lines)
    assert made.moved("fills_total") == {(name,): number for name, number in counted.items()}
    assert made.values("sizes")[()] == pytest.approx(filled)


def test_why_a_line_has_too_many_parts_and_where_parts_are_is_said(bench: Make) -> None:
    contract = bench(FILLS).contract
    line = json.dumps(fills(*[{}] * 7)).encode()
    assert explain(contract, "too_many_parts", line) == "source fills: more than 6 parts"
    shown = "parts of fills: fill data.fills[] (fee fees{}.value[], note note<>)"
    assert shown in list(render_contract(contract))


def test_more_or_fewer_parts_and_parts_elsewhere_are_changes_of_a_source(bench: Make) -> None:
    contract = bench(FILLS).contract
    for old, new in (("max_parts: 6", "max_parts: 7"), ("data.fills[]", "fills[]"), ("dry: {not: true}", "dry: false")):
        changes = compare(contract, bench(FILLS.replace(old, new)).contract)
        assert [(change.effect, change.text) for change in changes] == [("risky", "source fills takes other events")]
    (change,) = compare(contract, bench(FILLS.replace("qty: qty, sym: sym", "qty: n, sym: sym", 1)).contract)
    assert change.text == "source fills fills qty in another way"
