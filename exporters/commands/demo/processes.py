"""The demo's processes: one exporter and one emitter per contract, and Prometheus where there is one.

In: contracts and a folder to work in. Out: running processes, each in a session of its own, so that Ctrl-C reaches
only the demo, which then stops everything it started and nothing else.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contracts.model import Contract

__all__ = ["PROMETHEUS_PORT", "Processes", "StageError"]

PROMETHEUS_PORT = 9092
"""Port of the local Prometheus. Source: seeds 001 and 003."""

_ROOT = Path(__file__).parents[3]
_STOP_S = 5.0


class StageError(Exception):
    """Something could not be started, or ended by itself."""


@dataclass(slots=True)
class Processes:
    """What runs: start() brings it up, stop() ends all of it."""

    contracts: Sequence[Contract]
    folder: Path
    with_prometheus: bool = True
    _running: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)

    def start(self) -> None:
        """Start exporters, emitters and Prometheus.

        Raises:
            StageError: if a port is taken.
        """
        ports = [(contract.name, contract.port) for contract in self.contracts]
        ports += [("prometheus", PROMETHEUS_PORT)] if self.with_prometheus else []
        for name, port in ports:
            _require_free(name, port)
        for contract in self.contracts:
            environment = {
                word.default.env: "demo"
                for word in contract.words.values()
                if word.name == "run_id" and word.default and word.default.env
            }
            arguments = ["--file", str(self.file_of(contract)), "--host", "127.0.0.1", "--port", str(contract.port)]
            arguments += ["--state-dir", str(self.folder / "state")]
            self._run(f"exporter {contract.name}", _python(f"exporters.{contract.name}", *arguments), environment)
        if self.with_prometheus:
            self._run("prometheus", self._prometheus(), {})
        for contract in self.contracts:
            out = ["--out", str(self.file_of(contract)), "--run-id", "demo", "--forever", "--interval-ms", "100"]
            self._run(f"emitter {contract.name}", _python("emitters", contract.name, *out), {})

    def file_of(self, contract: Contract) -> Path:
        """Return the event file of an exporter."""
        return self.folder / f"{contract.name}.jsonl"

    def require_alive(self) -> None:
        """Raise StageError, with its last words, if a process ended by itself."""
        for name, process in self._running:
            if process.poll() is not None:
                words = (self.folder / f"{name}.log").read_text(errors="replace").strip().splitlines()[-3:]
                raise StageError(f"{name} ended with exit code {process.returncode}: " + " | ".join(words))

    def stop(self, kind: str = "") -> None:
        """End the processes whose name begins with `kind` (all by default), last started first."""
        chosen = [entry for entry in reversed(self._running) if entry[0].startswith(kind)]
        for _, process in chosen:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for entry in chosen:
            try:
                entry[1].wait(_STOP_S)
            except subprocess.TimeoutExpired:
                entry[1].kill()
                entry[1].wait()
            self._running.remove(entry)

    def _prometheus(self) -> list[str]:
        binary = shutil.which("prometheus")
        assert binary is not None, "asked for before"
        return [
            binary,
            f"--config.file={_ROOT / 'prometheus' / 'prometheus.host.yml'}",
            f"--storage.tsdb.path={self.folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}",
            "--log.level=warn",
        ]

    def _run(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603  # our own modules and the binary found on PATH
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        self._running.append((name, process))


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def _require_free(name: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StageError(
                f"127.0.0.1:{port}: the port of {name} is taken; stop the process that holds it (ss -ltnp)"
            ) from error
