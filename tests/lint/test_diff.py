"""Every change of a contract is breaking, risky or safe; nothing changes unnoticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from contracts.diff import Change, compare, compare_all
from contracts.load import load_contract
from contracts.model import Pair

pytestmark = pytest.mark.thorough

if TYPE_CHECKING:
    from pathlib import Path

    from contracts.model import Contract
    from tests.lint.conftest import Checkout

SHOP = "contracts/shop.yaml"
EVERY = (
    "peak_trade_sales_total",
    "peak_trade_sale_duration_seconds",
    "peak_trade_last_sale_timestamp_seconds",
    "peaktrade_ai_visits_total",
    "peak_trade_shop_state",
)
KINDS = EVERY[:3]


def load(small: Checkout) -> Contract:
    return load_contract(small.root / SHOP)


def change(small: Checkout, *edits: tuple[str, str]) -> list[Change]:
    before = load(small)
    for old, new in edits:
        small.edit(SHOP, old, new)
    return compare(before, load(small))


SALES = "peak_trade_sales_total"
ALL_SALES = "    counts: kind\n    labels: [kind]\n    budget: 3\n"
REMOVED = f"  {SALES}:\n    type: counter\n    help: Sales and refunds.\n{ALL_SALES}"
STATE = "  peak_trade_shop_state:\n"


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([("port: 9200", "port: 9201")], [("breaking", "port of the exporter changed (was 9200, is 9201)", EVERY)]),
        ([("job: shop", "job: store")], [("breaking", "job of the exporter changed (was shop, is store)", EVERY)]),
        (
            [("default: shop.jsonl", "default: till.jsonl")],
            [("risky", "default files of the exporter changed (was shop.jsonl, is till.jsonl)", ())],
        ),
        (
            [("PEAK_TRADE_SHOP_PORT", "PEAK_TRADE_PORT")],
            [("risky", "port variable of the exporter changed (was PEAK_TRADE_SHOP_PORT, is PEAK_TRADE_PORT)", ())],
        ),
        ([(REMOVED, "")], [("breaking", f"metric {SALES} removed", (SALES,))]),
        (
            [(STATE, f"{REMOVED.replace('sales', 'more_sales')}{STATE}")],
            [("safe", "metric peak_trade_more_sales_total added", ())],
        ),
        (
            [(f"  {SALES}:", "  peak_trade_sold_total:")],
            [("breaking", f"metric {SALES} renamed to peak_trade_sold_total", (SALES,))],
        ),
        (
            [(f"{ALL_SALES}", "    counts: kind\n    budget: 1\n")],
            [
                ("breaking", f"metric {SALES}: label kind removed", (SALES,)),
                ("safe", f"metric {SALES}: budget changed (was 3, is 1)", (SALES,)),
            ],
        ),
        (
            [(ALL_SALES, "    counts: kind\n    labels: [kind, state]\n    budget: 6\n")],
            [
                ("risky", f"metric {SALES}: budget changed (was 3, is 6)", (SALES,)),
                ("risky", f"metric {SALES}: label state added", (SALES,)),
            ],
        ),
        (
            [("[sale, refund]", "[sale]")],
            [("breaking", f'metric {name}: value "refund" of label kind removed', (name,)) for name in sorted(KINDS)],
        ),
        (
            [("[open, closed]", "[open, closed, locked]"), ("budget: 2", "budget: 3")],
            [
                ("risky", "metric peak_trade_shop_state: budget changed (was 2, is 3)", ("peak_trade_shop_state",)),
                (
                    "safe",
                    'metric peak_trade_shop_state: value "locked" of label state added',
                    ("peak_trade_shop_state",),
                ),
            ],
        ),
        (
            [("[0.1, 0.5, 1]", "[0.1, 1]")],
            [("breaking", "metric peak_trade_sale_duration_seconds: bucket 0.5 removed", (KINDS[1],))],
        ),
        (
            [("unit: seconds", "unit: ratio")],
            [
                (
                    "breaking",
                    "metric peak_trade_sale_duration_seconds: unit changed (was seconds, is ratio)",
                    (KINDS[1],),
                )
            ],
        ),
        (
            [("    counts: events\n", "    counts: run_id\n")],
            [
                (
                    "risky",
                    "metric peaktrade_ai_visits_total: moved by something else (was counts events, is counts run_id)",
                    (EVERY[3],),
                )
            ],
        ),
        (
            [("    counts: events\n", "    counts: events\n    when: {kind: sale}\n")],
            [("risky", "metric peaktrade_ai_visits_total: the events it looks at changed", (EVERY[3],))],
        ),
        (
            [("    states: state\n", "    states: state\n    init: [{}]\n")],
            [("safe", "metric peak_trade_shop_state: more series exist from the start", (EVERY[4],))],
        ),
        (
            [("value: na", "value: none")],
            [
                (
                    "risky",
                    "word run_id: default changed (was $PEAK_TRADE_SHOP_RUN or na, is $PEAK_TRADE_SHOP_RUN or none)",
                    (EVERY[3],),
                )
            ],
        ),
        (
            [("otherwise: other", "otherwise: other, aliases: {sale: [sold]}")],
            [("safe", 'word kind: spelling "sold" of sale added', ())],
        ),
        ([("kind: kind\n", "kind: sort\n")], [("risky", "source till fills kind in another way", KINDS)]),
        ([("match: {}", "match: {v: 1}")], [("risky", "source till takes other events", EVERY)]),
        (
            [("  till:\n    match: {}", "  desk:\n    match: {}")],
            [("breaking", "source till removed, its events become unknown", EVERY), ("safe", "source desk added", ())],
        ),
        ([("A shop.", "The shop.")], [("safe", "help of the exporter changed (was A shop., is The shop.)", ())]),
    ],
)
def test_a_change_has_its_effect(
    small: Checkout, edits: list[tuple[str, str]], expected: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    assert [(found.effect, found.text, found.metrics) for found in change(small, *edits)] == expected


def test_a_type_that_changes_breaks(small: Checkout) -> None:
    found = change(
        small,
        ("type: histogram", "type: gauge"),
        ("observes: took", "sets: took"),
        ("    buckets: [0.1, 0.5, 1]\n", ""),
    )
    assert [one.text.partition(": ")[2] for one in found] == [
        "bucket 0.1 removed",
        "bucket 0.5 removed",
        "bucket 1 removed",
        "type changed (was histogram, is gauge)",
        "moved by something else (was observes took, is sets took)",
    ]
    assert [one.effect for one in found] == ["breaking"] * 4 + ["risky"]


def test_another_order_of_events_is_risky(small: Checkout) -> None:
    small.edit(SHOP, "    buckets: [0.1, 0.5, 1]\n", "")
    small.edit(SHOP, "type: histogram", "type: gauge")
    small.edit(SHOP, "observes: took", "sets: took")
    [found] = change(small, ("sets: took", "sets: took\n    newest_by: lines"))
    assert (found.effect, found.text.partition(": ")[2]) == ("risky", "set by the last line (was the newest by at)")


def test_a_spelling_that_is_gone_is_risky(small: Checkout) -> None:
    small.edit(SHOP, "otherwise: other", "otherwise: other, aliases: {sale: [sold]}")
    [found] = change(small, ("aliases: {sale: [sold]}", "aliases: {sale: [bought]}"))[:1]
    assert (found.effect, found.text) == ("risky", 'word kind: spelling "sold" no longer means sale')


def test_series_that_no_longer_exist_from_the_start_are_risky(small: Checkout) -> None:
    small.edit(SHOP, "    states: state\n", "    states: state\n    init: [{}]\n")
    [found] = change(small, ("    init: [{}]\n", ""))
    assert (found.effect, found.text) == (
        "risky",
        "metric peak_trade_shop_state: series that existed from the start no longer do",
    )


def test_a_contract_that_did_not_change_has_no_changes(small: Checkout) -> None:
    assert change(small, ("# The smallest", "\n\n# The very smallest")) == []


def test_contracts_of_two_folders_are_matched_by_name(small: Checkout) -> None:
    shop = load(small)
    small.edit(SHOP, "name: shop", "name: stall")
    (small.root / SHOP).rename(small.root / "contracts/stall.yaml")
    stall = load_contract(small.root / "contracts/stall.yaml")
    assert [(found.effect, found.text) for found in compare_all([shop], [shop, stall])] == [
        ("safe", "exporter stall added")
    ]
    assert [(found.effect, found.text, found.metrics) for found in compare_all([shop, stall], [shop])] == [
        ("breaking", "exporter stall removed", EVERY)
    ]
    assert [found.text for found in compare_all([shop], [stall])] == [
        "name of the exporter changed (was shop, is stall)"
    ]


def test_of_two_sets_a_change_within_a_contract_that_is_in_both_is_reported(small: Checkout) -> None:
    shop = load(small)
    copy = small.root / "contracts/stall.yaml"
    copy.write_text((small.root / SHOP).read_text().replace("name: shop", "name: stall"))
    stall = load_contract(copy)
    changed = change(small, ("    labels: [kind]\n", ""))
    assert compare_all([shop, stall], [stall, load(small)]) == changed != []


@pytest.mark.parametrize(
    ("before", "after", "effect", "text"),
    [
        (
            "default: shop.jsonl",
            "default: shop.jsonl, exclude: ['*.old']",
            "risky",
            "excluded files of the exporter changed (was none, is *.old)",
        ),
        ("default: shop.jsonl", "default: shop.jsonl, max_line_bytes: 5000", "risky", "longest line of the exporter"),
        ("env: PEAK_TRADE_SHOP_EVENTS", "env: PEAK_TRADE_EVENTS", "risky", "files variable of the exporter"),
        ("Visits, by run.", "Visits by run.", "safe", "metric peaktrade_ai_visits_total: help changed"),
        ("[0.1, 0.5, 1]", "[0.1, 0.5, 1, 2]", "risky", f"metric {KINDS[1]}: bucket 2 added"),
        (
            "sets: at\n",
            "sets: took\n",
            "risky",
            f"metric {KINDS[2]}: moved by something else (was sets at and keeps max",
        ),
        ("sets: at\n", "sets: took\n", "breaking", f"metric {KINDS[2]}: unit changed (was time, is seconds)"),
        ("sets: at\n", "sets: at\n    keeps: min\n", "risky", f"metric {KINDS[2]}: moved by something else"),
        (
            "sets: at\n",
            "sets: at\n    ends: {kind: [sale]}\n",
            "risky",
            f"metric {KINDS[2]}: its series end in another",
        ),
        ("sets: at\n", "sets: at\n    ends_after: 60\n", "risky", f"metric {KINDS[2]}: its series end in another"),
        ("at: {type: time}", "at: {type: time, max_future: 60}", "risky", "word at: limits changed"),
        ("min: 0}", "min: 0, max: 9}", "risky", "word took: limits changed"),
        ("max_length: 8", "max_length: 9", "risky", "word run_id: characters changed"),
        ("max_values: 3", "max_values: 2", "risky", "word run_id: characters changed"),
        ('allow: "a-z"', 'allow: "a-y"', "risky", "word run_id: characters changed"),
        ("otherwise: other", "otherwise: more", "risky", "word kind: otherwise changed (was other, is more)"),
        ("    match: {}\n", "    match: {}\n    expect: {v: 1}\n", "risky", "source till takes other events"),
        (
            "    match: {}\n",
            "    match: {}\n    require_any: [kind, state]\n",
            "risky",
            "source till takes other events",
        ),
        ("scale: 0.001", "scale: 0.01", "risky", "source till fills took in another way"),
        ("      at: ts\n", "      at: time\n", "risky", "source till fills at in another way"),
    ],
)
def test_no_change_goes_unnoticed(small: Checkout, before: str, after: str, effect: str, text: str) -> None:
    found = change(small, (before, after))
    assert [one.effect for one in found if one.text.startswith(text)] == [effect], found


def test_another_amount_is_said_by_its_name(small: Checkout) -> None:
    small.edit(SHOP, "    counts: kind\n", "    counts: kind\n    amount: took\n")
    found = change(
        small,
        ("amount: took", "amount: cost"),
        ("  at: {type: time}\n", "  at: {type: time}\n  cost: {type: number, min: 0}\n"),
        ("      at: ts\n", "      at: ts\n      cost: cost\n"),
    )
    assert [one.text.partition(": ")[2] for one in found if one.text.startswith("metric")] == [
        "unit changed (was seconds, is number)",
        "moved by something else (was counts took, is counts cost)",
    ]


def test_pairs_that_join_something_else_are_a_risk_and_pairs_that_only_moved_are_none(small: Checkout) -> None:
    edges = {"line=paid": ("placed", "paid")}
    pair = Pair("waits", "id", "stage", "at", "edge", "latency", edges, 300.0, 100, line=7)
    before = replace(load(small), pairs=(pair,))
    for after, expected in (
        (pair, []),
        (replace(pair, line=9), []),
        (replace(pair, max_open=101), [Change("risky", "pairs changed", ())]),
    ):
        assert compare(before, replace(before, pairs=(after,))) == expected


def test_a_change_of_what_refused_lines_are_counted_for_is_a_risk(small: Checkout) -> None:
    shop = load(small)
    before, after = (
        replace(shop.metrics[0], reasons=reasons) for reasons in ({"bad_json": "bad"}, {"bad_json": "odd"})
    )
    found = compare(replace(shop, metrics=(before,)), replace(shop, metrics=(after,)))
    assert found == [Change("risky", f"metric {SALES}: the events it looks at changed", (SALES,))]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"kind": "run_id"}, ["label state removed", "label kind became open"]),
        ({"state": "run_id"}, ["label kind removed", "label state became open"]),
        ({"kind": "kind", "state": "state", "run_id": "run_id"}, ["label run_id added"]),
        ({}, ["label kind removed", "label state removed"]),
    ],
)
def test_each_label_is_looked_at_whatever_became_of_the_one_before(
    small: Checkout, after: dict[str, str], said: list[str]
) -> None:
    shop = load(small)
    one, other = (replace(shop.metrics[0], labels=labels) for labels in ({"kind": "kind", "state": "state"}, after))
    found = compare(replace(shop, metrics=(one,)), replace(shop, metrics=(other,)))
    assert [change.text for change in found] == [f"metric {SALES}: {text}" for text in said]


WORDS = """exporter: {name: shop, help: Shop events., port: 9200, job: shop}
files: {default: shop.jsonl}
vocabulary:
  a: {values: [x, y]}
  b: {values: [x, y]}
  done: {type: time}
  got: {type: time}
  took: {type: number, unit: seconds, is: done - got}
  id: {type: id}
  stage: {values: [one, two]}
  at: {type: time}
  edge: {values: [way]}
  wait: {type: number, unit: seconds, min: 0}
