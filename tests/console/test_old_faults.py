"""The faults of the earlier system, one test each: W-23 to W-36d of the fact sheet must not come back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import console
from console.api.routes import ENDPOINTS
from console.app import Console, build_app
from tests.console.client import Client
from tests.console.test_api import NOW, alert
from tests.console.world import RUN, World, execution_event, step


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    client = Client(build_app(Console(world.settings, world.index(), lambda: NOW)))
    yield client
    client.close()


def tail(client: Client, run_id: str, since: int) -> list[tuple[int, str]]:
    found = client.json(f"/api/execution/runs/{run_id}/events?since_cursor={since}")
    return [(one["seq"], one["event_type"]) for one in found["items"]]


def test_w23_a_bad_line_costs_itself_in_every_answer(world: World, client: Client) -> None:
    world.executions(execution_event("r", "2026-01-01T00:00:00Z", "created"))
    world.append(world.pipeline, "[1]", b'{"run_id":"\xff"}', '{"schema":')
    world.executions(execution_event("r", "2026-01-01T00:00:01Z", "filled"))
    found = client.json("/api/execution/runs")
    assert (found["runs"][0]["counts"], found["meta"]["read_errors"]) == ({"created": 1, "filled": 1}, 3)
    assert client.json("/api/v0/execution/runs/r")["count"] == 2


@pytest.mark.parametrize("name", ["root", "filename", "base_dir", "snapshots_path"])
def test_w24_no_parameter_names_a_path(client: Client, name: str) -> None:
    detail = f"{name}: no parameter names a path; the folders are those the console was started with"
    for endpoint in ENDPOINTS:
        path = endpoint.path.replace("{run_id}", "r").replace("{session_id}", "s")
        for value in ("/etc/passwd", "../../x", "/nowhere"):
            assert client.json(f"{path}?{name}={value}", 400) == {"code": "path_refused", "detail": detail}


def test_w25_a_late_event_is_delivered_once_and_no_other_twice(world: World, client: Client) -> None:
    for second in (5, 6):
        world.executions(execution_event("r", f"2026-01-01T00:00:0{second}Z", "accepted"))
    assert tail(client, "r", -1 + 1) == [(1, "accepted")]
    world.executions(execution_event("r", "2026-01-01T00:00:01Z", "late"))
    assert tail(client, "r", 1) == [(2, "late")]
    assert tail(client, "r", 2) == []
    found = client.json("/api/execution/health")["invariants"]
    assert (found["cursor_monotonic"], found["events_sorted_by_time_ok"]) == (True, False)
    assert found["events_sorted_by_time_note"] == "timestamp_regressed_in_file_order"


def test_w25_a_client_ahead_of_what_there_is_finds_its_way_back(world: World, client: Client) -> None:
    world.executions(execution_event("r", "2026-01-01T00:00:00Z", "created"))
    assert client.json("/api/execution/runs/r/events?since_cursor=99")["next_cursor"] == "0"
    world.executions(execution_event("r", "2026-01-01T00:00:01Z", "filled"))
    assert tail(client, "r", 0) == [(1, "filled")]


def test_w26_times_are_compared_as_times(world: World, client: Client) -> None:
    world.executions(
        execution_event("first", "2026-01-01T02:00:00+02:00", "filled"),
        execution_event("third", "2026-01-01T00:00:02Z", "filled"),
        execution_event("second", "2026-01-01T01:00:01.5+01:00", "filled"),
    )
    assert [run["run_id"] for run in client.json("/api/execution/runs")["runs"]] == ["third", "second", "first"]


def test_w27_a_time_without_an_offset_is_no_error(world: World, client: Client) -> None:
    world.executions(execution_event("r", "2026-01-01T00:00:00.25", "filled"))
    found = client.json("/api/execution/runs")
    assert (found["meta"]["read_errors"], found["meta"]["last_event_utc"]) == (0, "2026-01-01T00:00:00Z")
    world.executions(execution_event("r", "yesterday", "filled"))
    assert client.json("/api/execution/runs")["meta"]["read_errors"] == 1


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([("failed", {"final": False}), ("filled", {})], "success"),
        ([("failed", {"final": True}), ("filled", {})], "success"),
        ([("filled", {}), ("canceled", {})], "success"),
        ([("failed", {"final": False})], "unknown"),
        ([("failed", {"final": True})], "failed"),
        ([("canceled", {})], "canceled"),
        ([("created", {}), ("submitted", {})], "unknown"),
    ],
)
def test_w28_what_became_of_an_order_counts_not_what_was_tried(
    world: World, client: Client, events: list[tuple[str, object]], status: str
) -> None:
    for second, (kind, payload) in enumerate(events):
        ts = f"2026-01-01T00:00:0{second}Z"
        world.executions(execution_event("r", ts, kind, order_id="o1", payload=payload))
        client.json("/api/execution/runs")
    assert client.json("/api/execution/runs")["runs"][0]["status"] == status


def test_w28_one_failed_order_among_filled_ones_is_a_failed_run(world: World, client: Client) -> None:
    for order, kind in (("o1", "filled"), ("o2", "failed"), ("o3", "canceled")):
        world.executions(execution_event("r", "2026-01-01T00:00:00Z", kind, order_id=order))
    assert client.json("/api/execution/runs")["runs"][0]["status"] == "failed"


def test_w29_the_last_event_is_the_newest_in_every_answer(world: World, client: Client) -> None:
    world.executions(
        execution_event("r", "2026-01-01T00:00:05Z", "filled"), execution_event("r", "2026-01-01T00:00:01Z", "filled")
    )
    found = client.json("/api/execution/runs")
    assert found["runs"][0]["last_event_at_utc"] == found["meta"]["last_event_utc"] == "2026-01-01T00:00:05Z"


def test_w30_pages_say_whether_there_is_more(world: World, client: Client) -> None:
    for run in "abc":
        world.executions(execution_event(run, "2026-01-01T00:00:00Z", "filled"))
    assert client.json("/api/execution/runs?limit=2")["meta"]["has_more"] is True
    assert client.json("/api/execution/runs?limit=3")["meta"]["has_more"] is False


def test_w30_a_limit_cuts_off_what_is_oldest(world: World, client: Client) -> None:
    for second in range(3):
        world.executions(execution_event("r", f"2026-01-01T00:00:0{second}Z", f"e{second}"))
    events = client.json("/api/v0/execution/runs/r?limit=2")["events"]
    assert [event["event_type"] for event in events] == ["e1", "e2"]


def test_w31_whatever_is_answered_is_counted_on_the_page_of_the_same_address(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console(replace(world.settings, counts_requests=True), world.index(), lambda: NOW)
    client = Client(build_app(console))
    client.head("/runs")
    client.get("/runs/x/tail?limit=501")
    fails: Callable[..., object] = lambda *_: 1 / 0  # noqa: E731
    monkeypatch.setattr(console, "answer", fails)
    client.get("/health")
    page = client.get("/metrics")
    client.close()
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert page.text.startswith("# HELP ")
    for method, route, status in (("HEAD", "/runs", 200), ("GET", "/runs/{run_id}/tail", 422), ("GET", "/health", 500)):
        labels = f'{{method="{method}",route="{route}",status_code="{status}"}}'
        assert f"peak_trade_http_requests_total{labels} 1.0\n" in page.text


@pytest.mark.parametrize("run_id", ["..", "%2e%2e", "%2E%2E", "%00", "a%2fb", "a%5cb", "%c0%ae", "x" * 201])
@pytest.mark.parametrize("path", ["/runs/{}/snapshot", "/runs/{}/tail", "/runs/{}/alerts", "/api/v0/runs/{}"])
def test_w32_an_id_that_cannot_be_one_is_not_found(world: World, client: Client, path: str, run_id: str) -> None:
    world.write(world.settings.base_runs_dir.parent / "meta.json", json.dumps({"mode": "shadow"}))
    assert client.get(path.format(run_id)).status_code == 404


def test_w33_what_is_no_id_is_listed_nowhere(world: World, client: Client) -> None:
    world.meta("<img src=x onerror=alert(1)>")
    world.executions(execution_event("<img src=x onerror=alert(1)>", "2026-01-01T00:00:00Z", "filled"))
    assert client.json("/runs") == []
    found = client.json("/api/execution/runs")
    assert (found["runs"], found["meta"]["read_errors"]) == ([], 1)


def test_w34_empty_columns_and_naive_times_are_no_error(world: World, client: Client) -> None:
    header = "step,ts_event,equity,risk_allowed,risk_reasons,position_size"
    world.meta()
    rows = ["1,2026-01-15T18:01:00,1001.0,True,,", "2,2026-01-15T18:02:00+00:00,nan,False,limit,0.1"]
    world.append(world.run_folder() / "events.csv", header, *rows)
    found = client.json(f"/runs/{RUN}/tail")
    assert [(one["equity"], one["risk_reasons"], one["position_size"]) for one in found] == [
        (1001.0, "", None),
        (None, "limit", 0.1),
    ]
    assert client.json("/runs")[0]["last_event_time"] == "2026-01-15T18:02:00Z"
    assert client.json(f"/runs/{RUN}/snapshot")["equity"] == 1001.0


def test_w34_a_run_without_events_is_a_run(world: World, client: Client) -> None:
    world.meta()
    assert client.json(f"/runs/{RUN}/snapshot")["total_steps"] == 0
    assert client.json(f"/runs/{RUN}/tail") == []
    assert client.json(f"/api/v0/runs/{RUN}")["meta"]["status"] == "unknown"


def test_w35_a_step_is_seen_as_soon_as_its_line_is_whole(world: World, client: Client) -> None:
    world.meta()
    path = world.steps([step(0)])
    with path.open("a") as file:
        file.write(json.dumps(step(1))[:40])
        file.flush()
        assert len(client.json(f"/runs/{RUN}/tail")) == 1
        file.write(json.dumps(step(1))[40:] + "\n")
    assert [one["equity"] for one in client.json(f"/runs/{RUN}/tail")] == [1000.0, 1001.0]


def test_w35_a_blocked_step_is_a_warning_however_the_truth_is_written(world: World, client: Client) -> None:
    world.meta()
    world.steps([step(0, risk_allowed=False), step(1, risk_allowed="False"), step(2, risk_allowed=0), step(3)])
    levels = [one["level"] for one in client.json(f"/api/v0/runs/{RUN}/events")["items"]]
    assert levels == ["warning", "warning", "warning", "info"]


def test_w35_rows_that_do_not_fit_the_header_are_refused_alone(world: World, client: Client) -> None:
    world.meta()
    world.append(world.run_folder() / "events.csv", "step,equity", "0,1.0", "1,2.0,extra", "2,3.0")
    assert [one["equity"] for one in client.json(f"/runs/{RUN}/tail")] == [1.0, 3.0]
    assert client.json("/api/v0/health_v02")["lines_refused"] == 1


def test_w36_the_last_critical_alert_is_the_newest(world: World, client: Client) -> None:
    folder = world.settings.base_runs_dir / "alerts"
    stamps = ("2026-01-15T18:05:00Z", "2026-01-15T18:01:00Z")
    world.append(folder / "alerts_2026-01-15.jsonl", *(alert(stamp, "CRITICAL") for stamp in stamps))
    assert client.json("/api/live/alerts/stats")["last_critical"] == "2026-01-15T18:05:00Z"


def test_w36_the_folder_of_alerts_is_no_run(world: World, client: Client) -> None:
    world.append(world.settings.base_runs_dir / "alerts" / "alerts_2026-01-15.jsonl", alert("2026-01-15T18:00:00Z"))
    client.json("/runs/alerts/alerts", 404)


def test_w36c_one_naive_time_spoils_no_list(world: World, client: Client) -> None:
    world.session("aware", started_at="2026-01-15T18:00:00+00:00", finished_at=None)
    world.session("naive", started_at="2026-01-15T18:00:01", finished_at=None)
    world.session("wrong", started_at="yesterday", finished_at=None)
    rows = client.json("/api/live_sessions")
    assert [row["session_id"] for row in rows] == ["naive", "aware", "wrong"]


def test_w36c_the_filter_comes_before_the_limit(world: World, client: Client) -> None:
    for number in range(20):
        world.session(f"s{number:02d}", mode="paper" if number == 0 else "shadow")
    assert [row["session_id"] for row in client.json("/api/live_sessions?limit=1&mode=paper")] == ["s00"]


def test_w36c_an_unknown_mode_or_status_is_said_to_be(client: Client) -> None:
    detail = "mode: expected one of shadow, paper, testnet, live"
    assert client.json("/api/live_sessions?mode=moon", 422) == {"code": "invalid_parameter", "detail": detail}
    detail = "status: expected one of started, completed, failed, aborted"
    assert client.json("/api/live_sessions?status=lost", 422) == {"code": "invalid_parameter", "detail": detail}


def test_w36c_a_crashed_session_is_said_to_be_silent(world: World, client: Client) -> None:
    world.session("crashed", status="started", finished_at=None)
    world.session("running", status="started", finished_at=None)
    line = {"ts": "2026-01-15T18:29:00Z", "session_id": "running", "kind": "gate", "payload": {}}
    world.append(world.settings.execution_dir / "running.jsonl", line)
    found = {row["session_id"]: row["liveness"] for row in client.json("/api/live_sessions")}
    assert found == {"crashed": "silent", "running": "running"}


def test_w36d_no_route_takes_anything_but_get_and_head(client: Client) -> None:
    for path in ("/", "/runs", "/docs", "/metrics", "/live/alerts", "/static/console.js"):
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            assert client.request(method, path).status_code == 405, (method, path)


def test_w36d_nothing_in_the_console_opens_a_file_to_write_but_its_own() -> None:
    writes = re.compile(
        r"write_text|write_bytes|O_WRONLY|O_RDWR|unlink|rename\(|os\.replace|mkdir|open\([^)]*['\"][wax+]"
    )
    modules = Path(console.__path__[0]).rglob("*.py")
    writers = {path.name for path in modules if writes.search(path.read_text(encoding="utf-8"))}
    assert writers <= {"store.py", "requests.py"}
