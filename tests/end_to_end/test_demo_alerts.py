"""What fires in the demo: in ten minutes nothing but the dead man's switch; with --trouble, what was asked for.

The delays of the rules are minutes, so this is the long form only (`make chaos`).
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.load import load_contracts
from exporters.commands.demo.ports import PROMETHEUS, ports_of
from exporters.commands.demo.web import ask_prometheus
from exporters.commands.export import CONTRACTS
from tests.budget import IS_LONG
from tests.end_to_end.patience import PATIENCE_S, wait_until
from tests.end_to_end.ports import free_ports

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("prometheus"),
    pytest.mark.needs("prometheus-alertmanager"),
    pytest.mark.skipif(not IS_LONG, reason="takes ten minutes, as the delays of the rules do; `make chaos` runs it"),
]

ALWAYS = "PROMETHEUS_DeadMansSwitch"
MINUTES = 10
FIRED = f'count by (alertname) (count_over_time(ALERTS{{alertstate="firing"}}[{2 * MINUTES}m]))'
RUNS_FOR_S = 'max(time() - process_start_time_seconds{job="prometheus"})'


@contextmanager
def demo(*arguments: str) -> Iterator[int]:
    """Run a demo on ports of its own; yields that of its Prometheus, once it has been scraped."""
    contracts = load_contracts(CONTRACTS)
    first = free_ports(len(ports_of(contracts, None)))[0]
    command = [str(Path(sys.executable).parent / "peaktrade"), "demo", "--ports-from", str(first), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    port = ports_of(contracts, first)[PROMETHEUS]
    try:
        wait_until(lambda: bool(ask_prometheus(port, "count(up == 1) == 7")), "seven targets are up")
        yield port
    finally:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, out


def fired(port: int) -> set[str]:
    """Names of the alerts that have fired since Prometheus began."""
    return {labels["alertname"] for labels, _ in ask_prometheus(port, FIRED) or []}


def test_in_ten_minutes_of_the_demo_nothing_fires_but_the_dead_mans_switch() -> None:
    with demo() as port:
        passed = f"{RUNS_FOR_S} > {60 * MINUTES}"
        wait_until(lambda: bool(ask_prometheus(port, passed)), "ten minutes", 60 * MINUTES + PATIENCE_S, pause_s=5)
        assert fired(port) == {ALWAYS}


def test_with_trouble_alerts_fire_in_the_first_minutes() -> None:
    with demo("--trouble") as port:
        wanted = {
            ALWAYS,
            "EXECUTION_ReconcileMismatch",
            "EXECUTION_SafetyRailTripped",
            "PIPELINE_ErrorRateAboveSLOShadow",
        }
        wait_until(lambda: wanted <= fired(port), f"{sorted(wanted)} fire", 60 * MINUTES, pause_s=5)
