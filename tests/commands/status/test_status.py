"""`peaktrade status` over pages, files and a Prometheus that say what a test wants; once over real exporters."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from contracts.load import load_contract, load_contracts
from emitters.dry_run.cli import dryrun
from exporters.commands.export import CONTRACTS
from exporters.commands.status.cli import status
from exporters.commands.status.files import file_facts, time_paths
from exporters.engine.fields import Path as FieldPath
from tests.commands.verify.conftest import FakeSite
from tests.end_to_end.ports import free_ports

NAMES = [contract.name for contract in load_contracts(CONTRACTS)]
FILES = {contract.name: contract.files for contract in load_contracts(CONTRACTS)}
NOW = 1_769_300_000.0

SELF = """\
peak_trade_live_trading_enabled{{exporter="{name}"}} 0
peak_trade_exporter_lines_total{{exporter="{name}",outcome="applied"}} 7
peak_trade_exporter_lines_total{{exporter="{name}",outcome="bad_json"}} 2
peak_trade_exporter_lines_total{{exporter="{name}",outcome="blank"}} 0
peak_trade_exporter_lag_bytes{{exporter="{name}"}} 3
peak_trade_exporter_state_ok{{exporter="{name}"}} 1
"""

ORDERS = """\
peak_trade_orchestrator_state{state="RUNNING"} 1
peak_trade_orchestrator_state{state="FAILED"} 0
peak_trade_order_state_transitions_total{from_state="NEW",to_state="ACK"} 9
peak_trade_order_state_transitions_total{from_state="NEW",to_state="REJECTED"} 1
peak_trade_order_state_transitions_total{from_state="ACK",to_state="PARTIAL"} 4
peak_trade_order_state_transitions_total{from_state="ACK",to_state="FILLED"} 3
peak_trade_order_state_transitions_total{from_state="PARTIAL",to_state="CANCELED"} 2
peak_trade_reconciler_last_ok_timestamp_seconds 1769299990
peak_trade_reconcile_mismatches_total{code="timeout"} 2
peak_trade_reconcile_mismatches_total{code="cancel_race"} 0
peak_trade_reconcile_lag_seconds{side="ledger"} 12
peak_trade_reconcile_lag_seconds{side="broker"} 0
"""
RUN = 'peak_trade_run_state{mode="shadow",state="running"} 1\npeak_trade_run_state{mode="shadow",state="error"} 0\n'
MORE = {"execution_watch": ORDERS, "shadow_mvs": RUN}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSite]:
    """All exporters well, at paths of one site, and a file for each in the folder of the test."""
    monkeypatch.chdir(tmp_path)
    for name, value in os.environ.items():
        if value and name.startswith(("PEAK_TRADE", "LIVE_TRADING", "PROM_URL")):
            monkeypatch.delenv(name)
    monkeypatch.setattr("exporters.engine.clock.SystemClock.now", lambda self: NOW)
    found = FakeSite()
    for name in NAMES:
        found.say(f"/{name}", (SELF.format(name=name) + MORE.get(name, "")).encode())
        for path in FILES[name].default:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text("")
    yield found
    found.close()


def run(site: FakeSite, *arguments: str, **environment: str) -> Result:
    where = [part for name in NAMES for part in ("--exporter", f"{name}={site.base}/{name}")]
    return CliRunner().invoke(status, [*where, *arguments], env=environment)


def change(site: FakeSite, name: str, old: str, new: str) -> None:
    code, page = site.answers[f"/{name}"]
    assert old.encode() in page
    site.answers[f"/{name}"] = (code, page.replace(old.encode(), new.encode()))


def facts(result: Result) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(result.stdout)
    return found


def test_all_is_well(site: FakeSite) -> None:
    line = '{"v":1,"ts_utc":"2026-01-25T00:13:15.000Z"}\n'
    Path("logs/ai/ai_events.jsonl").write_text(line)
    result = run(site)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    said = "lines: 7 applied, 2 bad_json; 3 bytes behind"
    size = len(line)
    assert lines[:3] == [
        "live trading    off here, on in no exporter",
        f"ai_live         up, {site.base}/ai_live, {said}",
        f"                logs/ai/ai_events.jsonl: {size} bytes, newest event 2026-01-25T00:13:15.000Z, 5 s ago",
    ]
    assert lines[-6:] == [
        "orchestrator    RUNNING",
        "run             running",
        "open orders     4",
        "reconciliation  last ok 10 s ago; mismatches so far: 2 timeout; ahead: ledger 12 s",
        "alerts          not asked; give --prometheus-url",
        "status: healthy",
    ]


def test_an_exporter_that_reads_no_lines_has_neither_lines_nor_files(site: FakeSite) -> None:
    page = 'peak_trade_live_trading_enabled{exporter="metricsd"} 0\n'
    site.say("/metricsd", page.encode())
    lines = run(site).stdout.splitlines()
    at = lines.index(f"metricsd        up, {site.base}/metricsd")
    assert lines[at + 1].split()[0] == "shadow_mvs"


def test_the_object_has_everything_the_lines_say_and_nothing_healthy_that_is_not_known(site: FakeSite) -> None:
    for name in ("execution_watch", "shadow_mvs"):
        site.say(f"/{name}", SELF.format(name=name).encode())
    found = facts(run(site, "--json"))
    assert found["gates"] == {
        "live_trading_enabled_here": False,
        "live_trading_enabled": dict.fromkeys(NAMES, False),
    }
    assert (found["orchestrator_state"], found["run_state"], found["open_orders"]) == (None, None, None)
    assert found["reconciliation"] == {"last_ok_age_s": None, "mismatches": None, "lag_s": None}
    assert found["alerts"] == {"asked": False, "firing": None, "problem": None}
    assert found["exporters"]["ai_live"]["lines"] == {"applied": 7, "bad_json": 2}
    assert (found["problems"], found["unknown"]) == ([], [])
    assert "reconciliation  unknown" in run(site).stdout.splitlines()


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("ai_live", 'enabled{exporter="ai_live"} 0', "1", "live trading is enabled where ai_live runs"),
        ("shadow_mvs", 'state_ok{exporter="shadow_mvs"} 1', "0", "shadow_mvs cannot write its state; its log says why"),
        ("execution_watch", 'state="FAILED"} 0', "1", "orchestrator_state is FAILED"),
        ("shadow_mvs", 'state="error"} 0', "1", "run_state is error"),
    ],
)
def test_what_is_wrong_is_said_and_ends_with_1(site: FakeSite, name: str, old: str, new: str, problem: str) -> None:
    change(site, "execution_watch", '"RUNNING"} 1', f'"RUNNING"}} {int("state is" not in problem)}')
    change(site, "shadow_mvs", '"running"} 1', f'"running"}} {int("state is" not in problem)}')
    change(site, name, old, f"{old[:-1]}{new}")
    result = run(site)
    assert (result.exit_code, result.stdout.splitlines()[-2:]) == (1, [f"PROBLEM {problem}", "status: not healthy"])


def test_orders_that_were_opened_before_the_counters_began_are_not_counted_below_none(site: FakeSite) -> None:
    change(site, "execution_watch", 'to_state="ACK"} 9', 'to_state="ACK"} 2')
    assert facts(run(site, "--json"))["open_orders"] == 0


def test_an_exporter_that_does_not_answer_is_down(site: FakeSite) -> None:
    del site.answers["/ai_live"]
    result = run(site)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-2] == f"PROBLEM ai_live is down: {site.base}/ai_live: answered 404"
    assert f"ai_live         down, {site.base}/ai_live" in result.stdout.splitlines()


def test_where_nobody_answers_nobody_can_tell(site: FakeSite) -> None:
    site.answers.clear()
    result = run(site)
    assert (result.exit_code, result.stdout.splitlines()[-2:]) == (
        2,
        ["UNKNOWN no exporter answers", "status: cannot tell"],
    )


def test_a_gate_that_is_unclear_or_silent_leaves_it_open(site: FakeSite) -> None:
    change(site, "ai_live", 'peak_trade_live_trading_enabled{exporter="ai_live"} 0\n', "")
    found = facts(run(site, "--json"))
    assert found["unknown"] == ["ai_live does not say whether live trading is enabled"]
    result = run(site, LIVE_TRADING_ENABLED="perhaps")
    assert result.exit_code == 2
    assert "UNKNOWN LIVE_TRADING_ENABLED is neither a clear yes nor a clear no here" in result.stdout.splitlines()


def test_live_trading_that_is_on_here_is_a_problem(site: FakeSite) -> None:
    result = run(site, LIVE_TRADING_ENABLED="yes")
    assert (result.exit_code, result.stdout.splitlines()[-2]) == (1, "PROBLEM live trading is enabled here")


def test_an_event_file_that_is_not_there_is_a_problem_of_an_exporter_that_runs(site: FakeSite) -> None:
    Path("logs/shadow/ledger.jsonl").unlink()
    result = run(site)
    assert result.stdout.splitlines()[-2] == "PROBLEM shadow_mvs has no event file: logs/shadow/ledger.jsonl"


@pytest.mark.parametrize(("severity", "code"), [("page", 1), ("warn", 1), ("info", 0)])
def test_alerts_that_fire_are_named_and_only_serious_ones_are_a_problem(
    site: FakeSite, severity: str, code: int
) -> None:
    labels = {"alertname": "EXPORTER_Down", "severity": severity}
    pending = {"state": "pending", "labels": {"alertname": "Later", "severity": "page"}}
    site.say("/api/v1/alerts", {"data": {"alerts": [{"state": "firing", "labels": labels}, pending]}})
    result = run(site, "--prometheus-url", site.base)
    assert result.exit_code == code
    assert f"alerts          firing: EXPORTER_Down ({severity})" in result.stdout.splitlines()
    assert ("PROBLEM firing: EXPORTER_Down (page)" in result.stdout.splitlines()) is (severity == "page")


def test_a_prometheus_that_does_not_answer_leaves_it_open(site: FakeSite) -> None:
    result = run(site, PROM_URL=site.base)
    last = f"UNKNOWN alerts: {site.base}/api/v1/alerts: answered 404"
    assert (result.exit_code, result.stdout.splitlines()[-2]) == (2, last)
    assert facts(run(site, "--json", PROM_URL=site.base))["alerts"]["asked"] is True
    site.say("/api/v1/alerts", {"data": []})
    result = run(site, PROM_URL=site.base)
    assert result.stdout.splitlines()[-2] == f"UNKNOWN alerts: {site.base}: answered no alerts; is it a Prometheus?"


def test_only_get_is_ever_asked(site: FakeSite) -> None:
    run(site, "--prometheus-url", site.base)
    assert site.asked == [*(f"/{name}" for name in NAMES), "/api/v1/alerts"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--exporter", "nobody=http://x"], "--exporter nobody: no such exporter; write NAME=URL with one of"),
        (["--prometheus-url", "ftp://x"], "'ftp://x' is no address to ask; write it like http://127.0.0.1:9092"),
    ],
)
def test_an_address_that_is_none_is_a_usage_error(site: FakeSite, arguments: list[str], message: str) -> None:
    result = run(site, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def times() -> frozenset[FieldPath]:
    """Return where the events of execution_watch have their time."""
    return time_paths(load_contract(CONTRACTS / "execution_watch.yaml"))


def test_the_newest_event_is_found_whatever_the_order_and_a_half_line_is_none(tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(
        b'{"ts":"2026-01-25T00:00:09Z"}\nnot json\n[]\n{"ts":true}\n{"ts_utc":"2026-01-25T01:00:08+01:00"}\n'
        b'{"ts":1769299207.5}\n{"ts":"2026-01-25T00:00:11Z"}'
    )
    [found] = file_facts([str(tmp_path / "*.jsonl")], times(), NOW)
    assert (found["newest_event"], found["newest_event_age_s"]) == ("2026-01-25T00:00:09.000Z", 791.0)


@pytest.mark.parametrize(
    ("value", "newest"),
    [
        ("1769299207.5", "2026-01-25T00:00:07.500Z"),
        ("1769299207500", None),
        ("true", None),
        ("0", None),
        ("-5", None),
        ("NaN", None),
        ('"soon"', None),
        ('"2026-01-25T00:00:07"', "2026-01-25T00:00:07.000Z"),
    ],
)
def test_a_time_is_text_or_seconds(value: str, newest: str | None, tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    file.write_text(f'{{"ts":{value}}}\n')
    assert file_facts([str(file)], times(), NOW)[0]["newest_event"] == newest


def test_only_the_end_of_a_large_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    line = b'{"ts":"2026-01-25T00:00:0%d.000Z","x":"' + b"y" * 100 + b'"}\n'
    file.write_bytes(line % 9 + line % 1 * 2000 + line % 5)
    [found] = file_facts([str(file)], times(), NOW)
    assert found["newest_event"] == "2026-01-25T00:00:05.000Z"


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    [found] = file_facts([str(tmp_path)], times(), NOW)
    assert (found["problem"], found["newest_event"]) == ("is a directory", None)
    [gone] = file_facts([str(tmp_path / "nowhere*")], times(), NOW)
    assert (gone["present"], gone["path"]) == (False, str(tmp_path / "nowhere*"))


@pytest.mark.slow
def test_after_a_dry_run_over_real_exporters_all_is_well_and_the_numbers_are_the_runs(tmp_path: Path) -> None:
    out = tmp_path / "out"
    begun = ["--seed", "3", "--steps", "100", "--start", "2026-01-25T00:00:00Z", "--out", str(out)]
    begun += ["--execution-file", str(tmp_path / "e"), "--ledger-file", str(tmp_path / "l")]
    assert CliRunner().invoke(dryrun, begun).exit_code == 0
    files = {"execution_watch": out / "execution_events.jsonl", "shadow_mvs": out / "ledger.jsonl"}
    ai_live = tmp_path / "ai.jsonl"
    ai_live.write_text('{"v":1,"ts_utc":"2026-01-25T00:00:00Z","decision":"accept"}\n')
    files["ai_live"] = ai_live
    with_ports = dict(zip(NAMES, free_ports(len(NAMES)), strict=True))
    environment = {"LIVE_TRADING_ENABLED": "", "PROM_URL": "", "PEAK_TRADE_STATE_DIR": "none"}
    environment["PEAKTRADE_METRICS_MULTIPROC_DIR"] = str(tmp_path / "multiproc")
    for name in NAMES:
        contract = load_contract(CONTRACTS / f"{name}.yaml")
        environment[str(contract.port_env)] = str(with_ports[name])
        if name in files:
            environment[str(contract.files.env)] = str(files[name])
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", f"exporters.{name}", "--host", "127.0.0.1"],
            env={**os.environ, **environment},
            stderr=subprocess.DEVNULL,
        )
        for name in NAMES
    ]
    try:
        for port in with_ports.values():
            await_ready(port)
        result = CliRunner().invoke(status, ["--json"], env=environment)
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(20) for process in processes] == [0] * len(NAMES)
    found = facts(result)
    assert (result.exit_code, found["problems"], found["unknown"]) == (0, [], []), result.output
    assert (found["orchestrator_state"], found["run_state"], found["open_orders"]) == ("COMPLETED", "stopped", 0)
    for name, file in files.items():
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        newest = max(line.get("ts") or line["ts_utc"] for line in lines).replace("00:00Z", "00:00.000Z")
        assert sum(found["exporters"][name]["lines"].values()) == len(lines)
        assert found["exporters"][name]["files"][0]["newest_event"] == newest
    health = json.loads((out / "dryrun_health_snapshot.json").read_text())
    assert (found["reconciliation"]["last_ok_age_s"] is None) is (health["reconciler_last_ok_ts"] is None)


def await_ready(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/-/ready", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.05)
