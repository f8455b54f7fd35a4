"""Three hosts of three exporters, one agent and two stores, as docs/fleet.md has them, with Debian's programs.

A host joins late, a store and exporters are killed; nothing is lost or counted twice, and who is down is told by name.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from exporters.commands.targets import targets
from tests.budget import IS_LONG
from tests.end_to_end.patience import PATIENCE_S, wait_until
from tests.end_to_end.ports import free_ports
from tests.end_to_end.quick_rules import quick_rules

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/fleet.md").read_text()
AGENT, STORE, SILENT = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
EXPORTERS = ("ai_live", "shadow_mvs", "execution_watch")
ADDRESSES = {"trader-1": "127.0.7.1", "trader-2": "127.0.7.2", "trader-3": "127.0.7.3"}

Sums = dict[tuple[str, ...], float]


class Fleet:
    """Processes by name, each with its log; exporters are named `host exporter`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        *ports, self.agent, self.receiver, self.victoria = free_ports(6)
        self.ports = dict(zip(EXPORTERS, ports, strict=True))
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.commands: dict[str, list[str]] = {}
        self.written = 0

    def start(self, name: str, *command: str) -> None:
        """Start a process, or start it again as it was."""
        command = self.commands.setdefault(name, list(command))  # type: ignore[assignment]
        with (self.folder / "log").open("ab") as log:
            environment = {**os.environ, "PYTHONPATH": str(ROOT), "PEAK_TRADE_AI_RUN_ID": "fleet"}
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, env=environment)
        self.running[name] = process

    def kill(self, name: str) -> None:
        """End a process as kill -9 does."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)

    def file_of(self, host: str, exporter: str) -> Path:
        return self.folder / host / f"{exporter}.jsonl"

    def write(self, *hosts: str) -> None:
        """Append to every event file of some hosts, of each host another number of lines."""
        self.written += 1
        start = datetime.now(UTC) - timedelta(seconds=200)
        for host in hosts:
            (self.folder / host).mkdir(exist_ok=True)
            for exporter in EXPORTERS:
                number = 20 * self.written + len(exporter) + list(ADDRESSES).index(host)
                events = import_module(f"emitters.{exporter}").events
                lines = [json.dumps(event) + "\n" for event in events(start, number, interval=timedelta(seconds=1))]
                with self.file_of(host, exporter).open("a") as file:
                    file.writelines(lines)

    def join(self, *hosts: str) -> None:
        """Start the exporters of some hosts, and have all that run now scraped."""
        for host in hosts:
            for exporter, port in self.ports.items():
                places = ["--file", str(self.file_of(host, exporter)), "--state-dir", str(self.folder / host / "state")]
                address = ["--host", ADDRESSES[host], "--port", str(port), "--log-level", "warning"]
                self.start(f"{host} {exporter}", sys.executable, "-m", f"exporters.{exporter}", *places, *address)
        known = {name.split()[0] for name in self.running if " " in name}
        flags = [f"--host={host}={ADDRESSES[host]}" for host in known]
        flags += [f"--contract={ROOT}/contracts/{exporter}.yaml" for exporter in self.ports]
        flags += [f"--port={exporter}={port}" for exporter, port in self.ports.items()]
        done = CliRunner().invoke(targets, [*flags, "--out", str(self.folder / "targets/peak_trade.json")])
        assert done.exit_code == 0, done.output

    def truth(self) -> tuple[Sums, Sums]:
        """Return lines by host and exporter, and decisions by host and outcome, as they stand in the files."""
        lines, decisions = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
        for host in ADDRESSES:
            for exporter in EXPORTERS:
                path = self.file_of(host, exporter)
                for line in path.read_text().splitlines() if path.exists() else ():
                    lines[host, exporter] += 1
                    if exporter == "ai_live":
                        decisions[host, json.loads(line)["decision"]] += 1
        return dict(lines), dict(decisions)

    def sums(self, port: int) -> tuple[Sums, Sums]:
        """Return the same as a store adds it up."""
        lines = self.ask(port, "sum by (host, exporter) (peak_trade_exporter_lines_total)")
        decisions = self.ask(port, "sum by (host, decision) (peaktrade_ai_decisions_total) > 0")
        return (
            {(labels["host"], labels["exporter"]): value for labels, value in lines},
            {(labels["host"], labels["decision"]): value for labels, value in decisions},
        )

    def ask(self, port: int, promql: str) -> list[tuple[dict[str, str], float]]:
        """Return what a store answers; nothing if nobody does."""
        url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": promql})
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
                found = json.load(answer)["data"]["result"]
        except OSError:
            return []
        return [(one["metric"], float(one["value"][1])) for one in found]

    def await_truth(self, *ports: int) -> None:
        """Wait until stores say what stands in the files."""
        for port in ports:
            name = "victoria-metrics" if port == self.victoria else "the receiver"
            try:
                wait_until(lambda port=port: self.sums(port) == self.truth(), f"{name} says what is true", pause_s=0.3)  # type: ignore[misc]
            except AssertionError as error:
                raise AssertionError(f"{error}: {self.sums(port)} instead of {self.truth()}") from error

    def down(self) -> set[tuple[str, str, str]]:
        """Return the alerts that an exporter is down, with host and site."""
        found = self.ask(self.receiver, 'ALERTS{alertname=~".*Down", alertstate="firing"}')
        return {(one["alertname"], one.get("host", ""), one.get("site", "")) for one, _ in found if one["job"] in JOBS}


JOBS = set(EXPORTERS)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path)
    try:
        yield fleet
    finally:
        for name in list(fleet.running):
            fleet.kill(name)


def start_stores(fleet: Fleet) -> None:
    """Start both stores and the agent, configured as the page says, only quicker."""
    (fleet.folder / "rules").mkdir()
    quick_rules(fleet.folder / "rules")
    (fleet.folder / "fleet.yml").write_text(SILENT)
    for name, text in (("agent", AGENT), ("store", STORE)):
        text = re.sub(r"(scrape|evaluation)_(interval|timeout): \ds", r"\1_\2: 1s", text)
        for place, port in (("store.example.net:9090", fleet.receiver), ("victoria.example.net:8428", fleet.victoria)):
            text = text.replace(place, f"127.0.0.1:{port}")
        (fleet.folder / f"{name}.yml").write_text(text)
    quiet = ["--log.level=warn"]
    agent = ["prometheus", "--enable-feature=agent", "--config.file=agent.yml", "--storage.agent.path=agent"]
    store = ["prometheus", "--web.enable-remote-write-receiver", "--config.file=store.yml", "--storage.tsdb.path=tsdb"]
    fleet.start("receiver", *store, *quiet, f"--web.listen-address=127.0.0.1:{fleet.receiver}")
    places = ["-storageDataPath=victoria", f"-httpListenAddr=127.0.0.1:{fleet.victoria}", "-search.latencyOffset=0s"]
    fleet.start("victoria", "victoria-metrics", *places, "-loggerLevel=ERROR")
    fleet.start("agent", *agent, *quiet, f"--web.listen-address=127.0.0.1:{fleet.agent}")


@pytest.mark.slow
@pytest.mark.skipif(not IS_LONG, reason="a fleet of nine exporters and three stores for a minute; `make chaos` runs it")
@pytest.mark.needs("prometheus", "victoria-metrics")
def test_both_stores_add_up_what_stands_in_the_files_whatever_is_killed(fleet: Fleet) -> None:
    fleet.write("trader-1", "trader-2")
    fleet.join("trader-1", "trader-2")
    start_stores(fleet)
    fleet.await_truth(fleet.receiver, fleet.victoria)

    fleet.write("trader-3")
    fleet.join("trader-3")
    fleet.await_truth(fleet.receiver, fleet.victoria)
    assert {labels["site"] for labels, _ in fleet.ask(fleet.victoria, "up")} == {"fra"}

    fleet.kill("victoria")
    fleet.write(*ADDRESSES)
    fleet.await_truth(fleet.receiver)
    fleet.start("victoria")
    fleet.await_truth(fleet.victoria)

    expected = {("AI_LIVE_ExporterDown", "trader-2", "fra"), ("EXPORTER_Down", "trader-3", "fra")}
    killed = ("trader-2 ai_live", "trader-3 shadow_mvs")
    for name in killed:
        fleet.kill(name)
    fleet.write(*ADDRESSES)
    wait_until(lambda: fleet.down() == expected, f"{expected} fire, and nothing of another host")
    for name in killed:
        fleet.start(name)
    fleet.await_truth(fleet.receiver, fleet.victoria)
    wait_until(lambda: fleet.down() == set(), "nothing is down any more")

    ours = '{__name__=~"(peaktrade|peak_trade)_.+_(total|count)"}'
    for port in (fleet.receiver, fleet.victoria):
        names = [labels["__name__"] for labels, _ in fleet.ask(port, f"count by (__name__) ({ours})")]
        assert len(names) > 30
        resets = {name: fleet.ask(port, f"max(resets({name}[1h]))")[0][1] for name in names}
        assert {name: number for name, number in resets.items() if number} == {}
        assert fleet.ask(port, f"count(count by (instance) ({ours}))")[0][1] == len(ADDRESSES) * len(EXPORTERS)


@pytest.mark.needs("promtool")
def test_a_host_that_is_silent_is_told_of_by_name(tmp_path: Path) -> None:
    (tmp_path / "fleet.yml").write_text(SILENT)
    series = [
        'up{job="ai_live", host="a", site="fra", instance="a:9110"}',
        'up{job="ai_live", host="b", site="fra", instance="b:9110"}',
        'up{job="ai_live", host="c", site="fra", instance="c:9110"}',
    ]
    values = ["1x30", "1x10 stale _x20", "1x10 0x20"]
    text = {
        "rule_files": ["fleet.yml"],
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": value} for name, value in zip(series, values, strict=True)],
                "alert_rule_test": [
                    {"eval_time": "9m", "alertname": "FLEET_HostSilent", "exp_alerts": []},
                    {
                        "eval_time": "15m",
                        "alertname": "FLEET_HostSilent",
                        "exp_alerts": [
                            {
                                "exp_labels": {"host": "b", "site": "fra", "severity": "page", "component": "fleet"},
                                "exp_annotations": {
                                    "summary": "Nothing has come of b (fra) for minutes, though it did within the"
                                    " hour.",
                                    "description": "(1) was it taken out of the targets on purpose: then this ends an"
                                    " hour later (2) does the agent of fra run, and what does its log say of"
                                    " remote_write (3) on the host itself: peaktrade status",
                                },
                            }
                        ],
                    },
                ],
            }
        ],
    }
    (tmp_path / "test.yml").write_text(json.dumps(text))
    done = subprocess.run(["promtool", "test", "rules", str(tmp_path / "test.yml")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
