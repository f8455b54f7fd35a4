"""`peaktrade demo` as a user runs it: it checks itself, stops all it started, and says what is wrong."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from contracts.load import load_contracts
from exporters.commands.demo.ports import STACK_PORTS, ports_of
from exporters.commands.demo.web import answers
from exporters.commands.export import CONTRACTS
from tests.end_to_end.patience import PATIENCE_S, wait_until
from tests.end_to_end.ports import free_ports

pytestmark = pytest.mark.slow

PEAKTRADE = str(Path(sys.executable).parent / "peaktrade")
EXPORTERS = [contract.name for contract in load_contracts(CONTRACTS)]


@pytest.fixture
def ports() -> list[int]:
    """Ports for the exporters, in their contracts' order, and for the stack: Prometheus, Alertmanager, ..."""
    return free_ports(len(EXPORTERS) + len(STACK_PORTS))


def run(ports: Sequence[int], *arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Return the exit code of a demo on these ports, its output and its errors."""
    command = [PEAKTRADE, "demo", "--ports-from", str(ports[0]), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=environment)
    return done.returncode, done.stdout, done.stderr


def listening(ports: Sequence[int]) -> list[int]:
    """Return those of the ports on which somebody answers."""
    found = []
    for port in ports:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                found.append(port)
    return found


@pytest.mark.needs("prometheus")
def test_the_demo_checks_itself_against_a_real_prometheus_and_leaves_nothing_behind(ports: list[int]) -> None:
    code, out, err = run(ports, "--check", "--seconds", "12")
    lines = out.splitlines()
    assert code == 0, out + err
    assert lines[-1] == "RESULT=PASS"
    checked = {line.split("|")[1] for line in lines if line.startswith("PASS|")}
    assert {"ai_decisions", "ai_live_counts", "shadow_p95", "watch_requests", "shadow_mvs_conservation"} <= checked
    assert listening(ports) == []


@pytest.mark.needs("prometheus")
@pytest.mark.needs("prometheus-alertmanager")
@pytest.mark.parametrize("is_ignored", [False, True], ids=["terminal", "background"])
def test_the_demo_says_where_everything_is_and_ctrl_c_ends_all_of_it(ports: list[int], is_ignored: bool) -> None:
    """A shell without job control starts its background jobs with Ctrl-C ignored."""
    trap = "trap '' INT; " if is_ignored else ""
    command = f'{trap}exec "{PEAKTRADE}" demo --ports-from {ports[0]}'
    process = subprocess.Popen(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        pages = {}
        for line in iter(process.stdout.readline, "Ctrl-C stops everything\n"):
            assert line, process.communicate()[1]
            name, place = line.split()
            pages[name] = place
        own = {name: f"http://127.0.0.1:{port}/metrics" for name, port in zip(EXPORTERS, ports, strict=False)}
        prometheus, alertmanager, _, console = ports[len(EXPORTERS) :]
        found = re.fullmatch(rf"http://127\.0\.0\.1:{prometheus}(/\S+)", pages.pop("prometheus"))
        assert pages.pop("alertmanager") == f"http://127.0.0.1:{alertmanager}"
        assert pages.pop("console") == f"http://127.0.0.1:{console}/"
        assert pages.pop("events")
        assert pages == own
        assert found and answers(prometheus, found[1])
        wait_until(lambda: answers(alertmanager, "/-/ready"), "Alertmanager answers")
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
    finally:
        process.terminate()
        process.wait()
    assert process.returncode == 0, err
    assert "stopping" in out
    assert listening(ports) == []


@pytest.mark.needs("prometheus")
def test_taken_ports_are_named_with_their_holder_before_anything_starts(ports: list[int]) -> None:
    holders = [socket.create_server(("127.0.0.1", port)) for port in (ports[0], ports[-1])]
    try:
        code, out, err = run(ports)
    finally:
        for holder in holders:
            holder.close()
    own = f"held by {Path('/proc/self/comm').read_text().strip()} (pid {os.getpid()})"
    assert (code, out) == (1, "")
    assert err.splitlines()[:3] == [
        f"demo: 127.0.0.1:{ports[0]}, the port of {EXPORTERS[0]}, is {own}",
        f"demo: 127.0.0.1:{ports[-1]}, the port of console, is {own}",
        'demo: stop what holds them, or take other ports: make demo ARGS="--ports-from 20000"',
    ]
    assert listening(ports) == []


def test_without_prometheus_and_alertmanager_the_demo_runs_and_says_how_to_get_them(
    ports: list[int], tmp_path: Path
) -> None:
    (tmp_path / "python3").symlink_to(sys.executable)
    environment = {**os.environ, "PATH": str(tmp_path)}
    code, out, err = run(ports, "--seconds", "3", environment=environment)
    assert code == 0, err
    assert out.splitlines()[:2] == [
        "no prometheus on PATH, so there is none in this demo; on Debian: apt-get install prometheus",
        "no alertmanager on PATH, so there is none in this demo; on Debian: apt-get install prometheus-alertmanager",
    ]
    assert "shadow_mvs" in out
    code, out, err = run(ports, "--check", environment=environment)
    assert code == 2
    assert err.splitlines()[-1] == "Error: --check asks Prometheus, and there is none; install it first"


def test_without_the_flag_ports_are_those_of_the_contracts() -> None:
    contracts = load_contracts(CONTRACTS)
    own = {contract.name: contract.port for contract in contracts}
    stack = {"prometheus": 9092, "alertmanager": 9093, "told": 9095, "console": 8000}
    assert ports_of(contracts, None) == own | stack
