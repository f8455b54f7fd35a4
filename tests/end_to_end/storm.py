"""The pieces of the kill storm: a writer that rotates, a scraper that never rests, an exporter that is killed.

In: a folder and a port. Out: what was written, and the first counter ever seen to fall.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.patience import PATIENCE_S, wait_until

__all__ = ["Exporter", "Scraper", "Writer", "read_page"]

Page = dict[tuple[str, frozenset[tuple[str, str]]], float]
_SCRAPE_S = 60.0
"""Seconds a scrape may take, told to the exporter as Prometheus tells its own. On a machine that a dozen others want,
the work of one second took a minute: to give up after five is to take an exporter that has no core for one that hangs.
"""

_DECISIONS = (("accept", "none"), ("reject", "risk_limit"), ("noop", "no_signal"))


def read_page(port: int) -> Page | None:
    """Return every sample of the exporter's page, or None if it does not answer."""
    headers = {"X-Prometheus-Scrape-Timeout-Seconds": f"{_SCRAPE_S:g}"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=_SCRAPE_S) as answer:
            text = answer.read().decode()
    except (OSError, http.client.HTTPException):
        return None
    page: Page = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            is_counting = family.type == "counter" or sample.name.endswith(("_count", "_bucket"))
            if is_counting and not sample.name.startswith(("process_", "peak_trade_exporter_state_errors")):
                page[sample.name, frozenset(sample.labels.items())] = sample.value
    return page


class Writer(threading.Thread):
    """Appends decisions, sometimes in two halves, and rotates by rename, going on in the old file for a moment."""

    def __init__(self, path: Path, seed: int) -> None:
        super().__init__(daemon=True)
        self.written: Counter[tuple[str, str]] = Counter()
        self.rotations = 0
        self._path = path
        self._random = random.Random(seed)
        self._stop_now = threading.Event()

    def run(self) -> None:
        """Write until finish()."""
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        while not self._stop_now.is_set():
            for _ in range(self._random.randint(1, 40)):
                self._append(handle)
            if self._random.random() < 0.03:
                handle = self._rotate(handle)
            self._stop_now.wait(self._random.random() * 0.01)
        os.close(handle)

    def finish(self) -> None:
        """Stop after the present line."""
        self._stop_now.set()
        self.join()

    def _append(self, handle: int) -> None:
        decision, reason = self._random.choice(_DECISIONS)
        event = {"v": 1, "decision": decision, "reason": reason, "run_id": "storm", "latency_ms": 5}
        event["n"] = self.written.total()
        line = json.dumps(event).encode() + b"\n"
        if self._random.random() < 0.05:
            half = len(line) // 2
            os.write(handle, line[:half])
            time.sleep(0.002)
            line = line[half:]
        os.write(handle, line)
        self.written[decision, reason] += 1

    def _rotate(self, handle: int) -> int:
        self.rotations += 1
        self._path.rename(f"{self._path}.{self.rotations:06d}")
        for _ in range(3):
            self._append(handle)
        fresh = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.close(handle)
        return fresh


class Scraper(threading.Thread):
    """Reads the page every few milliseconds and remembers the first counter that fell."""

    def __init__(self, port: int, pause_s: float = 0.003) -> None:
        super().__init__(daemon=True)
        self._pause_s = pause_s
        self.pages = 0
        self.fallen = ""
        self._port = port
        self._stop_now = threading.Event()

    def run(self) -> None:
        """Scrape until finish()."""
        highest: Page = {}
        while not self._stop_now.wait(self._pause_s):
            page = read_page(self._port)
            if page is None:
                continue
            self.pages += 1
            for key, value in page.items():
                if value < highest.get(key, value) and not self.fallen:
                    self.fallen = f"{key[0]}{sorted(key[1])}: {value} after {highest[key]}"
                highest[key] = value

    def finish(self) -> None:
        """Stop scraping."""
        self._stop_now.set()
        self.join()


class Exporter:
    """An exporter process on a port, ai_live or that of a contract, with its state in a folder."""

    def __init__(self, file: Path, state: Path, port: int, contract: Path | None = None) -> None:
        self.port = port
        own = ["-c", "from exporters.cli import main; main()", "export", "--contract", str(contract)]
        what = ["-m", "exporters.ai_live"] if contract is None else own
        self._command = [sys.executable, *what, "--file", str(file), "--state-dir", str(state)]
        self._command += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it serves."""
        self._process = subprocess.Popen(self._command, env={**os.environ, "PEAK_TRADE_AI_RUN_ID": "storm"})
        process = self._process

        def answers() -> bool:
            assert process.poll() is None, f"the exporter ended with {process.returncode}"
            return read_page(self.port) is not None

        wait_until(answers, "the exporter answers", pause_s=0.01)

    def end(self, number: signal.Signals) -> None:
        """Send a signal and wait for the end."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
        self._process.wait(PATIENCE_S)
