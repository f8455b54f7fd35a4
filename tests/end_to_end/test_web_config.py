"""Prometheus itself and curl, over TLS and with a password, at an exporter, at metricsd and at the console."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.commands.demo.web import ask_prometheus
from tests.end_to_end.patience import PATIENCE_S, wait_until
from tests.end_to_end.ports import free_ports
from tests.web.conftest import Files, hashed

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.needs("openssl", "curl", "prometheus", "promtool")]

WEB = "tls_server_config: {{cert_file: one.pem, key_file: one.key, min_version: TLS13}}\n"
WEB += "basic_auth_users: {{scraper: {hash}}}\n"
SCRAPE = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs:
- job_name: right
  scheme: https
  tls_config: {{ca_file: {folder}/one.pem}}
  basic_auth: {{username: scraper, password: right}}
  static_configs: [{{targets: {targets}}}]
- job_name: wrong_password
  scheme: https
  tls_config: {{ca_file: {folder}/one.pem}}
  basic_auth: {{username: scraper, password: wrong}}
  static_configs: [{{targets: {targets}}}]
- job_name: wrong_authority
  scheme: https
  tls_config: {{ca_file: {folder}/two.pem}}
  basic_auth: {{username: scraper, password: right}}
  static_configs: [{{targets: {targets}}}]
"""


def curl(folder: Path, port: int, path: str, *flags: str) -> str:
    """Return the status an address answers with."""
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", str(folder / "one.pem"), *flags]
    found = subprocess.run([*command, f"https://localhost:{port}{path}"], capture_output=True, text=True, check=False)
    return found.stdout


def asks(folder: Path, port: int, login: str) -> str:
    """Return what `peaktrade verify` says of an exporter."""
    environment = {"SSL_CERT_FILE": str(folder / "one.pem"), "PEAK_TRADE_WEB_LOGIN": login, "PYTHONPATH": str(ROOT)}
    flags = ["verify", "--retries", "0", "--prometheus-url", "http://127.0.0.1:9"]
    command = [sys.executable, "-c", "from exporters.cli import main; main()", *flags]
    done = subprocess.run(
        [*command, "--exporter", f"ai_live=https://localhost:{port}/metrics"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    return done.stdout + done.stderr


@contextlib.contextmanager
def running(folder: Path, commands: list[list[str]]) -> Iterator[None]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (folder / "log").open("wb") as log, contextlib.ExitStack() as stack:
        for command in commands:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)
            stack.callback(process.wait, PATIENCE_S)
            stack.callback(process.terminate)
        yield


def test_a_real_prometheus_scrapes_over_tls_with_a_password_and_nobody_else(tmp_path: Path) -> None:
    for name in ("one", "two"):
        Files(tmp_path).make(name)
    web = tmp_path / "web.yml"
    web.write_text(WEB.format(hash=hashed("right")))
    assert subprocess.run(["promtool", "check", "web-config", str(web)], check=False).returncode == 0
    *ports, own = free_ports(4)
    (tmp_path / "events.jsonl").write_text("")
    programs = [
        ["exporters.ai_live", "--file", "events.jsonl", "--state-dir", "none"],
        ["exporters.metricsd", "--multiproc-dir", "recorded"],
        ["console", "--state-dir", "none", "--requests-file", "none"],
    ]
    commands = [
        [sys.executable, "-m", *program, "--port", str(port), "--web.config.file", str(web)]
        for program, port in zip(programs, ports, strict=True)
    ]
    targets = [f"localhost:{port}" for port in ports]
    (tmp_path / "prometheus.yml").write_text(SCRAPE.format(folder=tmp_path, targets=targets))
    prometheus = ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/tsdb"]
    commands.append([*prometheus, f"--web.listen-address=127.0.0.1:{own}", "--log.level=error"])

    def up() -> dict[str, set[float]]:
        answer = ask_prometheus(own, "last_over_time(up[10s])") or []
        jobs = {labels["job"] for labels, _ in answer}
        return {job: {value for labels, value in answer if labels["job"] == job} for job in jobs}

    with running(tmp_path, commands):
        expected = {"right": {1.0}, "wrong_password": {0.0}, "wrong_authority": {0.0}}
        wait_until(lambda: up() == expected, "only who has password and authority scrapes")
        for port, health in zip(ports, ("/-/healthy", "/-/healthy", "/health"), strict=True):
            for path in ("/metrics", health):
                assert curl(tmp_path, port, path, "-u", "scraper:right") == "200"
                assert curl(tmp_path, port, path, "-u", "scraper:wrong") == "401"
                assert curl(tmp_path, port, path) == "401"
            assert curl(tmp_path, port, "/metrics", "-u", "scraper:right", "--tls-max", "1.2") == "000"
        asked = asks(tmp_path, ports[0], "scraper:right")
        assert "PASS|ai_live_metrics|" in asked and "|ai_live_no_live|LIVE_TRADING_ENABLED is off" in asked
        assert f"FAIL|ai_live_metrics|https://localhost:{ports[0]}/metrics: answered 401" in asks(
            tmp_path, ports[0], ""
        )
        for suffix in ("pem", "key"):
            (tmp_path / f"two.{suffix}").replace(tmp_path / f"one.{suffix}")
        for port in ports:
            assert curl(tmp_path, port, "/metrics", "-u", "scraper:right") == "200", "with what is there now"
        wait_until(lambda: up() == expected, "Prometheus goes on")
