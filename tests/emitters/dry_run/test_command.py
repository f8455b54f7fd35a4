"""`peaktrade dryrun` as an operator runs it: the real exporters, the same bytes twice, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from emitters.dry_run import cli
from emitters.dry_run.cli import dryrun
from emitters.dry_run.exporter import ExporterError, run_exporter
from emitters.dry_run.snapshots import NAMES
from exporters.commands.reconcile.cli import reconcile
from tests.budget import amount

START = "2026-01-25T00:00:00Z"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PEAK_TRADE_EXECUTION_EVENTS_JSONL", "PEAK_TRADE_SHADOW_EVENTS_JSONL", "LIVE_TRADING_ENABLED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(dryrun, list(arguments), env=environment)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
def test_the_same_seed_and_clock_give_the_same_bytes_whatever_was_there_before(tmp_path: Path) -> None:
    first = run("--seed", "3", "--steps", "100", "--start", START, "--out", "a")
    second = run("--seed", "3", "--steps", "100", "--start", START, "--out", "deeper/b")
    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    again = run("--seed", "3", "--steps", "100", "--start", START, "--out", "a")
    assert again.exit_code == 0
    assert files_of(tmp_path / "a") == files_of(tmp_path / "deeper/b")
    assert files_of(tmp_path / "a").keys() >= set(NAMES)
    own = (tmp_path / "a/execution_events.jsonl").read_bytes()
    assert (tmp_path / "logs/execution/execution_events.jsonl").read_bytes() == own * 3
    assert (tmp_path / "logs/shadow/ledger.jsonl").read_bytes() == (tmp_path / "a/ledger.jsonl").read_bytes() * 3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(amount(2, 5)))
def test_the_exporters_agree_with_the_run_and_so_does_a_reconciliation(seed: int, tmp_path: Path) -> None:
    result = run("--seed", str(seed), "--steps", "200", "--start", START, "--out", "out")
    status = json.loads((tmp_path / "out/dryrun_status_snapshot.json").read_text())
    metrics = json.loads((tmp_path / "out/dryrun_metrics_snapshot.json").read_text())
    health = json.loads((tmp_path / "out/dryrun_health_snapshot.json").read_text())
    assert (status["differences"], metrics["differences"]) == ([], [])
    assert result.exit_code == (0 if status["status"] == "COMPLETED" else 1), result.output
    shown = metrics["exporters"]["execution_watch"]
    assert shown["peak_trade_orders_place_total"] == status["totals"]["orders_place"] > 0
    assert shown[f'peak_trade_orchestrator_state{{state="{health["orchestrator_state"]}"}}'] == 1.0
    written = [json.loads(line) for line in (tmp_path / "out/execution_events.jsonl").read_text().splitlines()]
    audit = [event["ts"] for event in written if event["event_type"] == "audit"]
    assert health["last_audit_event_ts"] == audit[-1]
    assert metrics["audit_events"] == len(audit)
    compared = CliRunner().invoke(reconcile, ["--ledger", "out/ledger.jsonl", "--broker", "out/mock_broker.jsonl"])
    if status["status"] == "COMPLETED":
        assert (compared.exit_code, status["open_orders"]) == (0, 0), compared.output
    assert "0 unusable" in compared.stdout.splitlines()[0]


@pytest.mark.slow
def test_counts_that_differ_are_named_and_end_with_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def short(name: str, file: Path) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        lines = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join(line for line in lines if b'"order_cancel"' not in line))
        return run_exporter(name, file)

    monkeypatch.setattr(cli, "run_exporter", short)
    result = run("--start", START, "--out", "out")
    status = json.loads((tmp_path / "out/dryrun_status_snapshot.json").read_text())
    counted = status["totals"]["orders_cancel"]
    assert result.exit_code == 1
    assert status["differences"] == [
        {"series": "peak_trade_orders_cancel_total", "run": float(counted), "exporter": 0.0}
    ]
    said = f"peak_trade_orders_cancel_total: the run counted {float(counted)}, the exporter shows 0.0\n"
    assert result.stderr == said
    assert "differ in 1 series." in (tmp_path / "out/dryrun_status_snapshot.md").read_text()


@pytest.mark.slow
def test_a_run_that_preflight_rejects_says_so_everywhere_and_ends_with_1(tmp_path: Path) -> None:
    result = run("--strategy-id", "yolo", "--start", START, "--out", "out")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == "REJECTED: 0 steps, 0 orders, 0 rail trips, 0 differences"
    health = json.loads((tmp_path / "out/dryrun_health_snapshot.json").read_text())
    assert (health["orchestrator_state"], health["reconciler_last_ok_ts"]) == ("REJECTED", None)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "true",
            "LIVE_TRADING_ENABLED: it is on, and the dry run never runs beside live trading; "
            "unset it, or write false, and start again",
        ),
        (
            "perhaps",
            "LIVE_TRADING_ENABLED: got 'perhaps', expected true or false; "
            "unset it, or write false: nothing here trades",
        ),
    ],
)
def test_it_does_not_start_unless_live_trading_is_clearly_off(value: str, message: str, tmp_path: Path) -> None:
    result = run("--out", "out", LIVE_TRADING_ENABLED=value)
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, f"Error: {message}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--start", "soon"], "'soon' is not an ISO 8601 time; write it like 2026-01-25T01:09:48Z."),
        (["--real-time", "--start", START], "--real-time begins now; leave out --start"),
    ],
)
def test_a_flag_that_cannot_be_used_is_a_usage_error(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].endswith(message)


def test_a_run_that_would_end_in_the_future_is_refused() -> None:
    result = run("--start", "2999-01-01T00:00:00Z")
    assert result.exit_code == 2
    assert "Error: --start: the run would end in the future; begin it before " in result.stderr


def test_a_variable_that_names_several_files_is_refused() -> None:
    result = run(PEAK_TRADE_SHADOW_EVENTS_JSONL="a.jsonl:b.jsonl")
    message = "Error: PEAK_TRADE_SHADOW_EVENTS_JSONL names more than one file; give --ledger-file the one to append to"
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, message)


def test_a_folder_that_cannot_be_made_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    result = run("--out", "out/x", "--start", START)
    message = "dryrun: out/x: not a directory; give a path this user can write\n"
    assert (result.exit_code, result.stderr) == (1, message)


def test_an_exporter_that_cannot_be_run_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str, file: Path) -> None:
        raise ExporterError(f"exporters.{name} ended with exit code 2 and said: nothing")

    monkeypatch.setattr(cli, "run_exporter", fail)
    result = run("--start", START, "--out", "out", "--steps", "1")
    message = "dryrun: exporters.execution_watch ended with exit code 2 and said: nothing\n"
    assert (result.exit_code, result.stderr) == (1, message)
