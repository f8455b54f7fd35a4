"""Rules about alerts and recordings: what each says of one fault in the small checkout, word by word, and what it accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lint.conftest import Checkout

BAD = [
    pytest.param('rule/alert', 'prometheus/rules/shop.yml', 'labels: {severity: page}', 'labels: {severity: critical}', ['prometheus/rules/shop.yml:7: error: alert SHOP_Down: the severity is not one to route by (got "critical", expected one of page, warn, info); set it [rule/alert]'], id='rule/alert a severity nobody routes'),
    pytest.param('rule/alert', 'prometheus/rules/shop.yml', 'labels: {severity: page}', 'labels: {team: shop}', ['prometheus/rules/shop.yml:7: error: alert SHOP_Down: the severity is not one to route by (got none, expected one of page, warn, info); set it [rule/alert]'], id='rule/alert no severity'),
    pytest.param('rule/alert', 'prometheus/rules/shop.yml', 'description: Start it.', 'detail: Start it.', ['prometheus/rules/shop.yml:7: error: alert SHOP_Down: the annotation description is missing; write it [rule/alert]'], id='rule/alert no description'),
    pytest.param('rule/alert', 'prometheus/rules/shop.yml', 'alert: SHOP_Slow', 'alert: shop_slow', ['prometheus/rules/shop.yml:16: error: alert shop_slow: the name is not in CamelCase (got "shop_slow"); rename it [rule/alert]'], id='rule/alert a name in lower case'),
    pytest.param('rule/record', 'prometheus/rules/shop.yml', 'kind:peak_trade_sales:rate5m', 'peak_trade_sales_rate5m', ['prometheus/rules/shop.yml:4: error: the recording "peak_trade_sales_rate5m" is not named level:metric:operation; rename it, such as mode:peak_trade_risk_blocks:rate5m [rule/record]'], id='rule/record no levels'),
    pytest.param('rule/record', 'prometheus/rules/shop.yml', 'kind:peak_trade_sales:rate5m', 'run_id:peak_trade_sales:rate5m', ['prometheus/rules/shop.yml:4: error: the level of "run_id:peak_trade_sales:rate5m" is not its labels (got run_id, has kind); rename it [rule/record]'], id='rule/record another level'),
    pytest.param('rule/runbook', 'prometheus/rules/shop.yml', 'docs/runbook.md#shop_down', 'docs/runbooks.md#shop_down', ['prometheus/rules/shop.yml:14: error: alert SHOP_Down: the runbook "docs/runbooks.md" does not exist in this repository; write it or correct runbook_url [rule/runbook]'], id='rule/runbook no such page'),
    pytest.param('rule/runbook', 'prometheus/rules/shop.yml', 'docs/runbook.md#shop_down', 'docs/runbook.md#shop-down', ['prometheus/rules/shop.yml:14: error: alert SHOP_Down: docs/runbook.md has no heading "shop-down" (expected one of runbook, shop_down, shop_slow); add it or correct runbook_url [rule/runbook]'], id='rule/runbook no such heading'),
    pytest.param('rule/template', 'prometheus/rules/shop.yml', '$labels.kind', '$labels.till', ['prometheus/rules/shop.yml:21: error: alert SHOP_Slow: summary uses the label "till", which not every result has (expected one of kind); keep it in the expression or drop it here [rule/template]'], id='rule/template a label that is gone'),
    pytest.param('rule/template', 'prometheus/rules/shop.yml', '{{ $labels.kind }}', '{{ $labels.kind }', ['prometheus/rules/shop.yml:21: error: alert SHOP_Slow: summary has a template that is not closed (got unequal {{ and }}); close it [rule/template]'], id='rule/template a template that is open'),
    pytest.param('rule/unique', 'prometheus/rules/shop.yml', 'alert: SHOP_Slow', 'alert: SHOP_Down', ['prometheus/rules/shop.yml:16: error: alert SHOP_Down: stands in prometheus/rules/shop.yml:7 already; rename or delete one [rule/unique]'], id='rule/unique a name that stands twice'),
    pytest.param('rule/absence', 'prometheus/rules/shop.yml', ' or absent(up{job="shop"})', '', ['prometheus/rules/shop.yml:8: error: alert SHOP_Down: does not fire when the target of "shop" is gone, as then there is no up; add: or absent(up{job="shop"}) [rule/absence]'], id='rule/absence a target that is gone'),
    pytest.param('rule/tested', 'prometheus/rule_tests/shop.yml', 'exp_alerts: [{exp_labels: {severity: warn}}]', 'exp_alerts: []', ['prometheus/rules/shop.yml:16: error: alert SHOP_Slow: no test in prometheus/rule_tests shows it firing; add one [rule/tested]'], id='rule/tested never firing'),
    pytest.param('rule/tested', 'prometheus/rule_tests/shop.yml', 'alertname: SHOP_Slow, exp_alerts: []', 'alertname: SHOP_Slack, exp_alerts: []', ['prometheus/rule_tests/shop.yml:6: error: the test names no alert (got SHOP_Slack); correct or delete it [rule/tested]', 'prometheus/rules/shop.yml:16: error: alert SHOP_Slow: no test in prometheus/rule_tests shows it silent; add one [rule/tested]'], id='rule/tested a test of no alert'),
]

GOOD = [
    pytest.param('rule/record', 'prometheus/rules/shop.yml', 'kind:peak_trade_sales:rate5m\n        expr: sum by (kind) (rate(peak_trade_sales_total[5m]))', 'instance:up:min\n        expr: min by (job, instance) (up)', id='rule/record an instance implies its job'),
    pytest.param('rule/runbook', 'prometheus/rules/shop.yml', 'docs/runbook.md#shop_down', 'https://example.org/blob/main/docs/runbook.md#shop_down', id='rule/runbook an address that ends in the page'),
    pytest.param('rule/unique', 'prometheus/rules/shop.yml', 'kind:peak_trade_sales:rate5m', 'kind:peak_trade_sales:rate5m\n        expr: vector(1)\n        labels: {kind: sale}\n      - record: kind:peak_trade_sales:rate5m', id='rule/unique a recording with other labels'),
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
