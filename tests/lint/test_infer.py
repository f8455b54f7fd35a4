"""What an expression yields: labels, unit, greatest value."""

from __future__ import annotations

import pytest

from contracts.lint.promql.catalog import Catalog
from contracts.lint.promql.infer import infer
from contracts.lint.promql.syntax import parse
from contracts.lint.promql.units import Unit

pytestmark = pytest.mark.thorough

SALES = "peak_trade_sales_total"
BUCKET = "peak_trade_sale_duration_seconds_bucket"
LAST = "peak_trade_last_sale_timestamp_seconds"
STATE = "peak_trade_shop_state"


@pytest.mark.parametrize(
    ("expr", "labels"),
    [
        (SALES, "instance job kind"),
        (f"-{SALES}", "instance job kind"),
        (f"sum({SALES})", ""),
        (f"sum by (kind) ({SALES})", "kind"),
        (f"sum without (instance) ({SALES})", "job kind"),
        (f"topk(3, {SALES})", "instance job kind"),
        (f'count_values("version", {SALES})', "version"),
        (f"max_over_time(sum by (kind) ({SALES})[5m:1m])", "kind"),
        (f"histogram_quantile(0.9, sum by (le, kind) (rate({BUCKET}[5m])))", "kind"),
        (f'label_replace(sum({SALES}), "shop", "$1", "x", "(.*)")', "shop"),
        ('absent(up{job="shop", instance=~"a.*"})', "job"),
        ("vector(1)", ""),
        ("time()", ""),
        ("hour()", ""),
        (f"scalar({SALES})", ""),
        (f"sum by (kind) ({SALES}) > 1", "kind"),
        (f"1 < sum by (kind) ({SALES})", "kind"),
        (f"{SALES} * on (kind) {LAST}", "kind"),
        (f"{SALES} * ignoring (job, instance) sum by (kind) ({LAST})", "kind"),
        (f"sum by (kind) ({SALES}) * on () group_left (job) up", "job kind"),
        (f"{SALES} and on (kind) {LAST}", "instance job kind"),
        (f"sum by (kind, job) ({SALES}) or up", "job"),
        ("1 + 2", ""),
    ],
)
def test_the_labels_that_every_result_has(catalog: Catalog, expr: str, labels: str) -> None:
    assert infer(parse(expr), catalog).sure == frozenset(labels.split())


@pytest.mark.parametrize(
    ("expr", "sure", "possible"),
    [
        (f"sum by (kind, job) ({SALES}) or up", "job", "instance job kind"),
        (f"histogram_quantile(0.9, sum by (le, kind) (rate({BUCKET}[5m])) or sum by (le) ({BUCKET}))", "", "kind"),
        (f'label_replace(sum by (kind) ({SALES}) or sum({SALES}), "a", "$1", "x", "(.*)")', "a", "a kind"),
    ],
)
def test_the_labels_that_a_result_may_have_are_more_than_those_it_is_sure_to_have(
    catalog: Catalog, expr: str, sure: str, possible: str
) -> None:
    found = infer(parse(expr), catalog)
    assert (found.sure, found.labels) == (frozenset(sure.split()), frozenset(possible.split()))


@pytest.mark.parametrize(
    "expr", ['{__name__=~"peak.*"}', "unknown_metric", "ALERTS", "ALERTS or up", f"{SALES} + ALERTS"]
)
def test_of_what_is_not_declared_nothing_is_claimed(catalog: Catalog, expr: str) -> None:
    assert infer(parse(expr), catalog).unit in (None, Unit("count"))
    assert infer(parse(f"max by (colour) ({expr})"), catalog).labels == frozenset({"colour"})


