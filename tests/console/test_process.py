"""The console as a process: over a real socket, in real browsers, with many who follow and many who are slow."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.pages.pages import PAGES
from tests.console.test_api import alert
from tests.console.world import RUN, World, step
from tests.end_to_end.patience import PATIENCE_S
from tests.end_to_end.ports import free_port

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@contextlib.contextmanager
def serving(world: World, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Give the address of a console over a world, once it answers."""
    port = free_port()
    folders = {
        "--base-runs-dir": world.settings.base_runs_dir,
        "--sessions-dir": world.settings.sessions_dir,
        "--execution-dir": world.settings.execution_dir,
        "--ledger": world.settings.ledger,
        "--ai-events": world.settings.ai_events,
        "--requests-file": "none",
        "--state-dir": "none",
    }
    flags = [part for flag, value in folders.items() if flag not in arguments for part in (flag, str(value))]
    command = [sys.executable, "-m", "console", "--port", str(port), *flags, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        assert process.stderr is not None
        assert "serving console" in process.stderr.readline()
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/health"):
                break
            time.sleep(0.05)
        yield address, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)


def read(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
        body: bytes = answer.read()
        return body


def follower(address: str, path: str) -> socket.socket:
    """Return a connection on which a request was made and nothing is read."""
    host, port = address.removeprefix("http://").split(":")
    made = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
    made.sendall(f"GET {path} HTTP/1.1\r\nHost: console\r\n\r\n".encode())
    return made


def test_a_taken_port_ends_it_with_a_sentence_and_sigterm_with_zero(world: World) -> None:
    with serving(world) as (address, process):
        port = address.rpartition(":")[2]
        command = [sys.executable, "-m", "console", "--port", port, "--state-dir", "none"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 1
        remedy = "the port is taken; stop the process that holds it (ss -ltnp)"
        assert done.stderr == f"127.0.0.1:{port}: the console cannot listen here: {remedy}\n"
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**environment, "LIVE_TRADING_ENABLED": "1"}
        )
        assert done.returncode == 2
        assert "the console never runs beside live trading" in done.stderr
    assert process.returncode == 0


def test_many_who_follow_and_many_who_do_not_read_keep_no_page_waiting(world: World) -> None:
    world.meta()
    world.steps(step(number) for number in range(3000))
    with serving(world) as (address, process), contextlib.ExitStack() as open_ones:
        read(f"{address}/runs")
        for _ in range(50):
            path = f"/api/v0/runs/{RUN}/events?sse=1&follow=1&since_seq=2999&max_seconds=60"
            open_ones.enter_context(follower(address, path))
            open_ones.enter_context(follower(address, f"/api/v0/runs/{RUN}/equity?limit=5000"))
        first = open_ones.enter_context(follower(address, f"/api/v0/runs/{RUN}/events?sse=1&follow=1&since_seq=3000"))
        times = []
        for _ in range(60):
            began = time.perf_counter()
            read(f"{address}/")
            times.append(time.perf_counter() - began)
        assert sorted(times)[-2] < PATIENCE_S / 10, "a page waits for nobody"
        world.steps([step(3000)])
        received = b""
        while b"step 3000" not in received:
            received += first.recv(65536)
        assert b"event: pt_event" in received
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) < 200 * 1024


@contextlib.contextmanager
def browsing(world: World) -> Iterator[tuple[str, Any, list[str]]]:
    """Give the address of a console over sample runs, a real browser, and the list of what its pages complain of."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    command = [sys.executable, "-m", "emitters", "live_run", "--out", str(world.root), "--interval-ms", "0"]
    subprocess.run([*command, "--runs", "3", "--steps", "40"], check=True, cwd=ROOT, capture_output=True)
    tell_of_trouble(world)
    said: list[str] = []
    with serving(world, "--auto-refresh-seconds", "1") as (address, _), playwright.sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield address, browser, said
        browser.close()
    assert said == [], "no page complains"


def tell_of_trouble(world: World) -> None:
    """Write what a good day has not: alerts, decisions, a line that is refused, a session gone silent."""
    now = datetime.now(UTC)
    (run_id, *_) = sorted(path.name for path in world.settings.base_runs_dir.glob("2*"))
    for minutes, severity, title in ((3, "CRITICAL", "EXECUTION_SafetyRailTripped"), (50, "WARN", "Drawdown at 80 %")):
        ts = (now - timedelta(minutes=minutes)).isoformat()
        told = alert(ts, severity, title=title, body="What was seen, in a sentence.", context={"run_id": run_id})
        world.append(world.settings.base_runs_dir / f"alerts/alerts_{now:%Y-%m-%d}.jsonl", told)
    world.append(world.pipeline, '{"schema":')
    for decision, reason in (("reject", "risk_limit"), ("accept", "none")):
        line = {"v": 1, "ts_utc": now.isoformat(), "run_id": run_id, "decision": decision, "reason": reason}
        world.append(world.settings.ai_events, {**line, "component": "execution_watch", "action": "submit"})
    limits = [{"name": "max_daily_loss", "value": -120.0, "limit": -100.0, "ratio": 1.2, "severity": "breach"}]
    check = {"severity": "breach", "limit_details": limits}
    long_ago = (now - timedelta(hours=2)).isoformat()
    fields = {"started_at": long_ago, "finished_at": None, "status": "started", "run_id": run_id}
    world.session("crashed", metrics={"risk_check": check, "realized_pnl": -120.0}, **fields)


def opened(browser: Any, said: list[str], **options: Any) -> Any:
    page = browser.new_context(**options).new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    return page


def run_with_orders(address: str) -> str:
    run_id: str = json.loads(read(f"{address}/api/execution/runs"))["runs"][0]["run_id"]
    return run_id


@pytest.mark.needs("chromium")
def test_no_page_has_a_serious_finding_of_axe_or_is_too_wide_in_either_theme(world: World) -> None:
    """With PEAK_TRADE_SCREENSHOTS every page is also drawn, in both themes and at both widths, into that folder."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python").Axe()
    folder = os.environ.get("PEAK_TRADE_SCREENSHOTS")
    with browsing(world) as (address, browser, said):
        page = opened(browser, said)
        for name, path in pages_of(address).items():
            page.goto(address + path, wait_until="load")
            for theme, width in itertools.product(("light", "dark"), (1280, 390)):
                page.emulate_media(color_scheme=theme)
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
                if folder:
                    Path(folder).mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=f"{folder}/{name}_{width}_{theme}.png", full_page=True)
                if (theme, width) in (("light", 1280), ("dark", 390)):
                    assert grave_findings(axe, page, theme) == [], (name, theme)


