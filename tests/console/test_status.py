"""The snapshot and the console's own metrics: the same bytes for the same state, real values, and nothing unasked."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from console.app import Console, build_app
from tests.console.client import Client
from tests.console.test_api import NOW, alert
from tests.console.world import RUN, World, execution_event, step

SNAPSHOT = "/api/live/status/snapshot.json"


def client_of(world: World, now: float = NOW, **changes: object) -> Client:
    settings = replace(world.settings, **changes)  # type: ignore[arg-type]
    return Client(build_app(Console(settings, world.index(), lambda: now)))


def fill(world: World) -> None:
    world.meta()
    world.steps([step(0), step(1)])
    check = {"severity": "warning", "limit_details": [{"name": "loss", "value": 1, "limit": 2, "ratio": 0.5}]}
    metrics = {"realized_pnl": 2.5, "total_notional": 10.1, "risk_check": check}
    world.session("s1", status="started", finished_at=None, metrics=metrics)
    line = {"ts": "2026-01-15T18:20:00Z", "session_id": "s1", "kind": "gate", "payload": {}}
    world.append(world.settings.execution_dir / "s1.jsonl", line)
    world.append(world.settings.base_runs_dir / "alerts/alerts_2026-01-15.jsonl", alert("2026-01-15T18:10:00Z"))


def test_w36b_a_snapshot_is_the_same_bytes_for_the_same_state_whenever_it_is_asked_for(world: World) -> None:
    fill(world)
    first = client_of(world)
    later = client_of(world, NOW + 86_400 * 30)
    for path in (SNAPSHOT, SNAPSHOT.replace("json", "html")):
        answers = [client.get(path) for client in (first, first, later)]
        assert len({answer.content for answer in answers}) == 1
        assert answers[0].headers["cache-control"] == "no-store"
    assert first.json(SNAPSHOT)["generated_at"] == "2026-01-15T18:20:00Z"
    first.close()
    later.close()


def test_w36b_all_six_panels_have_real_values(world: World) -> None:
    fill(world)
    client = client_of(world)
    found = client.json(SNAPSHOT)
    client.close()
    assert (found["version"], found["meta"]["source"]) == ("0.1", "webui_api")
    panels = {panel["id"]: (panel["status"], panel["details"]) for panel in found["panels"]}
    assert list(panels) == ["alerts", "live_sessions", "portfolio", "positions", "risk", "telemetry"]
    assert {name: status for name, (status, _) in panels.items()} == {
        "alerts": "warn",
        "live_sessions": "ok",
        "portfolio": "ok",
        "positions": "ok",
        "risk": "warn",
        "telemetry": "ok",
    }
    assert panels["alerts"][1]["by_severity"] == {"WARN": 1}
    assert panels["portfolio"][1]["equity"] == 1001.0
    assert panels["portfolio"][1]["total_pnl"] == 2.5
    assert panels["positions"][1]["positions"][0]["notional"] == pytest.approx(10.1)
    assert panels["risk"][1]["limit_details"][0]["ratio"] == 0.5
    assert panels["telemetry"][1]["by_kind"] == {"gate": 1}
    assert list(panels["risk"][1]) == sorted(panels["risk"][1])


def test_a_snapshot_of_nothing_says_unknown(world: World) -> None:
    client = client_of(world)
    found = client.json(SNAPSHOT)
    client.close()
    assert found["generated_at"] is None
    assert {panel["status"] for panel in found["panels"]} == {"ok", "unknown"}
    assert found["meta"]["conservation"]["adds_up"] is True


def test_the_lines_of_a_snapshot_add_up(world: World) -> None:
    fill(world)
    world.write(world.run_folder("csv") / "events.csv", "step,equity\n1,2\nbad\n")
    world.append(world.pipeline, "[1]", json.dumps({"schema": "noop"}))
    client = client_of(world)
    found = client.json(SNAPSHOT)["meta"]["conservation"]
    client.close()
    counts = {name: found[name] for name in ("lines", "kept", "refused", "passed_over", "adds_up")}
    assert counts == {"lines": 9, "kept": 5, "refused": 2, "passed_over": 2, "adds_up": True}


def test_the_time_of_a_snapshot_can_be_pinned(world: World) -> None:
    client = client_of(world, fixed_time="2026-01-01T00:00:00+00:00")
    assert client.json(SNAPSHOT)["generated_at"] == "2026-01-01T00:00:00+00:00"
    assert client.json("/api/healthz")["generated_at_utc"] == "2026-01-01T00:00:00+00:00"
    client.close()


def samples(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_are_counted_by_template_where_that_is_asked_for(world: World) -> None:
    world.meta()
    client = client_of(world, counts_requests=True)
    for path in ("/runs", f"/runs/{RUN}/tail", "/runs/x/tail", "/nowhere/at/all"):
        client.get(path)
    client.request("POST", "/runs")
    found = samples(client.get("/metrics").text)
    client.close()
    name = "peak_trade_http_requests_total"
    assert found[name, ("GET", "/runs/{run_id}/tail", "200")] == 1
    assert found[name, ("GET", "/runs/{run_id}/tail", "404")] == 1
    assert found[name, ("GET", "__unknown__", "404")] == 1
    labeled = "peak_trade_http_requests_total_labeled_total"
    assert found[labeled, ("local", "GET", "/runs", "peak_trade_web", "mini", "200")] == 1
    assert found["peak_trade_http_request_duration_seconds_count", ("GET", "/runs", "200")] == 1
    assert found["peak_trade_http_in_flight_requests", ()] == 0
    assert found[name, ("POST", "__unknown__", "405")] == 1
    assert not [labels for _, labels in found if "/metrics" in labels]


def test_without_the_flag_only_the_process_is_told_of(world: World) -> None:
    client = client_of(world)
    client.get("/runs")
    text = client.get("/metrics").text
    client.close()
    assert "process_cpu_seconds_total" in text
    assert "peak_trade_http" not in text


@pytest.fixture
def without_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    original: Callable[..., object] = builtins.__import__

    def refuse(name: str, *arguments: object, **named: object) -> object:
        if name.partition(".")[0] == "prometheus_client":
            raise ImportError(name)
        return original(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)


@pytest.mark.usefixtures("without_the_client")
def test_without_the_client_there_is_a_page_all_the_same_unless_that_is_an_error(world: World) -> None:
    client = client_of(world, counts_requests=True)
    answer = client.get("/metrics")
    client.close()
    assert (answer.status_code, answer.text.splitlines()[-1]) == (200, "peak_trade_metrics_fallback 1")
    client = client_of(world, needs_client=True)
    answer = client.get("/metrics")
    client.close()
    assert answer.status_code == 503
    assert answer.text == "prometheus_client is missing, and REQUIRE_PROMETHEUS_CLIENT=1 asks for it\n"


def test_each_request_of_the_execution_watch_is_told_to_its_exporter(world: World, tmp_path: Path) -> None:
    world.executions(execution_event("r", "2026-01-01T00:00:00Z", "filled"))
    file = tmp_path / "told" / "execution_events.jsonl"
    client = client_of(world, requests_file=file)
    for path in ("/api/execution/runs/r", "/api/execution/runs/r/events?cursor=x", "/runs", "/api/execution/runs/no"):
        client.get(path)
    client.close()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(line["endpoint"], line["status"]) for line in lines] == [
        ("/api/execution/runs/{run_id}", 200),
        ("/api/execution/runs/{run_id}/events", 400),
        ("/api/execution/runs/{run_id}", 404),
    ]
    assert {line["schema"] for line in lines} == {"execution_watch_request_v1"}
    assert lines[0]["ts"] == "2026-01-15T18:30:00Z"


def test_runtime_metrics_are_shown_only_where_they_are_switched_on(world: World) -> None:
    path = "/api/execution/health?include_runtime_metrics=true"
    for is_on, wanted in ((False, None), (True, {"/api/healthz 200": 1})):
        client = client_of(world, runtime_metrics=is_on)
        client.get("/api/healthz")
        found = client.json(path)["invariants"]
        assert (found["runtime_metrics_included"], found["runtime_metrics"]) == (is_on, wanted)
        client.close()
