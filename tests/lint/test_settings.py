"""`peaktrade.toml`: another repository, with its own words, has no finding; what is wrong with the file is said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from contracts.lint.check import check
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


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[lint", "is no TOML: Expected ']' at the end of a table declaration (at end of document); correct it there"),
        ("lint = 1", "lint is no table; write [lint]"),
        (
            "[lint]\nprefix = []",
            "lint.prefix: there is no such setting (expected one of prefixes, severities, foreign_jobs,"
            " foreign_metrics, runbook_bases, off); correct it",
        ),
        ("[lint]\nprefixes = 'a'", "lint.prefixes: expected a list of texts; correct it"),
        ("[lint]\nprefixes = [1]", "lint.prefixes: holds no texts; write some"),
        ("[lint]\noff = []", "lint.off: expected a table of rules with reasons; correct it"),
        ("[lint.off]\n'rule/alert' = ' '", "lint.off: each rule needs a reason; write it"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_and_changes_nothing(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "peaktrade.toml").write_text(text)
    assert read_settings(tmp_path) == (LintSettings(), [problem])


def test_what_is_wrong_with_the_file_is_a_finding_and_so_is_a_rule_nobody_has(small: Checkout) -> None:
    (small.root / "peaktrade.toml").write_text("lint = 1")
    assert "peaktrade.toml:1: error: lint is no table; write [lint] [files/readable]" in small.findings()
    (small.root / "peaktrade.toml").write_text("[lint.off]\n'rule/tets' = 'typo'")
    assert (
        "peaktrade.toml:1: error: the exception names no rule (got 'rule/tets');"
        " use an id `peaktrade contract lint --list` shows [lint/exception]"
    ) in small.findings()