sources:
  till: {match: {}, read: {a: a, b: b, done: done, got: got, id: id, stage: stage, at: at}}
metrics:
  shop_tested_total: {type: counter, help: T., counts: events, when: {a: x}, budget: 1}
  shop_ended: {type: gauge, help: E., states: b, labels: [b], ends: {a: y}, newest_by: at, budget: 2}
  shop_took_seconds: {type: gauge, help: M., sets: took, newest_by: at, budget: 1}
  shop_wait_seconds: {type: histogram, help: W., observes: wait, labels: [edge], buckets: [1], budget: 1}
  shop_ways_total: {type: counter, help: C., counts: edge, labels: [edge], budget: 1}
pairs:
  way: {id: id, stage: stage, at: at, edge: edge, latency: wait, edges: {way: [one, two]}}
"""


@pytest.mark.parametrize(
    ("word", "reached"),
    [
        ("a", ("tested_total", "ended")),
        ("b", ("ended",)),
        ("done", ("took_seconds",)),
        ("got", ("took_seconds",)),
        ("id", ("wait_seconds", "ways_total")),
        ("stage", ("wait_seconds", "ways_total")),
        ("at", ("ended", "took_seconds", "wait_seconds", "ways_total")),
    ],
)
def test_a_word_that_is_filled_in_another_way_reaches_all_that_have_to_do_with_it(
    tmp_path: Path, word: str, reached: tuple[str, ...]
) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(WORDS)
    before = load_contract(path)
    path.write_text(WORDS.replace(f"{word}: {word}", f"{word}: other", 1))
    names = tuple(f"shop_{name}" for name in reached)
    expected = [Change("risky", f"source till fills {word} in another way", names)]
    assert compare(before, load_contract(path)) == expected


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("{v: 1}", "{w: 1}", ["source till takes other events"]),
        ("{v: {present: true}}", "{w: {present: true}}", ["source till takes other events"]),
        ("{v: {present: true}}", "{v: {present: true}}", []),
    ],
)
def test_a_source_takes_the_events_its_conditions_name(
    tmp_path: Path, before: str, after: str, said: list[str]
) -> None:
    path, read = tmp_path / "shop.yaml", []
    for match, a in ((before, "a"), (after, "v.a")):  # a field of the object itself is read: that is no condition
        path.write_text(WORDS.replace("match: {}", f"match: {match}").replace("a: a,", f"a: {a},", 1))
        read.append(load_contract(path))
    assert [change.text for change in compare(*read)] == [*(said or ["source till fills a in another way"])]
