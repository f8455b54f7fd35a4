"""The API's contract: routes, fields, limits, orders and codes, over artefacts as the runs leave them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from console.api.routes import ENDPOINTS
from console.app import Console, build_app
from tests.console.client import Client
from tests.console.world import RUN, World, execution_event, step

NOW = 1_768_501_800.0
"""2026-01-15T18:30:00Z"""


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    client = Client(build_app(Console(world.settings, world.index(), lambda: NOW)))
    yield client
    client.close()


def test_health(client: Client) -> None:
    wanted = {"status": "ok", "contract_version": "v0.1B", "server_time": "2026-01-15T18:30:00Z"}
    assert client.json("/health") == wanted
    assert client.json("/api/v0/health") == wanted


def test_runs_are_newest_first_and_those_without_a_step_last(world: World, client: Client) -> None:
    for run_id, minute in (("a", 1), ("b", 2), ("c", None)):
        world.meta(run_id)
        if minute is not None:
            world.steps([step(minute * 60)], run_id)
    rows = client.json("/runs")
    assert [row["run_id"] for row in rows] == ["b", "a", "c"]
    assert rows[0] == {
        "run_id": "b",
        "mode": "shadow",
        "strategy_name": "ma_cross",
        "symbol": "BTC/EUR",
        "timeframe": "1m",
        "started_at": "2026-01-15T18:00:00Z",
        "ended_at": None,
        "is_active": False,
        "last_event_time": "2026-01-15T18:02:00Z",
    }


def test_a_run_is_active_until_its_last_step_is_ten_minutes_old(world: World, client: Client) -> None:
    world.meta("new")
    world.steps([step(20 * 60 + 1)], "new")
    world.meta("old")
    world.steps([step(20 * 60)], "old")
    world.meta("ended", ended_at="2026-01-15T18:29:00+00:00")
    world.steps([step(29 * 60)], "ended")
    found = client.json("/api/v0/runs_v02")
    assert {one["run_id"]: one["status"] for one in found["items"]} == {
        "ended": "completed",
        "new": "active",
        "old": "inactive",
    }


def test_a_snapshot_says_where_a_run_stands(world: World, client: Client) -> None:
    world.meta()
    world.steps([step(0, equity=1000), step(1, equity=1100, orders_filled=2), step(2, equity=990, orders_blocked=1)])
    assert client.json(f"/runs/{RUN}/snapshot") == {
        "run_id": RUN,
        "mode": "shadow",
        "strategy_name": "ma_cross",
        "symbol": "BTC/EUR",
        "timeframe": "1m",
        "total_steps": 3,
        "total_orders": 4,
        "total_blocked_orders": 1,
        "equity": 990.0,
        "realized_pnl": 2.0,
        "unrealized_pnl": -3.0,
        "position_size": 0.1,
        "drawdown": pytest.approx(-0.1),
        "last_event_time": "2026-01-15T18:00:02Z",
    }


def test_the_tail_is_in_order(world: World, client: Client) -> None:
    world.meta()
    world.steps([step(number) for number in range(5)])
    rows = client.json(f"/runs/{RUN}/tail?limit=2")
    assert [row["ts_bar"] for row in rows] == ["2026-01-15T18:00:03Z", "2026-01-15T18:00:04Z"]
    assert rows[0] == {
        "seq": 3,
        "ts_bar": "2026-01-15T18:00:03Z",
        "ts_event": "2026-01-15T18:00:03Z",
        "equity": 1003.0,
        "realized_pnl": 3.0,
        "unrealized_pnl": -3.0,
        "position_size": 0.1,
        "orders_count": 1,
        "risk_allowed": True,
        "risk_reasons": "",
    }


def test_a_runs_alerts_are_newest_first(world: World, client: Client) -> None:
    world.meta()
    for second, rule in ((1, "first"), (2, "second")):
        alert = {"rule_id": rule, "severity": "warning", "message": "m", "run_id": RUN}
        world.append(world.run_folder() / "alerts.jsonl", {**alert, "timestamp": f"2026-01-15T18:00:0{second}"})
    rows = client.json(f"/runs/{RUN}/alerts")
    assert [row["rule_id"] for row in rows] == ["second", "first"]
    assert rows[0]["timestamp"] == "2026-01-15T18:00:02Z"


@pytest.mark.parametrize(
    ("what", "item"),
    [
        ("equity", {"equity": 1001.0, "cash": 995.0, "realized_pnl": 1.0, "unrealized_pnl": -3.0}),
        ("signals", {"signal": 1.0, "signal_changed": False, "price": 101.0}),
        ("positions", {"position_size": 0.1, "price": 101.0, "cash": 995.0}),
        (
            "orders",
            {
                "orders_generated": 1,
                "orders_filled": 0,
                "orders_rejected": 0,
                "orders_blocked": 0,
                "risk_allowed": True,
                "risk_reasons": "",
            },
        ),
        ("events", {"level": "info", "component": "run", "msg": "step 1: equity 1001", "run_id": RUN}),
    ],
)
def test_the_series_of_a_run(world: World, client: Client, what: str, item: dict[str, object]) -> None:
    world.meta()
    world.steps([step(0), step(1)])
    found = client.json(f"/api/v0/runs/{RUN}/{what}")
    assert (found["run_id"], found["asof"], found["count"]) == (RUN, "2026-01-15T18:00:01Z", 2)
    assert found["items"][1] == {"seq": 1, "ts": "2026-01-15T18:00:01Z", **item}


def test_orders_are_looked_for_as_far_back_as_it_takes(world: World, client: Client) -> None:
    world.meta()
    world.steps([step(number, orders_generated=int(number in (3, 900))) for number in range(1200)])
    path = f"/api/v0/runs/{RUN}/orders"
    assert [one["seq"] for one in client.json(path)["items"]] == [3, 900]
    assert [one["seq"] for one in client.json(f"{path}?limit=1")["items"]] == [900]


def test_orders_of_steps_without_any_are_left_out_unless_asked_for(world: World, client: Client) -> None:
    world.meta()
    world.steps([step(number, orders_generated=int(number == 1)) for number in range(3)])
    for query, wanted in (("", [1]), ("?only_nonzero=false", [0, 1, 2])):
        found = client.json(f"/api/v0/runs/{RUN}/orders{query}")
        assert [one["seq"] for one in found["items"]] == wanted


def test_the_other_answers_about_a_run(world: World, client: Client) -> None:
    world.meta()
    world.steps([step(0)])
    world.write(world.run_folder() / "trades.csv", "timestamp,order_id,price\n2026-01-15T18:00:00,o1,7.5\n")
    one, metrics, detail, trades = (
        client.json(f"/api/v0/runs/{RUN}{path}") for path in ("", "/metrics", "/detail_v02", "/trades")
    )
    assert (one["meta"]["tags"], one["snapshot"]["total_steps"]) == (["sample"], 1)
    assert (metrics["max_drawdown"], metrics["total_alerts"]) == (0.0, 0)
    assert (detail["status"], detail["alerts"]) == ("inactive", [])
    assert trades["items"][0]["price"] == "7.5"


def test_positions_of_events_go_on(world: World, client: Client) -> None:
    world.meta()
    world.steps([step(number) for number in range(5)])
    found = client.json(f"/api/v0/runs/{RUN}/events?since_seq=1&limit=2")
    assert ([one["seq"] for one in found["items"]], found["next_seq"]) == ([1, 2], 3)
    found = client.json(f"/api/v0/runs/{RUN}/events?since_seq=5")
    assert (found["items"], found["next_seq"]) == ([], 5)


def test_the_lines_of_a_run_are_given_as_they_stand(world: World, client: Client) -> None:
    world.meta()
    file = world.steps(step(number) for number in range(3))
    answer = client.get(f"/api/v0/runs/{RUN}/lines?limit=2")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == "".join(file.read_text().splitlines(keepends=True)[1:])
    world.meta("csv")
    table = world.append(world.run_folder("csv") / "events.csv", 'step,"a,b"', "1,x", "2,y")
    assert client.get("/api/v0/runs/csv/lines").text == table.read_text()


def test_events_are_sent_as_they_come(world: World, client: Client) -> None:
    world.meta()
    world.steps([step(0), step(1)])
    answer = client.get(f"/api/v0/runs/{RUN}/events?sse=true")
    assert answer.headers["content-type"].startswith("text/event-stream")
    first, second = answer.text.strip().split("\n\n")
    assert first.startswith('id: 0\nevent: pt_event\ndata: {"seq":0,')
    assert json.loads(second.partition("data: ")[2])["msg"] == "step 1: equity 1001"
    resumed = client.get(f"/api/v0/runs/{RUN}/events?sse=true", headers={"last-event-id": "0"})
    assert resumed.text.startswith("id: 1\n")


def test_sessions_and_their_sums(world: World, client: Client) -> None:
    world.session("s1", started_at="2026-01-15T18:00:00", finished_at="2026-01-15T18:10:00")
    check = {"severity": "breach", "limit_details": [{"name": "loss", "value": 2, "limit": 1, "ratio": 2.0}]}
    world.session("s2", metrics={"risk_check": check, "realized_pnl": -2.5}, error="stopped", mode="live")
    rows = client.json("/api/live_sessions")
    assert [row["session_id"] for row in rows] == ["s2", "s1"]
    assert rows[1] == {
        "session_id": "s1",
        "started_at": "2026-01-15T18:00:00Z",
        "ended_at": "2026-01-15T18:10:00Z",
        "mode": "shadow",
        "environment": "sim / BTC/EUR",
        "status": "completed",
        "realized_pnl": 12.5,
        "max_drawdown": -0.02,
        "num_orders": 3,
        "report_path": "s1.json",
        "notes": None,
        "duration_seconds": 600.0,
        "is_live_warning": False,
        "risk_status": "green",
        "risk_severity": "ok",
        "liveness": "ended",
    }
    assert (rows[0]["is_live_warning"], rows[0]["risk_status"], rows[0]["notes"]) == (True, "red", "stopped")
    assert client.json("/api/live_sessions/stats") == {
        "total_sessions": 2,
        "by_mode": {"live": 1, "shadow": 1},
        "by_status": {"completed": 2},
        "total_pnl": 10.0,
        "avg_drawdown": -0.02,
    }
    detail = client.json("/api/live_sessions/s2")
    limit = {"name": "loss", "value": 2, "limit": 1, "ratio": 2.0, "severity": None}
    assert detail["risk_limit_details"] == [limit]
    assert detail["cli_args"] == ["--mode", "shadow"]


def alert(ts: str, severity: str = "WARN", **fields: object) -> dict[str, object]:
    told = {"id": "alert_0123456789ab", "title": "t", "body": "b", "severity": severity, "category": "RISK"}
    return {**told, "source": "rules", "session_id": "s1", "timestamp": ts, "context": {}, "stored_at": ts, **fields}


def test_stored_alerts_of_the_last_hours(world: World, client: Client) -> None:
    folder = world.settings.base_runs_dir / "alerts"
    world.append(folder / "alerts_2026-01-15.jsonl", alert("2026-01-15T18:00:00Z"), alert("2026-01-15T17:00:00Z"))
    world.append(folder / "alerts_2026-01-14.jsonl", alert("2026-01-14T18:29:00Z"), alert("2026-01-14T19:00:00Z"))
    world.append(folder / "alerts_2026-01-15.jsonl", alert("2026-01-15T18:10:00Z", "CRITICAL", session_id=None))
    found = client.json("/api/live/alerts")
    stamps = [one["timestamp"][5:16] for one in found["alerts"]]
    assert stamps == ["01-15T18:10", "01-15T18:00", "01-15T17:00", "01-14T19:00"]
    assert client.json("/api/live/alerts/stats?hours=1") == {
        "total": 2,
        "by_severity": {"CRITICAL": 1, "WARN": 1},
        "by_category": {"RISK": 2},
        "sessions_with_alerts": 1,
        "last_critical": "2026-01-15T18:10:00Z",
        "hours": 1,
    }
    found = client.json("/api/live/alerts?severity=critical&hours=168")
    assert found["count"] == 1


def test_telemetry_as_json_and_csv(world: World, client: Client) -> None:
    for second, kind in enumerate(("gate", "intent", "fill")):
        line = {"ts": f"2026-01-15T18:00:0{second}", "session_id": "s1", "symbol": "=SUM(1)", "mode": "shadow"}
        world.append(world.settings.execution_dir / "s1.jsonl", {**line, "kind": kind, "payload": {"n": second}})
    found = client.json("/api/telemetry?session_id=s1&from=2026-01-15T18:00:01Z&limit=1")
    assert found["events"] == [
        {
            "seq": 2,
            "ts": "2026-01-15T18:00:02Z",
            "session_id": "s1",
            "symbol": "=SUM(1)",
            "mode": "shadow",
            "kind": "fill",
            "payload": {"n": 2},
        }
    ]
    answer = client.get("/api/telemetry?type=gate&format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    wanted = '0,2026-01-15T18:00:00Z,s1,\'=SUM(1),shadow,gate,"{""n"":0}"'
    assert answer.text.splitlines()[1:] == [wanted]


def pipeline_of_the_facts(world: World) -> None:
    """Write the five lines of the earlier system's fixture v0_2."""
    for run, second, kind in (
        ("new", 0, "created"),
        ("old", 1, "created"),
        ("old", 2, "filled"),
        ("new", 3, "filled"),
        ("new", 3, "filled"),
    ):
        event = execution_event(f"run_{run}", f"2026-01-01T00:00:0{second}+00:00", kind)
        world.executions({**event, "correlation_id": f"corr_{run}", "order_id": f"ord_{run}_1"})


