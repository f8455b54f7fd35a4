"""Every rule: what it says of a fault in the small checkout, word by word, and what it accepts."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from contracts.lint.check import check, find_rules
from contracts.lint.inputs.tree import load_tree
from contracts.lint.rules import contract_series

pytestmark = pytest.mark.thorough

if TYPE_CHECKING:
    from tests.lint.conftest import Checkout

PLAIN = Path(__file__).parent / "small"
CASES = [tomllib.loads(path.read_text("utf-8")) for path in sorted((Path(__file__).parent / "cases").glob("*.toml"))]


def cases(kind: str) -> list[Any]:
    return [pytest.param(case, id=f"{case['rule']} {case['name']}") for file in CASES for case in file.get(kind, [])]


@cache
def said_of_the_plain(rule: str) -> frozenset[str]:
    """Return what a rule says of the small checkout as it is."""
    return frozenset(str(finding) for finding in check(load_tree(PLAIN), [rule]))


@pytest.mark.parametrize("case", cases("bad"))
def test_a_fault_is_found_and_said_word_by_word(small: Checkout, case: dict[str, Any]) -> None:
    before = said_of_the_plain(case["rule"])
    small.edit(case["file"], case["old"], case["new"])
    assert [finding for finding in small.findings(case["rule"]) if finding not in before] == case["says"] != []


@pytest.mark.parametrize("case", cases("good"))
def test_what_is_right_in_another_way_is_accepted(small: Checkout, case: dict[str, Any]) -> None:
    small.edit(case["file"], case["old"], case["new"])
    assert small.findings(case["rule"]) == []


def test_every_rule_has_a_case_in_the_file_of_its_area() -> None:
    found = {case["rule"] for file in CASES for case in file["bad"]}
    assert found == {rule.id for rule in find_rules()}


def test_the_small_checkout_is_clean_but_for_two_metrics_nobody_uses(small: Checkout) -> None:
    assert small.findings() == [
        "contracts/shop.yaml:42: info: no rule and no dashboard uses peaktrade_ai_visits_total; show it, alert on it,"
        " or drop it [contract/unused]",
        "contracts/shop.yaml:48: info: no rule and no dashboard uses peak_trade_shop_state; show it, alert on it,"
        " or drop it [contract/unused]",
    ]


def test_every_rule_is_documented_by_a_first_sentence() -> None:
    assert [rule.id for rule in find_rules() if "." not in rule.doc.strip()] == []


def test_an_exporter_that_can_become_too_large_is_found(small: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract_series, "MAX_SAMPLES", 29)
    assert small.findings("contract/series") == [
        "contracts/shop.yaml:1: error: shop can become too large (got 30 samples, expected at most 29);"
        " drop a label or shorten a list [contract/series]"
    ]


def test_a_metric_of_two_contracts_is_found(small: Checkout) -> None:
    text = (small.root / "contracts/shop.yaml").read_text()
    text = text.replace("name: shop", "name: stall").replace("job: shop", "job: stall").replace("9200", "9201")
    (small.root / "contracts/stall.yaml").write_text(text)
    assert small.findings("contract/unique")[0] == (
        "contracts/stall.yaml:23: error: peak_trade_sales_total belongs to contracts/shop.yaml already;"
        " rename one of the two [contract/unique]"
    )


def test_a_second_dashboard_with_the_same_uid_is_found(small: Checkout) -> None:
    text = (small.root / "grafana/dashboards/shop.json").read_text()
    (small.root / "grafana/dashboards/shop2.json").write_text(text)
    assert small.findings("dashboard/identity") == [
        'grafana/dashboards/shop2.json:2: error: the uid "shop" belongs to grafana/dashboards/shop.json already;'
        " choose another [dashboard/identity]",
        'grafana/dashboards/shop2.json:3: error: the title "Shop" belongs to grafana/dashboards/shop.json already;'
        " choose another [dashboard/identity]",
    ]


def test_a_page_that_is_not_utf8_is_found(small: Checkout) -> None:
    (small.root / "docs/runbook.md").write_bytes(b"# \xff")
    assert small.findings("files/readable") == [
        "docs/runbook.md:1: error: byte 2 is not UTF-8; save the file as UTF-8 [files/readable]"
    ]


def test_a_file_that_cannot_be_read_does_not_keep_the_others_from_being_judged(small: Checkout) -> None:
    for folder, ending in (("prometheus/rules", "yml"), ("grafana/dashboards", "json")):
        for name, data in (("a", b"\xff"), ("b", b"[}"), ("c", b"[]"), ("z", b"\xff")):
            (small.root / folder / f"{name}.{ending}").write_bytes(data)
    small.edit("prometheus/rules/shop.yml", "> 0.5", "> 250")
    small.edit("grafana/dashboards/shop.json", "/d/shop", "/d/store")
    assert len(small.findings("promql/threshold")) == len(small.findings("dashboard/link")) == 1
    assert small.findings("files/readable") == [
        "grafana/dashboards/a.json:1: error: byte 0 is not UTF-8; save the file as UTF-8 [files/readable]",
        "grafana/dashboards/b.json:1: error: is not JSON: Expecting value; generate it again [files/readable]",
        "grafana/dashboards/c.json:1: error: is no dashboard (got no JSON object); generate it again [files/readable]",
        "grafana/dashboards/z.json:1: error: byte 0 is not UTF-8; save the file as UTF-8 [files/readable]",
        "prometheus/rules/a.yml:1: error: byte 0 is not UTF-8; save the file as UTF-8 [files/readable]",
        "prometheus/rules/b.yml:1: error: (document): cannot be read as YAML: while parsing a flow node, expected the"
        " node content, but found '}'; correct it there [files/readable]",
        "prometheus/rules/c.yml:1: error: has no groups of rules (got an empty list); write groups: and a list"
        " [files/readable]",
        "prometheus/rules/z.yml:1: error: byte 0 is not UTF-8; save the file as UTF-8 [files/readable]",
    ]


def test_while_a_contract_does_not_load_its_consumers_are_not_called_wrong(small: Checkout) -> None:
    small.edit("contracts/shop.yaml", "counts: kind", "counts: sort")
    assert [finding.rpartition(" ")[2] for finding in small.findings()] == ["[contract/valid]"]


def test_an_expression_that_is_no_promql_is_said_once_and_leads_to_nothing_else(small: Checkout) -> None:
    before = small.findings()
    small.edit("grafana/dashboards/shop.json", "* 60", "* (60")
    small.edit("prometheus/rules/shop.yml", "> 0.5", "> ")
    more = [finding for finding in small.findings() if finding not in before and ": info:" not in finding]
    assert [finding.rpartition(" ")[2] for finding in more] == ["[promql/syntax]", "[promql/syntax]"]


def test_a_label_in_a_name_is_said_whole_even_if_it_holds_the_sign_of_one(small: Checkout) -> None:
    small.edit("contracts/shop.yaml", "peak_trade_sales_total", "peak_trade_sales_by_day_by_kind_total")
    [found] = small.findings("contract/name")
    assert 'has the label "day_by_kind" in its name; drop it' in found
