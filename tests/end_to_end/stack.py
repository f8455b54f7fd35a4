"""A whole stack on ports of its own: exporters, emitters, Alertmanager, Prometheus with these rules or others.

In: a folder. Out: processes that can be stopped and started one by one, and addresses to ask. Stops only what it
started.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.load import load_contracts
from contracts.model import Contract
from exporters.commands.demo.ports import ALERTMANAGER, CONSOLE, PROMETHEUS, STACK_PORTS
from exporters.commands.demo.processes import find_program
from exporters.commands.demo.told import Told
from exporters.commands.export import CONTRACTS
from exporters.commands.verify.client import HttpClient, NoAnswerError
from tests.end_to_end.patience import PATIENCE_S, wait_until
from tests.end_to_end.ports import free_port

__all__ = ["ROOT", "Stack", "running_stack"]

ROOT = Path(__file__).parents[2]
_NOBODY = 9  # the port of `discard`


@dataclass
class Stack:
    """One exporter and one emitter per shipped contract, a Prometheus that scrapes every second, and an Alertmanager.

    Attributes:
        told: what Alertmanager told its receivers.
        is_quick: whether Prometheus and Alertmanager need seconds where the repository's files say minutes.
        is_calm: whether emitters leave out what goes wrong on purpose.
        host: address of this machine under which the exporters are; 127.0.0.2 stands for a second machine.
    """

    folder: Path
    contracts: tuple[Contract, ...] = field(default_factory=lambda: load_contracts(CONTRACTS))
    ports: dict[str, int] = field(default_factory=dict)
    is_quick: bool = True
    is_calm: bool = False
    host: str = "127.0.0.1"
    told: Told = field(init=False)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, rules: Path) -> None:
        """Start everything."""
        self.told = Told(0)
        self.told.start()
        self.start_exporters()
        self.start_alertmanager()
        self.start_prometheus(PROMETHEUS, rules)

    def start_exporters(self) -> None:
        """Start every exporter and its emitter, on new ports."""
        for contract in self.contracts:
            self.ports[contract.name] = free_port()
            self.start_emitter(contract.name)
            self.start_exporter(contract.name)

    def start_exporter(self, name: str) -> None:
        """Start one exporter, on its port and with its state, and wait until it is ready."""
        places = ["--file", str(self.file_of(name)), "--state-dir", str(self.folder / "state")]
        if self._is_recorded(name):
            places = ["--multiproc-dir", str(self.file_of(name))]
        address = ["--host", self.host, "--port", str(self.ports[name])]
        command = [sys.executable, "-m", f"exporters.{name}", *places, *address]
        self._run(f"exporter_{name}", command, {"PEAK_TRADE_AI_RUN_ID": "demo"})
        self._await(f"exporter_{name}", self.site_of(name))

    def start_emitter(self, name: str) -> None:
        """Start one emitter: twenty events per second; sessions of a second or two, one after the other."""
        if self._is_recorded(name):
            mode = {"PEAKTRADE_METRICS_MODE": "B", "PEAKTRADE_METRICS_MULTIPROC_DIR": str(self.file_of(name))}
            pace = ["--forever", "--interval-ms", "50", "--steps", "40", "--pause-ms", "200"]
            self._run(f"emitter_{name}", [sys.executable, "-m", "emitters", "session", *pace], mode)
            return
        out = ["--out", str(self.file_of(name)), "--forever", "--interval-ms", "50"]
        out += ["--calm"] if self.is_calm and name != "ai_live" else []
        self._run(f"emitter_{name}", [sys.executable, "-m", "emitters", name, *out], {})

    def start_prometheus(self, name: str, rules: Path, text: str | None = None) -> HttpClient:
        """Start a Prometheus with the host's configuration, or another, these ports and the rules in a folder."""
        binary = find_program(PROMETHEUS)
        assert binary is not None, "on Debian: apt-get install prometheus"
        self.ports[name] = free_port()
        config = self.folder / f"{name}.yml"
        config.write_text(self._configuration(name, rules) if text is None else text)
        command = [
            *(binary, f"--config.file={config}", f"--storage.tsdb.path={self.folder / f'{name}.tsdb'}"),
            *(f"--web.listen-address=127.0.0.1:{self.ports[name]}", "--log.level=warn"),
            *(["--rules.alert.resend-delay=1s"] if self.is_quick else []),
        ]
        self._run(name, command, {})
        self._await(name, self.site_of(name))
        return self.site_of(name)

    def scrape_too(self, other: Stack | None) -> None:
        """Let Prometheus scrape the exporters of another stack besides its own, or no others any more."""
        config = self.folder / f"{PROMETHEUS}.yml"
        text = re.sub(r', "127\.0\.0\.\d+:\d+"\]', "]", config.read_text())
        for name, port in other.ports.items() if other else ():
            mine = f'"127.0.0.1:{self.ports[name]}"'
            text = text.replace(f"[{mine}]", f'[{mine}, "{other.host}:{port}"]')  # type: ignore[union-attr]
        config.write_text(text)
        self._running[PROMETHEUS].send_signal(signal.SIGHUP)

    def start_empty_prometheus(self) -> HttpClient:
        """Start another Prometheus, that scrapes nothing and has no rules."""
        return self.start_prometheus("empty", self.folder, "global: {scrape_interval: 1s}\n")

    def start_alertmanager(self) -> None:
        """Start an Alertmanager with the repository's routes; its receivers are `told`."""
        binary = find_program(ALERTMANAGER)
        assert binary is not None, "on Debian: apt-get install prometheus-alertmanager"
        self.ports[ALERTMANAGER] = free_port()
        text = (ROOT / "prometheus" / "alertmanager.yml").read_text()
        text = text.replace(f"127.0.0.1:{STACK_PORTS['told']}", f"127.0.0.1:{self.told.port}")
        text = re.sub(r"(group_wait|group_interval): \d+s", r"\1: 1s", text) if self.is_quick else text
        config = self.folder / "alertmanager.yml"
        config.write_text(text)
        command = [
            *(binary, f"--config.file={config}", f"--storage.path={self.folder / 'alertmanager'}"),
            *(f"--web.listen-address=127.0.0.1:{self.ports[ALERTMANAGER]}", "--cluster.listen-address="),
        ]
        self._run(ALERTMANAGER, command, {})
        self._await(ALERTMANAGER, self.site_of(ALERTMANAGER))

    def file_of(self, name: str) -> Path:
        """Return the event file of an exporter, or the folder in which sessions record for it."""
        return self.folder / f"{name}.jsonl"

    def site_of(self, name: str) -> HttpClient:
        """Return the address of an exporter or a Prometheus."""
        host = self.host if any(name == one.name for one in self.contracts) else "127.0.0.1"
        return HttpClient(f"http://{host}:{self.ports[name]}")

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that lead an operator's commands to this stack."""
        found = {"PROM_URL": self.site_of("prometheus").base}
        for contract in self.contracts:
            found[contract.port_env or ""] = str(self.ports[contract.name])
            found[contract.files.env or ""] = str(self.file_of(contract.name))
        return found

    def stop(self, name: str) -> None:
        """Stop one process and wait for its end."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop_all(self) -> None:
        """Stop whatever still runs."""
        for name in list(self._running):
            self.stop(name)
        if hasattr(self, "told"):
            self.told.stop()

    def read_json(self, path: str, **parameters: str) -> Any:
        """Ask this stack's Prometheus."""
        return self.site_of("prometheus").read_json(path, **parameters)["data"]

    def _is_recorded(self, name: str) -> bool:
        return next(one for one in self.contracts if one.name == name).is_recorded

    def _await(self, name: str, site: HttpClient) -> None:
        """Wait until a process is ready; if it ends instead, fail with its last words."""

        def is_ready() -> bool:
            words = (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]
            assert self._running[name].poll() is None, f"{name} ended: {words}"
            return _is_ready(site)

        wait_until(is_ready, f"{name} is ready")

    def _configuration(self, name: str, rules: Path) -> str:
        text = (ROOT / "prometheus" / "prometheus.host.yml").read_text()
        own = {one.port: self.ports[one.name] for one in self.contracts}
        own |= {
            STACK_PORTS[PROMETHEUS]: self.ports[name],
            STACK_PORTS[ALERTMANAGER]: self.ports.get(ALERTMANAGER, _NOBODY),
        }
        own[STACK_PORTS[CONSOLE]] = _NOBODY  # it is not part of this stack
        quick = (
            ("\n  scrape_interval: 5s", "\n  scrape_interval: 1s"),
            ("scrape_timeout: 4s", "scrape_timeout: 1s"),
            ("evaluation_interval: 5s", "evaluation_interval: 1s"),
        )
        for old, new in (
            *(quick if self.is_quick else ()),
            ("- rules/*.yml", f"- {rules}/*.yml"),
            *((f'["127.0.0.1:{port}"]', f'["127.0.0.1:{here}"]') for port, here in own.items()),
        ):
            assert old in text, f"prometheus.host.yml: expected {old!r}"
            text = text.replace(old, new)
        return text

    def _run(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
                cwd=ROOT,
                start_new_session=True,
            )


def _is_ready(site: HttpClient) -> bool:
    try:
        site.read("/-/ready")
    except NoAnswerError:
        return False
    return True


@contextmanager
def running_stack(
    folder: Path, rules: Path = ROOT / "prometheus" / "rules", *, is_quick: bool = True, is_calm: bool = False
) -> Iterator[Stack]:
    """Start a stack, and stop it at the end."""
    stack = Stack(folder, is_quick=is_quick, is_calm=is_calm)
    try:
        stack.start(rules)
        yield stack
    finally:
        stack.stop_all()
