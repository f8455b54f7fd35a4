"""The demo's processes: one exporter and one emitter per contract, and Prometheus where there is one.

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
from exporters.commands.demo.ports import CONSOLE, CONSOLE_PORT, PROMETHEUS, name_taken

__all__ = ["Processes", "StageError"]

_ROOT = Path(__file__).parents[3]
_STOP_S = 5.0


class StageError(Exception):
    """Something could not be started, or ended by itself."""


@dataclass(slots=True)
class Processes:
    """What runs: start() brings it up, stop() ends all of it. Without a port for Prometheus there is none.

    Attributes:
        ports: name of an exporter, or `prometheus`, -> the port it listens on.
    """

    contracts: Sequence[Contract]
    ports: Mapping[str, int]
    folder: Path
    _running: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)

    def start(self) -> None:
        """Start exporters, emitters and Prometheus.

        Raises:
            StageError: if a port is taken; it names all that are, and who holds them.
        """
        taken = name_taken(self.ports)
        if taken:
            remedy = 'stop what holds them, or take other ports: make demo ARGS="--ports-from 20000"'
            raise StageError("\n".join([*taken, remedy]))
        for contract in self.contracts:
            self._start_exporter(contract)
        if PROMETHEUS in self.ports:
            self._run(PROMETHEUS, self._prometheus(), {})
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
            self._run(f"emitter {contract.name}", _python("emitters", contract.name, *out, *pace), {})

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
        binary = shutil.which("prometheus")
        assert binary is not None, "asked for before"
        config = self.folder / "prometheus.yml"
        config.write_text(self._configuration(), encoding="utf-8")
        return [
            binary,
            f"--config.file={config}",
            f"--storage.tsdb.path={self.folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self.ports[PROMETHEUS]}",
            "--log.level=warn",
        ]

    def _configuration(self) -> str:
        """Return the configuration for this machine, with the demo's ports and the rules where they are."""
        source = _ROOT / "prometheus" / "prometheus.host.yml"
        own = {f"127.0.0.1:{contract.port}": f"127.0.0.1:{self.ports[contract.name]}" for contract in self.contracts}
        own[f"127.0.0.1:{CONSOLE_PORT}"] = f"127.0.0.1:{self.ports[CONSOLE]}"
        pattern = "|".join(map(re.escape, own))
        text = re.sub(rf"({pattern})\b", lambda found: own[found[0]], source.read_text(encoding="utf-8"))
        return text.replace("- rules/", f"- {source.parent}/rules/")

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