@pytest.mark.parametrize(
    ("expr", "unit"),
    [
        (SALES, Unit("count")),
        (f"rate({SALES}[5m])", Unit("count/s")),
        (f"60 * rate({SALES}[5m])", Unit("count/s", 60)),
        (f"rate({SALES}[5m]) / 2", Unit("count/s", 0.5)),
        (f"increase({SALES}[5m])", Unit("count")),
        (f"count({LAST})", Unit("count")),
        (f"stdvar({LAST})", None),
        (LAST, Unit("timestamp")),
        (f"time() - max({LAST})", Unit("seconds")),
        (f"clamp_min(time() - {LAST}, 0)", Unit("seconds")),
        (f"{LAST} - {LAST} offset 5m", Unit("seconds")),
        (f"time() - {LAST} > 60", Unit("seconds")),
        ("time() - ALERTS_FOR_STATE", Unit("seconds")),
        (f"time() - {LAST} > bool 60", Unit("count")),
        (f"(sum({SALES}) > bool 0) * (time() - max({LAST}))", Unit("seconds")),
        (f"1 - sum(rate({SALES}[5m])) / sum(rate({SALES}[5m]))", Unit("ratio")),
        (f"100 * (sum(rate({SALES}[5m])) / sum(rate({SALES}[5m])))", Unit("ratio", 100)),
        ("rate(peak_trade_sale_duration_seconds_sum[5m])", Unit("ratio")),
        (
            "rate(peak_trade_sale_duration_seconds_sum[5m]) / rate(peak_trade_sale_duration_seconds_count[5m])",
            Unit("seconds"),
        ),
        ("peak_trade_sale_duration_seconds_sum / peak_trade_sale_duration_seconds_count", Unit("seconds")),
        (f"histogram_quantile(0.9, rate({BUCKET}[5m]))", Unit("seconds")),
        (f"1000 * histogram_quantile(0.9, rate({BUCKET}[5m]))", Unit("seconds", 1000)),
        ("process_resident_memory_bytes", Unit("bytes")),
        ("rate(peak_trade_exporter_read_bytes_total[5m])", Unit("bytes/s")),
        ("rate(process_cpu_seconds_total[5m])", Unit("ratio")),
        (f"rate({SALES}[5m]) or rate({SALES}[1m])", Unit("count/s")),
        (f"rate({SALES}[5m]) or {LAST}", None),
        (f"changes({STATE}[5m])", Unit("count")),
        (f"timestamp({SALES})", Unit("timestamp")),
        (f"{LAST} / {SALES}", Unit("timestamp")),
        (f"vector(scalar({LAST}))", Unit("timestamp")),
        (f"scalar(max({LAST}))", Unit("timestamp")),
        (f"{LAST} * {SALES}", Unit("timestamp")),
        (f"{SALES} * {LAST}", Unit("timestamp")),
        (f"{LAST} + 5", Unit("timestamp")),
        (f"{SALES} - {SALES}", Unit("count")),
        (f"{LAST} > on (kind) {LAST}", Unit("timestamp")),
        (f"5 + {LAST}", Unit("timestamp")),
        (f"{LAST} - 5", Unit("timestamp")),
        (f"5 - {LAST}", Unit("timestamp")),
        (f"{LAST} + {LAST}", Unit("timestamp")),
        (f"{LAST} / 0", None),
        (f"{LAST} ^ 2", None),
        (f"delta({LAST}[5m])", Unit("seconds")),
        (f"delta({STATE}[5m])", Unit("count")),
        (f"round({LAST})", Unit("timestamp")),
        (f"clamp({LAST}, 1, 2)", Unit("timestamp")),
        (f"max_over_time({LAST}[5m])", Unit("timestamp")),
        (f"quantile_over_time(0.5, {LAST}[5m])", Unit("timestamp")),
        (f"-{LAST}", Unit("timestamp")),
        (f"{LAST} and {SALES}", Unit("timestamp")),
        (f"{LAST} unless {SALES}", Unit("timestamp")),
        (f"({LAST}) or node_x", Unit("timestamp")),
        (f"node_x or {LAST}", None),
        (f"5 < {LAST}", Unit("timestamp")),
        (f"absent({LAST})", Unit("count")),
        (f"node_x * {LAST}", None),
        (f"{SALES} / {LAST}", None),
        (f"{SALES} + {LAST}", None),
        (f"2 / {SALES}", None),
        (f"{LAST} * {LAST}", None),
        (f"sqrt({LAST})", None),
        (f"sum_over_time({LAST}[5m])", None),
        (f"deriv(rate({SALES}[1m])[5m:])", None),
        ("kind:peak_trade_sales:rate5m", Unit("count/s")),
    ],
)
def test_the_unit_is_followed_through_arithmetic(catalog: Catalog, expr: str, unit: Unit | None) -> None:
    assert infer(parse(expr), catalog).unit == unit


