"""One exporter as an operator runs it: a process with a port, a state folder and event files.

In: what to serve and a folder. Out: its pages, and what the kernel says of its CPU and memory.
"""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.end_to_end.ports import free_port

__all__ = [
    "FORMATS",
    "Exporter",
    "bytes_read",
    "lines_applied",
    "lines_read",
    "peaktrade",
    "running",
    "shadow",
    "wait_until",
]

_ROOT = Path(__file__).parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")
_READY_S = 600.0
_TIMEOUT_S = 30.0

FORMATS = {"text": "text/plain;version=0.0.4", "OpenMetrics": "application/openmetrics-text;version=1.0.0"}
"""Format -> the Accept header that asks for it."""

_AS_PROMETHEUS = {"Accept-Encoding": "gzip", "X-Prometheus-Scrape-Timeout-Seconds": "10"}

_APPLIED = re.compile(rb'peak_trade_exporter_lines_total\{[^}]*outcome="applied"\} (\S+)')
_LINES = re.compile(rb"peak_trade_exporter_lines_total\{[^}]*\} (\S+)")
_READ_BYTES = re.compile(rb"peak_trade_exporter_read_bytes_total\{[^}]*\} (\S+)")


def lines_applied(page: bytes) -> float:
    """Return how many lines a page says were applied."""
    return _number(_APPLIED, page)


def lines_read(page: bytes) -> float:
    """Return how many lines a page says were read, whatever became of them."""
    return sum(float(number) for number in _LINES.findall(page))


def bytes_read(page: bytes) -> float:
    """Return how many bytes a page says were read."""
    return _number(_READ_BYTES, page)


def _number(pattern: re.Pattern[bytes], page: bytes) -> float:
    found = pattern.search(page)
    if found is None:
        raise ValueError(f"{pattern.pattern!r} is not on the page")
    return float(found[1])


def wait_until(holds: Callable[[], bool], what: str, pause_s: float = 0.002, seconds: float = _READY_S) -> None:
    """Ask again and again, until `holds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:g} s still not: {what}")
        time.sleep(pause_s)


def shadow() -> list[str]:
    """Return the command that serves the shadow exporter."""
    return [sys.executable, "-m", "exporters.shadow_mvs"]


def peaktrade(contract: Path) -> list[str]:
    """Return the command that serves a contract of one's own."""
    return [str(Path(sys.executable).with_name("peaktrade")), "export", "--contract", str(contract)]


class Exporter:
    """A process that reads `folder/events.jsonl` and keeps its state in `folder/state`."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.file = folder / "events.jsonl"
        self.state = folder / "state"
        self._log = folder / "exporter.log"
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._connection: http.client.HTTPConnection | None = None

    def start(self) -> None:
        """Start it; it need not answer yet."""
        self._port = free_port()
        places = ["--file", str(self.file), "--state-dir", str(self.state), "--log-level", "warning"]
        address = ["--host", "127.0.0.1", "--port", str(self._port)]
        with self._log.open("ab") as log:
            command = [*self._command, *places, *address]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=_ROOT)

    def stop(self) -> None:
        """Stop it as a service manager does."""
        self._hang_up()
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def wait_ready(self) -> None:
        """Return when everything in the file has been read."""
        wait_until(lambda: self.answers("/-/ready"), f"the exporter is ready; {self._said()}")

    def answers(self, path: str) -> bool:
        """Whether a page answers 200 now."""
        self._check_alive()
        try:
            return self._get(path, {})[0] == 200
        except (OSError, http.client.HTTPException):
            self._hang_up()
            return False

    def fetch(self, headers: Mapping[str, str]) -> bytes:
        """Return /metrics as it comes over the wire, on a connection that is kept.

        Raises:
            OSError: if the answer is not 200.
        """
        try:
            status, body = self._get("/metrics", headers)
        except (OSError, http.client.HTTPException):  # a connection that rested for 5 s has been closed
            self._hang_up()
            status, body = self._get("/metrics", headers)
        if status != 200:
            raise OSError(f"/metrics answered {status}")
        return body

    def page(self) -> bytes:
        """Return /metrics as text."""
        return self.fetch({})

    def scrape(self, accept: str = FORMATS["OpenMetrics"]) -> bytes:
        """Return /metrics as Prometheus gets it: packed."""
        return self.fetch({**_AS_PROMETHEUS, "Accept": accept})

    def scrape_times(self, accept: str, repeats: int) -> list[float]:
        """Return the milliseconds that scrapes take Prometheus."""
        times = []
        for _ in range(repeats):
            began = time.perf_counter()
            self.scrape(accept)
            times.append((time.perf_counter() - began) * 1000)
        return times

    @property
    def cpu_s(self) -> float:
        """Return the seconds of CPU it has used."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_mib(self, field: str = "VmRSS") -> float:
        """Return its memory in MiB; VmHWM is the peak."""
        found = re.search(rf"{field}:\s+(\d+) kB", self._proc("status"))
        assert found is not None
        return int(found[1]) / 1024

    def _proc(self, name: str) -> str:
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}/{name}").read_text()

    def _check_alive(self) -> None:
        if self._process is None or self._process.poll() is not None:
            raise ChildProcessError(f"the exporter ended; {self._said()}")

    def _said(self) -> str:
        said = self._log.read_text(errors="replace")[-2000:] if self._log.exists() else ""
        return f"it said: {said}" if said else "it said nothing"

    def _get(self, path: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT_S)
        self._connection.request("GET", path, headers=dict(headers))
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[Exporter]:
    """Start an exporter on what stands in `folder/events.jsonl`, yield it when it has read that, stop it at the end."""
    folder.mkdir(exist_ok=True)
    exporter = Exporter(command, folder)
    try:
        exporter.start()
        exporter.wait_ready()
        yield exporter
    finally:
        exporter.stop()
