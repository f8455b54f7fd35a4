import hashlib
import json
from datetime import UTC, datetime

from emitters.execution_formats import beta_exec_v1, execution_event_v0

AT = datetime(2026, 1, 25, 1, 9, 48, 123_000, tzinfo=UTC)


def test_the_v0_event_types_take_turns() -> None:
    assert [execution_event_v0(number, AT, "r")["event_type"] for number in range(10)] == [
        "created",
        "validated",
        "submitted",
        "acked",
        "filled",
        "canceled",
        "failed",
        "started",
        "accepted",
        "created",
    ]


def test_a_v0_event_is_written_in_the_order_of_its_format() -> None:
    assert json.dumps(execution_event_v0(11, AT, "r")) == json.dumps(
        {
            "schema": "execution_event_v0",
            "ts": "2026-01-25T01:09:48.123Z",
            "run_id": "r",
            "correlation_id": "corr-000001",
            "event_type": "submitted",
            "order_id": "order-000001",
            "idempotency_key": "idem-000001",
            "payload": {"attempt": 1, "symbol": "ETH/EUR", "side": "sell", "quantity": 0.5},
        }
    )


def test_the_beta_event_types_take_turns() -> None:
    assert [beta_exec_v1(number, AT, "r")["event_type"] for number in range(9)] == [
        "INTENT",
        "VALIDATION_REJECT",
        "RISK_REJECT",
        "SUBMIT",
        "ACK",
        "REJECT",
        "FILL",
        "ERROR",
        "INTENT",
    ]


def test_a_beta_event_is_written_with_sorted_keys() -> None:
    event = beta_exec_v1(5, AT, "r")
    event_id = event.pop("event_id")
    assert json.dumps(event) == json.dumps(
        {
            "client_order_id": "client-000000",
            "event_type": "REJECT",
            "intent_id": "intent-000000",
            "payload": {},
            "reason_code": "POLICY_LIVE_NOT_ENABLED",
            "reason_detail": "sample event",
            "request_id": "req-000000",
            "run_id": "r",
            "schema_version": "BETA_EXEC_V1",
            "session_id": "r-session-1",
            "symbol": "BTC/EUR",
            "ts_sim": 5,
            "ts_utc": "2026-01-25T01:09:48.123+00:00",
        }
    )
    assert event_id == (
        hashlib.sha256(
            b'{"client_order_id":"client-000000","event_type":"REJECT","intent_id":"intent-000000",'
            b'"kind":"execution_event","payload":{},"reason_code":"POLICY_LIVE_NOT_ENABLED",'
            b'"request_id":"req-000000","run_id":"r","session_id":"r-session-1","symbol":"BTC/EUR","ts_sim":5}'
        ).hexdigest()
    )


def test_a_beta_payload_is_sorted_text() -> None:
    assert json.dumps(beta_exec_v1(6, AT, "r")["payload"]) == (
        '{"fee": "78.0", "fee_currency": "EUR", "fill_id": "fill-000000", "price": "60000.0", '
        '"quantity": "0.5", "side": "BUY"}'
    )


def test_beta_event_ids_are_unique_and_do_not_depend_on_the_wall_clock() -> None:
    later = AT.replace(year=2027)
    ids = [beta_exec_v1(number, AT, "r")["event_id"] for number in range(100)]
    assert len(set(ids)) == 100
    assert ids == [beta_exec_v1(number, later, "r")["event_id"] for number in range(100)]
