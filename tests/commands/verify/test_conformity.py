"""A metrics page against its contract: one page as it should be, and one fault at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.load import load_contract
from contracts.model import Contract
from exporters.commands.verify.client import read_families
from exporters.commands.verify.conformity import contract_in_force, count_series, find_problems
from exporters.commands.verify.exporter import check_exporter
from tests.commands.verify.conftest import FakeSite

CONTRACT = """\
exporter: {name: shop, help: A shop., port: 9200, job: shop}
files: {default: shop.jsonl}
vocabulary:
  kind: {values: [buy, sell], otherwise: other}
  who: {allow: "a-z", max_length: 4, max_values: 2, default: na}
  took: {type: number, unit: seconds, min: 0}
sources:
  plain: {match: {}, read: {kind: kind, who: who, took: took}}
metrics:
  shop_deals_total: {type: counter, counts: events, labels: [kind, who], budget: 9, help: Deals.}
  shop_deal_seconds: {type: histogram, observes: took, buckets: [1, 2], budget: 1, help: Time.}
  shop_refused_lines_total: {type: counter, rejections: {bad_json: bad}, labels: [source, reason], budget: 2, help: No.}
"""

PAGE = """\
# TYPE shop_deals_total counter
shop_deals_total{kind="buy",who="ann"} 1
shop_deals_total{kind="other",who="na"} 2
# TYPE shop_deal_seconds histogram
shop_deal_seconds_bucket{le="1.0"} 1
shop_deal_seconds_bucket{le="2.0"} 1
shop_deal_seconds_bucket{le="+Inf"} 1
shop_deal_seconds_count 1
shop_deal_seconds_sum 0.5
# TYPE shop_refused_lines_total counter
shop_refused_lines_total{source="unknown",reason="bad"} 1
# TYPE peak_trade_exporter_lines_total counter
peak_trade_exporter_lines_total{exporter="shop",outcome="applied"} 3
# TYPE peak_trade_exporter_contract_info gauge
peak_trade_exporter_contract_info{exporter="shop",contract="shop.yaml",sha256="abc"} 1
# TYPE peak_trade_live_trading_enabled gauge
peak_trade_live_trading_enabled{exporter="shop"} 0
# TYPE process_open_fds gauge
process_open_fds 7
"""


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    path = tmp_path_factory.mktemp("contract") / "shop.yaml"
    path.write_text(CONTRACT)
    return load_contract(path)


def problems(contract: Contract, page: str) -> list[str]:
    return list(find_problems(contract, read_families(page.encode())))


def test_a_page_as_promised_has_no_problem(contract: Contract) -> None:
    assert problems(contract, PAGE) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("process_open_fds", "node_open_fds", "node_open_fds is not in the contract"),
        (
            "# TYPE shop_deals_total counter",
            "# TYPE shop_deals_total gauge",
            "shop_deals_total is a gauge, the contract says counter",
        ),
        (
            "# TYPE shop_deal_seconds histogram",
            "# TYPE shop_deal_seconds summary",
            "shop_deal_seconds is a summary, the contract says histogram",
        ),
        (
            'shop_deals_total{kind="buy",who="ann"}',
            'shop_deals_total{kind="buy",order_id="7"}',
            "shop_deals_total has the labels kind, order_id, the contract says kind, who",
        ),
        ('kind="buy"', 'kind="steal"', 'shop_deals_total: kind="steal" is no value the contract knows'),
        ('who="ann"', 'who="annette"', 'shop_deals_total: who="annette" is no value the contract knows'),
        ('who="ann"', 'who="Ann"', 'shop_deals_total: who="Ann" is no value the contract knows'),
        ('reason="bad"', 'reason="late"', 'shop_refused_lines_total: reason="late" is no value the contract knows'),
        ('source="unknown"', 'source="x"', 'shop_refused_lines_total: source="x" is no value the contract knows'),
        ('who="na"} 2', 'who="na"} NaN', "shop_deals_total is NaN"),
        (
            'shop_deal_seconds_bucket{le="2.0"} 1\n',
            "",
            "shop_deal_seconds has the buckets 1, inf, the contract has others",
        ),
        (
            'exporter="shop",outcome="applied"',
            'exporter="shop",outcome="eaten"',
            'peak_trade_exporter_lines_total: outcome="eaten" is no value the contract knows',
        ),
        (
            'exporter="shop",outcome',
            'exporter="bank",outcome',
            'peak_trade_exporter_lines_total: exporter="bank" is no value the contract knows',
        ),
        (
            "peak_trade_exporter_contract_info",
            "peak_trade_exporter_mood_info",
            "peak_trade_exporter_mood_info is not in the contract",
        ),
    ],
)
def test_a_fault_is_found_and_named(contract: Contract, old: str, new: str, problem: str) -> None:
    assert old in PAGE
    assert problem in problems(contract, PAGE.replace(old, new))


def test_more_series_than_the_budget_and_more_values_than_the_cap_are_found(contract: Contract) -> None:
    more = "".join(f'shop_deals_total{{kind="buy",who="{who}"}} 1\n' for who in "bcdefghi")
    page = PAGE.replace("# TYPE shop_deal_seconds histogram", more + "# TYPE shop_deal_seconds histogram")
    assert problems(contract, page) == [
        "shop_deals_total has 10 values of who, the contract allows 3",
        "shop_deals_total has 10 series, its budget is 9",
    ]


def test_the_samples_of_one_histogram_are_one_series() -> None:
    counts = {family.name: count_series(family) for family in read_families(PAGE.encode())}
    assert (counts["shop_deal_seconds"], counts["shop_deals"]) == (1, 2)


def test_the_contract_in_force_is_the_one_the_page_names() -> None:
    assert contract_in_force(read_families(PAGE.encode())) == "abc"
    assert contract_in_force([]) == ""


def test_a_page_under_the_contract_on_disk_passes_twice(contract: Contract, fake: FakeSite) -> None:
    fake.say("/", PAGE.replace("abc", contract.sha256).encode())
    assert [str(finding) for finding in check_exporter(fake.site, contract).run()] == [
        "PASS|shop_metrics|7 families, 8 series, all as shop.yaml says",
        f"PASS|shop_contract|runs shop.yaml as it is on disk ({contract.sha256[:12]})",
        "PASS|shop_no_live|LIVE_TRADING_ENABLED is off where shop runs",
    ]


def test_an_exporter_where_live_trading_is_on_fails(contract: Contract, fake: FakeSite) -> None:
    page = PAGE.replace("abc", contract.sha256)
    fake.say("/", page.replace('enabled{exporter="shop"} 0', 'enabled{exporter="shop"} 1').encode())
    finding = check_exporter(fake.site, contract).run()[2]
    assert (str(finding), finding.watcher) == (
        "FAIL|shop_no_live|LIVE_TRADING_ENABLED is on where shop runs; this system only ever watches",
        "unset LIVE_TRADING_ENABLED there, restart, and find out who set it: docs/no_live.md",
    )


def test_a_page_that_does_not_say_whether_live_trading_is_on_fails(contract: Contract, fake: FakeSite) -> None:
    fake.say("/", PAGE.replace('peak_trade_live_trading_enabled{exporter="shop"} 0\n', "").encode())
    finding = check_exporter(fake.site, contract).run()[2]
    assert (str(finding), finding.watcher) == (
        "FAIL|shop_no_live|the page does not say whether live trading is enabled",
        "it is no exporter of ours, or an older one: restart it from this checkout",
    )


def test_another_contract_than_the_one_on_disk_fails(contract: Contract, fake: FakeSite) -> None:
    fake.say("/", PAGE.encode())
    finding = check_exporter(fake.site, contract).run()[1]
    text = f"runs another shop.yaml (abc) than the one on disk ({contract.sha256[:12]})"
    assert (str(finding), finding.watcher) == (
        f"FAIL|shop_contract|{text}",
        "restart the exporter: python -m exporters.shop",
    )


def test_a_stranger_on_the_port_fails(contract: Contract, fake: FakeSite) -> None:
    fake.say("/", b"# TYPE process_open_fds gauge\nprocess_open_fds 7\n")
    [finding] = check_exporter(fake.site, contract).run()
    text = "this is no exporter of ours, but what shows process_open_fds"
    assert (str(finding), finding.watcher) == (
        f"FAIL|shop_metrics|{fake.base}: {text}",
        "who holds the port: ss -ltnp; start exporters.shop",
    )


def test_an_exporter_that_does_not_say_its_contract_fails(contract: Contract, fake: FakeSite) -> None:
    fake.say("/", b"# TYPE peak_trade_exporter_state_ok gauge\npeak_trade_exporter_state_ok 1\n")
    found = {finding.id: finding for finding in check_exporter(fake.site, contract).run()}
    assert str(found["shop_contract"]) == "FAIL|shop_contract|the page does not say which contract is in force"
    assert found["shop_contract"].watcher == "something else holds port 9200: ss -ltnp"


def test_a_page_that_is_none_fails(contract: Contract, fake: FakeSite) -> None:
    fake.say("/", b"<html>hello</html>\n")
    [finding] = check_exporter(fake.site, contract).run()
    assert str(finding).startswith(f"FAIL|shop_metrics|{fake.base}: not a metrics page (")


def test_no_more_than_ten_problems_are_shown_but_all_are_counted(contract: Contract, fake: FakeSite) -> None:
    fake.say(
        "/",
        PAGE.partition("# TYPE shop_deal_seconds")[0].encode() + b"".join(b"stranger_%d 1\n" % at for at in range(13)),
    )
    findings = check_exporter(fake.site, contract).run()
    assert [finding.level for finding in findings] == ["FAIL"] * 10 + ["INFO", "FAIL", "FAIL"]
    assert str(findings[10]) == "INFO|shop_metrics|3 more problems are not shown"
    assert Path(contract.path).name in findings[0].watcher
