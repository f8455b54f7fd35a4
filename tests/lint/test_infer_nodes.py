"""What an expression yields: whether it is a running total, a number, and its labels through every kind of node."""

from __future__ import annotations

import pytest

from contracts.lint.promql.catalog import Catalog
from contracts.lint.promql.infer import infer
from contracts.lint.promql.syntax import parse

pytestmark = pytest.mark.thorough

SALES = "peak_trade_sales_total"
BUCKET = "peak_trade_sale_duration_seconds_bucket"
LAST = "peak_trade_last_sale_timestamp_seconds"


@pytest.mark.parametrize(
    ("expr", "is_total"),
    [
        (SALES, True),
        (BUCKET, True),
        (f"{SALES}[5m]", True),
        (f"-{SALES}", True),
        (f"sum({SALES})", True),
        (f"min by (kind) ({SALES})", True),
        (f"max({SALES})", True),
        (f"avg({SALES})", True),
        (f"count({SALES})", False),
        (f"stddev({SALES})", False),
        (f"max({LAST})", False),
        (LAST, False),
        (f"max_over_time({SALES}[5m])", True),
        (f"quantile_over_time(0.5, {SALES}[5m])", False),
        (f"sort({SALES})", False),
        (f"rate({SALES}[5m])", False),
        (f"increase({SALES}[5m])", False),
        (f"{SALES} > 1", True),
        (f"1 < {SALES}", True),
        (f"{SALES} > bool 1", False),
        (f"{SALES} and {LAST}", True),
        (f"{LAST} and {SALES}", False),
        (f"{SALES} + {SALES}", False),
        (f"2 * {SALES}", False),
        ("node_x", False),
        ("process_cpu_seconds_total", True),
        ("process_open_fds", False),
        ("1", False),
    ],
)
def test_a_running_total_is_known_as_one(catalog: Catalog, expr: str, is_total: bool) -> None:
    assert infer(parse(expr), catalog).is_total is is_total


@pytest.mark.parametrize(
    ("expr", "is_scalar"),
    [
        ("1", True),
        ("time()", True),
        ("pi()", True),
        ("scalar(up)", True),
        ("1 + time()", True),
        ("-1", True),
        ("vector(1)", False),
        ("1 + up", False),
        ("up + 1", False),
        (SALES, False),
        ("node_x", False),
        ("absent(up)", False),
        ("hour(up)", False),
        ("1 > bool 2", True),
        (f"sum({SALES})", False),
    ],
)
def test_a_number_is_told_from_a_vector(catalog: Catalog, expr: str, is_scalar: bool) -> None:
    assert infer(parse(expr), catalog).is_scalar is is_scalar


EITHER = f"(sum by (kind, job) ({SALES}) or sum by (kind) ({LAST}))"


@pytest.mark.parametrize(
    ("expr", "sure", "possible"),
    [
        (EITHER, "kind", "kind job"),
        (f"topk(2, {EITHER})", "kind", "kind job"),
        (f"-{EITHER}", "kind", "kind job"),
        (f"sum by (kind, job) ({EITHER})", "kind", "kind job"),
        (f"sum without (kind) ({EITHER})", "", "job"),
        (f"max_over_time({EITHER}[5m:1m])", "kind", "kind job"),
        (f"round({EITHER})", "kind", "kind job"),
        (f"sgn({EITHER})", "kind", "kind job"),
        (f"{EITHER} > 1", "kind", "kind job"),
        (f"1 < {EITHER}", "kind", "kind job"),
        (f"{EITHER} + {EITHER}", "kind", "kind job"),
        (f"{EITHER} * on (kind, job) {EITHER}", "kind", "kind job"),
        (f"{EITHER} * ignoring (job) {EITHER}", "kind", "kind"),
        (f"{EITHER} * on (kind) group_left (job) {EITHER}", "kind", "kind job"),
        (f"{EITHER} * on (kind) group_right (job) {SALES}", "instance job kind", "instance job kind"),
        (f"{EITHER} and {SALES}", "kind", "kind job"),
        (f"{EITHER} or node_x", None, None),
        (f"{SALES} * on ($label) {LAST}", None, None),
        (f"{SALES} * on ($label, kind) {LAST}", None, None),
        (f"{SALES} * on (kind) group_left {LAST}", "instance job kind", "instance job kind"),
        (f"{SALES} * on (job) group_left (version) node_x", None, "instance job kind version"),
        (f"node_x * on (job) group_left (kind) {SALES}", None, None),
        (f"{EITHER} + 1", "kind", "kind job"),
        (f"1 + {EITHER}", "kind", "kind job"),
        (f"sum by ($label, kind) ({SALES})", None, None),
        (f"sum without ($label) ({SALES})", None, None),
        (f'count_values("version", {SALES})', "version", "version"),
        (f'count_values by (kind) ("version", {SALES})', "kind version", "kind version"),
        (f'count_values without (kind) ("version", {SALES})', "instance job version", "instance job version"),
        (f"quantile by (kind) (0.9, {SALES})", "kind", "kind"),
        (f"bottomk without (kind) (2, {SALES})", "instance job kind", "instance job kind"),
        (f'label_join({EITHER}, "a", "-", "kind")', "a kind", "a kind job"),
        ('absent({__name__="x", job="a", kind=~"b"})', "job", "job"),
        ("absent(sum(up))", "", ""),
    ],
)
def test_labels_are_followed_through_every_kind_of_node(
    catalog: Catalog, expr: str, sure: str | None, possible: str | None
) -> None:
    found = infer(parse(expr), catalog)
    expected = [None if names is None else frozenset(names.split()) for names in (sure, possible)]
    assert [found.sure, found.labels] == expected
