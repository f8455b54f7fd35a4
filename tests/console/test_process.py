"""The console as a process: over a real socket, in real browsers, with many who follow and many who are slow."""

from __future__ import annotations

import contextlib
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
from pathlib import Path

import pytest

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


@pytest.mark.needs("chromium")
def test_an_order_is_followed_to_its_raw_line_in_a_real_browser(world: World, tmp_path: Path) -> None:
    """One browser proves what needs one: the keyboard, what comes by itself, no script, no serious finding of axe."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright axe-playwright-python")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python").Axe()
    command = [sys.executable, "-m", "emitters", "live_run", "--out", str(world.root), "--interval-ms", "0"]
    subprocess.run([*command, "--runs", "2", "--steps", "40"], check=True, cwd=ROOT, capture_output=True)
    with serving(world) as (address, _), playwright.sync_playwright() as browsers:
        run_id = json.loads(read(f"{address}/runs"))[0]["run_id"]
        browser = browsers.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        said: list[str] = []
        page = browser.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        names = (
            "/",
            f"/watch/runs/{run_id}?limit=10",
            f"/execution_watch?run_id={run_id}",
            "/live/alerts",
            "/live/telemetry",
        )
        for name in (*names, "/watch", "/docs", "/api/live/status/snapshot.html"):
            page.goto(address + name, wait_until="load")
            for theme, width, rules in (("light", 1280, {}), ("dark", 390, {"runOnly": ["color-contrast"]})):
                page.emulate_media(color_scheme=theme)
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
                found = axe.run(page, options={"resultTypes": ["violations"], **rules}).response["violations"]
                grave = [
                    (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
                ]
                assert grave == [], (name, theme)
                folder = Path(os.environ.get("PEAK_TRADE_SCREENSHOTS", tmp_path))
                page.screenshot(path=folder / f"{name.strip('/').replace('/', '_')[:40] or 'home'}_{width}.png")
        page = browser.new_page()
        page.goto(f"{address}/?mode=shadow", wait_until="load")
        follow_by_keyboard(page, run_id)
        page.go_back(wait_until="load")
        assert page.url.endswith("/?mode=shadow")
        page.goto(f"{address}/watch/runs/{run_id}?level=info", wait_until="load")
        world.steps([step(9000, equity=4242.0)], run_id)
        page.get_by_text("equity 4242").wait_for(timeout=PATIENCE_S * 1000)
        assert page.get_by_label("level").input_value() == "info"
        page.goto(f"{address}/watch/runs/{run_id}?pause=1", wait_until="load")
        world.steps([step(9001, equity=4343.0)], run_id)
        page.wait_for_timeout(1500)
        assert page.get_by_text("equity 4343").count() == 0
        plain = browser.new_context(java_script_enabled=False).new_page()
        plain.goto(f"{address}/watch/runs/{run_id}", wait_until="load")
        assert plain.get_by_text("equity 4343").count() == 1
        browser.close()
        assert said == []


def follow_by_keyboard(page: object, run_id: str) -> None:
    """From the list of runs to a raw line of an order, with Tab and Enter alone."""
    from playwright.sync_api import Page

    assert isinstance(page, Page)
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