def test_executions_v0(world: World, client: Client) -> None:
    pipeline_of_the_facts(world)
    found = client.json("/api/v0/execution/runs")
    assert found["runs"][0] == {
        "run_id": "run_new",
        "correlation_id": "corr_new",
        "started_at": "2026-01-01T00:00:00Z",
        "last_event_at": "2026-01-01T00:00:03Z",
        "status": "success",
        "counts": {"created": 1, "filled": 2},
    }
    one = client.json("/api/v0/execution/runs/run_old")
    assert ([event["event_type"] for event in one["events"]], one["count"]) == (["created", "filled"], 2)
    assert one["summary"]["status"] == "success"
    health = client.json("/api/v0/execution/health")
    assert (health["schema"], health["exists"], health["watch_only"]) == ("execution_event_v0", True, True)


def test_executions_v02(world: World, client: Client) -> None:
    pipeline_of_the_facts(world)
    world.session("s1")
    found = client.json("/api/execution/runs")
    assert [run["run_id"] for run in found["runs"]] == ["run_new", "run_old"]
    assert (found["api_version"], found["generated_at_utc"]) == ("v0.2", "2026-01-15T18:30:00Z")
    assert found["meta"] == {
        "api_version": "v0.5",
        "generated_at_utc": "2026-01-15T18:30:00Z",
        "has_more": False,
        "next_cursor": None,
        "read_errors": 0,
        "source": "fixture",
        "last_event_utc": "2026-01-01T00:00:03Z",
        "dataset_stats": {"runs_count": 2, "events_count": 5, "sessions_count": 1},
    }
    one = client.json("/api/execution/runs/run_new")
    assert (one["run"]["status"], one["total_events"]) == ("success", 3)
    sessions = client.json("/api/live/sessions")
    assert sessions["sessions"] == [
        {
            "session_id": "s1",
            "status": "completed",
            "mode": "shadow",
            "environment": "sim",
            "started_at_utc": "2026-01-15T18:00:00Z",
            "ended_at_utc": "2026-01-15T19:00:00Z",
            "last_update_utc": "2026-01-15T19:00:00Z",
        }
    ]
    health = client.json("/api/execution/health")
    assert health["invariants"]["dataset_nonempty_note"] == "ok"
    assert health["invariants"]["cursor_monotonic"] is True
    healthz = client.json("/api/healthz")
    assert (healthz["status"], healthz["watch_only"]) == ("ok", True)


