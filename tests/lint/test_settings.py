"""`peaktrade.toml`: another repository, with its own words, has no finding; what is wrong with the file is said."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from contracts.lint.check import check
from contracts.lint.inputs import layout
from contracts.lint.inputs.layout import find_files
from contracts.lint.inputs.tree import load_tree
from contracts.lint.settings import LintSettings, read_settings

if TYPE_CHECKING:
    from tests.lint.conftest import Checkout

SETTINGS = """[lint]
prefixes = ["acme_"]
severities = ["critical", "ticket"]
foreign_jobs = ["node"]
foreign_metrics = ["node_*"]
runbook_bases = ["https://wiki.acme.example/"]

[lint.off]
"rule/tested" = "the alerts are tested where they are deployed"
"contract/unused" = "the boards are elsewhere"
"""
LAYOUT = """[lint.layout]
contracts = ["metrics/*.yaml", "!metrics/old_*.yaml"]
scrape = ["monitoring/prometheus.yaml"]
rules = ["monitoring/alerts/**/*.yaml"]
"""
CONTRACT = """exporter: {name: acme, help: Requests., port: 9200, job: acme}
files: {default: acme.jsonl}
vocabulary: {status: {values: [ok, failed], otherwise: other}}
sources: {request: {match: {}, read: {status: status}}}
metrics:
  acme_requests_total: {type: counter, counts: status, labels: [status], budget: 3, help: Requests by outcome.}
"""
SCRAPE = """scrape_configs:
  - job_name: acme
    static_configs: [{targets: ["one:9200"]}]
  - job_name: node
    static_configs: [{targets: ["one:9100"]}]
