"""The questions to Prometheus, against a site that answers as one would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contracts.compiler.document import ContractError
from contracts.load import load_contracts
from exporters.commands.export import CONTRACTS
from exporters.commands.verify.alerts import check_alerts
from exporters.commands.verify.finding import Check
from exporters.commands.verify.golden import Golden
from exporters.commands.verify.prometheus import check_golden, check_ready, prometheus_checks
from exporters.commands.verify.rules import read_rule_names
from tests.commands.verify.conftest import FakeSite

AI_LIVE, *_ = load_contracts(CONTRACTS)
GOLDEN = Golden("ai_live", "decisions", "peaktrade_ai_decisions_total", 2)


def lines(check: Check) -> list[str]:
    return [str(finding) for finding in check.run()]


def target(job: str, health: str, error: str = "") -> dict[str, Any]:
    return {"labels": {"job": job}, "scrapeUrl": f"http://{job}/metrics", "health": health, "lastError": error}


def targets(fake: FakeSite, *found: dict[str, Any]) -> Check:
    fake.say("/api/v1/targets", {"data": {"activeTargets": found}})
    return prometheus_checks(fake.site, [AI_LIVE], frozenset(), [])[0]


def rules(fake: FakeSite, expected: set[str], *found: dict[str, Any]) -> Check:
    fake.say("/api/v1/rules", {"data": {"groups": [{"rules": found}]}})
    return prometheus_checks(fake.site, [], frozenset(expected), [])[1]


def test_a_prometheus_that_is_ready_passes(fake: FakeSite) -> None:
    fake.say("/-/ready", b"Prometheus Server is Ready.\n")
    assert lines(check_ready(fake.site)) == [f"PASS|prometheus_ready|{fake.base} is ready"]


def test_a_prometheus_that_still_starts_fails(fake: FakeSite) -> None:
    fake.say("/-/ready", b"Service Unavailable", 503)
    assert lines(check_ready(fake.site)) == [f"FAIL|prometheus_ready|{fake.base}/-/ready: answered 503"]


def test_a_target_of_ours_must_be_up_and_one_of_others_is_only_mentioned(fake: FakeSite) -> None:
    check = targets(fake, target("ai_live", "down", "refused"), target("peak_trade_web", "down"), target("node", "up"))
    assert lines(check) == [
        "FAIL|target_ai_live|http://ai_live/metrics is down: refused",
        "WARN|target_peak_trade_web|http://peak_trade_web/metrics is down: no reason given",
        "PASS|target_node|http://node/metrics is up",
    ]
    watcher = "start it: python -m exporters.ai_live; or make its port reachable for Prometheus"
    assert check.run()[0].watcher == watcher


def test_a_target_that_was_never_scraped_is_not_up_yet(fake: FakeSite) -> None:
    check = targets(fake, target("ai_live", "unknown"))
    assert lines(check) == ["FAIL|target_ai_live|http://ai_live/metrics has not been scraped yet"]


def test_a_job_without_target_fails(fake: FakeSite) -> None:
    check = targets(fake)
    assert lines(check) == ["FAIL|target_ai_live|Prometheus has no target of job ai_live"]
    watcher = "add the job ai_live to scrape_configs in prometheus.yml, and restart Prometheus"
    assert check.run()[0].watcher == watcher


def test_a_site_that_is_no_prometheus_fails(fake: FakeSite) -> None:
    fake.say("/api/v1/targets", [])
    check = prometheus_checks(fake.site, [AI_LIVE], frozenset(), [])[0]
    text = "/api/v1/targets: answered without activeTargets; is this a Prometheus?"
    assert lines(check) == [f"FAIL|targets|{fake.base}{text}"]


def test_every_rule_loaded_passes(fake: FakeSite) -> None:
    check = rules(fake, {"A", "b:c:d"}, {"name": "A", "health": "ok"}, {"name": "b:c:d", "health": "ok"})
    assert lines(check) == ["PASS|rules|all 2 rules are loaded"]


def alert(name: str, severity: str, state: str = "firing") -> dict[str, Any]:
    told = {"summary": f"{name} of one host.", "runbook_url": f"docs/{name}"}
    return {"labels": {"alertname": name, "severity": severity}, "state": state, "annotations": told}


def test_what_fires_is_told_and_what_pages_fails_with_its_runbook(fake: FakeSite) -> None:
    found = [alert("A", "page"), alert("B", "warn"), alert("C", "page", "pending")]
    fake.say("/api/v1/alerts", {"data": {"alerts": found}})
    check = check_alerts(fake.site, [AI_LIVE])
    assert lines(check) == ["FAIL|alert_A|A of one host.", "INFO|alerts|firing: A (page), B (warn)"]
    assert check.run()[0].watcher == "docs/A"
    fake.say("/api/v1/alerts", {"data": {"alerts": found[1:]}})
    assert lines(check)[0] == "PASS|alerts|nothing fires for which somebody is paged"


def test_missing_rules_are_named_up_to_five(fake: FakeSite) -> None:
    check = rules(fake, set("ABCDEFG"), {"name": "A", "health": "ok"})
    assert lines(check) == [
        "FAIL|rules|1 of 7 rules are loaded; missing: B, C, D, E, F and 1 more",
    ]


def test_a_rule_that_cannot_be_evaluated_fails_with_its_reason(fake: FakeSite) -> None:
    check = rules(fake, {"A"}, {"name": "A", "health": "err", "lastError": "many-to-many"})
    assert lines(check)[0] == "FAIL|rules|1 rules cannot be evaluated: A (many-to-many)"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "2"], "PASS|decisions|peaktrade_ai_decisions_total: 2 series, expected at least 2"),
        (["1"], "FAIL|decisions|peaktrade_ai_decisions_total: 1 series, expected at least 2"),
        ([], "FAIL|decisions|peaktrade_ai_decisions_total: 0 series, expected at least 2"),
        (
            ["1", "2", "NaN"],
            "FAIL|decisions|peaktrade_ai_decisions_total: 2 series, expected at least 2; 1 are NaN",
        ),
    ],
)
def test_a_golden_query_needs_series_enough_and_no_nan(fake: FakeSite, values: list[str], expected: str) -> None:
    result = [{"metric": {"n": str(at)}, "value": [0, value]} for at, value in enumerate(values)]
    fake.say("/api/v1/query", {"data": {"result": result}})
    assert lines(check_golden(fake.site, GOLDEN)) == [expected]


def test_rule_names_are_those_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("groups:\n  - name: g\n    rules:\n      - alert: A\n      - record: b:c:d\n")
    (tmp_path / "b.yml").write_text("groups: []\n")
    assert read_rule_names(tmp_path) == {"A", "b:c:d"}


def test_a_rule_file_that_is_no_yaml_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("groups: [\n")
    with pytest.raises(ContractError) as caught:
        read_rule_names(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'a.yml'}:")
