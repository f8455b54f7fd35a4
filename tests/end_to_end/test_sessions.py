"""Seed 003, 2.3 to 4.3, as docs/runbooks/sessions.md has it: its own commands, a real Prometheus, sessions that end.

The commands and queries are those of the runbook; only ports and folder are this test's, and scrapes come every second.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.commands.verify.golden import TOLD
from tests.end_to_end.patience import wait_until
from tests.end_to_end.stack import ROOT, Stack
from tests.telemetry.sessions import SessionProcess, environment_of

pytestmark = pytest.mark.slow

RUNBOOK = (ROOT / "docs" / "runbooks" / "sessions.md").read_text()
COUNTERS = [metric for metric, _ in TOLD.values()]


def commands(first: str) -> list[str]:
    """Return the runbook's commands that begin so, in the part that follows the seed."""
    part = RUNBOOK.partition("## Start and watch")[2].partition("\n## ")[0]
    blocks = re.findall(r"```(?:text|bash)\n(.*?)```", part, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith(first)]


QUERIES = [shlex.split(line)[-1] for line in commands("promtool")]
(START,) = commands("python -m exporters.metricsd")
(SESSION,) = commands("peaktrade emit session")
VARIABLES = dict(line.removeprefix("export ").split("=", 1) for line in commands("export "))


class Scene:
    """metricsd, a Prometheus that scrapes it, and the greatest value each counter was seen with."""

    def __init__(self, folder: Path) -> None:
        self.stack = Stack(folder)
        self.folder = folder / "work"
        self.folder.mkdir()
        self.seen: dict[tuple[tuple[str, str], ...], float] = {}
        self.metricsd: subprocess.Popen[bytes] | None = None

    def start_metricsd(self) -> None:
        """Start it as the runbook does, on a port of its own."""
        words = shlex.split(START.replace("9111", str(self.stack.ports["metricsd"])))
        self.metricsd = subprocess.Popen(
            [sys.executable, *words[1:], "--host", "127.0.0.1"],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.DEVNULL,
        )

    def stop_metricsd(self, *, kill: bool) -> None:
        """Stop it, or have it killed."""
        assert self.metricsd is not None
        (self.metricsd.kill if kill else self.metricsd.terminate)()
        self.metricsd.wait(30)

    def start_session(self, seed: int, steps: int = 40) -> subprocess.Popen[str]:
        """Start a session as the runbook does, a shorter one."""
        words = [sys.executable, "-m", "emitters", *shlex.split(SESSION)[2:]]
        for flag, number in (("--seed", seed), ("--steps", steps)):
            words[words.index(flag) + 1] = str(number)
        environment = {**os.environ, **VARIABLES, "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(words, cwd=self.folder, env=environment, stdout=subprocess.PIPE, text=True)

    def ask(self, query: str) -> list[float]:
        """Return the values a query answers with."""
        found = self.stack.read_json("/api/v1/query", query=query)["result"]
        return [float(item["value"][1]) for item in found]

    def total(self) -> float:
        """Return what Prometheus knows of all counters, and see to it that none has fallen."""
        for name in COUNTERS:
            for item in self.stack.read_json("/api/v1/query", query=name)["result"]:
                series, value = tuple(sorted(item["metric"].items())), float(item["value"][1])
                assert value >= self.seen.get(series, 0.0), series
                self.seen[series] = value
        return sum(self.seen.values())

    def never_fell(self) -> bool:
        """Whether Prometheus saw no counter fall, over everything it has stored."""
        names = "|".join(COUNTERS)
        return self.ask(f'sum(resets({{__name__=~"{names}"}}[1h]))') == [0.0]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    try:
        scene.stack.ports = {one.name: port for one, port in zip(scene.stack.contracts, _ports(), strict=True)}
        scene.start_metricsd()
        (tmp_path / "rules").mkdir()
        scene.stack.start_prometheus("prometheus", tmp_path / "rules")
        yield scene
    finally:
        scene.stack.stop_all()
        if scene.metricsd is not None:
            scene.metricsd.kill()
            scene.metricsd.wait()


def _ports() -> list[int]:
    from tests.end_to_end.ports import free_ports

    return free_ports(len(Stack(Path()).contracts))


UP, STRATEGY, RISK, RATE, INCREASE = QUERIES
LONG_UP = 'min_over_time(up{job="peak_trade_metricsd"}[1h])'


def told(session: subprocess.Popen[str]) -> int:
    """Wait for the end of a session; return how many counts it told."""
    out, _ = session.communicate(timeout=120)
    assert session.returncode == 0
    return sum(int(number) for number in re.findall(r", (\d+)\]", out))


def test_three_sessions_a_restart_and_two_kills_leave_the_target_up_and_every_count_there(scene: Scene) -> None:
    wait_until(lambda: scene.ask(UP) == [1.0], "the target is up before any session")
    before = (scene.ask(STRATEGY), scene.ask(RISK))
    assert all(before), "families exist before any session"

    counted = 0
    for seed in (7, 8, 9):
        session = scene.start_session(seed)
        wait_until(lambda: scene.ask(f"{RATE} > 0") != [] and scene.ask(f"{INCREASE} > 0") != [], "the rates move")
        counted += told(session)
        wait_until(lambda counted=counted: scene.total() == counted, f"{counted} are counted")  # type: ignore[misc]
        assert scene.ask(LONG_UP) == [1.0], "the target stayed up while sessions came and went"
    assert (scene.ask(STRATEGY), scene.ask(RISK)) >= before
    folder = scene.folder / ".ops_local/prom_multiproc"
    wait_until(lambda: list(folder.glob("*.db*")) == [], "the files of sessions that are over are gone")

    for kill in (False, True):  # metricsd ends while a session records, and is started again
        session = scene.start_session(20 + kill)
        wait_until(lambda counted=counted: scene.total() > counted, "the session is seen")  # type: ignore[misc]
        scene.stop_metricsd(kill=kill)
        scene.start_metricsd()
        counted += told(session)
        wait_until(lambda counted=counted: scene.total() == counted, f"{counted} are counted")  # type: ignore[misc]

    killed = SessionProcess(environment_of(folder))
    for _ in range(25):
        killed.call("record_risk_block", "runtime:halt")
    killed.kill()
    counted += 25
    wait_until(lambda: scene.total() == counted, "a killed session lost nothing")
    time.sleep(2)  # two more scrapes, long after everybody has gone
    assert scene.total() == counted
    assert scene.never_fell()
    assert scene.ask(UP) == [1.0]