def pages_of(address: str) -> dict[str, str]:
    """Return a name and an address for every page, those with ids of a run with orders, and of a session."""
    run_id = run_with_orders(address)
    session_id = "crashed"
    ids = {"{run_id}": run_id, "{session_id}": session_id, "{name}": "risk-blocks"}
    paths = {re.sub(r"{\w+}", lambda found: ids[str(found[0])], one.path) for one in PAGES}
    paths |= {
        "/live/execution/" + run_id,
        "/docs",
        "/api/live/status/snapshot.html",
        f"/execution_watch?run_id={run_id}",
        "/?strategy=none",
    }
    named = {path.replace(run_id, "run").replace(session_id, "session"): path for path in sorted(paths)}
    return {re.sub(r"\W+", "_", name).strip("_") or "home": path for name, path in named.items()}


def grave_findings(axe: Any, page: Any, theme: str) -> list[tuple[str, str]]:
    """Return the serious and critical findings of a page; what is not about colour is the same in the other theme."""
    rules = {"runOnly": ["color-contrast"]} if theme == "dark" else {}
    found = axe.run(page, options={"resultTypes": ["violations"], **rules}).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]


@pytest.mark.needs("chromium")
def test_an_order_is_followed_from_the_list_of_runs_to_its_raw_line_by_keyboard(world: World) -> None:
    with browsing(world) as (address, browser, said):
        page = opened(browser, said)
        page.goto(f"{address}/?mode=shadow", wait_until="load")
        follow_by_keyboard(page, run_with_orders(address))
        page.go_back(wait_until="load")
        assert page.url.endswith("/?mode=shadow"), "the filter is still there after going back"
        assert page.get_by_label("mode").input_value() == "shadow"
        page.reload(wait_until="load")
        assert page.get_by_label("mode").input_value() == "shadow"


@pytest.mark.needs("chromium")
def test_what_is_new_comes_by_itself_with_and_without_javascript_and_not_while_paused(world: World) -> None:
    with browsing(world) as (address, browser, said):
        run_id = run_with_orders(address)
        page, paused = opened(browser, said), opened(browser, said)
        plain = opened(browser, said, java_script_enabled=False)
        page.goto(f"{address}/watch/runs/{run_id}?level=info", wait_until="load")
        paused.goto(f"{address}/watch/runs/{run_id}?pause=1", wait_until="load")
        plain.goto(f"{address}/watch/runs/{run_id}", wait_until="load")
        world.steps([step(9000, equity=4242.0)], run_id)
        for one in (page, plain):
            one.get_by_text("equity 4242").first.wait_for(timeout=PATIENCE_S * 1000)
        assert page.get_by_label("level").input_value() == "info"
        assert paused.get_by_text("equity 4242").count() == 0, "the others had the time to show it"
        paused.get_by_text("go on").click()
        paused.get_by_text("equity 4242").first.wait_for(timeout=PATIENCE_S * 1000)


def follow_by_keyboard(page: Any, run_id: str) -> None:
    """From the list of runs to a raw line of an order, with Tab and Enter alone."""
    focused = "document.activeElement.getAttribute('href') ?? document.activeElement.textContent"

    def go_to(wanted: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if wanted in (page.evaluate(focused) or ""):
                return
        raise AssertionError(f"{wanted} cannot be reached by Tab")

    go_to(f"/watch/runs/{run_id}")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/watch/runs/{run_id}")
    go_to("raw line")
    page.keyboard.press("Enter")
    place = page.locator("details[open] .place").first
    place.wait_for()
    assert re.search(r"\.jsonl @ byte \d+$", place.inner_text())
