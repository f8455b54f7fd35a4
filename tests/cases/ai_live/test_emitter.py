from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from emitters import ai_live
from emitters.cli import emit

START = datetime(2026, 1, 25, 1, 9, 48, 123_000, tzinfo=UTC)
STEP = timedelta(milliseconds=200)


def test_the_sample_format_is_accept_reject_noop_in_turn(tmp_path: Path) -> None:
    out = tmp_path / "ai_events.jsonl"
    options = ["--n", "4", "--interval-ms", "1", "--start", "2026-01-25T01:09:48.123Z"]
    assert CliRunner().invoke(emit, ["ai_live", "--out", str(out), *options]).exit_code == 0
    common = '"component":"execution_watch","run_id":"demo","event":"decision"'
    assert out.read_text(encoding="utf-8") == (
        f'{{"v":1,"ts_utc":"2026-01-25T01:09:48.123Z",{common},'
        '"decision":"accept","reason":"none","latency_ms":85.0,"action":"submit"}\n'
        f'{{"v":1,"ts_utc":"2026-01-25T01:09:48.124Z",{common},'
        '"decision":"reject","reason":"risk_limit","latency_ms":10.0,"action":"none"}\n'
        f'{{"v":1,"ts_utc":"2026-01-25T01:09:48.125Z",{common},'
        '"decision":"noop","reason":"no_signal","latency_ms":2.0,"action":"none"}\n'
        f'{{"v":1,"ts_utc":"2026-01-25T01:09:48.126Z",{common},'
        '"decision":"accept","reason":"none","latency_ms":85.0,"action":"submit"}\n'
    )


def test_fifty_sample_events_are_17_accepts_17_rejects_and_16_noops() -> None:
    decisions = Counter(event["decision"] for event in ai_live.events(START, 50, interval=STEP))
    assert decisions == {"accept": 17, "reject": 17, "noop": 16}


def test_run_id_and_component_are_written_as_given() -> None:
    (event,) = ai_live.events(START, 1, interval=STEP, run_id="r", component="c")
    assert (event["run_id"], event["component"]) == ("r", "c")


@pytest.mark.parametrize(
    ("event_format", "key", "value", "types"),
    [
        (
            "beta",
            "schema_version",
            "BETA_EXEC_V1",
            ["INTENT", "VALIDATION_REJECT", "RISK_REJECT", "SUBMIT", "ACK", "REJECT", "FILL", "ERROR"],
        ),
        (
            "v0",
            "schema",
            "execution_event_v0",
            [
                "created",
                "validated",
                "submitted",
                "acked",
                "filled",
                "canceled",
                "failed",
                "started",
                "accepted",
            ],
        ),
    ],
    ids=["beta", "v0"],
)
def test_an_execution_format_walks_through_its_event_types(
    event_format: str, key: str, value: str, types: list[str]
) -> None:
    found = list(ai_live.events(START, 2 * len(types), interval=STEP, event_format=event_format))
    assert [event["event_type"] for event in found] == types * 2
    assert {event[key] for event in found} == {value}


def test_mixed_takes_each_format_in_turn_as_if_it_were_alone() -> None:
    mixed = list(ai_live.events(START, 30, interval=STEP, event_format="mixed"))
    for place, event_format in enumerate(("sample", "beta", "v0")):
        start = START + place * STEP
        alone = list(ai_live.events(start, 10, interval=3 * STEP, event_format=event_format))
        assert mixed[place::3] == alone
