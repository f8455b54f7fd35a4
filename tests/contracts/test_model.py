"""What a loaded contract knows about itself."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from contracts.load import load_contract
from contracts.model import WHOLE, Condition, Contract, Default, Metric, Source, Word
from contracts.vocabulary import Made

Load = Callable[[str], Contract]

SHOP = """
    exporter: {name: shop, help: Shop events., port: 9200, port_env: SHOP_PORT, job: shop_job}
    files: {env: SHOP_FILES, default: [shop.jsonl, "old/*.jsonl"], max_line_bytes: 4096}
    vocabulary:
      kind: {values: [sale, refund], otherwise: other, aliases: {sale: [SOLD, Out]}}
      paid: {values: [true, false], default: "false"}
      till: {allow: A-Z0-9, max_length: 8, max_values: 3, default: {env: SHOP_TILL, value: T1}}
      sum: {type: number, unit: count, min: 0}
      at: {type: time, max_future: 2}
    sources:
      shop:
        match: {schema: [shop_v1, 2], deleted: {present: false}}
        expect: {flags.test: false}
        read:
          kind: {path: event.kind, aliases: {refund: [back]}, prefixes: {Ret_: refund}, contains: {Sale: sale}}
          paid: paid
          till: [{path: till}, {path: shop.till}]
          sum: {path: cents, scale: 0.01}
          at: ts
      web:
        match: {schema: web}
        by: ok
        rows:
          true: {kind: sale, paid: true}
          false: {}
    metrics:
      shop_events_total:
        {type: counter, help: Events., counts: kind, labels: [source, kind, paid], budget: 12,
         when: {paid: [true, false], kind: {present: true}}}
      shop_sum_total: {type: counter, help: Sums., counts: events, amount: sum, labels: [kind], budget: 3}
      shop_tills_total:
        {type: counter, help: By till., counts: kind, labels: [{type_of: kind}, till], budget: 12,
         init: [{type_of: all}, {type_of: [sale, other], till: T2}]}
      shop_last_timestamp_seconds: {type: gauge, help: Newest., sets: at, labels: [source], budget: 2}
      shop_state: {type: gauge, help: SeriesTable., states: kind, labels: [kind], init: [{}], budget: 3}
      shop_refused_total:
        {type: counter, help: Refused., rejections: {bad_json: bad, too_long: bad, missing_fields: lacking},
         labels: [source, reason], init: [{source: unknown, reason: all}], budget: 6}
"""


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Return a function that loads a contract named shop."""

    def load_text(text: str) -> Contract:
        path = tmp_path / "shop.yaml"
        path.write_text(dedent(text), encoding="utf-8")
        return load_contract(path)

    return load_text


@pytest.fixture
def shop(load: Load) -> Contract:
    """Return a contract that uses most of the format."""
    return load(SHOP)


def metric(contract: Contract, name: str) -> Metric:
    (found,) = [each for each in contract.metrics if each.name == name]
    return found


def source(contract: Contract, name: str) -> Source:
    (found,) = [each for each in contract.sources if each.name == name]
    return found


def test_who_serves_and_what_is_read(shop: Contract, tmp_path: Path) -> None:
    assert (shop.name, shop.port, shop.port_env, shop.job) == ("shop", 9200, "SHOP_PORT", "shop_job")
    assert (shop.files.env, shop.files.default) == ("SHOP_FILES", ("shop.jsonl", "old/*.jsonl"))
    assert shop.files.max_line_bytes == 4096
    assert (shop.path, len(shop.sha256)) == (str(tmp_path / "shop.yaml"), 64)


def test_a_line_may_have_one_mebibyte_unless_said_otherwise(load: Load) -> None:
    assert load(SHOP.replace(", max_line_bytes: 4096", "")).files.max_line_bytes == 1048576


def test_a_time_may_lie_five_seconds_ahead_unless_said_otherwise(load: Load, shop: Contract) -> None:
    later = load(SHOP.replace(", max_future: 2", ""))
    assert (shop.words["at"].max_future_s, later.words["at"].max_future_s) == (2, 5)


