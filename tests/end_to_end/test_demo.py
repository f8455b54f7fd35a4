"""`peaktrade demo` as a user runs it: it checks itself, stops all it started, and says what is wrong."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contracts.load import load_contracts
from exporters.commands.export import CONTRACTS

pytestmark = pytest.mark.slow

PEAKTRADE = str(Path(sys.executable).parent / "peaktrade")
PORTS = [contract.port for contract in load_contracts(CONTRACTS)] + [9092]


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_free() -> None:
    deadline = time.monotonic() + 120
    while any(_listening(port) for port in PORTS):
        assert time.monotonic() < deadline, f"one of the ports {PORTS} is taken"
        time.sleep(0.5)


def test_the_demo_checks_itself_against_a_real_prometheus_and_leaves_nothing_behind() -> None:
    assert shutil.which("prometheus"), "on Debian: apt-get install prometheus"
    _wait_free()
    done = subprocess.run(
        [PEAKTRADE, "demo", "--check", "--seconds", "20"], capture_output=True, text=True, timeout=120, check=False
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines[-1] == "RESULT=PASS"
    checked = {line.split("|")[1] for line in lines if line.startswith("PASS|")}
    assert {"ai_decisions", "ai_live_counts", "shadow_p95", "watch_requests", "shadow_mvs_conservation"} <= checked
    assert not any(_listening(port) for port in PORTS)


def test_ctrl_c_ends_the_demo_with_all_its_processes() -> None:
    _wait_free()
    process = subprocess.Popen([PEAKTRADE, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not all(_listening(port) for port in PORTS):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "stopping" in out
    assert not any(_listening(port) for port in PORTS)


def test_a_taken_port_ends_the_demo_with_its_name() -> None:
    _wait_free()
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 9092))
        holder.listen()
        done = subprocess.run([PEAKTRADE, "demo"], capture_output=True, text=True, timeout=60, check=False)
    message = "demo: 127.0.0.1:9092: the port of prometheus is taken; stop the process that holds it (ss -ltnp)"
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == message
    assert not any(_listening(port) for port in PORTS)


def test_without_a_prometheus_the_demo_runs_and_says_how_to_get_one(tmp_path: Path) -> None:
    _wait_free()
    (tmp_path / "python3").symlink_to(sys.executable)
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(
        [PEAKTRADE, "demo", "--seconds", "3"], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    watcher = "no prometheus on PATH, so there is none in this demo; on Debian: apt-get install prometheus"
    assert done.stdout.splitlines()[0] == watcher
    assert "shadow_mvs" in done.stdout
    refused = subprocess.run(
        [PEAKTRADE, "demo", "--check"], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1] == "Error: --check asks Prometheus, and there is none; install it first"
