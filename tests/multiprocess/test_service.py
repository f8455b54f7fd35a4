"""metricsd as a process: flags, variables, the port, the folder, and what it says."""

from __future__ import annotations

import gzip
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from contracts.load import load_contract
from exporters.cli import main
from tests.end_to_end.patience import wait_until
from tests.end_to_end.ports import free_port
from tests.multiprocess.folders import InnerSession
from tests.telemetry.sessions import ROOT, environment_of

pytestmark = pytest.mark.slow


class Daemon:
    """A metricsd that was started in a folder, and what it has said so far."""

    def __init__(self, folder: Path, *flags: str, **variables: str) -> None:
        self.log = folder / "metricsd.log"
        known = {**environment_of(folder), "PYTHONPATH": str(ROOT)}
        environment = {name: value for name, value in known.items() if not name.startswith("PEAKTRADE")}
        command = [sys.executable, "-m", "exporters.metricsd", *flags]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=folder, env={**environment, **variables}, stderr=log)

    def said(self) -> list[str]:
        """Return its lines, without their times."""
        return [re.sub(r"^\S+ \S+ ", "", line) for line in self.log.read_text().splitlines()]

    def await_started(self, times: int = 1) -> None:
        """Wait until it serves, its log being that of so many starts."""

        def has() -> bool:
            return self.process.poll() is not None or self.log.read_text().count("started") == times

        wait_until(has, "metricsd has started")
        assert self.process.poll() is None, self.said()

    def stop(self) -> int:
        """Stop it and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def metricsd(folder: Path, *flags: str, **variables: str) -> Iterator[Daemon]:
    """Run a metricsd."""
    daemon = Daemon(folder, *flags, **variables)
    try:
        daemon.await_started()
        yield daemon
        assert daemon.stop() == 0
    finally:
        daemon.process.kill()
        daemon.process.wait()


def blocks(port: int) -> float:
    """Return the number of blocks on the page."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    return sum(float(value) for value in re.findall(r"^peaktrade_risk_blocks_total\{.*\} (.*)$", text, re.MULTILINE))


PRECEDENCE: Mapping[str, tuple[bool, bool, str]] = {
    "flags_over_variables": (True, True, "by_flag"),
    "variables_over_the_contract": (False, True, "by_variable"),
    "the_contract": (False, False, ".ops_local/prom_multiproc"),
}


@pytest.mark.parametrize(("has_flags", "has_variables", "expected"), PRECEDENCE.values(), ids=list(PRECEDENCE))
def test_w37_a_flag_wins_over_a_variable_and_that_over_the_contract(
    tmp_path: Path, has_flags: bool, has_variables: bool, expected: str
) -> None:
    by_flag, by_variable = free_port(), free_port()
    flags = ["--host", "127.0.0.1"]
    flags += ["--port", str(by_flag)] if has_flags or not has_variables else []
    flags += ["--multiproc-dir", "by_flag"] if has_flags else []
    variables = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "elsewhere")}
    if has_variables:
        variables |= {"PEAK_TRADE_METRICSD_PORT": str(by_variable), "PEAKTRADE_METRICS_MULTIPROC_DIR": "by_variable"}
    port = by_flag if has_flags or not has_variables else by_variable
    with metricsd(tmp_path, *flags, **variables) as daemon:
        folder = tmp_path / expected
        session = InnerSession(folder)
        session.block(3)
        assert blocks(port) == 3
        session.die()
    assert not (tmp_path / "elsewhere").exists()
    assert daemon.said() == [
        f"INFO metricsd started address=127.0.0.1:{port} multiproc_dir={folder}",
        "INFO stopped exporter=metricsd",
    ]


def test_w40_a_missing_folder_is_made_and_a_relative_one_is_logged_absolute(tmp_path: Path) -> None:
    port = free_port()
    with metricsd(tmp_path, "--port", str(port), "--host", "127.0.0.1", "--multiproc-dir", "deep/down") as daemon:
        assert f"multiproc_dir={tmp_path / 'deep' / 'down'}" in daemon.said()[0]
        assert (tmp_path / "deep" / "down").is_dir()


def test_w39_a_taken_port_ends_it_before_anything_on_the_disk_changes(tmp_path: Path) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        daemon = Daemon(tmp_path, "--port", str(port), "--host", "127.0.0.1", "--multiproc-dir", "shards")
        assert daemon.process.wait(60) == 1
    assert daemon.log.read_text() == (
        f"127.0.0.1:{port}: metricsd cannot listen here: the port is taken; stop the process that holds it (ss -ltnp)\n"
    )
    assert not (tmp_path / "shards").exists()


def test_two_of_them_do_not_share_a_folder(tmp_path: Path) -> None:
    flags = ("--host", "127.0.0.1", "--multiproc-dir", "shards", "--port")
    with metricsd(tmp_path, *flags, str(free_port())):
        (tmp_path / "other").mkdir()
        port = str(free_port())
        second = Daemon(
            tmp_path / "other", "--host", "127.0.0.1", "--multiproc-dir", str(tmp_path / "shards"), "--port", port
        )
        assert second.process.wait(60) == 1
        assert second.log.read_text() == (
            f"{tmp_path / 'shards'}: another process serves this folder; stop it, or give this one another folder\n"
        )


