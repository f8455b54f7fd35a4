"""Reading files: JSON with lines, pages, scrape configurations, dashboards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.lint.check import check
from contracts.lint.inputs.dashboards import read_dashboard
from contracts.lint.inputs.located_json import Node, nodes_in, parse_json
from contracts.lint.inputs.pages import Page
from contracts.lint.inputs.tree import load_tree
from contracts.lint.inputs.unit_ids import UNIT_IDS
from contracts.lint.promql.catalog import build_catalog
from contracts.self_metrics import LABEL_VALUES, LIVE, STORED
from tests.budget import amount

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lint.conftest import Checkout

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.slow
@settings(deadline=None, max_examples=amount(25, 500))
@given(VALUES, st.sampled_from([None, 1, 4]))
def test_json_means_what_it_means_to_the_standard_library(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    assert parse_json(text) == json.loads(text)


def test_an_object_knows_its_lines_and_those_of_its_keys() -> None:
    node = parse_json('{\n  "a": {\n    "b": 1\n  },\n  "c": []\n}')
    assert isinstance(node, Node)
    assert (node.line, node.last, node.line_of("a"), node.line_of("c"), node.line_of("nowhere")) == (1, 6, 2, 5, 1)
    assert [(inner.line, inner.last) for inner in nodes_in(node)] == [(1, 6), (2, 4)]


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ('{"a": 1\n"b": 2}', "Expecting ','", 2),
        ('{"a": 1, "a": 2}', "The key 'a' stands here twice", 1),
        ('{"a" 1}', "Expecting ':'", 1),
        ("[1,\n2", "Expecting ','", 2),
        ("{a: 1}", "Expecting '\"'", 1),
        ("{} {}", "Extra data", 1),
        ("", "Expecting value", 1),
        ('{"a":\n1' + "0" * 5000 + "}", "A number has too many digits", 2),
    ],
)
def test_what_is_no_json_is_refused_at_its_line(text: str, message: str, line: int) -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        parse_json(text)
    assert (caught.value.msg, caught.value.lineno) == (message, line)


def test_json_without_a_blank_is_read_like_any_other() -> None:
    text = '{"a":[1,2,{"b":null}],"c":{},"d":[],"e":"x"}'
    assert parse_json(text) == json.loads(text)


def test_json_may_be_nested_a_hundred_deep() -> None:
    assert parse_json("[" * 100 + "]" * 100) == json.loads("[" * 100 + "]" * 100)
    with pytest.raises(json.JSONDecodeError, match="Nested deeper than 100 levels: line 2 column 101 "):
        parse_json("\n" + "[" * 101)


def test_a_page_yields_what_stands_in_code_and_no_prose() -> None:
    page = Page("a.md", "prose `one` and `two`\n  ```sh\nthree `four`\n  ```\nend\n")
    assert list(page.code()) == [(1, "one"), (1, "two"), (3, "three `four`")]


def test_a_page_yields_the_queries_it_tells_to_ask_but_no_placeholders() -> None:
    page = Page(
        "a.md", "```\npromtool query instant http://h:1 'up == 1'\npromtool query instant http://h:1 '...'\n```\n"
    )
    assert [(query.text, query.place.line, query.kind) for query in page.queries()] == [("up == 1", 2, "page")]


def test_links_in_code_are_none() -> None:
    page = Page("a.md", "[a](b.md#c) `[d](e)`\n  ```sh\n[f](g)\n  ```\n[h](i)\n")
    assert list(page.links()) == [(1, "b.md#c"), (5, "i")]


def test_headings_become_anchors_as_on_github() -> None:
    page = Page("a.md", '# One\n## One\n## `x_y` is 0!\n  ```sh\n# none\n  ```\n<a id="by-hand"></a>\n## Closed ##\n')
    assert page.anchors() == {"one", "one-1", "x_y-is-0", "by-hand", "closed"}


def test_panels_of_a_folded_row_and_annotations_are_read() -> None:
    node = parse_json(
        '{"panels": [{"type": "row", "panels": [{"id": 2, "title": "in", "targets": [{"expr": "up"}]}]}],'
        ' "annotations": {"list": [{"name": "a", "expr": "up == 0"}, {"name": "b"}]}}'
    )
    board = read_dashboard("b.json", node)
    assert [panel.title for panel in board.panels] == ["", "in"]
    assert [(query.text, query.owner) for query in board.annotations] == [("up == 0", "annotation 'a'")]


def test_units_of_overrides_reach_the_targets_they_name() -> None:
    overrides = [
        {"matcher": {"id": "byFrameRefID", "options": "B"}, "properties": [{"id": "unit", "value": "s"}]},
        {"matcher": {"id": "byName", "options": "c"}, "properties": [{"id": "unit", "value": "bytes"}]},
        {"matcher": {"id": "byRegexp", "options": ".*"}, "properties": [{"id": "unit", "value": "ops"}]},
    ]
    targets = [{"refId": letter, "expr": "up", "legendFormat": letter.lower()} for letter in "ABC"]
    panel = {"fieldConfig": {"defaults": {"unit": "short"}, "overrides": overrides}, "targets": targets}
    [read] = read_dashboard("b.json", parse_json(json.dumps({"panels": [panel]}))).panels
    assert [read.units_for(target) for target in read.targets] == [("short", "ops"), ("s", "ops"), ("bytes", "ops")]


def test_prometheus_own_metrics_exist_where_it_scrapes_itself(small: Checkout) -> None:
    assert small.tree().catalog.find("prometheus_tsdb_head_series") is None
    job = "scrape_configs:\n  - job_name: prometheus\n    static_configs:\n      - targets: [localhost:9090]"
    small.edit("prometheus/prometheus.yml", "scrape_configs:", job)
    series = small.tree().catalog.find("prometheus_tsdb_head_series")
    assert series is not None
    assert series.labels == {"job": ("prometheus",), "instance": ()}


def test_metrics_of_alertmanager_have_the_labels_it_gives_them(small: Checkout) -> None:
    job = "scrape_configs:\n  - job_name: alertmanager\n"
    small.edit("prometheus/prometheus.yml", "scrape_configs:", job)
    series = small.tree().catalog.find("alertmanager_notifications_failed_total")
    assert series is not None
    assert series.labels == {"integration": (), "job": ("alertmanager",), "instance": ()}


def test_a_rule_without_a_name_records_nothing(small: Checkout) -> None:
    small.edit("prometheus/rules/shop.yml", "    rules:\n", "    rules:\n      - expr: up\n")
    assert "" not in small.tree().catalog.series


def test_every_metric_about_the_exporter_is_in_the_catalog() -> None:
    catalog = build_catalog((), ())
    names = [metric.name for metric in (*STORED.values(), *LIVE.values())]
    assert [name for name in names if catalog.find(name) is None] == []


def test_the_listed_values_are_those_of_the_catalog() -> None:
    catalog = build_catalog((), ())
    for (key, label), values in LABEL_VALUES.items():
        series = catalog.find({**STORED, **LIVE}[key].name)
        assert series is not None
        assert series.labels[label] == values


def test_a_recorded_label_has_the_values_it_has_in_all_that_is_recorded(small: Checkout) -> None:
    rules = (
        "      - {record: shop:both, expr: peak_trade_sales_total + on (kind) peak_trade_last_sale_timestamp_seconds}\n"
    )
    rules += "      - {record: shop:other, expr: max by (job) (peak_trade_sales_total) + on (job) max by (job) (up)}\n"
    small.edit("prometheus/prometheus.yml", "scrape_configs:", "scrape_configs:\n  - job_name: more")
    small.edit("prometheus/rules/shop.yml", "    rules:\n", f"    rules:\n{rules}")
    catalog = small.tree().catalog
    found = {name: catalog.find(name) for name in ("kind:peak_trade_sales:rate5m", "shop:both", "shop:other")}
    assert {name: series.labels for name, series in found.items() if series} == {
        "kind:peak_trade_sales:rate5m": {"kind": ("sale", "refund", "other")},
        "shop:both": {"kind": ("sale", "refund", "other")},
        "shop:other": {"job": ()},
    }


def test_the_listed_values_belong_to_labels_that_exist() -> None:
    every = {**STORED, **LIVE}
    assert [(key, label) for key, label in LABEL_VALUES if label not in every[key].labels] == []


def test_a_folder_without_contracts_is_no_checkout(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        load_tree(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: holds no contract, no rules, no scrape configuration and ")


def test_a_folder_for_contracts_is_a_checkout_even_while_there_are_none(tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    assert check(load_tree(tmp_path)) == []


def test_a_dashboard_that_is_a_list_is_found(small: Checkout) -> None:
    (small.root / "grafana/dashboards/list.json").write_text("[]")
    assert small.findings("files/readable") == [
        "grafana/dashboards/list.json:1: error: is no dashboard (got no JSON object); generate it again"
        " [files/readable]"
    ]


def test_two_recordings_of_one_name_are_one_series_with_the_values_of_both(small: Checkout) -> None:
    rules = "".join(
        f"      - record: shop:goal:count\n        expr: vector({n})\n        labels: {{kind: {kind}}}\n"
        for n, kind in ((1, "sale"), (2, "refund"))
    )
    small.edit("prometheus/rules/shop.yml", "    rules:\n", f"    rules:\n{rules}")
    series = small.tree().catalog.find("shop:goal:count")
    assert series is not None
    assert (series.labels, series.top, series.takes_any_label) == ({"kind": ("sale", "refund")}, None, False)


def test_two_recordings_of_one_name_with_other_labels_may_have_any(small: Checkout) -> None:
    rules = "".join(
        f"      - record: shop:goal:count\n        expr: vector(1)\n        labels: {{{labels}}}\n"
        for labels in ("kind: sale", "kind: refund, till: one")
    )
    small.edit("prometheus/rules/shop.yml", "    rules:\n", f"    rules:\n{rules}")
    series = small.tree().catalog.find("shop:goal:count")
    assert series is not None
    assert (series.labels, series.takes_any_label) == ({"kind": ("sale", "refund")}, True)


@pytest.mark.parametrize("first", [True, False])
def test_a_recording_of_something_unknown_may_have_any_label_whatever_the_other_of_its_name(
    small: Checkout, first: bool
) -> None:
    exprs = ("node_x", "vector(1)") if first else ("vector(1)", "node_x")
    rules = "".join(
        f"      - record: shop:goal:count\n        expr: {expr}\n        labels: {{kind: {kind}}}\n"
        for expr, kind in zip(exprs, ("sale", "refund"), strict=True)
    )
    small.edit("prometheus/rules/shop.yml", "    rules:\n", f"    rules:\n{rules}")
    series = small.tree().catalog.find("shop:goal:count")
    assert series is not None
    assert (series.takes_any_label, series.is_ours) == (True, False)


def test_the_units_grafana_knows_are_those_of_its_own_library() -> None:
    from grafana_foundation_sdk.models import units

    known = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("__")}
    assert known == UNIT_IDS


def test_queries_of_other_kinds_of_datasource_are_no_promql() -> None:
    chosen = [
        {"name": "logs", "type": "datasource", "query": "loki"},
        {"name": "metrics", "type": "datasource", "query": "prometheus"},
    ]
    sources: list[Any] = [
        None,
        "$metrics",
        {"type": "prometheus", "uid": "x"},
        {"uid": "${metrics}"},
        "$logs",
        "Loki",
        {"uid": "${logs}"},
        {"type": "loki"},
    ]
    targets = [{"refId": str(n), "expr": "up", "datasource": source} for n, source in enumerate(sources)]
    board = {"panels": [{"targets": targets}], "templating": {"list": chosen}}
    [panel] = read_dashboard("b.json", parse_json(json.dumps(board))).panels
    assert [target.letter for target in panel.targets] == ["0", "1", "2", "3"]


def test_the_greatest_value_of_what_an_exporter_says_of_itself_is_known_where_there_is_one() -> None:
    catalog = build_catalog((), ())
    greatest = {key: catalog.find(metric.name) for key, metric in {**STORED, **LIVE}.items()}
    flags = {"file_present", "state_ok", "live_trading_enabled"}
    assert {key for key, series in greatest.items() if series and series.top == 1.0} == {
        key for key in greatest if key in flags or key.endswith("_info")
    }
    assert {series.top for series in greatest.values() if series} == {None, 1.0}


def test_a_constant_is_at_most_itself_and_at_most_1_if_it_is_0(small: Checkout) -> None:
    for value, top in (("5", 5.0), ("0", 1.0), ("1", 1.0)):
        more = f"  shop_lanes: {{type: gauge, help: L., always: {value}, init: [{{}}], budget: 1}}\n"
        small.edit("contracts/shop.yaml", "  peak_trade_shop_state:\n", f"{more}  peak_trade_shop_state:\n")
        series = small.tree().catalog.find("shop_lanes")
        assert series is not None
        assert series.top == top
        small.edit("contracts/shop.yaml", more, "")


def test_a_file_of_rules_without_groups_is_found_with_what_it_has(small: Checkout) -> None:
    for text, got in (
        ("rules: []\nx: 1\n", "rules, x"),
        ("- 1\n", "a list"),
        ("kind: PrometheusRule\nspec: {}\n", "kind, spec"),
    ):
        (small.root / "prometheus/rules/other.yml").write_text(text)
        assert small.findings("files/readable") == [
            f"prometheus/rules/other.yml:1: error: has no groups of rules (got {got}); write groups: and a list"
            " [files/readable]"
        ]
