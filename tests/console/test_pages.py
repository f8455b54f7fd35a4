"""The pages: whole without JavaScript, strict, and honest about what is missing or old."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from console import grafana
from console.app import Console, build_app
from console.pages.pages import PAGES
from console.pages.ribbon import freshness
from console.runbooks import RUNBOOKS
from grafana.build import uids
from tests.console.client import Client
from tests.console.test_api import NOW, alert
from tests.console.world import RUN, World, execution_event, step

pytestmark = pytest.mark.thorough

NAMES = {"{run_id}": RUN, "{session_id}": "s1", "{name}": "risk-blocks"}
ADDRESSES = sorted({re.sub(r"{\w+}", lambda found: NAMES[str(found[0])], page.path) for page in PAGES})


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    client = Client(build_app(Console(world.settings, world.index(), lambda: NOW)))
    yield client
    client.close()


def fill(world: World, text: str = "plain") -> None:
    """Fill every text field of every source."""
    ts, texts = "2026-01-15T18:29:50Z", {"run_id": RUN, "session_id": "s1"}
    world.meta(strategy_name=text, symbol=text, timeframe=text, notes=text, config_snapshot={"tags": [text]}, mode=text)
    rows = [step(number, ts_event=ts, risk_allowed=False, orders_blocked=1, risk_reasons=text) for number in range(3)]
    world.steps(rows)
    told = {"rule_id": text, "severity": text, "message": text, "run_id": RUN, "timestamp": ts}
    world.append(world.run_folder() / "alerts.jsonl", told)
    world.append(world.run_folder() / "trades.jsonl", {"timestamp": ts, "order_id": text, "note": text})
    stored = alert(ts, text, title=text, body=text, category=text, source=text, context={"run_id": text})
    world.append(world.settings.base_runs_dir / "alerts/alerts_2026-01-15.jsonl", stored)
    world.session("s1", env_name=text, symbol=text, error=text, config={text: text}, cli_args=[text], run_type=text)
    gate = {"ts": ts, **texts, "symbol": text, "mode": text, "kind": "gate", "payload": {"reason": text}}
    world.append(world.settings.execution_dir / "s1.jsonl", gate)
    for kind in ("created", "failed", text):
        event = execution_event(RUN, ts, kind, order_id=text, idempotency_key=text, payload={"reason": text})
        world.executions({**event, "correlation_id": text})
    world.append(world.settings.ledger, {"ts": ts, "run_id": RUN, "stage": text, "intent_id": text, "reason": text})
    decision = {"v": 1, "ts_utc": ts, "run_id": RUN, "decision": "reject", "reason": text, "action": text}
    world.append(world.settings.ai_events, {**decision, "component": text})


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_is_shown_full_and_strict(world: World, client: Client, address: str) -> None:
    fill(world)
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "'unsafe" not in answer.headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]* src=\"/static/)|\son\w+=|style=|javascript:|https?://(?!127)", answer.text)


def test_every_page_teaches_when_there_is_nothing(client: Client) -> None:
    for address in ("/", "/execution_watch", "/live/alerts", "/live/telemetry", "/watch"):
        assert 'class="empty"' in client.get(address).text, address
    assert "peaktrade emit live_run --forever" in client.get("/").text


NASTY = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "\"'><svg/onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "\u202eright to left\u2066",
    "javascript:alert(1)",
    "A" * 10_000,
)


@pytest.mark.parametrize("text", NASTY, ids=["img", "script", "quotes", "template", "bidi", "scheme", "long"])
def test_no_text_of_any_source_becomes_markup(world: World, client: Client, text: str) -> None:
    fill(world, text)
    for address in ADDRESSES:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "<img" not in answer.text
        assert "<script>" not in answer.text
        assert "<svg/" not in answer.text
        assert 'href="javascript' not in answer.text
        assert "49{" not in answer.text


def test_filters_are_in_the_address_and_in_the_form(world: World, client: Client) -> None:
    world.meta("one", mode="paper")
    world.meta("two")
    page = client.get("/?mode=paper").text
    assert "/watch/runs/one" in page
    assert "/watch/runs/two" not in page
    assert "<option selected>paper</option>" in page
    assert "No run fits the filters" in client.get("/?mode=live").text


def test_a_page_refreshes_without_javascript_unless_it_is_paused(client: Client) -> None:
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in client.get("/").text
    page = client.get("/?pause=1&mode=paper").text
    assert "http-equiv" not in page
    assert '<strong>paused</strong> <a href="/?mode=paper&amp;limit=100">go on</a>' in page


def test_the_summary_names_mixed_modes(world: World, client: Client) -> None:
    world.meta("one", mode="paper")
    world.meta("two")
    assert "runs in mixed modes (paper, shadow)" in client.get("/").text


def test_a_timeline_has_latencies_reasons_orphans_and_raw_lines(world: World, client: Client) -> None:
    for order, kind, second, payload in (
        ("o1", "created", "00", {}),
        ("o1", "submitted", "00.250", {}),
        ("o1", "failed", "01", {"reason": "kill_switch"}),
        ("o2", "filled", "02", {}),
        ("o2", "filled", "03", {}),
    ):
        ts = f"2026-01-15T18:00:{second}Z"
        world.executions(execution_event(RUN, ts, kind, order_id=order, payload=payload))
    page = client.get(f"/live/execution/{RUN}").text
    assert '<span class="latency">250 ms</span>' in page
    assert "the kill switch is on (kill_switch)" in page
    assert "fill (orphan)" in page
    assert "(repeated)" in page
    second_line = world.pipeline.read_bytes().index(b"\n") + 1
    assert f"execution_pipeline_events_v0.jsonl @ byte {second_line}<" in page


def decide(world: World, second: int, decision: str) -> None:
    line = {"v": 1, "ts_utc": f"2026-01-15T18:00:{second:02d}Z", "run_id": RUN, "decision": decision}
    world.append(world.settings.ai_events, line)


def followed(client: Client, query: str = "") -> list[str]:
    """Return what followed each decision, as it is read, newest first."""
    page = client.get(f"/watch{query}").text
    rows = re.findall(r"<tr><td><time.*?</td><td><a.*?</td>(.*?)<td>\n?<details", page, re.DOTALL)
    cells = [re.sub(r"<[^>]+>", "", re.split(r"</td><td>", row)[-1]) for row in rows]
    return [" ".join(cell.split()) for cell in cells]


def test_a_decision_is_followed_by_what_its_run_did_until_the_next(world: World, client: Client) -> None:
    for second, decision in ((0, "accept"), (10, "reject"), (20, "accept")):
        decide(world, second, decision)
    for order, kind, second in (("o1", "created", 1), ("o2", "created", 2), ("o1", "filled", 12)):
        world.executions(execution_event(RUN, f"2026-01-15T18:00:{second:02d}Z", kind, order_id=order))
    assert followed(client) == ["nothing", "nothing", "o1 fill o2 open"]
    assert followed(client, "?decision=reject") == ["nothing"]


def test_a_decision_older_than_the_orders_looked_at_is_not_said_to_have_led_to_nothing(
    world: World, client: Client
) -> None:
    decide(world, 0, "accept")
    orders = [
        execution_event(RUN, f"2026-01-15T18:01:{at % 60:02d}Z", "created", order_id=f"o{at}") for at in range(101)
    ]
    world.executions(*orders)
    assert followed(client) == ["too long ago: see the run"]


def test_a_decision_that_names_its_order_is_followed_by_that_one(world: World, client: Client) -> None:
    ts = "2026-01-15T18:00:05Z"
    line = {"schema_version": "BETA_EXEC_V1", "ts": ts, "run_id": RUN, "event_type": "INTENT", "intent_id": "o2"}
    world.append(world.settings.ai_events, line)
    for order in ("o1", "o2"):
        world.executions(execution_event(RUN, "2026-01-15T18:00:06Z", "created", order_id=order))
    assert followed(client) == ["o2 open"]


def test_the_boards_that_are_linked_to_exist() -> None:
    assert (grafana.OVERVIEW, grafana.EXPORTERS) == (uids.OVERVIEW, uids.EXPORTERS)


def test_what_is_old_is_said_to_be_silent_and_never_green(world: World, client: Client) -> None:
    world.meta()
    world.steps([step(0), step(1)])
    page = client.get(f"/watch/runs/{RUN}").text
    assert '<ul class="tiles silent">' in page
    assert "(silent)" in page
    assert 'class="fresh"' not in page


@pytest.mark.parametrize(
    ("age", "wanted"),
    [
        (None, "missing"),
        (0.0, "fresh"),
        (120.0, "fresh"),
        (121.0, "stale"),
        (901.0, "silent"),
        (-5.0, "fresh"),
        (-6.0, "stale"),
    ],
)
def test_how_fresh_an_age_is(age: float | None, wanted: str) -> None:
    assert freshness(age) == wanted


def test_a_run_leads_to_grafana_at_its_own_time(world: World, client: Client) -> None:
    world.meta(ended_at="2026-01-15T19:00:00Z")
    page = client.get(f"/watch/runs/{RUN}").text
    board = "http://127.0.0.1:3000/d/peaktrade-execution-watch-overview"
    query = f"from=1768500000000&amp;to=1768503600000&amp;var-mode=shadow&amp;var-run_id={RUN}"
    assert f'href="{board}?{query}"' in page


def test_an_alert_shows_its_age_and_what_its_runbook_says(world: World, client: Client) -> None:
    file = world.settings.base_runs_dir / "alerts/alerts_2026-01-15.jsonl"
    world.append(file, alert("2026-01-15T18:20:00Z", title="EXECUTION_SafetyRailTripped", category="EXECUTION"))
    world.append(file, alert("2026-01-15T18:10:00Z", title="a limit", category="RISK"))
    page = client.get("/live/alerts").text
    rail, limit = re.findall(r"<li class=.*?</li>", page, re.DOTALL)
    assert "10 min ago, EXECUTION" in rail
    assert "20 min ago, RISK" in limit
    assert "EXECUTION_SafetyRailTripped\n\nA safety rail stopped something." in rail
    assert "# R-4: unexpected risk blocks" in limit
    for text in (rail, limit):
        assert "# R-4: unexpected risk blocks" in client.get(re.findall(r'href="(/runbooks/[^"]+)"', text)[0]).text
    assert client.get("/runbooks/nothing").status_code == 404


def test_every_runbook_is_a_page(client: Client) -> None:
    there = {path.stem for path in Path(__file__).parents[2].joinpath("docs/runbooks").glob("*.md")}
    assert there == set(RUNBOOKS)
    for name in there:
        assert client.get(f"/runbooks/{name}").status_code == 200


def test_what_there_is_not_is_a_page_that_says_so(client: Client) -> None:
    answer = client.get("/session/nobody")
    assert answer.status_code == 404
    assert "Session not found: nobody" in answer.text
    assert client.get("/?mode=moon").status_code == 422


def test_only_named_files_are_served(client: Client) -> None:
    assert client.get("/static/console.css").headers["content-type"].startswith("text/css")
    for name in ("..%2fbase.html", "%2e%2e", "base.html", "console.css%00"):
        assert client.get(f"/static/{name}").status_code == 404


def test_the_api_is_described_without_anything_from_elsewhere(client: Client) -> None:
    page = client.get("/docs").text
    assert "/api/execution/runs/{run_id}/events" in page
    assert "http" not in page.replace("http-equiv", "")