rule_files: [rules/*.yml]
"""
RULES = """groups:
  - name: acme
    rules:
      - alert: ACME_Failures
        expr: rate(acme_requests_total{status="failed"}[5m]) > 1
        labels: {severity: critical}
        annotations: &all {summary: S., description: D., runbook_url: "https://wiki.acme.example/r#x"}
      - alert: ACME_DiskFull
        expr: node_filesystem_avail_bytes{job="node"} < 1e9
        labels: {severity: ticket}
        annotations: *all
"""


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A repository of somebody else."""
    for file, text in (
        ("peaktrade.toml", SETTINGS),
        ("contracts/acme.yaml", CONTRACT),
        ("prometheus/prometheus.yml", SCRAPE),
        ("prometheus/rules/acme.yml", RULES),
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    return tmp_path


def test_a_repository_that_says_what_is_its_own_has_no_finding(stranger: Path) -> None:
    assert [str(finding) for finding in check(load_tree(stranger))] == []


def test_without_its_settings_each_of_its_ways_is_found(stranger: Path) -> None:
    (stranger / "peaktrade.toml").unlink()
    assert {finding.id for finding in check(load_tree(stranger))} >= {
        *("contract/name", "rule/alert", "scrape/job", "promql/metric", "rule/runbook", "rule/tested"),
    }


def move(stranger: Path) -> None:
    """Put its files where another repository has them."""
    (stranger / "monitoring/alerts/acme").mkdir(parents=True)
    (stranger / "contracts").rename(stranger / "metrics")
    scrape = (stranger / "prometheus/prometheus.yml").read_text().replace("rules/*.yml", "alerts/acme/*.yaml")
    (stranger / "prometheus/prometheus.yml").unlink()
    (stranger / "monitoring/prometheus.yaml").write_text(scrape)
    (stranger / "prometheus/rules/acme.yml").rename(stranger / "monitoring/alerts/acme/rules.yaml")


def test_it_takes_ten_lines_to_say_what_is_its_own() -> None:
    assert len([line for line in SETTINGS.splitlines() if line]) <= 10


def test_files_may_be_anywhere_if_it_says_where(stranger: Path) -> None:
    move(stranger)
    (stranger / "metrics/old_acme.yaml").write_text("broken: [")
    (stranger / "peaktrade.toml").write_text(SETTINGS + LAYOUT)
    tree = load_tree(stranger)
    assert (len(tree.contracts), len(tree.scrapes), len(tree.rules)) == (1, 1, 2)
    assert [str(finding) for finding in check(tree)] == []


def test_its_pyproject_may_say_the_same(stranger: Path) -> None:
    move(stranger)
    (stranger / "peaktrade.toml").unlink()
    text = (SETTINGS + LAYOUT).replace("[lint", "[tool.peaktrade.lint")
    (stranger / "pyproject.toml").write_text(text)
    assert [str(finding) for finding in check(load_tree(stranger))] == []
    (stranger / "pyproject.toml").write_text(text + "[tool.peaktrade.lint.of]\n")
    [found] = [str(finding) for finding in check(load_tree(stranger)) if finding.id == "files/readable"]
    assert found.startswith("pyproject.toml:1: error: lint.of: there is no such setting (expected one of ")


def test_peaktrade_toml_counts_where_there_are_both(stranger: Path) -> None:
    (stranger / "pyproject.toml").write_text("[tool.peaktrade.lint]\nprefixes = []\n")
    assert read_settings(stranger)[0].prefixes == ("acme_",)


def test_a_pyproject_of_others_says_nothing(tmp_path: Path) -> None:
    for text in ("[tool.ruff]\n", "[tool", "tool = 1"):
        (tmp_path / "pyproject.toml").write_text(text)
        assert read_settings(tmp_path) == (LintSettings(), [])


def test_without_any_settings_files_are_known_by_what_is_in_them(stranger: Path) -> None:
    move(stranger)
    (stranger / "peaktrade.toml").unlink()
    files = {
        "monitoring/alerts/acme/tests.yaml": "rule_files: [rules.yaml]\ntests: []\n",
        "monitoring/alertmanager.yml": "route: {receiver: one}\n",
        "monitoring/old.rules": "groups:\n- rules:\n  - alert: Old\n    expr: up == 1\n",
        "monitoring/docker-stack.yml": "services:\n  one:\n    image: x\n",
        "monitoring/operator.yml": "kind: PrometheusRule\nspec:\n  groups:\n  - name: a\n    rules:\n"
        "    - alert: Operator\n      expr: up == 1\n",
        "boards/one.json": '{"uid": "one", "title": "One", "panels": []}',
        "package.json": '{"name": "other"}',
        "monitoring/definition.yml": "kind: CustomResourceDefinition\nspec:\n  alert: a name\n",
        ".hidden/rules.yml": "groups:\n- rules:\n  - alert: A\n",
        "node_modules/other/rules.yml": "groups:\n- rules:\n  - alert: A\n",
        "docs/runbooks/a.md": "# A\n",
    }
    for file, text in files.items():
        (stranger / file).parent.mkdir(parents=True, exist_ok=True)
        (stranger / file).write_text(text)
    tree = load_tree(stranger)
    assert ([one.name for one in tree.contracts], [one.file for one in tree.scrapes]) == (
        ["acme"],
        ["monitoring/prometheus.yaml"],
    )
    assert [rule.name for rule in tree.rules] == ["Old", "Operator", "ACME_Failures", "ACME_DiskFull"]
    assert ([board.uid for board in tree.dashboards], tree.runbooks) == (["one"], ["docs/runbooks/a.md"])
    assert [file for file, _ in (*tree.routes, *tree.compose)] == [
        "monitoring/alertmanager.yml",
        "monitoring/docker-stack.yml",
    ]


def test_of_very_many_files_the_first_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.yml", "b/c.yml", "d.txt", "e/f.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("services:\n  one:\n    image: x\n")
    every = [tmp_path / name for name in ("a.yml", "b/c.yml", "e/f.yml")]  # those of a folder before those below it
    for most, found in ((0, 0), (1, 1), (2, 1), (3, 2), (4, 3)):
        monkeypatch.setattr(layout, "_MOST_FILES", most)
        assert find_files(tmp_path, None)["compose"] == every[:found]


def test_without_any_contract_no_metric_is_unknown(stranger: Path) -> None:
    shutil.rmtree(stranger / "contracts")
    (stranger / "README.md").write_text("`http://localhost:4321`\n")
    found = {finding.id for finding in check(load_tree(stranger))}
    assert found.isdisjoint({"promql/metric", "scrape/job", "rule/absence", "docs/port"})


def test_labels_that_targets_add_are_known(stranger: Path) -> None:
    rules, scrape = stranger / "prometheus/rules/acme.yml", stranger / "prometheus/prometheus.yml"
    rules.write_text(rules.read_text().replace('{status="failed"}', '{status="failed", region="north"}'))

    def labels_missing() -> list[str]:
        return [finding.id for finding in check(load_tree(stranger), ["promql/label", "promql/value"])]

    assert labels_missing() == ["promql/label"]
    plain, settings = scrape.read_text(), (stranger / "peaktrade.toml").read_text()
    static = '{targets: ["one:9200"], labels: {region: north}}'
    scrape.write_text(plain.replace('{targets: ["one:9200"]}', static))
    assert labels_missing() == []
    scrape.write_text(plain.replace('{targets: ["one:9200"]}', static.replace("north", "south")))
    assert labels_missing() == ["promql/value"]
    found = 'static_configs: [{targets: ["one:9200"]}]'
    for step in ("{target_label: region}", "{action: labelmap, regex: meta_(.+)}"):
        scrape.write_text(plain.replace(found, f"{found}\n    relabel_configs: [{step}]"))
        assert labels_missing() == []
    scrape.write_text(plain.replace(found, "file_sd_configs: [{files: [a.yml]}]"))
    assert labels_missing() == []
    scrape.write_text(plain)
    (stranger / "peaktrade.toml").write_text(settings.replace("[lint]", '[lint]\ntarget_labels = ["region"]'))
    assert labels_missing() == []


def test_an_alert_may_have_another_value_of_a_label_than_the_targets(stranger: Path) -> None:
    rules, scrape = stranger / "prometheus/rules/acme.yml", stranger / "prometheus/prometheus.yml"
    asked = '[5m]) > 1 unless on () ALERTS{region="all"}'
    text = rules.read_text().replace('{status="failed"}[5m]) > 1', asked)
    rules.write_text(text.replace("severity: ticket", "severity: ticket, region: all"))
    static = '{targets: ["one:9200"], labels: {region: north}}'
    scrape.write_text(scrape.read_text().replace('{targets: ["one:9200"]}', static))
    assert check(load_tree(stranger), ["promql/value", "promql/label", "promql/syntax"]) == []


def test_alerts_of_others_may_be_asked_for(stranger: Path) -> None:
    rules = stranger / "prometheus/rules/acme.yml"
    rules.write_text(rules.read_text().replace('{status="failed"}[5m]) > 1', '[5m]) > 1 unless ALERTS{alertname="X"}'))
    assert [finding.id for finding in check(load_tree(stranger), ["promql/value"])] == ["promql/value"]
    settings = (stranger / "peaktrade.toml").read_text()
    (stranger / "peaktrade.toml").write_text(settings.replace("[lint]", '[lint]\nforeign_alerts = ["X*"]'))
    assert [finding.id for finding in check(load_tree(stranger), ["promql/value"])] == []


def test_a_variable_may_list_values_of_metrics_of_others(stranger: Path) -> None:
    (stranger / "grafana/dashboards").mkdir(parents=True)
    for metric, found in (("node_cpu_seconds_total", 0), ("acme_requests_total", 0), ("acme_gone_total", 1)):
        variable = f'{{"name": "a", "type": "query", "query": "label_values({metric}, job)"}}'
        board = f'{{"uid": "a", "title": "$a", "templating": {{"list": [{variable}]}}}}'
        (stranger / "grafana/dashboards/a.json").write_text(board)
        assert len(check(load_tree(stranger), ["dashboard/variable"])) == found
    (stranger / "contracts/acme.yaml").unlink()
    assert check(load_tree(stranger), ["dashboard/variable"]) == []


def test_a_page_may_name_alerts_of_others(stranger: Path) -> None:
    (stranger / "docs").mkdir()
    (stranger / "docs/all.md").write_text("`ACME_Elsewhere` `ACME_Nowhere`\n")
    for foreign, found in (([], 2), (["ACME_Else*"], 1), (["*_Nowhere", "ACME_Elsewhere"], 0)):
        settings = SETTINGS.replace("[lint]", f"[lint]\nforeign_alerts = {foreign}")
        (stranger / "peaktrade.toml").write_text(settings)
        assert len(check(load_tree(stranger), ["docs/alert"])) == found


def test_alerts_of_others_may_be_routed(stranger: Path) -> None:
    route = "route: {receiver: a, matchers: ['alertname=\"ACME_Elsewhere\"', 'alertname=\"ACME_Nowhere\"']}\n"
    (stranger / "prometheus/alertmanager.yml").write_text(route)
    for foreign, found in (([], 2), (["ACME_Else*"], 1), (["*_Nowhere", "ACME_Elsewhere"], 0)):
        settings = SETTINGS.replace("[lint]", f"[lint]\nforeign_alerts = {foreign}")
        (stranger / "peaktrade.toml").write_text(settings)
        assert len(check(load_tree(stranger), ["route/matcher"])) == found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = " + "[" * 9999, "is no TOML: nested too deeply; correct it there"),
        ("[lint", "is no TOML: Expected ']' at the end of a table declaration (at end of document); correct it there"),
        ("lint = 1", "lint is no table; write [lint]"),
        (
            "[lint]\nprefix = []",
            "lint.prefix: there is no such setting (expected one of prefixes, severities, foreign_jobs,"
            " foreign_metrics, foreign_alerts, target_labels, runbook_bases, retention, layout, off); correct it",
        ),
        ("[lint]\nprefixes = 'a'", "lint.prefixes: expected a list of texts; correct it"),
        ("[lint]\nprefixes = [1]", "lint.prefixes: holds no texts; write some"),
        ("[lint]\nprefixes = ['a', '']", "lint.prefixes: holds no texts; write some"),
        ("[lint]\nprefixes = ['a', 1]", "lint.prefixes: holds no texts; write some"),
        ("[lint]\noff = {'rule/tested' = 'so', 'rule/text' = ' '}", "lint.off: each rule needs a reason; write it"),
        ("[lint]\noff = {'rule/tested' = 'so', 'rule/text' = 1}", "lint.off: each rule needs a reason; write it"),
        ("[lint]\noff = []", "lint.off: expected a table of rules with reasons; correct it"),
        ("[lint]\nretention = 15", "lint.retention: expected a duration such as '15d'; correct it"),
        ("[lint]\nlayout = []", "lint.layout: expected a table of kinds with patterns; correct it"),
        (
            "[lint.layout]\nboards = []",
            "lint.layout.boards: there is no such kind (expected one of contracts, scrape, rules, rule_tests,"
            " dashboards, pages, runbooks, compose, provisioning); correct it",
        ),
        ("[lint.layout]\nrules = 'a'", "lint.layout.rules: expected a list of texts; correct it"),
        *(
            (
                f"[lint.layout]\nrules = ['{one}']",
                "lint.layout.rules: patterns are from the root and stay in it; correct it",
            )
            for one in (
                "/etc/*.yml",
                "!/etc/*.yml",
                "!../*.yml",
                "../*.yml",
                "a/**b/*.yml",
                "!",
                "a//b.yml",
                "a/../b.yml",
            )
        ),
        *(
            (
                f"[lint.layout]\nrules = {more}",
                "lint.layout.rules: patterns are from the root and stay in it; correct it",
            )
            for more in ("['a/*.yml', '/etc/*.yml']", '["a\\u0000.yml"]')
        ),
        ("[lint.off]\n'rule/alert' = ' '", "lint.off: each rule needs a reason; write it"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_and_changes_nothing(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "peaktrade.toml").write_text(text)
    assert read_settings(tmp_path) == (LintSettings(), [problem])


def test_what_is_wrong_with_the_file_is_said_even_if_there_is_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "peaktrade.toml").write_text("[lint")
    [found] = check(load_tree(tmp_path))
    assert str(found).startswith("peaktrade.toml:1: error: is no TOML: ")


def test_a_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    (tmp_path / "peaktrade.toml").mkdir()
    problem = "cannot be read (Is a directory); check it and its permissions"
    assert read_settings(tmp_path) == (LintSettings(), [problem])


def test_what_is_wrong_with_the_file_is_a_finding_and_so_is_a_rule_nobody_has(small: Checkout) -> None:
    (small.root / "peaktrade.toml").write_text("lint = 1")
    assert "peaktrade.toml:1: error: lint is no table; write [lint] [files/readable]" in small.findings()
    (small.root / "peaktrade.toml").write_text("[lint.off]\n'rule/tets' = 'typo'")
    assert (
        "peaktrade.toml:1: error: the exception names no rule (got 'rule/tets');"
        " use an id `peaktrade contract lint --list` shows [lint/exception]"
    ) in small.findings()
