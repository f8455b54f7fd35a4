"""Whole processes against the clock, in interleaved rounds.

In: scenarios, contestants, rounds. Out: seconds, CPU and memory of every run, the totals it printed, and where totals
differ. Knows nothing of what is counted: a total is the sum over all series of one printed metric.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import isclose
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench.contestants import OURS, Contestant
from tests.bench.inputs import SCENARIOS, write_scenario

__all__ = ["QUICK_TIMES", "FailedError", "Heat", "Run", "Scenario", "disagreements", "openings", "prepare", "race"]

QUICK_TIMES = 3
"""How often a quick contestant runs in a round: a single run of a second tells little where the clock changes."""

_SAMPLE = re.compile(r"([a-zA-Z_:]\w*(?:_total|_count|_sum))(?:\{.*\})? (\S+)")
_ABOUT_ITSELF = ("process_", "python_", "peak_trade_exporter_")
_MEBIBYTE_KIB = 1024

Totals = dict[str, float]
Say = Callable[[str], None]


class FailedError(Exception):
    """A contestant did not run to its end."""


class Run(NamedTuple):
    """One whole process: wall seconds, seconds of CPU in user and system mode, peak memory, printed totals."""

    seconds: float
    cpu_s: float
    rss_mib: float
    totals: Totals


@dataclass(slots=True)
class Scenario:
    """One scenario's files and what each contestant did with them."""

    key: str
    what: str
    lines: int
    pattern: str
    runs: dict[str, list[Run]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def seconds(self, name: str) -> float | None:
        """Return the median of a contestant's wall seconds, if it took part."""
        found = self.runs.get(name)
        return median(run.seconds for run in found) if found else None

    def speed(self, name: str) -> float | None:
        """Return a contestant's lines per second, if it took part."""
        seconds = self.seconds(name)
        return self.lines / seconds if seconds else None

    def speeds(self, name: str) -> list[float]:
        """Return a contestant's lines per second in each of its runs, none if it did not take part."""
        return [self.lines / run.seconds for run in self.runs.get(name, [])]


class Heat(NamedTuple):
    """One contestant in one scenario."""

    scenario: Scenario
    contestant: Contestant


def prepare(key: str, folder: Path, number: int) -> Scenario:
    """Write a scenario's files into a folder of its own."""
    folder.mkdir()
    pattern = write_scenario(key, folder, number)
    return Scenario(key, SCENARIOS[key][0], number, pattern)


def openings(folder: Path) -> tuple[Scenario, Scenario]:
    """Make 1,000 empty files and one: the difference is what opening 999 files costs, reading them left out."""
    return _empty_files(folder / "open-1000", 1000), _empty_files(folder / "open-1", 1)


def _empty_files(folder: Path, number: int) -> Scenario:
    folder.mkdir()
    for index in range(number):
        (folder / f"events-{index:04d}.jsonl").touch()
    return Scenario("e", f"{number:,} empty file{'s' if number > 1 else ''}", 0, str(folder / "events-*.jsonl"))


def heats_of(scenario: Scenario, contestants: Iterable[Contestant]) -> list[Heat]:
    """Return who runs in a scenario; who cannot is noted there with the reason."""
    scenario.skipped = {one.name: reason for one in contestants if (reason := one.why_not(scenario.key))}
    return [Heat(scenario, one) for one in contestants if one.name not in scenario.skipped]


def race(
    scenarios: Sequence[Scenario], contestants: Sequence[Contestant], aside: Sequence[Scenario], rounds: int, say: Say
) -> None:
    """Run everybody in every scenario, one after the other, `rounds` times, after a first time that does not count.

    What slows the machine for a while so meets all of them; each round begins with another one. The quick ones run
    more often, scenario by scenario, so that a ratio of two of them has many neighbouring runs. We alone run those
    `aside`, right before the scenario of the same key, which they explain a part of.
    """
    heats = [heat for scenario in scenarios for heat in heats_of(scenario, contestants)]
    for one in aside:
        at = next(at for at, heat in enumerate(heats) if heat.contestant is OURS and heat.scenario.key == one.key)
        heats.insert(at, Heat(one, OURS))
    turns = [[heat for heat in heats if heat.contestant.is_quick] * QUICK_TIMES]
    turns += [[heat for heat in heats if heat.contestant is each] for each in contestants if not each.is_quick]
    os.sync()  # writing the inputs goes on behind the scenes, and would slow whoever comes first
    for scenario, contestant in {heat.contestant.name: heat for heat in reversed(heats)}.values():
        run_once(contestant.command(scenario.key, scenario.pattern), Path(scenario.pattern).parent)
    for number in range(rounds):
        first = number % len(turns)
        for scenario, contestant in chain.from_iterable(turns[first:] + turns[:first]):
            scratch = Path(scenario.pattern).parent
            run = run_once(contestant.command(scenario.key, scenario.pattern), scratch)
            scenario.runs.setdefault(contestant.name, []).append(run)
            say(f"round {number + 1}/{rounds}  ({scenario.key}) {scenario.what}: {contestant.name} {run.seconds:.2f} s")


def run_once(command: Sequence[str], scratch: Path) -> Run:
    """Run a command to its end.

    Raises:
        FailedError: if it cannot be started or fails, with the last it said.
    """
    out, err = scratch / "stdout", scratch / "stderr"
    environment = {**os.environ, "TMPDIR": str(scratch)}
    with out.open("wb") as stdout, err.open("wb") as stderr:
        began = time.perf_counter()
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment)
        except OSError as error:
            raise FailedError(f"{command[0]}: {error.strerror}") from error
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = err.read_text(errors="replace").strip()[-2000:]
        raise FailedError(f"{' '.join(command)}: exit code {process.returncode}\n{said}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / _MEBIBYTE_KIB, totals_of(out))


def totals_of(page: Path) -> Totals:
    """Return metric -> sum over all its series, counters and the counts and sums of histograms."""
    totals: defaultdict[str, float] = defaultdict(float)
    with page.open() as lines:
        for line in lines:
            found = _SAMPLE.match(line)
            if found and not found[1].startswith(_ABOUT_ITSELF):
                totals[found[1]] += float(found[2])
    return dict(totals)


def _tolerance(metric: str) -> float:
    """Return how far totals may lie apart: counts not at all, sums of times by what a float leaves of a time."""
    return 1e-6 if metric.endswith("_sum") else 0.0


def disagreements(scenario: Scenario, contestants: Iterable[Contestant]) -> list[str]:
    """Return one sentence for each metric whose total is not the same in all runs of all contestants."""
    partial = {one.name for one in contestants if not one.counts_all}
    counting = [runs for name, runs in scenario.runs.items() if name not in partial]
    metrics = sorted({metric for runs in counting for run in runs for metric in run.totals})
    found = []
    for metric in metrics:
        told = {
            name: [run.totals.get(metric, 0.0) for run in runs]
            for name, runs in scenario.runs.items()
            if name not in partial or metric in runs[0].totals
        }
        values = [value for each in told.values() for value in each]
        if not all(isclose(value, values[0], rel_tol=_tolerance(metric)) for value in values):
            shown = "; ".join(
                f"{name} {', '.join(f'{v:.15g}' for v in dict.fromkeys(each))}" for name, each in told.items()
            )
            found.append(f"({scenario.key}) {scenario.what}: totals of {metric} differ: {shown}")
    return found
