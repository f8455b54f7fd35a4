"""Each route of the earlier dashboards and of the execution watch, with the fields and limits its callers rely on.

What is written here was taken from the description of those systems, not from the console; more fields may be there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from console.api.routes import ENDPOINTS
from console.app import Console, build_app
from tests.console.client import Client
from tests.console.test_api import NOW
from tests.console.test_pages import fill
from tests.console.world import RUN, World

pytestmark = pytest.mark.thorough

_RUN = "run_id mode strategy_name symbol timeframe"
_LISTED = f"{_RUN} started_at ended_at is_active last_event_time"
_SNAPSHOT = (
    f"{_RUN} total_steps total_orders total_blocked_orders equity realized_pnl unrealized_pnl drawdown last_event_time"
)
_ALERT = "rule_id severity message run_id timestamp"
_WRAPPED = "run_id asof count items"
_SESSION = (
    "session_id started_at ended_at mode environment status realized_pnl max_drawdown num_orders report_path notes"
    " duration_seconds is_live_warning risk_status risk_severity"
)
_ENVELOPE = "api_version generated_at_utc meta"
_META = "api_version generated_at_utc has_more next_cursor read_errors source last_event_utc dataset_stats"
_EXECUTED = "run_id correlation_id started_at last_event_at status counts"
_EXECUTED_UTC = "run_id correlation_id started_at_utc last_event_at_utc status counts"
_EVENT = "seq ts event_type order_id idempotency_key payload"
_INVARIANTS = (
    "runtime_metrics_included runtime_metrics cursor_monotonic ordering_non_decreasing cursor_monotonicity_ok"
    " dataset_nonempty_ok dataset_nonempty_note events_sorted_by_time_ok events_sorted_by_time_note"
    " runs_sessions_consistency_ok runs_sessions_consistency_note"
)

FIELDS: dict[str, dict[str, str]] = {
    "/health": {"": "status contract_version server_time"},
    "/runs": {"[]": _LISTED},
    "/runs/{run_id}/snapshot": {"": _SNAPSHOT},
    "/runs/{run_id}/tail": {
        "[]": "ts_bar equity realized_pnl unrealized_pnl position_size orders_count risk_allowed risk_reasons"
    },
    "/runs/{run_id}/alerts": {"[]": _ALERT},
    "/api/v0/health": {"": "status contract_version server_time"},
    "/api/v0/health_v02": {"": "status"},
    "/api/v0/runs": {"[]": _LISTED},
    "/api/v0/runs_v02": {"items": f"{_LISTED} status"},
    "/api/v0/runs/{run_id}": {"": "meta snapshot", "meta": f"{_RUN} started_at ended_at tags", "snapshot": _SNAPSHOT},
    "/api/v0/runs/{run_id}/detail_v02": {"": "run_id status meta snapshot"},
    "/api/v0/runs/{run_id}/metrics": {"": "run_id total_steps total_orders total_blocked_orders equity"},
    "/api/v0/runs/{run_id}/equity": {"": _WRAPPED, "items": "ts equity"},
    "/api/v0/runs/{run_id}/signals": {"": _WRAPPED, "items": "ts signal"},
    "/api/v0/runs/{run_id}/positions": {"": _WRAPPED, "items": "ts position_size"},
    "/api/v0/runs/{run_id}/orders": {
        "": _WRAPPED,
        "items": "ts orders_generated orders_filled orders_rejected orders_blocked",
    },
    "/api/v0/runs/{run_id}/trades": {"": _WRAPPED, "items": "ts order_id"},
    "/api/v0/runs/{run_id}/events": {
        "": "run_id asof next_seq count items",
        "items": "seq ts level component msg run_id",
    },
    "/api/live_sessions": {"[]": _SESSION},
    "/api/live_sessions/stats": {"": "total_sessions by_mode by_status total_pnl avg_drawdown"},
    "/api/live_sessions/{session_id}": {
        "": f"{_SESSION} run_id run_type env_name symbol config metrics cli_args created_at risk_limit_details",
        "risk_limit_details": "name value limit ratio severity",
    },
    "/api/live/alerts": {
        "alerts": "id title body severity category source session_id timestamp context",
    },
    "/api/live/alerts/stats": {"": "total by_severity by_category sessions_with_alerts last_critical hours"},
    "/api/telemetry": {"events": "ts session_id symbol mode kind payload"},
    "/api/live/status/snapshot.json": {"": "version generated_at panels meta", "panels": "id title status details"},
    "/api/v0/execution/health": {"": "status watch_only schema root filename exists"},
    "/api/v0/execution/runs": {"": "count runs", "runs": _EXECUTED},
    "/api/v0/execution/runs/{run_id}": {
        "": "run_id correlation_id events count summary",
        "summary": "started_at last_event_at status counts",
    },
    "/api/healthz": {"": f"{_ENVELOPE} status watch_only", "meta": _META},
    "/api/execution/runs": {"": f"{_ENVELOPE} count runs", "meta": _META, "runs": _EXECUTED_UTC},
    "/api/execution/runs/{run_id}": {"": f"{_ENVELOPE} run total_events", "meta": _META, "run": _EXECUTED_UTC},
    "/api/execution/runs/{run_id}/events": {
        "": f"{_ENVELOPE} run_id count items events next_cursor has_more",
        "meta": _META,
        "items": _EVENT,
        "events": _EVENT,
    },
    "/api/live/sessions": {
        "": f"{_ENVELOPE} count sessions",
        "meta": _META,
        "sessions": "session_id status mode environment started_at_utc ended_at_utc last_update_utc",
    },
    "/api/execution/health": {"": f"{_ENVELOPE} invariants", "meta": _META, "invariants": _INVARIANTS},
}
"""Route -> part of the answer (`` itself, `[]` its items) -> fields."""

LIMITS = {
    "/runs/{run_id}/tail": "limit 50 1..500",
    "/runs/{run_id}/alerts": "limit 20 1..100",
    "/api/v0/runs_v02": "limit 50 1..200",
    "/api/v0/runs/{run_id}/equity": "limit 500 1..5000",
    "/api/v0/runs/{run_id}/signals": "limit 200 1..5000",
    "/api/v0/runs/{run_id}/positions": "limit 200 1..5000",
    "/api/v0/runs/{run_id}/orders": "limit 500 1..5000",
    "/api/v0/runs/{run_id}/events": "since_seq 0 0..999999999999, limit 200 1..2000, max_seconds 30 1..600",
    "/api/live_sessions": "limit 10 1..100",
    "/api/live/alerts": "limit 100 1..500, hours 24 1..168",
    "/api/live/alerts/stats": "hours 24 1..168",
    "/api/telemetry": "limit 200 1..2000",
    "/api/v0/execution/runs": "limit 200 1..2000",
    "/api/v0/execution/runs/{run_id}": "limit 2000 1..50000",
    "/api/execution/runs": "limit 200 1..2000",
    "/api/execution/runs/{run_id}/events": "limit 200 1..5000",
    "/api/live/sessions": "limit 50 1..500",
}

OURS = {"/api/v0/runs/{run_id}/lines"}
"""Routes the earlier systems had not."""


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    client = Client(build_app(Console(world.settings, world.index(), lambda: NOW)))
    yield client
    client.close()


def test_the_routes_are_those_of_the_earlier_systems() -> None:
    assert {one.path for one in ENDPOINTS} == set(FIELDS) | OURS


@pytest.mark.parametrize("route", FIELDS)
def test_every_field_is_there(world: World, client: Client, route: str) -> None:
    fill(world)
    check = {"severity": "ok", "limit_details": [{"name": "loss"}]}
    world.session("s1", metrics={"risk_check": check})
    answer = client.json(re.sub("{run_id}", RUN, route).replace("{session_id}", "s1"))
    for part, names in FIELDS[route].items():
        found: Any = answer if part in ("", "[]") else answer[part]
        one = found[0] if isinstance(found, list) else found
        assert set(names.split()) <= set(one), part


@pytest.mark.parametrize("route", [one.path for one in ENDPOINTS])
def test_the_limits_are_those_of_the_earlier_systems(route: str) -> None:
    (endpoint,) = [one for one in ENDPOINTS if one.path == route]
    numbers = [one for one in endpoint.parameters if one.kind == "number"]
    found = ", ".join(f"{one.name} {one.default} {one.low}..{one.high}" for one in numbers)
    if route in LIMITS or route not in OURS | {"/api/v0/runs/{run_id}/trades"}:
        assert found == LIMITS.get(route, "")
