"""Inline exceptions: where they may stand, and that they are checked themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lint.conftest import Checkout

RULES = "prometheus/rules/shop.yml"
CONTRACT = "contracts/shop.yaml"
BOARD = "grafana/dashboards/shop.json"
SCRAPE = "prometheus/prometheus.yml"
PAGE = "docs/runbook.md"
ALERT = "      - alert: SHOP_Slow\n"
QUERY = 'clamp_min(sum(rate(peak_trade_sales_total[5m])), 1e-9)"'


def faults(small: Checkout) -> list[str]:
    return [finding for finding in small.findings() if ": info:" not in finding]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (ALERT, "      # lint: allow promql/threshold: we wait for a slow day\n" + ALERT),
        (ALERT, ALERT.rstrip() + "  # lint: allow promql/threshold: we wait for a slow day\n"),
        ("        for: 5m", "        # lint: allow promql/threshold: we wait for a slow day\n\n        for: 5m"),
        (ALERT, f"      # lint: allow promql/threshold: we wait\n\n      # for a slow day\n{ALERT}"),
    ],
    ids=["on the line before", "on the line", "anywhere in the rule", "before another comment"],
)
def test_a_comment_with_a_reason_excuses_the_rule_it_stands_in(small: Checkout, old: str, new: str) -> None:
    small.edit(RULES, "> 0.5", "> 250")
    assert len(faults(small)) == 1
    small.edit(RULES, old, new)
    assert faults(small) == []


def test_a_comment_in_another_rule_excuses_nothing_and_is_itself_found(small: Checkout) -> None:
    small.edit(RULES, "> 0.5", "> 250")
    small.edit(
        RULES, "      - alert: SHOP_Down", "      # lint: allow promql/threshold: why not\n      - alert: SHOP_Down"
    )
    assert faults(small) == [
        "prometheus/rules/shop.yml:7: error: the exception from promql/threshold excuses nothing here; delete it"
        " [lint/exception]",
        "prometheus/rules/shop.yml:18: error: alert SHOP_Slow: the value can never be > 250 (it is at most 1);"
        " lower the threshold [promql/threshold]",
    ]


def test_a_comment_in_an_expression_excuses_its_panel(small: Checkout) -> None:
    small.edit(BOARD, QUERY, 'sum(rate(peak_trade_sales_total[5m])) # lint: allow promql/division: sales never stop"')
    assert faults(small) == []


def test_a_comment_of_its_own_line_in_an_expression_excuses_its_panel(small: Checkout) -> None:
    small.edit(BOARD, '"unit": "opm"', '"unit": "s"')
    small.edit(
        BOARD, '"sum by (kind) (rate', '"# lint: allow dashboard/unit: sales take a second\\nsum by (kind) (rate'
    )
    assert faults(small) == []


def test_a_comment_in_a_metric_of_a_contract_excuses_that_metric_alone(small: Checkout) -> None:
    comment = "    # lint: allow contract/help: they say it so\n"
    small.edit(CONTRACT, "Sales and refunds.", "sales and refunds")
    small.edit(CONTRACT, "    buckets:", f"{comment}    buckets:")
    assert [finding.rpartition(" ")[2] for finding in faults(small)] == ["[contract/help]", "[lint/exception]"]
    small.edit(CONTRACT, comment, "")
    small.edit(CONTRACT, "    counts: kind\n    labels: [kind]\n", f"    counts: kind\n{comment}    labels: [kind]\n")
    assert faults(small) == []
    small.edit(CONTRACT, "Visits, by run.", "visits, by run")
    small.edit(CONTRACT, "1 for the state the shop is in, 0 for all others.", "1 for the state")
    small.edit(
        CONTRACT,
        "    states: state\n    labels: [state]\n    budget: 2\n",
        f"    states: state\n    labels: [state]\n    budget: 2\n{comment}",
    )
    assert [finding.partition(":")[2][:2] for finding in faults(small)] == ["43"]


def test_a_comment_on_a_page_excuses_the_line_below(small: Checkout) -> None:
    small.edit(PAGE, "`PEAK_TRADE_SHOP_EVENTS`", "`PEAK_TRADE_SHOP_FILE`")
    assert len(faults(small)) == 1
    small.edit(PAGE, "`PEAK_TRADE_SHOP_FILE`", "<!-- lint: allow docs/env: it is told of -->\n`PEAK_TRADE_SHOP_FILE`")
    assert faults(small) == []


@pytest.mark.parametrize(
    ("comment", "problem"),
    [
        (
            "# lint: allow promql/threshold",
            "the exception from promql/threshold gives no reason; add one after a colon",
        ),
        (
            "# lint: allow promql/threshold:",
            "the exception from promql/threshold gives no reason; add one after a colon",
        ),
        (
            "# lint: allow promql/treshold: why not",
            "the exception names no rule (got 'promql/treshold'); use an id `peaktrade contract lint --list` shows",
        ),
        ("# lint: allow promql/rate: why not", "the exception from promql/rate excuses nothing here; delete it"),
    ],
    ids=["no reason", "an empty reason", "no rule", "no use"],
)
def test_an_exception_is_checked_too(small: Checkout, comment: str, problem: str) -> None:
    small.edit(RULES, ALERT, f"      {comment}\n{ALERT}")
    assert faults(small) == [f"prometheus/rules/shop.yml:16: error: {problem} [lint/exception]"]


def test_an_exception_of_no_use_is_found_behind_one_of_use(small: Checkout) -> None:
    small.edit(RULES, "> 0.5", "> 250")
    small.edit(RULES, ALERT, f"      # lint: allow promql/threshold: we wait for a slow day\n{ALERT}")
    small.edit(RULES, "        for: 5m", "        # lint: allow promql/rate: why not\n        for: 5m")
    assert [finding.rpartition(" ")[2] for finding in faults(small)] == ["[lint/exception]"]


def test_an_exception_without_a_reason_excuses_nothing(small: Checkout) -> None:
    small.edit(RULES, "> 0.5", "> 250")
    small.edit(RULES, ALERT, f"      # lint: allow promql/threshold\n{ALERT}")
    assert [finding.rpartition(" ")[2] for finding in faults(small)] == ["[lint/exception]", "[promql/threshold]"]


def test_an_exception_on_the_first_line_excuses_no_other_line(small: Checkout) -> None:
    small.edit(SCRAPE, "rules/*.yml", "rules/none.yml")
    before = [finding for finding in small.findings("scrape/rules") if ":6:" in finding]
    small.edit(SCRAPE, "global:", "global:  # lint: allow scrape/rules: why not")
    assert small.findings("scrape/rules") == before != []


def test_while_a_contract_does_not_load_no_exception_is_called_useless(small: Checkout) -> None:
    small.edit(RULES, ALERT, f"      # lint: allow promql/rate: why not\n{ALERT}")
    assert [finding.rpartition(" ")[2] for finding in faults(small)] == ["[lint/exception]"]
    small.edit(CONTRACT, "counts: kind", "counts: sort")
    assert [finding.rpartition(" ")[2] for finding in faults(small)] == ["[contract/valid]"]


def test_what_is_only_said_in_backticks_is_no_exception(small: Checkout) -> None:
    small.edit(PAGE, "# Runbook", "# Runbook\n\nWrite `<!-- lint: allow area/name: reason -->` above it.")
    assert faults(small) == []


def test_a_comment_at_the_end_of_a_file_stands_for_itself(small: Checkout) -> None:
    small.edit(PAGE, "serves it.\n", "serves it.\n<!-- lint: allow docs/env: at the end -->\n")
    assert faults(small) == [
        "docs/runbook.md:14: error: the exception from docs/env excuses nothing here; delete it [lint/exception]"
    ]


def test_asked_for_alone_the_rule_about_exceptions_still_knows_which_are_of_use(small: Checkout) -> None:
    small.edit(RULES, "> 0.5", "> 250")
    small.edit(RULES, ALERT, f"      # lint: allow promql/threshold: we wait for a slow day\n{ALERT}")
    assert small.findings("lint/exception") == []
    small.edit(RULES, "> 250", "> 0.5")
    assert small.findings("lint/exception") == [
        "prometheus/rules/shop.yml:16: error: the exception from promql/threshold excuses nothing here; delete it"
        " [lint/exception]"
    ]


def test_a_comment_before_a_metric_stands_for_that_and_not_for_the_one_above(small: Checkout) -> None:
    comment = "  # lint: allow contract/help: they say it so\n"
    small.edit(CONTRACT, "Sales and refunds.", "sales and refunds")
    small.edit(CONTRACT, "  peak_trade_sale_duration", f"{comment}  peak_trade_sale_duration")
    assert [finding.rpartition(" ")[2] for finding in faults(small)] == ["[contract/help]", "[lint/exception]"]
    small.edit(CONTRACT, "Time at the till", "time at the till")
    assert [finding.rpartition(" ")[2] for finding in faults(small)] == ["[contract/help]"]


def test_a_comment_behind_a_text_stands_for_its_own_line(small: Checkout) -> None:
    small.edit(SCRAPE, "rules/*.yml", "rules/none.yml  # lint: allow scrape/rules: not written yet")
    assert [finding for finding in faults(small) if f"{SCRAPE}:6" in finding or "lint/exception" in finding] == []


def test_a_comment_on_one_page_excuses_nothing_on_another(small: Checkout) -> None:
    text = "# Page\n\n<!-- lint: allow docs/env: it is told of -->\n`PEAK_TRADE_SHOP_FILE`\n"
    small.edit("docs/one.md", "", text)
    small.edit("docs/two.md", "", text.replace("<!-- lint: allow docs/env: it is told of -->", ""))
    assert [finding.partition(" error: ")[0] for finding in faults(small)] == ["docs/two.md:4:"]