@pytest.mark.parametrize(
    ("name", "label", "expected"),
    [
        ("shop_events_total", "kind", ("sale", "refund", "other")),
        ("shop_events_total", "paid", ("true", "false")),
        ("shop_events_total", "source", ("shop", "web")),
        ("shop_tills_total", "type_of", ("sale", "refund", "other")),
        ("shop_tills_total", "till", ()),
        ("shop_refused_total", "source", ("shop", "web", "unknown")),
        ("shop_refused_total", "reason", ("bad", "lacking")),
    ],
)
def test_closed_labels_know_their_values(shop: Contract, name: str, label: str, expected: tuple[str, ...]) -> None:
    assert shop.label_values(metric(shop, name), label) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shop_events_total", 2 * 3 * 2),
        ("shop_sum_total", 3),
        ("shop_tills_total", 3 * (3 + 1)),
        ("shop_refused_total", 3 * 2),
        ("shop_last_timestamp_seconds", 2),
    ],
)
def test_the_worst_case_is_the_product_of_all_label_values(shop: Contract, name: str, expected: int) -> None:
    assert shop.worst_case_series(metric(shop, name)) == expected


def test_label_sets_of_a_source_are_those_it_can_give(shop: Contract) -> None:
    assert set(shop.closed_label_sets(metric(shop, "shop_events_total"))) == {
        *(("shop", kind, paid) for kind in ("sale", "refund", "other") for paid in ("true", "false")),
        *(("web", "sale", paid) for paid in ("true", "false")),
    }


def test_label_sets_without_a_source_are_all_there_are(shop: Contract) -> None:
    assert shop.closed_label_sets(metric(shop, "shop_sum_total")) == (("sale",), ("refund",), ("other",))


def test_a_metric_with_an_open_label_has_no_closed_label_sets(shop: Contract) -> None:
    assert shop.closed_label_sets(metric(shop, "shop_tills_total")) == ()


def test_rejections_have_a_set_for_every_source_and_reason(shop: Contract) -> None:
    expected = {(each, reason) for each in ("shop", "web", "unknown") for reason in ("bad", "lacking")}
    assert set(shop.closed_label_sets(metric(shop, "shop_refused_total"))) == expected


def test_init_spells_out_all_lists_and_defaults(shop: Contract) -> None:
    assert metric(shop, "shop_tills_total").init == (
        ("sale", None),
        ("refund", None),
        ("other", None),
        ("sale", "T2"),
        ("other", "T2"),
    )
    assert metric(shop, "shop_state").init == ((None,),)
    assert metric(shop, "shop_refused_total").init == (("unknown", "bad"), ("unknown", "lacking"))


def test_each_path_has_the_kind_its_readers_expect(shop: Contract) -> None:
    assert {".".join(path): kind for path, kind in shop.paths().items()} == {
        "schema": "text",
        "deleted": "any",
        "flags.test": "flag",
        "event.kind": "text",
        "paid": "flag",
        "till": "text",
        "shop.till": "text",
        "cents": "number",
        "ts": "time",
        "ok": "flag",
    }


def test_a_path_that_is_also_asked_for_its_presence_keeps_its_kind(load: Load) -> None:
    for name, kind in (("cents", "number"), ("till", "text")):
        for match in (f"{{schema: web, {name}: {{present: true}}}}", f"{{{name}: {{present: true}}, schema: web}}"):
            assert load(SHOP.replace("match: {schema: web}", f"match: {match}")).paths()[(name,)] == kind


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("match: {schema: web}", "match: {schema: web, cents: x}"),
        ("path: cents, scale", 'path: cents, aliases: {1: ["true"]}, scale'),
        ("sum: {type: number", 'sum: {aliases: {1: ["false"]}, type: number'),
    ],
)
def test_a_path_of_two_kinds_is_mixed(load: Load, old: str, new: str) -> None:
    assert load(SHOP.replace(old, new)).paths()[("cents",)] == "mixed"


@pytest.mark.parametrize(
    "more",
    ["match: {data.kind: x}", "match: {v: 2}\n        expect: {data.kind: x}", "match: {v: 2}\n        by: data.x"],
)
def test_to_ask_for_an_object_is_to_ask_for_it_as_a_whole(load: Load, more: str) -> None:
    """Its fields may be read besides, by this source or by another."""
    rows = "rows: {a: {kind: sale, paid: true}}" if "by:" in more else "read: {kind: kind, paid: paid}"
    more = f"{more}\n        {rows}"
    text = SHOP.replace("match: {schema: [shop_v1, 2], deleted: {present: false}}", "match: {data: {present: true}}")
    before, after = text.split("      web:\n")
    after = after.partition("    metrics:")[2]
    contract = load(f"{before}      web:\n        {more}\n    metrics:{after}")
    assert source(contract, "shop").match == (Condition(("data", WHOLE), "present"),)


def test_a_text_stays_a_text_whatever_its_spellings(load: Load) -> None:
    assert load(SHOP.replace("[back]", '["true"]')).paths()[("event", "kind")] == "text"


