"""How real processes end, and what keeps them from ending."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.end_to_end.patience import PATIENCE_S, wait_until
from tests.end_to_end.ports import free_port
from tests.end_to_end.storm import Page, read_page

pytestmark = pytest.mark.slow

PEAKTRADE = str(Path(sys.executable).parent / "peaktrade")
MY = """
exporter: {name: my, help: Numbers from events., port: 21120, job: my}
files: {default: input.jsonl}
vocabulary:
  status: {values: [ok, failed]}
sources:
  f: {match: {event: r}, read: {status: status}}
metrics:
  reqs_total: {type: counter, counts: status, labels: [status], budget: 2, help: Requests.}
"""
OK = b'{"event": "r", "status": "ok"}\n'


def page_of(port: int) -> str:
    """Return an exporter's page; nothing if it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def value(page: str, name: str) -> float:
    """Return the sum of a metric's samples."""
    return sum(float(line.split()[-1]) for line in page.splitlines() if re.match(rf"{name}[ {{]", line))


def test_a_process_that_is_told_to_stop_while_it_reads_much_stops_and_goes_on_exactly(tmp_path: Path) -> None:
    events, port, lines = tmp_path / "events.jsonl", free_port(), 1_500_000
    events.write_bytes(b'{"v":1,"decision":"accept","reason":"none","run_id":"r","latency_ms":5}\n' * lines)
    command = [sys.executable, "-m", "exporters.ai_live", "--file", str(events), "--state-dir", str(tmp_path / "state")]
    command += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]

    def begin() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command)
        wait_until(lambda: read_page(port) is not None, "the exporter answers", pause_s=0.01)
        return process

    process = begin()
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0
    process = begin()
    page: Page = {}

    def has_read_all() -> bool:
        nonlocal page
        page = read_page(port) or {}
        return sum(number for (name, _), number in page.items() if name == "peak_trade_exporter_lines_total") >= lines

    wait_until(has_read_all, "every line is counted")
    found = {dict(labels)["outcome"]: v for (name, labels), v in page.items() if name.endswith("exporter_lines_total")}
    assert {outcome: number for outcome, number in found.items() if number} == {"applied": lines}
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0


def test_hangups_never_end_a_process_and_put_the_contract_on_disk_in_force(tmp_path: Path) -> None:
    path, log, events, port = tmp_path / "my.yaml", tmp_path / "log", tmp_path / "my.jsonl", free_port()
    path.write_text(MY)
    events.write_bytes(OK)
    command = [PEAKTRADE, "export", "--contract", str(path), "--file", str(events), "--state-dir", "none"]
    with log.open("wb") as out:
        process = subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port)], stderr=out)
    wait_until(lambda: value(page_of(port), "reqs_total") == 1, "the event counted")
    read_at = "peak_trade_exporter_config_last_reload_success_timestamp_seconds"
    began = value(page_of(port), read_at)
    with events.open("ab") as writer:
        for number in range(20):
            path.write_text(MY.replace("Requests.", f"Requests {number}."))
            process.send_signal(signal.SIGHUP)
            writer.write(OK)
            writer.flush()
    wait_until(lambda: "Requests 19." in page_of(port), "the last contract in force")
    assert value(page_of(port), "reqs_total") == 21
    assert value(page_of(port), read_at) > began
    path.write_text("exporter: nonsense")
    process.send_signal(signal.SIGHUP)
    success = "peak_trade_exporter_config_reload_success"
    wait_until(lambda: f'{success}{{exporter="my"}} 0.0' in page_of(port), "the refusal")
    assert value(page_of(port), "reqs_total") == 21
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0
    assert log.read_text().splitlines()[-1].endswith("INFO stopped exporter=my")
