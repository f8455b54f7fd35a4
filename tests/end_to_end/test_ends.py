"""How real processes end, and what keeps them from ending."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.end_to_end.ports import free_port
from tests.end_to_end.storm import read_page

pytestmark = pytest.mark.slow


def test_a_process_that_is_told_to_stop_while_it_reads_much_stops_and_goes_on_exactly(tmp_path: Path) -> None:
    events, port, lines = tmp_path / "events.jsonl", free_port(), 1_500_000
    events.write_bytes(b'{"v":1,"decision":"accept","reason":"none","run_id":"r","latency_ms":5}\n' * lines)
    command = [sys.executable, "-m", "exporters.ai_live", "--file", str(events), "--state-dir", str(tmp_path / "state")]
    command += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]

    def begin() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command)
        deadline = time.monotonic() + 30
        while read_page(port) is None:
            assert time.monotonic() < deadline
        return process

    process = begin()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    process = begin()
    deadline = time.monotonic() + 60
    while (page := read_page(port) or {}) and sum(
        value for (name, _), value in page.items() if name == "peak_trade_exporter_lines_total"
    ) < lines:
        assert time.monotonic() < deadline
    found = {dict(labels)["outcome"]: v for (name, labels), v in page.items() if name.endswith("exporter_lines_total")}
    assert {outcome: number for outcome, number in found.items() if number} == {"applied": lines}
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
