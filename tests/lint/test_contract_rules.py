"""Rules about contracts: what each says of one fault in the small checkout, word by word, and what it accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lint.conftest import Checkout

BAD = [
    pytest.param('contract/name', 'contracts/shop.yaml', 'peak_trade_sale_duration_seconds', 'peak_trade_sale_duration_ms', ['contracts/shop.yaml:29: error: "peak_trade_sale_duration_ms" names no base unit (got ms, expected seconds); convert and rename [contract/name]'], id='contract/name a unit that is no base unit'),
    pytest.param('contract/name', 'contracts/shop.yaml', 'peak_trade_sales_total', 'sales_total', ['contracts/shop.yaml:23: error: the prefix of "sales_total" is not ours (expected peak_trade_, peaktrade_, shadow_mvs_); rename the metric [contract/name]'], id='contract/name a foreign prefix'),
    pytest.param('contract/name', 'contracts/shop.yaml', 'peak_trade_sales_total', 'peak_trade_sales_by_kind_total', ['contracts/shop.yaml:23: error: "peak_trade_sales_by_kind_total" has the label "kind" in its name; drop it, queries aggregate by labels [contract/name]'], id='contract/name a label in the name'),
    pytest.param('contract/name', 'contracts/shop.yaml', 'peak_trade_shop_state:', 'peak_trade_shop_state_gauge:', ['contracts/shop.yaml:48: error: "peak_trade_shop_state_gauge" names its type (got gauge); leave it out [contract/name]'], id='contract/name a type in the name'),
    pytest.param('contract/name', 'contracts/shop.yaml', 'peak_trade_shop_state:', 'peak_trade_Shop_state:', ['contracts/shop.yaml:48: error: "peak_trade_Shop_state" has capitals; write "peak_trade_shop_state" [contract/name]'], id='contract/name capitals'),
    pytest.param('contract/unit', 'contracts/shop.yaml', 'peak_trade_sale_duration_seconds', 'peak_trade_sale_duration', ['contracts/shop.yaml:29: error: "peak_trade_sale_duration" does not end in the unit of the word "took" (got none, expected seconds); rename it [contract/unit]'], id='contract/unit a histogram without its unit'),
    pytest.param('contract/unit', 'contracts/shop.yaml', 'peak_trade_last_sale_timestamp_seconds', 'peak_trade_last_sale_seconds', ['contracts/shop.yaml:36: error: "peak_trade_last_sale_seconds" does not end in the unit of the word "at" (got seconds, expected timestamp_seconds); rename it [contract/unit]'], id='contract/unit a time that is none'),
    pytest.param('contract/unit', 'contracts/shop.yaml', 'peak_trade_sales_total', 'peak_trade_sales_seconds_total', ['contracts/shop.yaml:23: error: "peak_trade_sales_seconds_total" does not end in the unit of the word "kind" (got seconds, expected none); rename it [contract/unit]'], id='contract/unit a count with a unit'),
    pytest.param('contract/unit', 'contracts/shop.yaml', ', scale: 0.001', '', ['contracts/shop.yaml:13: error: till reads "took_ms" as seconds unscaled (got scale 1, expected 0.001); set scale [contract/unit]'], id='contract/unit milliseconds read as seconds'),
    pytest.param('contract/help', 'contracts/shop.yaml', 'Sales and refunds.', 'sales and refunds', ['contracts/shop.yaml:23: error: the help of peak_trade_sales_total is no sentence (got "sales and refunds"); begin with a capital, end with a full stop [contract/help]'], id='contract/help no sentence'),
    pytest.param('contract/help', 'contracts/shop.yaml', 'Sales and refunds.', 'Peak trade sales total.', ['contracts/shop.yaml:23: error: the help of peak_trade_sales_total only repeats its name; say what it means [contract/help]'], id='contract/help the name again'),
    pytest.param('contract/label', 'contracts/shop.yaml', 'labels: [run_id]', 'labels: [{customer_id: run_id}]', ['contracts/shop.yaml:42: error: the label "customer_id" of peaktrade_ai_visits_total was not decided (allowed on no metric); drop it [contract/label]'], id='contract/label an id'),
    pytest.param('contract/label', 'contracts/shop.yaml', 'peaktrade_ai_visits_total', 'peak_trade_visits_total', ['contracts/shop.yaml:42: error: the label "run_id" of peak_trade_visits_total was not decided (allowed only on peaktrade_ai_*); drop it [contract/label]'], id='contract/label run_id elsewhere'),
    pytest.param('contract/label', 'contracts/shop.yaml', 'labels: [kind]', 'labels: [{type: kind}]', ['contracts/shop.yaml:23: error: the label "type" of peak_trade_sales_total says nothing; name what it holds [contract/label]'], id='contract/label a label that says nothing'),
    pytest.param('contract/series', 'contracts/shop.yaml', 'budget: 3', 'budget: 5', ['contracts/shop.yaml:23: error: the budget of peak_trade_sales_total is above what it can reach (got 5, expected 3); lower it [contract/series]'], id='contract/series a budget that is no bound'),
    pytest.param('contract/unique', 'contracts/shop.yaml', 'port: 9200', 'port: 3000', ['contracts/shop.yaml:1: error: port 3000 of shop belongs to Grafana; choose another [contract/unique]'], id='contract/unique a port of the platform'),
    pytest.param('contract/unique', 'contracts/shop.yaml', 'job: shop', 'job: store', ['contracts/shop.yaml:1: error: the job of shop has another name (got "store", expected "shop"); make them equal [contract/unique]'], id='contract/unique a job of another name'),
    pytest.param('contract/valid', 'contracts/shop.yaml', 'counts: kind', 'counts: sort', ['contracts/shop.yaml:26: error: metrics.peak_trade_sales_total.counts: unknown word "sort"; declare it under vocabulary [contract/valid]'], id='contract/valid an unknown word'),
    pytest.param('contract/unused', 'grafana/dashboards/shop.json', 'peak_trade_last_sale_timestamp_seconds', 'process_start_time_seconds', ['contracts/shop.yaml:36: info: no rule and no dashboard uses peak_trade_last_sale_timestamp_seconds; show it, alert on it, or drop it [contract/unused]'], id='contract/unused a metric nobody uses'),
]

GOOD = [
    pytest.param('contract/name', 'contracts/shop.yaml', 'peak_trade_sales_total', 'shadow_mvs_sales_total', id='contract/name another prefix of ours'),
    pytest.param('contract/help', 'contracts/shop.yaml', 'Sales and refunds.', '1 per sale.', id='contract/help a figure first'),
    pytest.param('contract/label', 'contracts/shop.yaml', 'labels: [run_id]', 'labels: [kind]', id='contract/label no id at all'),
]


@pytest.mark.parametrize(("rule", "file", "old", "new", "expected"), BAD)
def test_a_fault_is_found_and_said(
    small: Checkout, rule: str, file: str, old: str, new: str, expected: list[str]
) -> None:
    before = small.findings(rule)
    small.edit(file, old, new)
    assert [finding for finding in small.findings(rule) if finding not in before] == expected


@pytest.mark.parametrize(("rule", "file", "old", "new"), GOOD)
def test_what_is_right_in_another_way_is_accepted(small: Checkout, rule: str, file: str, old: str, new: str) -> None:
    small.edit(file, old, new)
    assert small.findings(rule) == []
