"""Telemetry never stops a session: one warning, then silence. Source: fact sheet 7.2, seed 003 1.

Every row is a process of its own, where the client library is really not installed, or the folder really refuses.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.end_to_end.ports import free_port
from tests.multiprocess.folders import open_collector, total
from tests.telemetry.sessions import ROOT, SessionProcess, environment_of, site_without
from tests.telemetry.test_mode_b import EVERY_CALL

pytestmark = pytest.mark.slow

OFF = "telemetry is off, the session goes on without it: "
MISSING = "prometheus_client is missing; pip install peak-trade-exporters"


def play(session: SessionProcess) -> tuple[bool, str]:
    """Register, make every call twice, register again; return whether anything is recorded, and what was said."""
    first = session.call("ensure_registered")
    for call in EVERY_CALL * 2:
        assert session.call(*call) is None
    assert session.call("ensure_registered") is first
    return first, session.end()


@pytest.mark.parametrize("mode", ["A", "B"])
def test_without_the_client_library_a_session_warns_once_and_goes_on(tmp_path: Path, mode: str) -> None:
    site = site_without(tmp_path / "site", "prometheus_client")
    environment = environment_of(tmp_path / "shards", mode, PEAK_TRADE_METRICSD_PORT=str(free_port()), **site)
    assert play(SessionProcess(environment, flags=("-S",))) == (False, f"{OFF}{MISSING}\n")


def test_the_library_is_really_missing_there(tmp_path: Path) -> None:
    site = site_without(tmp_path / "site", "prometheus_client")
    command = [sys.executable, "-S", "-c", "import yaml, msgspec, prometheus_client"]
    done = subprocess.run(command, env=site, cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'prometheus_client'"


def read(port: int, path: str) -> tuple[int, str, str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.status, answer.headers["content-type"], answer.read().decode()


def test_w43_without_the_client_library_metricsd_warns_once_and_its_target_stays_up(tmp_path: Path) -> None:
    site, port = site_without(tmp_path / "site", "prometheus_client"), free_port()
    folder = tmp_path / "shards"
    flags = ["--host", "127.0.0.1", "--port", str(port), "--multiproc-dir", str(folder), "--log-level", "WARNING"]
    command = [sys.executable, "-S", "-m", "exporters.metricsd", *flags]
    with subprocess.Popen(
        command, env={**os.environ, **site}, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 30
        while True:
            try:
                page = read(port, "/metrics")
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        assert page == (
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            "# HELP peak_trade_metrics_fallback 1 if the client library is missing, so that nothing can be shown.\n"
            "# TYPE peak_trade_metrics_fallback gauge\npeak_trade_metrics_fallback 1\n",
        )
        assert read(port, "/-/healthy")[0] == 200
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert [re.sub(r"^\S+ \S+ ", "", line) for line in said.splitlines()] == [
        "WARNING prometheus_client is missing: the page says so and shows nothing else; install it and restart"
    ]


@pytest.mark.parametrize("name", ["ai_live", "shadow_mvs", "execution_watch"])
def test_without_the_client_library_an_exporter_of_files_ends_with_1_and_says_why(tmp_path: Path, name: str) -> None:
    site = site_without(tmp_path / "site", "prometheus_client")
    command = [sys.executable, "-S", "-m", f"exporters.{name}", "--port", str(free_port())]
    done = subprocess.run(command, env={**os.environ, **site}, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{name} cannot run without prometheus_client; pip install peak-trade-exporters\n"


def test_a_folder_that_cannot_be_made_is_one_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "shards"
    assert play(SessionProcess(environment_of(folder))) == (False, f"{OFF}{folder}: not a directory\n")


def test_a_disk_without_room_is_one_warning_and_no_signal_later(tmp_path: Path) -> None:
    resource_limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))"
    first, said = play(SessionProcess(environment_of(tmp_path), resource_limit))
    assert (first, said) == (False, f"{OFF}file too large\n")
    assert list(tmp_path.glob("*.db")) == []


def test_all_the_room_a_session_can_need_is_taken_at_the_start(tmp_path: Path) -> None:
    session = SessionProcess(environment_of(tmp_path))
    session.call("ensure_registered")
    sizes = {path.name: path.stat() for path in tmp_path.glob("*.db")}
    limits = ("a", "b.c", "x:y", *(f"strategy-number-{number}-with-a-long-name-{'z' * 60}" for number in range(40)))
    for name in limits:
        for decision in ("entry_long", "exit_long", "entry_short", "exit_short", "close_long", "close_short", "none"):
            session.call("record_strategy_decision", name, decision)
            session.call("record_strategy_signal", name, "long")
        for ccy in ("EUR", "USD", "NA", "PLN", "BTC", 5):
            session.call("record_position_gross_exposure", name, ccy, 1.0)
    for path in tmp_path.glob("*.db"):
        found, before = path.stat(), sizes[path.name]
        assert (found.st_size, found.st_blocks) == (before.st_size, before.st_blocks)
        assert found.st_blocks * 512 >= found.st_size
    assert session.end() == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_one_warning(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    first, said = play(SessionProcess(environment_of(tmp_path)))
    assert first is False
    assert re.fullmatch(re.escape(f"{OFF}{tmp_path}/") + r"\S+\.lock: permission denied\n", said)


def test_files_closed_under_its_feet_are_one_warning(tmp_path: Path) -> None:
    close = (
        "from exporters import telemetry\n"
        "telemetry.close = lambda: __import__('prometheus_client.values').values.close_all_multiprocess_files()"
    )
    session = SessionProcess(environment_of(tmp_path), close)
    session.call("record_risk_block", "runtime:halt")
    session.call("close")
    for call in EVERY_CALL:
        assert session.call(*call) is None
    assert session.call("ensure_registered") is False
    assert session.end().count("\n") == 1
    assert total(open_collector(tmp_path)) == 1


def test_the_limit_of_this_test_is_known() -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY, "the other tests count on it"
    assert ROOT.is_dir()