def test_pages_and_tails_of_an_execution(world: World, client: Client) -> None:
    for number in range(5):
        kind = ("started", "accepted", "filled", "accepted", "filled")[number]
        ts = f"2026-01-01T00:00:0{number}Z"
        world.executions(execution_event("run_tail", ts, kind, order_id=f"o{number}", payload={"i": number}))
    path = "/api/execution/runs/run_tail/events"

    def page(query: str) -> tuple[list[int], object, bool]:
        found = client.json(f"{path}?{query}")
        assert found["items"] == found["events"]
        return [one["seq"] for one in found["items"]], found["next_cursor"], found["has_more"]

    assert page("limit=2") == ([0, 1], "2", True)
    assert page("limit=2&cursor=4") == ([4], None, False)
    assert page("since_cursor=1&limit=2") == ([2, 3], "3", True)
    assert page("since_cursor=4") == ([], "4", False)
    for query in ("cursor=1&since_cursor=1", "cursor=x", "cursor=-1", "since_cursor=1.5"):
        assert client.json(f"{path}?{query}", 400) == {"code": "invalid_cursor", "detail": "invalid_cursor"}


@pytest.mark.parametrize(
    ("path", "code", "detail"),
    [
        ("/runs/x/snapshot", "run_not_found", "Run not found: x"),
        ("/api/v0/runs/x", "run_not_found", "run_not_found:x"),
        ("/api/live_sessions/x", "session_not_found", "Session not found: x"),
        ("/api/v0/execution/runs/x", "run_not_found", "run_not_found"),
        ("/api/execution/runs/x/events", "run_not_found", "run_not_found"),
        ("/nowhere", "not_found", "there is nothing at this address; / lists what there is"),
    ],
)
def test_what_there_is_not(client: Client, path: str, code: str, detail: str) -> None:
    assert client.json(path, 404) == {"code": code, "detail": detail}


