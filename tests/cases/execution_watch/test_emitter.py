from datetime import UTC, datetime, timedelta

import pytest

from emitters import execution_watch

START = datetime(2026, 1, 25, 1, 9, 48, 123_000, tzinfo=UTC)
STEP = timedelta(milliseconds=200)
EVERY_SEED = pytest.mark.parametrize("seed", range(21))

Event = dict[str, object]


def emit(n: int, seed: int = 7) -> list[Event]:
    return list(execution_watch.events(START, n, interval=STEP, seed=seed))


def of_schema(events: list[Event], schema: str) -> list[Event]:
    return [event for event in events if event.get("schema") == schema]


def test_the_formats_take_turns() -> None:
    formats = [event.get("schema") or event["schema_version"] for event in emit(8)]
    assert (
        formats
        == [
            "execution_ops_v1",
            "execution_watch_request_v1",
            "execution_event_v0",
            "BETA_EXEC_V1",
        ]
        * 2
    )


def test_a_session_is_initialised_and_runs_from_the_fifth_event_on() -> None:
    events = emit(8)
    common = {"schema": "execution_ops_v1", "run_id": "demo", "event_type": "orchestrator_state"}
    assert events[0] == {**common, "ts": "2026-01-25T01:09:48.123Z", "state": "INIT"}
    assert events[4] == {**common, "ts": "2026-01-25T01:09:48.923Z", "state": "RUNNING"}


@EVERY_SEED
def test_a_hundred_events_hold_every_ops_event_type(seed: int) -> None:
    assert {event["event_type"] for event in of_schema(emit(100, seed), "execution_ops_v1")} == {
        "order_place",
        "order_cancel",
        "order_query",
        "order_state",
        "reconcile_ok",
        "reconcile_mismatch",
        "retry",
        "safety_rail_trip",
        "orchestrator_state",
        "audit",
    }


def test_each_ops_event_type_has_its_own_fields_and_no_other() -> None:
    common = {"schema", "ts", "run_id", "event_type"}
    own = {str(event["event_type"]): set(event) - common for event in of_schema(emit(1000), "execution_ops_v1")}
    assert {event_type: fields for event_type, fields in own.items() if fields} == {
        "order_state": {"from_state", "to_state"},
        "reconcile_mismatch": {"code"},
        "safety_rail_trip": {"rail"},
        "orchestrator_state": {"state"},
    }


def test_a_long_run_walks_through_the_whole_ops_vocabulary() -> None:
    ops = of_schema(emit(4000), "execution_ops_v1")
    found = {key: {event[key] for event in ops if key in event} for key in ("code", "rail", "state", "to_state")}
    assert found == {
        "code": {
            "missing_on_broker",
            "ghost_broker_order",
            "partial_fill_mismatch",
            "status_mismatch",
            "cancel_race",
            "rate_limit",
            "timeout",
            "transient",
            "invariant_non_finite_qty",
            "invariant_negative_qty",
            "invariant_filled_exceeds_qty",
        },
        "rail": {"kill_switch", "max_position", "max_drawdown", "rate_limit"},
        "state": {"INIT", "RUNNING", "COMPLETED", "REJECTED", "FAILED"},
        "to_state": {"ACK", "PARTIAL", "FILLED", "CANCELED", "REJECTED"},
    }


def test_order_states_change_as_orders_do() -> None:
    changes = [
        (event["from_state"], event["to_state"])
        for event in of_schema(emit(300), "execution_ops_v1")
        if event["event_type"] == "order_state"
    ]
    assert changes[:8] == [
        ("NEW", "ACK"),
        ("ACK", "PARTIAL"),
        ("PARTIAL", "FILLED"),
        ("NEW", "ACK"),
        ("ACK", "FILLED"),
        ("NEW", "REJECTED"),
        ("NEW", "ACK"),
        ("ACK", "CANCELED"),
    ]


def test_sessions_end_in_each_way_and_begin_again() -> None:
    states = [event["state"] for event in emit(4000) if event.get("event_type") == "orchestrator_state"]
    assert states[:10] == [
        "INIT",
        "RUNNING",
        "COMPLETED",
        "INIT",
        "REJECTED",
        "INIT",
        "RUNNING",
        "FAILED",
        "INIT",
        "RUNNING",
    ]


def test_requests_name_route_templates_and_counted_statuses() -> None:
    requests = of_schema(emit(2000), "execution_watch_request_v1")
    assert {event["endpoint"] for event in requests} == {
        "/api/healthz",
        "/api/execution/runs",
        "/api/execution/runs/{run_id}",
        "/api/execution/runs/{run_id}/events",
        "/api/execution/health",
        "/api/live/sessions",
    }
    assert {event["status"] for event in requests} == {200, 400, 404}
    assert {event["method"] for event in requests} == {"GET"}
    latencies = [event["latency_ms"] for event in requests]
    assert all(isinstance(latency, float) and 0 < latency < 1000 for latency in latencies)


def test_a_request_has_the_fields_of_its_format() -> None:
    request = emit(2)[1]
    assert list(request) == ["schema", "ts", "endpoint", "method", "status", "latency_ms"]
    assert request["ts"] == "2026-01-25T01:09:48.323Z"


def test_another_seed_is_another_course() -> None:
    assert emit(40, seed=1) != emit(40, seed=2)


def test_every_event_carries_the_time_of_its_slot() -> None:
    times = [str(event.get("ts") or event["ts_utc"]) for event in emit(100)]
    assert [datetime.fromisoformat(text) for text in times] == [START + i * STEP for i in range(100)]