@pytest.mark.parametrize(
    ("expr", "top"),
    [
        (f"histogram_quantile(0.9, rate({BUCKET}[5m]))", 1.0),
        (f"max(histogram_quantile(0.9, rate({BUCKET}[5m])))", 1.0),
        (f"1000 * histogram_quantile(0.9, rate({BUCKET}[5m]))", 1000.0),
        (f"histogram_quantile(0.9, rate({BUCKET}[5m])) / 10", 0.1),
        (STATE, 1.0),
        (f"sum({STATE})", None),
        (f"{STATE} or up", 1.0),
        (f"{STATE} or {SALES}", None),
        (f'sum(rate({SALES}{{kind="sale"}}[5m])) / sum(rate({SALES}[5m]))', 1.0),
        (f'sum(rate({SALES}{{kind="sale"}}[5m])) / clamp_min(sum(rate({SALES}[5m])), 1)', 1.0),
        (f'sum(rate({SALES}{{kind="sale"}}[5m])) / (sum(rate({SALES}[5m])) > 0)', 1.0),
        (f"sum(rate({SALES}[5m])) / sum(rate({SALES}[1h]))", None),
        (f"sum(rate({SALES}[5m])) / sum(rate({BUCKET}[5m]))", None),
        (f"group({SALES})", 1.0),
        (f"-{STATE}", None),
        (f"{STATE} * 3", 3.0),
        (f"{STATE} * 0", 0.0),
        (f"({STATE} * 3) or up", 3.0),
        (f"3 * {STATE}", 3.0),
        (f"{STATE} * {STATE}", None),
        (f"{STATE} / 4", 0.25),
        (f"{STATE} + 1", None),
        (f"{STATE} > 0", 1.0),
        (f"{SALES} > bool 0", 1.0),
        (f"{SALES} > 0", None),
        (f"{STATE} and {SALES}", 1.0),
        (f"{STATE} unless {SALES}", 1.0),
        (f"{SALES} and {STATE}", None),
        (f"max by (state) ({STATE})", 1.0),
        (f"avg({STATE})", 1.0),
        (f"max_over_time({STATE}[5m])", 1.0),
        (f"sum_over_time({STATE}[5m])", None),
        (f"abs({STATE})", None),
        (f"round({STATE})", 1.0),
        (f"rate({STATE}[5m])", None),
        ("vector(3)", 3.0),
        ("scalar(up)", None),
        (f"absent({SALES})", 1.0),
        ("5", None),
        (f"label_replace({STATE}, 'a', '$1', 'b', '(.*)')", 1.0),
        (f"{SALES} / {SALES}", 1.0),
        (f'{SALES} / {SALES}{{kind="sale"}}', None),
        (f'{SALES}{{kind="sale"}} / {LAST}', None),
        (f"({SALES} + {SALES}) / {SALES}", None),
        (f"histogram_quantile(0.9, {BUCKET} and {SALES})", 1.0),
        ("histogram_quantile(0.9, node_bucket)", None),
        (SALES, None),
    ],
)
def test_the_greatest_value_is_known_where_there_is_one(catalog: Catalog, expr: str, top: float | None) -> None:
    assert infer(parse(expr), catalog).top == top
