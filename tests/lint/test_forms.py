"""What each rule calls right and what it calls wrong, form by form: the borders of a rule, where cases show its words.

`forms.toml` has them. Expressions stand as alerts, records or panels, each on a line of its own of one more file in the
small checkout; panels likewise; anything else takes, one after the other, the place of a text in a file that is there.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from contracts.lint.check import check

pytestmark = pytest.mark.thorough

if TYPE_CHECKING:
    from tests.lint.conftest import Checkout

FORMS = tomllib.loads(Path(__file__).with_name("forms.toml").read_text("utf-8"))
RULES = "prometheus/rules/forms.yml"
BOARD = "grafana/dashboards/forms.json"


def of(key: str) -> list[Any]:
    return [pytest.param(case, id=f"{case['rule']} {at}") for at, case in enumerate(FORMS[key])]


@pytest.mark.parametrize("case", of("expressions"))
def test_an_expression_is_found_where_it_is_wrong_and_only_there(small: Checkout, case: dict[str, Any]) -> None:
    forms = [*case.get("right", ()), *case.get("wrong", ())]
    if case["as"] == "panel":
        lines = [json.dumps({"id": 9, "targets": [{"refId": "A", "expr": spelt(form)}]}) for form in forms]
        small.edit(BOARD, "", board_of(lines))
    else:
        name = {"alert": "SHOP_Form", "record": "shop:form:rate5m"}[case["as"]]
        rules = [f"{{{case['as']}: {name}{n}, expr: {json.dumps(spelt(form))}}}" for n, form in enumerate(forms)]
        small.edit(RULES, "", "groups:\n- name: forms\n  rules:\n" + "".join(f"  - {rule}\n" for rule in rules))
    more = case.get("record")
    if more:
        small.edit("prometheus/rules/more.yml", "", f"groups: [{{name: more, rules: [{spelt(more)}]}}]\n")
    assert found_in(small, case["rule"], forms, RULES if case["as"] != "panel" else BOARD) == case.get("wrong", [])


@pytest.mark.parametrize("case", of("rules"))
def test_a_rule_of_prometheus_is_found_where_it_is_wrong_and_only_there(small: Checkout, case: dict[str, Any]) -> None:
    forms = [*case.get("right", ()), *case.get("wrong", ())]
    small.edit(RULES, "", "groups:\n- name: forms\n  rules:\n" + "".join(f"  - {spelt(form)}\n" for form in forms))
    assert found_in(small, case["rule"], forms, RULES) == case.get("wrong", [])


@pytest.mark.parametrize("case", of("panels"))
def test_a_panel_is_found_where_it_is_wrong_and_only_there(small: Checkout, case: dict[str, Any]) -> None:
    forms = [*case.get("right", ()), *case.get("wrong", ())]
    small.edit(BOARD, "", board_of(forms))
    assert found_in(small, case["rule"], forms, BOARD) == case.get("wrong", [])


@pytest.mark.parametrize("case", of("edits"))
def test_an_edit_is_found_where_it_is_wrong_and_only_there(small: Checkout, case: dict[str, Any]) -> None:
    before, wrong = set(small.findings(case["rule"])), []
    for form in (*case.get("right", ()), *case.get("wrong", ())):
        small.edit(case["file"], case["old"], form)
        tree = small.tree()
        assert tree.faults == [], form  # of a file that cannot be read nothing is said
        found = set(map(str, check(tree, [case["rule"]]))) - before
        assert [finding for finding in found if finding.startswith(".:")] == [], form  # what a rule that failed says
        wrong += [form] if found else []
        small.edit(case["file"], form, case["old"])
    assert wrong == case.get("wrong", [])


def spelt(expression: str) -> str:
    """Return an expression with the whole names of metrics."""
    for short, name in FORMS["names"].items():
        expression = expression.replace(short, name)
    return expression


def board_of(panels: list[str]) -> str:
    """Return a dashboard that has these panels, each on a line, from the fourth."""
    variables = '{"list": [{"name": "kind", "type": "query", "query": "label_values(peak_trade_sales_total, kind)"}]}'
    lines = ",\n".join(panels)
    return f'{{"uid": "forms", "title": "Forms",\n"templating": {variables},\n"panels": [\n{lines}\n]}}\n'


def found_in(small: Checkout, rule: str, forms: list[str], file: str) -> list[str]:
    """Return the forms, from the fourth line of a file, in whose lines the rule finds something."""
    findings = small.findings(rule)
    assert [finding for finding in findings if finding.startswith(".:")] == []  # what a rule that failed says
    lines = {int(finding.split(":")[1]) for finding in findings if finding.startswith(f"{file}:")}
    assert all(4 <= line < 4 + len(forms) for line in lines), lines
    return [forms[line - 4] for line in sorted(lines)]


def test_a_runbook_may_be_below_the_address_an_external_label_holds(small: Checkout) -> None:
    small.edit("prometheus/prometheus.yml", "global:", "global:\n  external_labels: {base: https://x, other: y}")
    small.edit("docs/runbooks/till.md", "", "# Till\n")
    rule, wrong = "prometheus/rules/shop.yml", []
    right = [
        "base }}/till.md",
        "other }}/till.md#till",
        "base }}/docs/runbooks/till.md#till",
        "base}}/runbooks/till.md",
    ]
    bad = [
        "gone }}/till.md",
        "base }}/tills.md",
        "base }}/ill.md",
        "base }}/till.md#desk",
        "base }}/docs/runbook.md",
        "base }}/docs",
    ]
    before = "docs/runbook.md#shop_down"
    for link in (*right, *bad):
        small.edit(rule, before, f'"{{{{ $externalLabels.{link}"')
        wrong += [link] if small.findings("rule/runbook") else []
        small.edit(rule, f'"{{{{ $externalLabels.{link}"', before)
    assert wrong == bad


def test_a_page_may_give_any_label_to_what_is_recorded_with_several_sets_of_labels(small: Checkout) -> None:
    records = [
        f'{{record: "shop:any", expr: "sum by ({label}) (peak_trade_sales_total)"}}' for label in ("kind", "job")
    ]
    small.edit(RULES, "", f"groups: [{{name: forms, rules: [{', '.join(records)}]}}]\n")
    small.edit("docs/runbook.md", "`PEAK_TRADE_SHOP_EVENTS`", '`shop:any{colour="red"}`')
    assert small.findings("docs/label") == []
    small.edit(RULES, "peak_trade_sales_total)", "node_sales_total)")
    small.edit(RULES, "sum by (job)", "sum by (kind)")
    assert small.findings("docs/label") == []  # of others nothing is judged
    small.edit(RULES, "node_sales_total)", "peak_trade_sales_total)")
    assert 'shop:any has no label "colour" (expected one of kind)' in "".join(small.findings("docs/label"))


@pytest.mark.parametrize(
    ("config", "wrong"),
    [
        ("static_configs: [{targets: [a:1], labels: {host: a}}]", {"colour": "", "host": "b"}),
        ("static_configs: [{targets: [a:1], labels: {host: a}}, {targets: [b:1], labels: {host: b}}]", {"colour": ""}),
        ("file_sd_configs: [{files: [x.yml]}]", {}),
        ("static_configs: [{targets: [a:1]}]", {"colour": "", "host": ""}),
    ],
)
def test_series_have_the_labels_of_their_targets(small: Checkout, config: str, wrong: dict[str, str]) -> None:
    small.edit("prometheus/prometheus.yml", 'static_configs:\n      - targets: ["127.0.0.1:9200"]', config)
    asked = [("kind", "sale"), ("colour", "red"), ("host", "a"), ("host", "b")]
    rules = [f"{{alert: SHOP_F, expr: 'peak_trade_sales_total{{{name}=\"{text}\"}} > 1'}}" for name, text in asked]
    small.edit(RULES, "", "groups:\n- name: forms\n  rules:\n" + "".join(f"  - {rule}\n" for rule in rules))
    found = found_in(small, "promql/label", rules, RULES) + found_in(small, "promql/value", rules, RULES)
    assert found == [
        rule for rule, (name, text) in zip(rules, asked, strict=True) if name in wrong and wrong[name] in ("", text)
    ]


def test_recordings_of_recordings_are_known_in_any_order(small: Checkout) -> None:
    names = [f"shop:sales:r{number}" for number in range(6)]
    asked = [*names[1:], "sum by (kind) (peak_trade_sales_total)"]
    rules = [f"{{record: '{name}', expr: '{expr}'}}" for name, expr in zip(names, asked, strict=True)]
    rules.append(f"{{alert: SHOP_Form, expr: 'sum by (state) ({names[0]}) > 3'}}")
    small.edit(RULES, "", "groups:\n- name: forms\n  rules:\n" + "".join(f"  - {rule}\n" for rule in rules))
    assert found_in(small, "promql/label", rules, RULES) == rules[-1:]


def test_what_may_have_any_label_has_those_of_targets_and_any_other(small: Checkout) -> None:
    small.edit("peaktrade.toml", "", '[lint]\ntarget_labels = ["host"]\n')
    asked = [f'{name}{{{label}="page"}}' for name in ("ALERTS", "peak_trade_sales_total") for label in ("host", "team")]
    rules = [f"{{alert: SHOP_Form, expr: '{expr} > 3'}}" for expr in asked]
    small.edit(RULES, "", "groups:\n- name: forms\n  rules:\n" + "".join(f"  - {rule}\n" for rule in rules))
    assert found_in(small, "promql/label", rules, RULES) == rules[-1:]


def test_a_page_may_name_groups_of_rules_and_jobs_that_are_called_like_metrics(small: Checkout) -> None:
    small.edit("docs/runbook.md", "`PEAK_TRADE_SHOP_EVENTS`", "`peak_trade_rules`, `peak_trade_job`")
    assert len(small.findings("docs/metric")) == 2
    small.edit("prometheus/rules/shop.yml", "- name: shop", "- name: peak_trade_rules")
    small.edit("prometheus/prometheus.yml", "  - job_name: shop", "  - job_name: peak_trade_job\n  - job_name: shop")
    assert small.findings("docs/metric") == []


def test_labels_of_what_is_known_are_judged_even_if_it_is_called_foreign(small: Checkout) -> None:
    small.edit("peaktrade.toml", "", '[lint]\nforeign_metrics = ["up", "node_*"]\n')
    asked = "label_values(peak_trade_sales_total, kind)"
    for form, found in (("up, colour", 1), ("up, job", 0), ("node_x, colour", 0), ("other_x, colour", 1)):
        small.edit("grafana/dashboards/shop.json", asked, f"label_values({form})")
        assert len(small.findings("dashboard/variable")) == found
        small.edit("grafana/dashboards/shop.json", f"label_values({form})", asked)


def test_a_range_is_shown_in_days_from_one_on(small: Checkout) -> None:
    small.edit("prometheus/rules/shop.yml", "rate(peak_trade_sales_total[5m])", "rate(peak_trade_sales_total[36h])")
    for kept, shown in (("1d", "1d"), ("86399s", "86399s")):
        small.edit("compose.yaml", "time=15d", f"time={kept}")
        [found] = small.findings("promql/retention")
        assert "1.5d" in found and f"{shown}" in found.replace("1.5d", "")
        small.edit("compose.yaml", f"time={kept}", "time=15d")


def test_where_nothing_is_scraped_no_range_is_too_short(small: Checkout) -> None:
    small.edit("prometheus/rules/shop.yml", "rate(peak_trade_sales_total[5m])", "rate(peak_trade_sales_total[1s])")
    assert len(small.findings("promql/window")) == 1
    (small.root / "prometheus/prometheus.yml").write_text("scrape_configs: []\n")
    assert small.findings("promql/window") == []


def test_a_folder_of_boards_may_hold_some_of_them_and_lie_anywhere(small: Checkout) -> None:
    small.edit("grafana/dashboards/deep/more.json", "", '{"uid": "more", "title": "More"}')
    small.edit("grafana/provisioning/shop.yml", "/etc/grafana/dashboards", "/etc/grafana/dashboards/deep")
    assert small.findings("provisioning/folder") == []
    small.edit("compose.yaml", "./grafana/dashboards:/etc/grafana/dashboards", ".:/etc/grafana/dashboards/deep")
    assert small.findings("provisioning/folder") == []
    small.edit("compose.yaml", "- .:/etc/grafana/dashboards/deep", "- ./docs:/etc/grafana/dashboards/deep")
    assert len(small.findings("provisioning/folder")) == 1
    boards = small.root / "grafana/dashboards"
    boards.rename(small.root / "boards")  # where there is none at all, they are somewhere else
    assert small.findings("provisioning/folder") == []
    (small.root / "boards").rename(boards)
    small.edit("compose.yaml", "- ./docs:/etc/grafana/dashboards/deep", "- .:/etc/grafana/dashboards/deep")
    text = (small.root / "compose.yaml").read_text()
    (small.root / "compose.yaml").unlink()
    for folder, said in (("../grafana", 0), ("../docs", 1), ("./grafana", 0)):
        small.edit("deploy/compose.yaml", "", text.replace("- .:/etc", f"- {folder}:/etc"))
        small.edit("peaktrade.toml", "", '[lint.layout]\ncompose = ["deploy/*.yaml"]\n')
        assert len(small.findings("provisioning/folder")) == said
        (small.root / "deploy/compose.yaml").unlink()
        (small.root / "peaktrade.toml").unlink()


def test_choices_are_judged_by_annotations_too(small: Checkout) -> None:
    board = "grafana/dashboards/shop.json"
    small.edit(board, '"type": "query",\n', '"type": "custom",\n')
    small.edit(board, '{"query": "label_values(peak_trade_sales_total, kind)"}', '"sale,gift"')
    small.edit(board, '{kind=~\\"$kind\\"}', "")
    assert small.findings("dashboard/choice") == []
    asked = '"annotations": {"list": [{"name": "a", "expr": "peak_trade_sales_total{kind=~\\"$kind\\"}"}]}, "links": ['
    small.edit(board, '"links": [', asked)
    [found] = small.findings("dashboard/choice")
    assert 'offers "gift"' in found


def test_the_labels_of_a_histogram_are_one_more_than_it_says(small: Checkout) -> None:
    small.edit("prometheus/prometheus.yml", "  - job_name: shop", "  - label_limit: 5\n    job_name: shop")
    small.edit("contracts/shop.yaml", "observes: took\n    labels: [kind]", "observes: took\n    labels: [kind, state]")
    small.edit("contracts/shop.yaml", "1]\n    budget: 3", "1]\n    budget: 6")
    [found] = small.findings("scrape/limit")
    assert "(got 5, expected 6)" in found


def test_a_board_without_a_variable_of_datasources_is_told_to_have_one(small: Checkout) -> None:
    small.edit(BOARD, "", board_of(['{"datasource": {"uid": "x"}, "targets": [{"refId": "A", "expr": "up"}]}']))
    assert small.findings("dashboard/datasource") == [
        'grafana/dashboards/forms.json:4: error: the datasource is pinned (got "x", expected a datasource variable);'
        " use the variable [dashboard/datasource]"
    ]


def test_commands_a_repository_does_not_say_itself_are_those_of_the_package(small: Checkout) -> None:
    small.edit("docs/runbook.md", "peaktrade export shop --port", "peaktrade nothing shop --port")
    assert "(expected one of contract, export)" in small.findings("docs/flag")[0]
    (small.root / "pyproject.toml").unlink()
    [found] = small.findings("docs/flag")
    assert 'peaktrade has no command "nothing" (expected one of ' in found and "contract, export)" not in found


def test_each_file_of_rules_needs_one_pattern_and_each_pattern_one_file(small: Checkout) -> None:
    small.edit("prometheus/rules/more.yml", "", "groups: []\n")
    small.edit("prometheus/prometheus.yml", "  - rules/*.yml", "  - rules/shop.yml\n  - rules/more.yml")
    assert small.findings("scrape/rules") == []
    (small.root / "prometheus/rules/more.yml").rename(small.root / "prometheus/rules/other.yml")
    assert len(small.findings("scrape/rules")) == 2


def test_choices_of_a_label_with_open_values_are_not_judged(small: Checkout) -> None:
    board = "grafana/dashboards/shop.json"
    small.edit(board, '"type": "query",\n', '"type": "custom",\n')
    small.edit(board, '{"query": "label_values(peak_trade_sales_total, kind)"}', '"a,b"')
    assert len(small.findings("dashboard/choice")) == 2
    small.edit(board, 'peak_trade_sales_total{kind=~\\"$kind\\"}', 'peaktrade_ai_visits_total{run_id=~\\"$kind\\"}')
    assert small.findings("dashboard/choice") == []


def test_a_choice_that_one_of_its_labels_has_is_right(small: Checkout) -> None:
    board = "grafana/dashboards/shop.json"
    small.edit(board, '"type": "query",\n', '"type": "custom",\n')
    small.edit(board, '{"query": "label_values(peak_trade_sales_total, kind)"}', '"sale,open,gift"')
    small.edit(board, '* 60"', '* 60 + on () peak_trade_shop_state{state=~\\"$kind\\"}"')
    assert [finding.partition("offers ")[2] for finding in small.findings("dashboard/choice")] == [
        '"gift", which no series has; correct or delete it [dashboard/choice]'
    ]


def test_of_a_service_whose_port_cannot_be_told_every_target_is_right(small: Checkout) -> None:
    small.edit("compose.yaml", "  grafana:\n", "  other:\n    image: other\n  grafana:\n")
    for target in ("other:80", "other:1", "other:0"):
        small.edit("prometheus/prometheus.yml", "127.0.0.1:9200", target)
        assert small.findings("compose/port") == []
        small.edit("prometheus/prometheus.yml", target, "127.0.0.1:9200")


def test_a_variable_that_the_program_or_how_it_is_started_names_is_known(small: Checkout) -> None:
    small.edit("docs/runbook.md", "`PEAK_TRADE_SHOP_EVENTS`", "`PEAK_TRADE_SHOP_EVENTS` `PEAK_TRADE_SHOP_LAMP`")
    small.edit("contracts/shop.yaml", "values: [open, closed]", "values: [open, closed], default: open")
    [found] = small.findings("docs/env")
    assert 'nothing reads the variable "PEAK_TRADE_SHOP_LAMP"; did you mean "PEAK_TRADE_SHOP_' in found
    for file in ("exporters/deep/lamp.py", "contracts/lamp.py", "compose.yaml", "Makefile"):
        small.edit(file, "", "# PEAK_TRADE_SHOP_LAMP\n")
        assert small.findings("docs/env") == []
        small.edit(file, "# PEAK_TRADE_SHOP_LAMP\n", "")
    assert len(small.findings("docs/env")) == 1


def test_what_hashes_a_label_changes_it_even_if_it_holds_no_letters(small: Checkout) -> None:
    small.edit("contracts/shop.yaml", "values: [sale, refund], otherwise: other", 'values: ["1", "2"], otherwise: "3"')
    for action, found in (("hashmod, modulus: 2", 1), ("uppercase", 0), ("lowercase", 0)):
        change = f"{{action: {action}, source_labels: [kind], target_label: kind}}"
        step = f"  - metric_relabel_configs: [{change}]\n    job_name: shop"
        small.edit("prometheus/prometheus.yml", "  - job_name: shop", step)
        assert len(small.findings("scrape/relabel")) == found
        small.edit("prometheus/prometheus.yml", step, "  - job_name: shop")


def test_a_label_is_changed_if_one_of_its_values_is(small: Checkout) -> None:
    change = "{action: lowercase, source_labels: [kind], target_label: kind}"
    step = f"  - metric_relabel_configs: [{change}]\n    job_name: shop"
    small.edit("prometheus/prometheus.yml", "  - job_name: shop", step)
    assert small.findings("scrape/relabel") == []
    small.edit("contracts/shop.yaml", "values: [sale, refund]", "values: [sale, Refund]")
    assert len(small.findings("scrape/relabel")) == 1
    small.edit("prometheus/prometheus.yml", "action: lowercase", "action: keepequal")  # which changes none
    assert small.findings("scrape/relabel") == []


def test_files_of_others_may_merge_mappings(small: Checkout) -> None:
    both = "{<<: &all {labels: {severity: warn}}, record: 'shop:a', expr: up}, {<<: *all, alert: SHOP_Form, expr: up}"
    small.edit(RULES, "", f"groups: [{{name: forms, rules: [{both}]}}]\n")
    assert small.findings("files/readable") == []
    assert [rule.labels["severity"].text for rule in small.tree().rules if rule.place.file == RULES] == ["warn", "warn"]


def test_of_what_a_step_loses_three_are_named_and_the_others_counted(small: Checkout) -> None:
    families = ("sales_total", "sale_duration_seconds", "last_sale_timestamp_seconds")
    named = ", ".join(f"the label kind of peak_trade_{family}" for family in families)
    for regex, lost in (("kind", named), ("kind|state", f"{named} and 1 more")):
        step = f"  - metric_relabel_configs: [{{action: labeldrop, regex: {regex}}}]\n    job_name: shop"
        small.edit("prometheus/prometheus.yml", "  - job_name: shop", step)
        [found] = small.findings("scrape/relabel")
        assert f"labeldrop loses {lost}; narrow its regex" in found
        small.edit("prometheus/prometheus.yml", step, "  - job_name: shop")


def test_a_port_that_is_scraped_is_known(small: Checkout) -> None:
    small.edit("docs/runbook.md", "127.0.0.1:9200", "127.0.0.1:9310")
    assert len(small.findings("docs/port")) == 1
    more = '  - {job_name: more, static_configs: [{targets: ["far:9310"]}]}\n  - job_name: shop'
    small.edit("prometheus/prometheus.yml", "  - job_name: shop", more)
    assert small.findings("docs/port") == []


def test_a_port_that_is_published_is_known_however_it_is_written(small: Checkout) -> None:
    small.edit("docs/runbook.md", "127.0.0.1:9200", "127.0.0.1:9311 http://localhost:9312 http://localhost:9313")
    assert [found.partition("has port ")[2][:5] for found in small.findings("docs/port")] == ["9311 ", "9312 ", "9313 "]
    small.edit(
        "compose.yaml",
        '["127.0.0.1:9200:9200"]',
        '[9300, "9311:9200", "[::1]:9312:9301", {target: 1, published: 9313}]',
    )
    assert small.findings("docs/port") == []
    small.edit("docs/runbook.md", "9311", "9300")
    [found] = small.findings("docs/port")
    assert "has port 9300 (expected one of 3000, " in found


def test_a_severity_that_an_alert_has_may_be_routed(small: Checkout) -> None:
    small.edit("prometheus/alertmanager.yml", 'severity="page"', 'severity="loud"')
    assert len(small.findings("route/matcher")) == 1
    small.edit("prometheus/rules/shop.yml", "labels: {severity: warn}", "labels: {severity: loud}")
    small.edit("prometheus/rules/shop.yml", "labels: {severity: page}", "labels: {team: till}")
    assert small.findings("route/matcher") == []


def test_only_bounds_of_buckets_are_compared_as_numbers(small: Checkout) -> None:
    small.edit("contracts/shop.yaml", "values: [sale, refund], otherwise: other", 'values: ["1", "2"], otherwise: "3"')
    small.edit(
        "prometheus/rules/shop.yml", "rate(peak_trade_sales_total[5m])", 'rate(peak_trade_sales_total{kind="1"}[5m])'
    )
    before = small.findings("promql/value")
    small.edit("prometheus/rules/shop.yml", 'kind="1"', 'kind="1.0"')
    [found] = [finding for finding in small.findings("promql/value") if finding not in before]
    assert 'never has kind "1.0"' in found


def test_a_name_in_a_sentence_is_no_claim_that_such_an_alert_exists(small: Checkout) -> None:
    small.edit("docs/runbook.md", "", "SHOP_Gone was an alert once.\n")
    assert small.findings("docs/alert") == []
    small.edit("docs/runbook.md", "", "## SHOP_Gone\n")
    assert len(small.findings("docs/alert")) == 1
