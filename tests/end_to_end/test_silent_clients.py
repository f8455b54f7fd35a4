"""1,100 clients that connect and say nothing: scrapes are answered as if they were not there.

PEAK_TRADE_CHAOS=1 keeps it up for a minute and measures; the ordinary run does it for a moment.
"""

from __future__ import annotations

import http.client
import os
import resource
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.budget import IS_LONG, amount
from tests.end_to_end.patience import PATIENCE_S, wait_until
from tests.end_to_end.ports import free_port
from tests.end_to_end.storm import read_page

SILENT = 1100

pytestmark = pytest.mark.slow


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Let this process, and those it starts, have as many descriptors as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < SILENT * 2:
        pytest.skip(f"this system allows {hard} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Crowd:
    """Connections on which nothing is sent; one that is closed is opened again at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._poll = select.epoll()
        self._clients: dict[int, socket.socket] = {}
        for _ in range(SILENT):
            self._connect()

    def look(self) -> None:
        """Come again where the server hung up."""
        for fd, _ in self._poll.poll(0.05):
            self._poll.unregister(fd)
            self._clients.pop(fd).close()
            self._connect()

    def close(self) -> None:
        """Go away."""
        for client in self._clients.values():
            client.close()
        self._poll.close()

    def _connect(self) -> None:
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", self._port))
        self._clients[client.fileno()] = client
        self._poll.register(client.fileno(), select.EPOLLIN | select.EPOLLRDHUP)


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """Return the processor time a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def scrape_ms(port: int) -> float:
    """Scrape on a connection of its own; return how long it took."""
    began = time.perf_counter()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", "/metrics")
        assert connection.getresponse().read().endswith(b"\n")
    return (time.perf_counter() - began) * 1000


@pytest.mark.usefixtures("descriptors")
def test_silent_clients_starve_nobody(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    command = [
        sys.executable,
        "-m",
        "exporters.ai_live",
        "--file",
        str(tmp_path / "events.jsonl"),
        "--state-dir",
        "none",
    ]
    with log.open("wb") as out:
        process = subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port)], stderr=out)
    try:
        wait_until(lambda: read_page(port) is not None, "the exporter answers", pause_s=0.05)
        cpu, began, took = cpu_seconds(process), time.monotonic(), []
        with closing(Crowd(port)) as crowd:
            while time.monotonic() < began + amount(3, 60):
                crowd.look()
                took.append(scrape_ms(port))
        share = (cpu_seconds(process) - cpu) / (time.monotonic() - began)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
    took.sort()
    p99 = took[int(len(took) * 0.99)]
    facts = f"{len(took)} scrapes, p99 {p99:.1f} ms, CPU {share:.1%}, log {log.stat().st_size} bytes"
    assert log.stat().st_size < 10_000, facts
    if IS_LONG:
        assert p99 < 100, facts
        assert share < 0.2, facts
    print(facts)