def test_conditions_keep_numbers_texts_and_booleans_apart(shop: Contract) -> None:
    assert source(shop, "shop").match == (
        Condition(("schema",), "in", ("shop_v1", 2)),
        Condition(("deleted",), "absent"),
    )
    (expect,) = source(shop, "shop").expect
    assert (expect.subject, expect.values) == (("flags", "test"), (False,))
    assert isinstance(expect.values[0], bool)
    assert metric(shop, "shop_events_total").when == (
        Condition(("paid",), "in", (True, False)),
        Condition(("kind",), "present"),
    )


def test_spellings_are_folded_once_at_load(shop: Contract) -> None:
    assert shop.words["kind"].aliases == {"sold": "sale", "out": "sale"}
    (candidate,) = source(shop, "shop").reads[0].candidates
    assert candidate.aliases == {"back": "refund"}
    assert (candidate.prefixes, candidate.contains) == ((("ret_", "refund"),), (("sale", "sale"),))


def test_a_name_takes_aliases_in_the_vocabulary_too(load: Load) -> None:
    text = SHOP.replace("max_values: 3, default", "max_values: 3, aliases: {T9: [nine]}, default")
    assert load(text).words["till"].aliases == {"nine": "T9"}


def test_rows_are_found_without_regard_to_case(load: Load) -> None:
    text = SHOP.replace("by: ok", "by: state").replace("true: {kind", "Done: {kind").replace("false: {}", "OPEN: {}")
    assert [row.value for row in source(load(text), "web").rows] == ["done", "open"]


def test_only_names_have_a_cap_on_values(shop: Contract) -> None:
    caps = {name: word.max_values for name, word in shop.words.items()}
    assert caps == {"kind": 0, "paid": 0, "till": 3, "sum": 0, "at": 0}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, "T1"), ({"SHOP_TILL": "T7"}, "T7"), ({"SHOP_TILL": " T7 "}, "T7"), ({"SHOP_TILL": " "}, "T1")],
    ids=["not set", "set", "trimmed", "blank"],
)
def test_a_default_asks_its_variable_first(shop: Contract, environment: dict[str, str], expected: str) -> None:
    default = shop.words["till"].default
    assert default is not None
    assert default.resolve(environment) == expected


def test_a_default_without_a_variable_is_its_value() -> None:
    assert Default("na").resolve({"na": "no"}) == "na"


@pytest.mark.parametrize(
    ("own", "has", "expected"),
    [("ab", "ab", True), ("a", "ab", True), ("b", "ab", True), ("", "ab", False), ("a", "a", False), ("b", "b", False)],
)
def test_a_made_number_is_filled_where_one_part_is_read_and_the_other_known(own: str, has: str, expected: bool) -> None:
    assert Word("made", "number", made_of=Made("a", "-", "b")).is_filled(set(own), set(has)) is expected


@pytest.mark.parametrize(("name", "expected"), [("kind", True), ("till", True), ("sum", False), ("at", False)], ids=str)
def test_only_closed_and_capped_words_may_be_labels(shop: Contract, name: str, expected: bool) -> None:
    assert shop.words[name].is_label is expected


def test_an_alias_of_yaml_stands_for_the_whole_value(load: Load) -> None:
    text = SHOP.replace("kind: {path: event.kind,", "kind: &kind {path: event.kind,")
    text = text.replace("true: {kind: sale, paid: true}", "true: {kind: *kind}")
    web, shop = source(load(text), "web"), source(load(text), "shop")
    assert web.rows[0].reads[0] == shop.reads[0]


def test_a_constant_gauge_may_be_called_info(load: Load) -> None:
    text = SHOP + "      shop_build_info: {type: gauge, help: What this is., always: 1, init: [{}], budget: 1}\n"
    assert metric(load(text), "shop_build_info").value == 1.0


def test_no_port_variable_is_none_and_not_an_empty_one(load: Load) -> None:
    assert load(SHOP.replace(" port_env: SHOP_PORT,", "")).port_env is None


SMALL = """
    exporter: {name: shop, help: Small events., port: 9200, job: shop}
    files: {default: small.jsonl}
    vocabulary: {v: {values: [a]}}
    sources: {one: {match: {till: {present: true}}, read: {v: PATH}}}
    metrics: {small_total: {type: counter, counts: v, labels: [v], help: Small events., budget: 1}}
"""


@pytest.mark.parametrize(("text", "path"), [("till.name", ("till", "name")), ("{path: [till, ' ']}", ("till", " "))])
def test_of_what_is_only_asked_for_others_may_be_read_and_a_key_may_be_blank(
    load: Load, text: str, path: tuple[str, ...]
) -> None:
    (read,) = source(load(SMALL.replace("PATH", text)), "one").reads
    assert [candidate.path for candidate in read.candidates] == [path]
