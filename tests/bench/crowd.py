"""What a page of the console takes while many follow and many read slowly, and lines come.

In: folders as `tests.bench.console` wrote them, with their index. Out: seconds of each request. The console is served
by a process of its own; times are those of a clock, so a quiet machine is needed.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

__all__ = ["CLIENTS", "times_in_a_crowd"]

CLIENTS = 50
"""How many follow by server-sent events, and how many read slowly."""

_ROOT = Path(__file__).parents[2]
_PAGES = ("/", "/watch/runs/run-0000", "/live/execution/run-0000", "/execution_watch", "/runs", "/api/v0/runs_v02")
_PATIENCE_S = 60.0
_LINE = '{"step":%d,"ts_event":"2026-01-15T03:02:00Z","equity":1000.5}\n'


def times_in_a_crowd(folder: Path, seconds: float = 20.0) -> list[float]:
    """Return how long each page took; the crowd comes just before the first is asked for."""
    stopped = threading.Event()
    with _served(folder) as port, contextlib.ExitStack() as clients:
        for path in _PAGES:
            _read(port, path)
        for number in range(CLIENTS):
            run = f"/api/v0/runs/run-{number:04d}"
            clients.enter_context(_asked(port, f"{run}/events?sse=1&follow=1&since_seq=99999999&max_seconds=600"))
            reader = threading.Thread(target=_read_slowly, args=(port, f"{run}/equity?limit=5000", stopped))
            reader.start()
            clients.callback(reader.join)
        writer = threading.Thread(target=_write, args=(folder, stopped))
        writer.start()
        clients.callback(writer.join)
        clients.callback(stopped.set)
        return list(_ask(port, seconds))


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[int]:
    """Give the port of a console over the folders, once it has read what there is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    places = {"base-runs": "live_runs", "sessions": "sessions", "execution": "execution", "state": "state"}
    flags = [part for name, place in places.items() for part in (f"--{name}-dir", str(folder / place))]
    files = ["--ledger", str(folder / "x"), "--ai-events", str(folder / "y"), "--requests-file", "none"]
    command = [sys.executable, "-m", "console", "--port", str(port), "--log-level", "error", *flags, *files]
    process = subprocess.Popen(command, cwd=_ROOT)
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if b'"is_behind":false' in _read(port, "/api/v0/health_v02"):
                    break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


def _read(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=_PATIENCE_S) as answer:
        body: bytes = answer.read()
        return body


def _asked(port: int, path: str) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S)
    made.sendall(f"GET {path} HTTP/1.1\r\nHost: console\r\nConnection: close\r\n\r\n".encode())
    return made


def _read_slowly(port: int, path: str, stopped: threading.Event) -> None:
    """Read an answer a little at a time, and the next one when it is whole."""
    while not stopped.is_set():
        with _asked(port, path) as made:
            while made.recv(1 << 15) and not stopped.wait(0.25):
                pass


def _write(folder: Path, stopped: threading.Event) -> None:
    number = 0
    while not stopped.wait(0.1):
        with (folder / f"live_runs/run-{number % 3:04d}/events.jsonl").open("a") as out:
            out.write(_LINE % number)
        number += 1


def _ask(port: int, seconds: float) -> Iterator[float]:
    end, number = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        began = time.perf_counter()
        _read(port, _PAGES[number % len(_PAGES)])
        yield time.perf_counter() - began
        number += 1
        time.sleep(0.02)
