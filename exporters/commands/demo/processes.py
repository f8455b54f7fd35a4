"""The demo's processes: one exporter and one emitter per contract; Prometheus and Alertmanager where installed.

In: contracts, ports and a folder to work in. Out: running processes, each in a session of its own, so that Ctrl-C
reaches only the demo, which then stops everything it started and nothing else.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contracts.model import Contract
from exporters.commands.demo.ports import ALERTMANAGER, CONSOLE, PROMETHEUS, STACK_PORTS, name_taken
from exporters.commands.places import ASSETS

__all__ = ["PROGRAMS", "Processes", "StageError", "find_program"]

_STOP_S = 5.0
_NOBODY = 9  # the port of `discard`: where no Alertmanager runs, none of another stack is to be told

_CAN_BE_CALM = ("shadow_mvs", "execution_watch")
"""Emitters whose samples hold trouble unless asked for a calm run."""

PROGRAMS = {PROMETHEUS: ("prometheus",), ALERTMANAGER: ("prometheus-alertmanager", "alertmanager")}
"""What each is called: Debian's name, everybody else's."""


def find_program(name: str) -> str | None:
    """Return the path of Prometheus or Alertmanager, or None if it is not on PATH."""
    return next((path for path in map(shutil.which, PROGRAMS[name]) if path), None)


class StageError(Exception):
    """Something could not be started, or ended by itself."""


@dataclass(slots=True)
class Processes:
    """What runs: start() brings it up, stop() ends all of it. What has no port is not started.

    Attributes:
        ports: name of an exporter, `prometheus` or `alertmanager` -> the port it listens on.
        has_trouble: whether the sample events hold errors, gaps, mismatches and tripped rails.
    """

    contracts: Sequence[Contract]
    ports: Mapping[str, int]
    folder: Path
    has_trouble: bool = False
    _running: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)

    def start(self) -> None:
        """Start exporters, emitters, Prometheus and Alertmanager.

        Raises:
            StageError: if a port is taken; it names all that are, and who holds them.
        """
        taken = name_taken(self.ports)
        if taken:
            remedy = 'stop what holds them, or take other ports: make demo ARGS="--ports-from 20000"'
            raise StageError("\n".join([*taken, remedy]))
        for contract in self.contracts:
            self._start_exporter(contract)
        for name, command in ((ALERTMANAGER, self._alertmanager), (PROMETHEUS, self._prometheus)):
            if name in self.ports:
                self._run(name, command(), {})
        for contract in self.contracts:
            self._start_emitter(contract)
        self._start_console()

    def file_of(self, contract: Contract) -> Path:
        """Return the event file of an exporter; of one that reads none, where sessions print what they told."""
        return self.folder / (f"emitter {contract.name}.log" if contract.is_recorded else f"{contract.name}.jsonl")

    def _start_exporter(self, contract: Contract) -> None:
        environment = {
            word.default.env: "demo"
            for word in contract.words.values()
            if word.name == "run_id" and word.default and word.default.env
        }
        arguments = ["--host", "127.0.0.1", "--port", str(self.ports[contract.name])]
        if contract.is_recorded:
            arguments += ["--multiproc-dir", str(self._sessions_folder)]
        else:
            arguments += ["--file", str(self.file_of(contract)), "--state-dir", str(self.folder / "state")]
        self._run(f"exporter {contract.name}", _python(f"exporters.{contract.name}", *arguments), environment)

    def _start_emitter(self, contract: Contract) -> None:
        pace = ["--forever", "--interval-ms", "100"]
        if contract.is_recorded:
            mode = {"PEAKTRADE_METRICS_MODE": "B", contract.files.env or "": str(self._sessions_folder)}
            self._run(f"emitter {contract.name}", _python("emitters", "session", "--steps", "60", *pace), mode)
        else:
            out = ["--out", str(self.file_of(contract)), "--run-id", "demo"]
            calm = ["--calm"] if contract.name in _CAN_BE_CALM and not self.has_trouble else []
            self._run(f"emitter {contract.name}", _python("emitters", contract.name, *out, *pace, *calm), {})

    def _start_console(self) -> None:
        """Start the console over the exporters' files and over runs of an emitter of its own."""
        here = self.folder / "artefacts"
        files = {contract.name: str(self.file_of(contract)) for contract in self.contracts}
        folders = {
            "--base-runs-dir": here / "live_runs",
            "--sessions-dir": here / "reports/experiments/live_sessions",
            "--execution-dir": here / "logs/execution",
            "--ledger": files.get("shadow_mvs", here / "ledger.jsonl"),
            "--ai-events": files.get("ai_live", here / "ai_events.jsonl"),
            "--requests-file": files.get("execution_watch", "none"),
        }
        arguments = [part for flag, value in folders.items() for part in (flag, str(value))]
        place = ["--port", str(self.ports[CONSOLE]), "--state-dir", "none"]
        self._run(CONSOLE, _python("console", *place, *arguments), {"PEAK_TRADE_PROMETHEUS_ENABLED": "1"})
        pace = ["--forever", "--interval-ms", "500", "--steps", "240"]
        self._run("emitter live_run", _python("emitters", "live_run", "--out", str(here), *pace), {})

    @property
    def _sessions_folder(self) -> Path:
        return self.folder / "prom_multiproc"

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
        binary = find_program(PROMETHEUS)
        assert binary is not None, "asked for before"
        config = self.folder / "prometheus.yml"
        config.write_text(self._configuration(), encoding="utf-8")
        return [
            binary,
            f"--config.file={config}",
            f"--storage.tsdb.path={self.folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self.ports[PROMETHEUS]}",
            "--rules.alert.resend-delay=10s",  # what was told before Alertmanager was found is told again soon
            "--log.level=warn",
        ]

    def _alertmanager(self) -> list[str]:
        binary = find_program(ALERTMANAGER)
        assert binary is not None, "asked for before"
        config = self.folder / "alertmanager.yml"
        config.write_text(self._with_own_ports(ASSETS / "prometheus" / "alertmanager.yml"), encoding="utf-8")
        return [
            binary,
            f"--config.file={config}",
            f"--storage.path={self.folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{self.ports[ALERTMANAGER]}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]

    def _configuration(self) -> str:
        """Return the configuration for this machine, with the demo's ports, and rules and runbooks where they are."""
        source = ASSETS / "prometheus" / "prometheus.host.yml"
        text = self._with_own_ports(source)
        text = re.sub(r"runbooks: https?://\S+", f"runbooks: file://{ASSETS}/docs/runbooks", text)
        return text.replace("- rules/", f"- {source.parent}/rules/")

    def _with_own_ports(self, source: Path) -> str:
        """Return a configuration in which every usual port of this machine is the demo's own."""
        usual = {contract.name: contract.port for contract in self.contracts} | STACK_PORTS
        own = {f"127.0.0.1:{port}": f"127.0.0.1:{self.ports.get(name, _NOBODY)}" for name, port in usual.items()}
        pattern = "|".join(map(re.escape, own))
        return re.sub(rf"({pattern})\b", lambda found: own[found[0]], source.read_text(encoding="utf-8"))

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
