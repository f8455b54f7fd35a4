"""What lines say: formats are told by content, times however they are written, orders by what became of them."""

from __future__ import annotations

import json

import pytest

from console.lines import PASSED_OVER, Entry, read_entry
from console.sources import Place
from console.steps import Step, read_csv_row, read_json_row, step_of
from tests.console.world import execution_event, step

LOG = Place("log", "s1")


def entry(line: dict[str, object], place: Place = LOG) -> Entry | str:
    return read_entry(json.dumps(line).encode(), place)


def test_an_execution_event_is_known_by_its_schema() -> None:
    line = execution_event("r1", "2026-01-01T00:00:03+00:00", "filled", order_id="o1", idempotency_key="i1")
    assert entry(line) == Entry("execution", "r1", 1_767_225_603_000_000_000, "filled", "o1", 3, "corr_r1")


@pytest.mark.parametrize(
    ("line", "place", "wanted"),
    [
        ({"schema_version": "BETA_EXEC_V1", "run_id": "r", "intent_id": "i", "event_type": "RISK_REJECT"}, LOG, "beta"),
        ({"schema": "execution_ops_v1", "run_id": "r", "event_type": "retry"}, LOG, "ops"),
        ({"kind": "gate", "session_id": "s1", "payload": {}}, LOG, "telemetry"),
        ({"kind": "fill", "payload": {}}, LOG, "telemetry"),
        ({"stage": "intent", "intent_id": "i"}, Place("ledger"), "ledger"),
        ({"v": 1, "run_id": "r", "decision": "accept"}, Place("ai"), "ai"),
        ({"timestamp": "2026-01-01T00:00:00Z", "severity": "WARN"}, Place("alert"), "alert"),
        ({"severity": "warning", "timestamp": "2026-01-01T00:00:00Z"}, Place("run_alert", "r"), "run_alert"),
    ],
)
def test_the_kind_of_a_line(line: dict[str, object], place: Place, wanted: str) -> None:
    found = entry({"ts": "2026-01-01T00:00:00", **line}, place)
    assert isinstance(found, Entry)
    assert found.kind == wanted


@pytest.mark.parametrize(
    ("line", "place", "why"),
    [
        ({"schema": "noop"}, LOG, PASSED_OVER),
        ({"schema": "execution_watch_request_v1", "endpoint": "/"}, LOG, PASSED_OVER),
        ({"schema": ["execution_event_v0"]}, LOG, PASSED_OVER),
        (execution_event("../r", "2026-01-01T00:00:00Z", "filled"), LOG, "no_id"),
        (execution_event("r", "yesterday", "filled"), LOG, "no_time"),
        (execution_event("r", "2026-01-01T00:00:00Z", ""), LOG, "no_type"),
        ({"hello": 1}, Place("ai"), "unknown_schema"),
        ({"severity": "WARN"}, Place("alert"), "no_time"),
    ],
)
def test_what_is_passed_over_or_refused(line: dict[str, object], place: Place, why: str) -> None:
    assert entry(line, place) == why


@pytest.mark.parametrize("raw", [b'{"a":' + b"[" * 100_000, b"{", b"\xff", b"nul", b'{"run_id":"\xc3"}'])
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    assert read_entry(raw, LOG) == "not_json"


def test_a_failure_that_is_not_the_last_attempt_is_no_outcome() -> None:
    lines = [execution_event("r", "2026-01-01T00:00:00Z", "failed", payload={"final": last}) for last in (False, True)]
    outcomes = [found.outcome for found in map(entry, lines) if isinstance(found, Entry)]
    assert outcomes == [0, 1]


def test_numbers_that_are_none_are_no_text() -> None:
    raw = json.dumps(step(1, equity=float("nan"), risk_reasons=float("nan"), price="nan")).encode()
    found = read_json_row(raw)
    assert isinstance(found, Step)
    assert (found.equity, found.risk_reasons, found.price, found.cash) == (None, None, None, 995.0)


def test_a_csv_row_with_empty_columns_is_a_step() -> None:
    header = ["step", "ts_event", "equity", "orders_generated", "risk_allowed", "risk_reasons"]
    row = read_csv_row(b"2,2026-01-15T18:02:00+00:00,,1,False,", header)
    assert isinstance(row, dict)
    found = step_of(row)
    assert (found.equity, found.orders, found.risk_allowed, found.risk_reasons) == (None, 1, False, None)
    assert found.level == "warning"


def test_a_csv_row_with_other_columns_than_the_header_is_refused() -> None:
    assert read_csv_row(b"1,2,3", ["a", "b"]) == "other_columns"
    assert read_csv_row(b'1,"2', ["a", "b"]) == "not_csv"
