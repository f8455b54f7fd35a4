"""`peaktrade verify` against real processes: it passes when all is well, and names what is not."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exporters.commands.demo.ports import ALERTMANAGER
from exporters.commands.export import CONTRACTS
from exporters.commands.verify.cli import verify
from exporters.commands.verify.client import query
from exporters.commands.verify.flow import ILLS
from exporters.commands.verify.golden import GOLDEN
from exporters.commands.verify.rules import read_rule_names
from tests.end_to_end.patience import wait_until
from tests.end_to_end.stack import ROOT, Stack, running_stack

pytestmark = pytest.mark.slow

RULES = ROOT / "prometheus" / "rules"


NAMES = ("ai_live", "execution_watch", "metricsd", "shadow_mvs")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack"), is_calm=True) as stack:
        yield stack


def run(stack: Stack, *arguments: str, environment: Mapping[str, str] | None = None) -> Result:
    return CliRunner().invoke(verify, arguments, env={**stack.environment, **(environment or {})})


def failures(result: Result) -> list[str]:
    return [line for line in result.stderr.splitlines() if line.startswith("FAIL|")]


def wait_until_steady(stack: Stack) -> None:
    result = run(stack)
    assert result.exit_code == 0, result.output


def test_a_healthy_stack_passes_and_leaves_evidence(stack: Stack, tmp_path: Path) -> None:
    result = run(stack, "--evidence", str(tmp_path / "evidence"))
    assert (result.exit_code, result.stderr) == (0, "")
    aside = ("INFO|", "WARN|target_peak_trade_web|")  # the console is not part of this stack
    lines = [line for line in result.stdout.splitlines() if not line.startswith(aside)]
    assert lines[-1] == "RESULT=PASS"
    assert [line.split("|")[1] for line in lines[:-2]] == [
        "prometheus_ready",
        *(f"target_{job}" for job in (*(one.job for one in stack.contracts), "alertmanager", "prometheus")),
        "rules",
        "alertmanagers",
        *(golden.id for golden in GOLDEN),
        "alerts",
        *(f"{name}_{what}" for name in NAMES for what in ("metrics", "contract", "no_live")),
    ]
    assert all(line.startswith("PASS|") for line in lines[:-2])
    [folder] = (tmp_path / "evidence").iterdir()
    assert lines[-2] == f"EVIDENCE|dir={folder}"
    kept = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    read = [name for name in NAMES if name != "metricsd"]
    ills = {f"{name}_{ill.id}" for name in read for ill in ILLS if ill.exporter in ("", name)}
    assert kept == {
        *("summary.txt", "rules.json", "targets.json", "alerts.json", "alertmanagers.json", "META.txt", "SHA256SUMS"),
        *(f"queries/{name}.json" for name in ills),
        *(f"metrics/{name}.prom" for name in NAMES),
        *(f"queries/{golden.id}.json" for golden in GOLDEN),
    }
    summary = (folder / "summary.txt").read_text().splitlines()
    assert summary == [line for line in result.stdout.splitlines() if not line.startswith("INFO|retry|")]


def test_an_exporter_with_another_contract_than_the_one_on_disk_fails(stack: Stack, tmp_path: Path) -> None:
    wait_until_steady(stack)
    shutil.copytree(CONTRACTS, tmp_path / "contracts")
    with (tmp_path / "contracts" / "ai_live.yaml").open("a") as file:
        file.write("# edited\n")
    result = run(stack, "--contracts", str(tmp_path / "contracts"), "--retries", "0")
    assert result.exit_code == 1
    [failure] = failures(result)
    assert failure.startswith("FAIL|ai_live_contract|runs another ai_live.yaml (")
    assert result.stderr.splitlines()[1:] == [
        "NEXT|restart the exporter: python -m exporters.ai_live",
        "RESULT=FAIL",
    ]


def test_a_promise_the_exporter_does_not_keep_fails_with_the_metric(stack: Stack, tmp_path: Path) -> None:
    wait_until_steady(stack)
    shutil.copytree(CONTRACTS, tmp_path / "contracts")
    path = tmp_path / "contracts" / "execution_watch.yaml"
    text = path.read_text()
    assert text.count("type: histogram") == text.count("status: {values: [200, 400, 404], otherwise: other}") == 1
    path.write_text(text.replace("values: [200, 400, 404]", "values: [200]").replace("[0.001, 0.01, ", "[0.01, "))
    result = run(stack, "--contracts", str(tmp_path / "contracts"), "--retries", "0")
    assert result.exit_code == 1
    name, latency = "peak_trade_execution_watch_requests_total", "peak_trade_execution_watch_request_latency_seconds"
    assert failures(result)[:3] == [
        f'FAIL|execution_watch_metrics|{name}: status="400" is no value the contract knows',
        f'FAIL|execution_watch_metrics|{name}: status="404" is no value the contract knows',
        f"FAIL|execution_watch_metrics|{latency} has the buckets 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, inf, "
        "the contract has others",
    ]


def test_a_rule_file_prometheus_has_not_loaded_fails_with_its_rules(stack: Stack, tmp_path: Path) -> None:
    wait_until_steady(stack)
    shutil.copytree(RULES, tmp_path / "rules")
    (tmp_path / "rules" / "execution.yml").unlink()
    other = stack.start_prometheus("without_execution", tmp_path / "rules")
    try:
        result = run(stack, "--prometheus-url", other.base, "--retries", "0")
    finally:
        stack.stop("without_execution")
    names = len(read_rule_names(RULES))
    missing = (
        "EXECUTION_LiveTradingEnabled, EXECUTION_ReconcileMismatch, EXECUTION_ReconcileStale,"
        " EXECUTION_SafetyRailTripped"
    )
    assert result.exit_code == 1
    assert f"FAIL|rules|{names - 4} of {names} rules are loaded; missing: {missing}" in failures(result)


def test_an_exporter_that_is_stopped_fails_where_it_is_missed(stack: Stack) -> None:
    wait_until_steady(stack)
    stack.stop("exporter_execution_watch")
    try:
        prometheus = stack.site_of("prometheus")
        wait_until(lambda: not query(prometheus, 'up{job="execution_watch"} == 1'), "Prometheus has noticed")
        result = run(stack, "--retries", "0")
    finally:
        stack.start_exporter("execution_watch")
    address = f"http://127.0.0.1:{stack.ports['execution_watch']}/metrics"
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"FAIL|execution_watch_metrics|{address}: connection refused",
        "NEXT|start it: python -m exporters.execution_watch; or give its address: --exporter execution_watch=URL",
        "RESULT=FAIL",
    ]
    follows = [line for line in result.stdout.splitlines() if "follows from execution_watch_metrics: " in line]
    assert f"WARN|target_execution_watch|follows from execution_watch_metrics: {address} is down: " in follows[0]
    assert len(follows) >= 3 and all("execution" in line or "watch" in line for line in follows)


def test_without_prometheus_what_lies_behind_it_is_not_asked(stack: Stack) -> None:
    wait_until_steady(stack)
    result = run(stack, "--retries", "0", environment={"PROM_URL": "http://127.0.0.1:9"})
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "FAIL|prometheus_ready|http://127.0.0.1:9/-/ready: connection refused",
        "NEXT|start Prometheus, or give its address with --prometheus-url",
        "RESULT=FAIL",
    ]
    text = "targets, rules and golden queries were not asked for, as nobody would answer"
    assert result.stdout.splitlines()[0] == f"WARN|prometheus|{text}"


def test_an_exporter_that_hangs_fails_where_it_is_missed(stack: Stack) -> None:
    wait_until_steady(stack)
    process = stack._running["exporter_shadow_mvs"]
    os.kill(process.pid, signal.SIGSTOP)
    try:
        prometheus = stack.site_of("prometheus")
        wait_until(lambda: not query(prometheus, 'up{job="shadow_mvs"} == 1'), "Prometheus has noticed")
        result = run(stack, "--retries", "0")
    finally:
        os.kill(process.pid, signal.SIGCONT)
    address = f"http://127.0.0.1:{stack.ports['shadow_mvs']}/metrics"
    assert failures(result) == [f"FAIL|shadow_mvs_metrics|{address}: no answer within 5 s"]


def test_an_event_file_that_is_gone_is_the_one_failure(stack: Stack) -> None:
    wait_until_steady(stack)
    path = stack.file_of("shadow_mvs")
    away = path.with_suffix(".away")
    stack.stop("emitter_shadow_mvs")
    path.rename(away)
    try:
        wait_until(lambda: bool(failures(run(stack, "--retries", "0"))), "it is missed")
        result = run(stack, "--retries", "0")
    finally:
        away.rename(path)
        stack.start_emitter("shadow_mvs")
    assert failures(result) == ["FAIL|shadow_mvs_file|none of its event files exists"]


def test_what_answers_on_the_port_of_an_exporter_and_is_none_is_named(stack: Stack) -> None:
    wait_until_steady(stack)
    other = stack.site_of("shadow_mvs").base
    result = run(stack, "--retries", "0", "--exporter", f"ai_live={other}/metrics")
    assert failures(result) == [f"FAIL|ai_live_metrics|{other}/metrics: this is shadow_mvs, not ai_live"]
    foreign = stack.site_of("prometheus").base
    result = run(stack, "--retries", "0", "--exporter", f"ai_live={foreign}/metrics")
    text = "this is no exporter of ours, but what shows go_gc_duration_seconds"
    assert failures(result) == [f"FAIL|ai_live_metrics|{foreign}/metrics: {text}"]
    result = run(stack, "--retries", "0", "--exporter", f"ai_live={foreign}/classic/targets")
    assert len(failures(result)) == 1
    assert failures(result)[0].startswith(f"FAIL|ai_live_metrics|{foreign}/classic/targets: not a metrics page (")


def test_a_grafana_that_is_away_is_the_one_failure(stack: Stack) -> None:
    wait_until_steady(stack)
    result = run(stack, "--retries", "0", "--grafana-url", "http://127.0.0.1:9", environment={"GRAFANA_TOKEN": "token"})
    assert failures(result) == ["FAIL|grafana_health|http://127.0.0.1:9/api/health: connection refused"]


def test_an_exporter_where_live_trading_is_on_is_the_one_failure(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    wait_until_steady(stack)
    stack.stop("exporter_execution_watch")
    with monkeypatch.context() as patch:
        patch.setenv("LIVE_TRADING_ENABLED", "true")
        stack.start_exporter("execution_watch")
    try:
        prometheus = stack.site_of("prometheus")
        wait_until(lambda: bool(query(prometheus, "peak_trade_live_trading_enabled == 1")), "Prometheus has noticed")
        result = run(stack, "--retries", "0")
    finally:
        stack.stop("exporter_execution_watch")
        stack.start_exporter("execution_watch")
    text = "LIVE_TRADING_ENABLED is on where execution_watch runs; this system only ever watches"
    assert failures(result) == [f"FAIL|execution_watch_no_live|{text}"]


def lacking(text: str) -> str:
    """Return a configuration of Prometheus with another job, and without Alertmanager."""
    return re.sub(r"(?m)^alerting:\n(  .*\n)+", "", text.replace("job_name: ai_live", "job_name: ai"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lacking,
            [
                "FAIL|target_ai_live|Prometheus has no target of job ai_live",
                "FAIL|alertmanagers|Prometheus has no Alertmanager, so nobody is told what fires",
            ],
        ),
        (str, ["FAIL|target_alertmanager|http://127.0.0.1:9/metrics is down: "]),
    ],
    ids=["two_things_missing", "alertmanager_away"],
)
def test_a_prometheus_that_is_told_something_else_fails_once_for_each_thing_it_lacks(
    stack: Stack, change: Callable[[str], str], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_until_steady(stack)
    told = stack._configuration
    monkeypatch.setattr(stack, "_configuration", lambda name, rules: change(told(name, rules)))
    if change is str:
        monkeypatch.setitem(stack.ports, ALERTMANAGER, 9)
    other = stack.start_prometheus("other", RULES)
    try:
        wait_until(lambda: len(failures(run_at(stack, other.base))) == len(expected), "it has scraped for a while")
        found = failures(run_at(stack, other.base))
    finally:
        stack.stop("other")
    assert [line[: len(text)] for line, text in zip(found, expected, strict=True)] == expected


def run_at(stack: Stack, prometheus: str) -> Result:
    return run(stack, "--prometheus-url", prometheus, "--retries", "0")


def test_lines_that_are_refused_are_the_one_failure_to_the_end(stack: Stack) -> None:
    wait_until_steady(stack)
    with stack.file_of("ai_live").open("a") as file:
        file.write("no event\n" * 2000)
    wait_until(lambda: bool(failures(run(stack, "--retries", "0"))), "it is noticed")
    [failure] = failures(run(stack, "--retries", "0"))
    assert re.match(r"FAIL\|ai_live_refused\|\d+% of the lines of the last 5 minutes were refused at 127", failure)
