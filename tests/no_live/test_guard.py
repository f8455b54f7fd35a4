"""Nothing of ours opens a connection: every command runs under a guard that kills whoever tries.

That the guard works is shown first, by what does connect: a plain socket, and `verify`, which is allowed to.
"""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from contracts.load import load_contracts
from tests.commands.reconcile.conftest import make_day
from tests.end_to_end.ports import free_port
from tests.no_live.guard import MACHINES

ROOT = Path(__file__).parents[2]
GUARD = [sys.executable, str(ROOT / "tests/no_live/guard.py")]
PEAKTRADE = [sys.executable, str(Path(sys.executable).parent / "peaktrade")]
CONTRACTS = load_contracts(ROOT / "contracts")
NAMES = [contract.name for contract in CONTRACTS if not contract.is_recorded]
RECORDED = [contract.name for contract in CONTRACTS if contract.is_recorded]
CASES = {name: ROOT / "tests/cases" / name / "events.jsonl" for name in NAMES}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux" or platform.machine() not in MACHINES,
        reason="the guard is a filter of the Linux kernel",
    ),
]


def guarded(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end under the guard."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("PEAK_TRADE", "LIVE_TRADING"))}
    return subprocess.run(
        [*GUARD, *command],
        cwd=folder,
        env={**known, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param("socket.create_connection(('127.0.0.1', 9))", id="tcp"),
        pytest.param("socket.socket(type=socket.SOCK_DGRAM)", id="udp"),
        pytest.param("socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)", id="udp6"),
        pytest.param("socket.socket(socket.AF_UNIX).connect('x')", id="unix"),
        pytest.param("socket.socket().sendto(b'x', 0x20000000, ('127.0.0.1', 9))", id="fast-open"),
        pytest.param("socket.socket().sendmsg([b'x'], [], 0x20000000, ('127.0.0.1', 9))", id="fast-open-message"),
    ],
)
def test_the_guard_stops_every_way_out_of_a_process_and_of_its_children(attempt: str, tmp_path: Path) -> None:
    own = [sys.executable, "-c", f"import socket; {attempt}"]
    assert guarded(own, tmp_path).returncode == -signal.SIGSYS
    parent = f"import subprocess, sys; sys.exit(-subprocess.run({own!r}).returncode)"
    assert guarded([sys.executable, "-c", parent], tmp_path).returncode == signal.SIGSYS


def test_the_guard_lets_a_process_listen(tmp_path: Path) -> None:
    text = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[0])"
    done = guarded([sys.executable, "-c", text], tmp_path)
    assert (done.returncode, done.stdout) == (0, "127.0.0.1\n")


@pytest.mark.parametrize("arguments", [["verify", "--retries", "0"], ["status"]], ids=lambda arguments: arguments[0])
def test_a_command_that_asks_others_is_stopped_so_the_guard_sees_ours_too(arguments: list[str], tmp_path: Path) -> None:
    assert guarded([*PEAKTRADE, *arguments], tmp_path).returncode == -signal.SIGSYS


@pytest.mark.parametrize("name", NAMES)
def test_an_exporter_answers_everybody_and_asks_nobody(name: str, tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "events.jsonl"
    lines = CASES[name].read_bytes()
    file.write_bytes(lines[: len(lines) // 2])
    where = ["--file", str(file), "--host", "127.0.0.1", "--port", str(port), "--state-dir", str(tmp_path / "state")]
    process = subprocess.Popen([*GUARD, sys.executable, "-m", f"exporters.{name}", *where], cwd=tmp_path)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            await_ready(client, process)
            file.write_bytes(lines)
            assert 'outcome="applied"' in client.get("/metrics").text
            statuses = {method: client.request(method, "/metrics").status_code for method in METHODS}
            assert statuses == {method: 200 if method in ("GET", "HEAD") else 405 for method in METHODS}
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def session(folder: Path, mode: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a sample session under the guard."""
    variables = {"PEAKTRADE_METRICS_MODE": mode, "PEAKTRADE_METRICS_MULTIPROC_DIR": str(folder / "shards"), **more}
    return guarded([*PEAKTRADE, "emit", "session", "--steps", "20", "--interval-ms", "1"], folder, **variables)


@pytest.mark.parametrize("name", RECORDED)
def test_an_exporter_of_what_sessions_record_answers_everybody_and_asks_nobody(name: str, tmp_path: Path) -> None:
    port = free_port()
    where = ["--multiproc-dir", str(tmp_path / "shards"), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen([*GUARD, sys.executable, "-m", f"exporters.{name}", *where], cwd=tmp_path)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            await_ready(client, process)
            assert session(tmp_path, "B").returncode == 0
            assert 'result="allow"} 0.0' not in client.get("/metrics").text
            statuses = {method: client.request(method, "/metrics").status_code for method in METHODS}
            assert statuses == {method: 200 if method in ("GET", "HEAD") else 405 for method in METHODS}
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


@pytest.mark.parametrize("mode", ["A", "B"])
def test_a_session_records_and_asks_nobody(mode: str, tmp_path: Path) -> None:
    done = session(tmp_path, mode, PEAK_TRADE_METRICSD_PORT=str(free_port()))
    assert (done.returncode, done.stderr) == (0, "")


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def await_ready(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, "the guard has stopped it"
        try:
            if client.get("/-/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("name", NAMES)
def test_an_emitter_writes_and_asks_nobody(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "emitters", name, "--out", "e.jsonl", "--n", "200", "--interval-ms", "0"]
    done = guarded(command, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "wrote 200 events to e.jsonl\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "ai_live", "--once", "--file", str(ROOT / "tests/cases/ai_live/events.jsonl")],
        ["contract", "check"],
        ["contract", "lint", "--root", str(ROOT)],
        ["contract", "docs"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_a_command_that_reads_files_asks_nobody(arguments: list[str], tmp_path: Path) -> None:
    done = guarded([*PEAKTRADE, *arguments], tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_dry_run_and_the_exporters_it_starts_ask_nobody(tmp_path: Path) -> None:
    done = guarded([*PEAKTRADE, "dryrun", "--steps", "30", "--out", "out"], tmp_path)
    assert done.stdout.splitlines()[0].startswith(("COMPLETED: 3", "FAILED: ")), done.stderr
    assert (tmp_path / "out/dryrun_metrics_snapshot.json").exists()


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_reconciliation_asks_nobody(form: str, tmp_path: Path) -> None:
    arguments = make_day().write(tmp_path, form)
    done = guarded([*PEAKTRADE, "reconcile", *arguments, "--emit", "events.jsonl"], tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1], done.stderr) == (0, "result: no mismatch", "")