@pytest.mark.parametrize(
    ("flags", "variables", "message"),
    [
        ([], {"PEAK_TRADE_METRICSD_PORT": "http"}, "PEAK_TRADE_METRICSD_PORT: got 'http', expected a port"),
        ([], {"LIVE_TRADING_ENABLED": "perhaps"}, "LIVE_TRADING_ENABLED: got 'perhaps', expected true or false"),
        (["--file", "x"], {}, "No such option '--file'"),
    ],
)
def test_what_cannot_be_meant_ends_it_with_2(
    tmp_path: Path, flags: list[str], variables: dict[str, str], message: str
) -> None:
    daemon = Daemon(tmp_path, *flags, **variables)
    assert daemon.process.wait(60) == 2
    assert message in daemon.log.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["metricsd.log"]


def test_its_pages_are_those_of_every_exporter(tmp_path: Path) -> None:
    port = free_port()
    with (
        metricsd(tmp_path, "--port", str(port), "--host", "127.0.0.1", LIVE_TRADING_ENABLED="yes") as daemon,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        assert "<h1>metricsd</h1>" in client.get("/").text
        assert [client.get(path).text for path in ("/-/healthy", "/-/ready")] == ["healthy\n", "ready\n"]
        assert [client.get("/x").status_code, client.post("/metrics").status_code] == [404, 405]
        assert (client.head("/metrics").status_code, client.head("/metrics").content) == (200, b"")
        assert 'peak_trade_live_trading_enabled{exporter="metricsd"} 1.0' in client.get("/metrics").text
        wanted = {"accept-encoding": "gzip", "accept": "application/openmetrics-text; version=1.0.0"}
        with client.stream("GET", "/metrics", headers=wanted) as answer:
            page = gzip.decompress(b"".join(answer.iter_raw())).decode()
        assert page.endswith("# EOF\n")
        assert "peaktrade_risk_blocks_total" in page
        assert "_created" not in page, "asked for by nobody"
        os.kill(daemon.process.pid, signal.SIGHUP)
        text = "WARNING the contract is read at the start only; restart to read it again: what was counted stays"
        wait_until(lambda: text in daemon.said(), "SIGHUP is answered")
        assert client.get("/-/healthy").status_code == 200


def test_nothing_falls_when_it_is_killed_again_and_again_while_sessions_come_and_go(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "shards"
    flags = ("--host", "127.0.0.1", "--multiproc-dir", str(folder), "--port", str(port))
    recorded, stays = 0, InnerSession(folder)
    for turn in range(4):
        daemon = Daemon(tmp_path, *flags)
        try:
            daemon.await_started(turn + 1)
            session = InnerSession(folder)
            session.block(5)
            stays.block(1)
            recorded += 6
            assert blocks(port) == recorded
            session.die()
            assert blocks(port) == recorded
        finally:
            daemon.process.kill()
            daemon.process.wait()
    assert len(list(folder.glob("counter_*.db"))) == 1


OWN = """
exporter: {name: shop, help: Sessions of the shop., port: 9300, job: shop}
folder: {default: shards}
vocabulary: {decision: {values: [buy, sell]}}
metrics: {shop_decisions_total: {type: counter, help: Decisions., counts: decision, labels: [decision], budget: 2}}
"""


def test_peaktrade_export_serves_any_contract_with_a_folder(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(OWN)
    port = free_port()
    words = ["peaktrade", "export", "--contract", "shop.yaml", "--host", "127.0.0.1", "--port", str(port)]
    command = [sys.executable, str(Path(sys.executable).parent / words[0]), *words[1:]]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)

    def page() -> str:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        except httpx.TransportError:
            return ""

    try:
        wait_until(lambda: page() != "", "it serves")
        assert 'shop_decisions_total{decision="buy"} 0.0' in page()
        session = InnerSession(tmp_path / "shards", load_contract(tmp_path / "shop.yaml"))
        session.recorder.count("shop_decisions_total", ("buy",))
        assert 'shop_decisions_total{decision="buy"} 1.0' in page()
    finally:
        process.terminate()
    assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["metricsd", "--file", "x"],
            "--file says nothing to metricsd, which serves what sessions record in a folder; leave it out",
        ),
        (
            ["metricsd", "--once"],
            "--once says nothing to metricsd, which serves what sessions record in a folder; leave it out",
        ),
        (
            ["ai_live", "--multiproc-dir", "x"],
            "--multiproc-dir says nothing to ai_live, which serves event files; leave it out",
        ),
    ],
)
def test_a_flag_of_the_other_kind_of_exporter_is_refused(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["export", *arguments])
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, f"Error: {message}")
