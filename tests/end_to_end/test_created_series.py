"""Either kind of exporter tells an OpenMetrics scraper when its series began, if it is asked to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.patience import PATIENCE_S
from tests.end_to_end.ports import free_port

ACCEPT = {"accept": "application/openmetrics-text; version=1.0.0"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "flags", "variables", "series"),
    [
        ("ai_live", ["--created-series"], {}, "peaktrade_ai_decisions_created"),
        ("metricsd", [], {"PEAK_TRADE_CREATED_SERIES": "true"}, "peaktrade_risk_blocks_created"),
    ],
)
def test_an_exporter_that_is_asked_to_tells_when_its_series_began(
    tmp_path: Path, name: str, flags: list[str], variables: dict[str, str], series: str
) -> None:
    port = free_port()
    command = [sys.executable, "-m", f"exporters.{name}", "--host", "127.0.0.1", "--port", str(port), *flags]
    environment = {**os.environ, **variables, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    deadline, page = time.monotonic() + PATIENCE_S, ""
    try:
        while not page and process.poll() is None and time.monotonic() < deadline:
            try:
                page = httpx.get(f"http://127.0.0.1:{port}/metrics", headers=ACCEPT, trust_env=False).text
            except httpx.TransportError:
                time.sleep(0.05)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
    assert f"\n{series}{{" in page
