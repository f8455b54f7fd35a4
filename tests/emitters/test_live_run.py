"""The sample artefacts: the same by seed, whole unless asked otherwise, and what was asked for when it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from emitters.cli import emit
from emitters.live_run import FAULTS, turns

pytestmark = pytest.mark.thorough

START = "2026-01-15T18:00:00Z"


def run(out: Path, *arguments: str) -> Path:
    result = CliRunner().invoke(
        emit, ["live_run", "--out", str(out), "--interval-ms", "0", "--start", START, *arguments]
    )
    assert result.exit_code == 0, result.output
    return out


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_seed_gives_the_same_files_to_the_byte(tmp_path: Path) -> None:
    first, second = (files(run(tmp_path / name, "--runs", "2", "--steps", "50")) for name in "ab")
    assert first == second
    assert files(run(tmp_path / "c", "--runs", "2", "--steps", "50", "--seed", "8")) != first
    names = {Path(name).name for name in first}
    assert {"meta.json", "events.jsonl", "trades.jsonl", "execution_pipeline_events_v0.jsonl"} <= names


def test_an_endless_run_begins_like_a_counted_one() -> None:
    def begun(runs: int | None) -> list[object]:
        start = datetime(2026, 1, 15, tzinfo=UTC)
        batches = turns(7, start, timedelta(seconds=1), 20, runs, "shadow")
        return [next(batches) for _ in range(40)]

    assert begun(None) == begun(2)


def test_every_line_is_whole_json_and_books_add_up(tmp_path: Path) -> None:
    for name, text in files(run(tmp_path, "--steps", "100")).items():
        for line in text.decode().splitlines() if name.endswith(".jsonl") else ():
            row = json.loads(line)
            if "equity" in row:
                assert row["equity"] == pytest.approx(row["cash"] + row["position_size"] * row["price"], rel=1e-6)


def test_a_crashed_session_stays_started(tmp_path: Path) -> None:
    found = files(run(tmp_path, "--runs", "2", "--steps", "20", "--misbehave", "crashed-session"))
    sessions = [json.loads(text) for name, text in sorted(found.items()) if "live_sessions" in name]
    assert [one["status"] for one in sessions] == ["completed", "started"]


@pytest.mark.parametrize(
    ("kind", "form", "shows"),
    [
        ("half-line", "jsonl", '{"step":-{"step":'),
        ("naive-times", "jsonl", '"ts_event":"2026-01-15T18:00:09.000",'),
        ("nan", "jsonl", '"equity":NaN'),
        ("empty-columns", "csv", "9,2026-01-15T18:00:09.000Z,,"),
    ],
)
def test_misbehaviour_shows(tmp_path: Path, kind: str, form: str, shows: str) -> None:
    assert kind in FAULTS
    (path,) = run(tmp_path, "--steps", "30", "--format", form, "--misbehave", kind).glob(f"live_runs/*/events.{form}")
    assert shows in path.read_text()


def test_it_does_not_start_where_live_trading_is_on(tmp_path: Path) -> None:
    result = CliRunner(env={"LIVE_TRADING_ENABLED": "true"}).invoke(emit, ["live_run", "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "a sample run never runs beside live trading" in result.output
