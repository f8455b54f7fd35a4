"""The events of a reconciliation, and what the real exporter makes of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.commands.reconcile.conftest import KINDS, make_day, run

AT = "2026-01-25T02:00:00.500Z"


def exposition(file: Path, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PEAK_TRADE")}
    command = [sys.executable, "-m", "exporters.execution_watch", "--once", "--file", str(file)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def test_the_exporter_counts_what_was_emitted(tmp_path: Path) -> None:
    events = tmp_path / "logs/events.jsonl"
    clean = make_day(3)
    assert run(*clean.write(tmp_path, "jsonl"), "--emit", str(events), "--at", AT).exit_code == 0
    day = make_day(8)
    for name in ("another fee", "filled before the cancel"):
        KINDS[name].spoil(day)
    day.listed[:] = [line for line in day.listed if line["client_order_id"] != "co-3"]
    arguments = [*day.write(tmp_path, "jsonl"), "--emit", str(events), "--at", "2026-01-25T03:00:00Z"]
    assert run(*arguments).exit_code == 1
    text = exposition(events, tmp_path)
    assert 'peak_trade_reconcile_mismatches_total{code="partial_fill_mismatch"} 1.0\n' in text
    assert 'peak_trade_reconcile_mismatches_total{code="cancel_race"} 1.0\n' in text
    assert 'peak_trade_reconcile_mismatches_total{code="missing_on_broker"} 1.0\n' in text
    assert "peak_trade_reconciler_last_ok_timestamp_seconds 1.7693064005e+09\n" in text
    assert 'peak_trade_reconcile_lag_seconds{side="broker"} 0.0\n' in text
    assert 'peak_trade_reconcile_lag_seconds{side="ledger"} 244.0\n' in text
    assert 'lines_total{exporter="execution_watch",outcome="applied"} 8.0\n' in text


def test_an_event_names_the_order_and_the_run(tmp_path: Path) -> None:
    day, events = make_day(8), tmp_path / "events.jsonl"
    KINDS["another fee"].spoil(day)
    arguments = day.write(tmp_path, "jsonl")
    assert run(*arguments, "--emit", str(events), "--at", AT, "--run-id", "nightly").exit_code == 1
    head = {"schema": "execution_ops_v1", "ts": AT, "run_id": "nightly"}
    ids = {"client_order_id": "co-0", "broker_order_id": "O-0"}
    assert [json.loads(line) for line in events.read_text().splitlines()] == [
        {**head, "event_type": "reconcile_mismatch", "code": "partial_fill_mismatch", "field": "fee", **ids},
        {**head, "event_type": "reconcile_lag", "side": "ledger", "lag_s": 0.0},
        {**head, "event_type": "reconcile_lag", "side": "broker", "lag_s": 0.0},
    ]


def test_an_order_only_the_broker_knows_is_named_by_the_brokers_id(tmp_path: Path) -> None:
    day, events = make_day(2), tmp_path / "events.jsonl"
    KINDS["an order only the broker knows"].spoil(day)
    run(*day.write(tmp_path, "csv"), "--emit", str(events))
    first = json.loads(events.read_text().splitlines()[0])
    assert (first["code"], first["client_order_id"], first["broker_order_id"]) == ("ghost_broker_order", None, "O-0")


def test_a_broker_that_could_not_answer_is_one_mismatch_of_all_orders(tmp_path: Path) -> None:
    day, events = make_day(2), tmp_path / "events.jsonl"
    KINDS["the broker timed out"].spoil(day)
    run(*day.write(tmp_path, "jsonl"), "--emit", str(events))
    first = json.loads(events.read_text().splitlines()[0])
    assert (first["code"], first["field"], first["client_order_id"]) == ("timeout", "*", "*")


def test_who_does_not_know_says_neither_ok_nor_mismatch(tmp_path: Path) -> None:
    arguments, events = make_day(2).write(tmp_path, "jsonl"), tmp_path / "events.jsonl"
    with Path(arguments[1]).open("a") as ledger:
        ledger.write("half\n")
    assert run(*arguments, "--emit", str(events)).exit_code == 2
    assert events.read_text() == ""


def test_events_that_cannot_be_written_are_an_error(tmp_path: Path) -> None:
    result = run(*make_day(1).write(tmp_path, "jsonl"), "--emit", str(tmp_path))
    problem = "cannot be written (is a directory); give --emit a path this user can write"
    assert (result.exit_code, result.stderr) == (2, f"reconcile: {tmp_path}: {problem}\n")
