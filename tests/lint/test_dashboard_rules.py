"""Rules about dashboards: what each says of one fault in the small checkout, word by word, and what it accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lint.conftest import Checkout

BAD = [
    pytest.param('dashboard/identity', 'grafana/dashboards/shop.json', '"uid": "shop",', '', ['grafana/dashboards/shop.json:1: error: the dashboard has no uid; give it one [dashboard/identity]'], id='dashboard/identity no uid'),
    pytest.param('dashboard/identity', 'grafana/dashboards/shop.json', '"id": 2', '"id": 1', ['grafana/dashboards/shop.json:33: error: panel "Sales / min" has id 1, as "Refund share" has; give it another [dashboard/identity]'], id='dashboard/identity an id that stands twice'),
    pytest.param('dashboard/identity', 'grafana/dashboards/shop.json', '"id": 2,', '', ['grafana/dashboards/shop.json:32: error: panel "Sales / min" has no id (got None, expected a whole number from 1); give it one [dashboard/identity]'], id='dashboard/identity no id'),
    pytest.param('dashboard/layout', 'grafana/dashboards/shop.json', '"x": 6, "y": 0', '"x": 5, "y": 0', ['grafana/dashboards/shop.json:32: error: panel "Sales / min" lies on "Refund share" (at x 5, y 0); correct its gridPos [dashboard/layout]'], id='dashboard/layout on top of another'),
    pytest.param('dashboard/layout', 'grafana/dashboards/shop.json', '"w": 18', '"w": 19', ['grafana/dashboards/shop.json:32: error: panel "Sales / min" does not lie in the grid (got x 6, w 19, h 4; expected x + w up to 24); correct its gridPos [dashboard/layout]'], id='dashboard/layout outside of the grid'),
    pytest.param('dashboard/link', 'grafana/dashboards/shop.json', '/d/shop', '/d/store', ['grafana/dashboards/shop.json:4: error: the link leads to no dashboard (got "store", expected one of shop); correct it [dashboard/link]'], id='dashboard/link no such dashboard'),
    pytest.param('dashboard/datasource', 'grafana/dashboards/shop.json', '"description": "Sales per minute.",\n      "datasource": {"type": "prometheus", "uid": "$datasource"}', '"description": "Sales per minute.",\n      "datasource": {"type": "prometheus", "uid": "local"}', ['grafana/dashboards/shop.json:37: error: the datasource is pinned (got "local", expected $datasource or ${datasource}); use the variable [dashboard/datasource]'], id='dashboard/datasource a pinned uid'),
    pytest.param('dashboard/datasource', 'grafana/dashboards/shop.json', '"description": "Sales per minute.",\n      "datasource": {"type": "prometheus", "uid": "$datasource"},', '"description": "Sales per minute.",', ['grafana/dashboards/shop.json:32: error: panel "Sales / min" names no datasource; use the variable [dashboard/datasource]'], id='dashboard/datasource none'),
    pytest.param('dashboard/variable', 'grafana/dashboards/shop.json', 'kind=~\\"$kind\\"', 'kind=~\\"$sort\\"', ['grafana/dashboards/shop.json:8: error: the variable "kind" is used by no panel; use it or delete it [dashboard/variable]', 'grafana/dashboards/shop.json:43: error: panel "Sales / min": the variable "sort" is not defined on this dashboard; define it or correct the expression [dashboard/variable]'], id='dashboard/variable an undefined and an unused one'),
    pytest.param('dashboard/variable', 'grafana/dashboards/shop.json', 'label_values(peak_trade_sales_total, kind)', 'label_values(peak_trade_sales_total, sort)', ['grafana/dashboards/shop.json:8: error: the variable "kind": peak_trade_sales_total has no label "sort" (expected one of instance, job, kind); correct label_values() [dashboard/variable]'], id='dashboard/variable a label that is not there'),
    pytest.param('dashboard/variable', 'grafana/dashboards/shop.json', 'label_values(peak_trade_sales_total, kind)', 'label_values(peak_trade_sale_total, kind)', ['grafana/dashboards/shop.json:8: error: the variable "kind": no metric is named "peak_trade_sale_total"; correct label_values() [dashboard/variable]'], id='dashboard/variable a metric that is not there'),
    pytest.param('dashboard/legend', 'grafana/dashboards/shop.json', '{{kind}}', '{{stage}}', ['grafana/dashboards/shop.json:43: error: panel "Sales / min": the legend uses the label "stage", which is gone (expected one of kind); keep it in by () or drop it here [dashboard/legend]'], id='dashboard/legend a label that is gone'),
    pytest.param('dashboard/unit', 'grafana/dashboards/shop.json', '"unit": "percentunit"', '"unit": "percent"', ['grafana/dashboards/shop.json:28: error: panel "Refund share": the unit does not fit the values (got "percent" for ratio, expected "percentunit"); change the unit or the expression [dashboard/unit]'], id='dashboard/unit a share as per cent'),
    pytest.param('dashboard/unit', 'grafana/dashboards/shop.json', '"unit": "opm"', '"unit": "ops"', ['grafana/dashboards/shop.json:43: error: panel "Sales / min": the unit does not fit the values (got "ops" for count/s x 60, expected "reqpm"); change the unit or the expression [dashboard/unit]'], id='dashboard/unit a rate per minute as per second'),
    pytest.param('dashboard/unit', 'grafana/dashboards/shop.json', '"unit": "s"', '"unit": "ms"', ['grafana/dashboards/shop.json:56: error: panel "Worst age": the unit does not fit the values (got "ms" for seconds, expected "s"); change the unit or the expression [dashboard/unit]'], id='dashboard/unit seconds as milliseconds'),
    pytest.param('dashboard/unit', 'grafana/dashboards/shop.json', '"fieldConfig": {"defaults": {"unit": "s"}},', '', ['grafana/dashboards/shop.json:56: error: panel "Worst age": the unit does not fit the values (got "" for seconds, expected "s"); change the unit or the expression [dashboard/unit]'], id='dashboard/unit no unit'),
    pytest.param('dashboard/title', 'grafana/dashboards/shop.json', ' * 60"', '"', ['grafana/dashboards/shop.json:43: error: panel "Sales / min": the title says per minute, the value is count/s (expected x 60); multiply by 60 [dashboard/title]'], id='dashboard/title a rate per second under / min'),
    pytest.param('dashboard/title', 'grafana/dashboards/shop.json', 'min(peak_trade_last_sale', 'max(peak_trade_last_sale', ['grafana/dashboards/shop.json:56: error: panel "Worst age": the title says worst, but max() of a timestamp is the newest; use min() [dashboard/title]'], id='dashboard/title the best age under worst'),
    pytest.param('dashboard/panel', 'grafana/dashboards/shop.json', '"description": "Sales per minute.",', '', ['grafana/dashboards/shop.json:32: error: panel "Sales / min" has no description; say what it means and what to do [dashboard/panel]'], id='dashboard/panel no description'),
    pytest.param('dashboard/panel', 'grafana/dashboards/shop.json', '"title": "Sales / min",', '', ['grafana/dashboards/shop.json:32: error: panel 2 has no title; give it one [dashboard/panel]'], id='dashboard/panel no title'),
    pytest.param('dashboard/panel', 'grafana/dashboards/shop.json', '"targets": [{"refId": "A", "expr": "time() - min(peak_trade_last_sale_timestamp_seconds)"}]', '"targets": []', ['grafana/dashboards/shop.json:48: error: panel "Worst age" asks nothing (got no visible query); give it one or delete it [dashboard/panel]'], id='dashboard/panel no query'),
]

GOOD = [
    pytest.param('dashboard/unit', 'grafana/dashboards/shop.json', '"unit": "percentunit"', '"unit": "furlongs"', id='dashboard/unit a unit that is not known here'),
    pytest.param('dashboard/unit', 'grafana/dashboards/shop.json', '{"defaults": {"unit": "percentunit"}}', '{"defaults": {"unit": "s"}, "overrides": [{"matcher": {"id": "byFrameRefID", "options": "A"}, "properties": [{"id": "unit", "value": "percentunit"}]}]}', id='dashboard/unit an override by letter'),
    pytest.param('dashboard/datasource', 'grafana/dashboards/shop.json', '"uid": "$datasource"', '"uid": "${datasource}"', id='dashboard/datasource the variable in braces'),
    pytest.param('dashboard/panel', 'grafana/dashboards/shop.json', '"type": "stat",\n      "title": "Worst age",\n      "description": "Seconds since the kind of sale that is longest ago.",', '"type": "text",\n      "title": "",', id='dashboard/panel a text panel'),
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