def test_what_there_is_not_of_a_run(world: World, client: Client) -> None:
    world.meta()
    world.steps([step(0)], "no_meta")
    for path, code in ((RUN + "/equity", "equity"), (RUN + "/trades", "trades"), (RUN + "/events", "events")):
        found = client.json(f"/api/v0/runs/{path}", 404)
        assert found["code"] == f"{code}_not_available"
    assert client.json("/api/v0/runs/no_meta", 404) == {"code": "meta_not_found", "detail": "meta_not_found:no_meta"}


_LIMITED = [
    (endpoint.path, parameter.name, bad)
    for endpoint in ENDPOINTS
    for parameter in endpoint.parameters
    if parameter.kind == "number"
    for bad in (parameter.low - 1, parameter.high + 1, "x", "1e3", "")
]


def test_numbers_out_of_their_limits_are_refused(client: Client) -> None:
    for path, name, bad in _LIMITED:
        found = client.get(path.replace("{run_id}", "x"), params={name: str(bad)})
        assert (found.status_code, found.json()["code"]) == (422, "invalid_parameter"), (path, name, bad)
    found = client.get("/runs/x/tail?limit=501")
    assert found.json() == {"code": "invalid_parameter", "detail": "limit: expected 1 to 500"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/", "/runs", "/api/live_sessions", "/nowhere"])
def test_every_method_but_get_and_head_is_refused(client: Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert answer.json() == {"code": "method_not_allowed", "detail": "method_not_allowed: read-only api"}
    assert answer.headers["allow"] == "GET, HEAD"


def test_head_answers_without_a_body(client: Client) -> None:
    answer = client.head("/health")
    assert (answer.status_code, answer.content) == (200, b"")
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_the_description_has_every_route(client: Client) -> None:
    found = client.json("/openapi.json")
    assert set(found["paths"]) == {endpoint.path for endpoint in ENDPOINTS}
    limit = found["paths"]["/runs/{run_id}/tail"]["get"]["parameters"][1]
    schema = {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}
    assert limit == {"name": "limit", "in": "query", "required": False, "schema": schema}


def test_an_error_nobody_foresaw_says_nothing_of_the_inside(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    console = Console(world.settings, world.index())
    fails: Callable[..., object] = lambda *_: 1 / 0  # noqa: E731
    monkeypatch.setattr(console, "answer", fails)
    client = Client(build_app(console))
    answer = client.get("/health")
    client.close()
    assert answer.status_code == 500
    detail = "the answer could not be made; the console's log says why"
    assert answer.json() == {"code": "internal_error", "detail": detail}
    assert "an answer failed path='/health'" in caplog.text
