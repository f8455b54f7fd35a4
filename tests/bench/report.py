"""What was measured, for people and for machines.

In: scenarios, readings, the machine. Out: Markdown tables, one JSON document, a page with its results renewed.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.contestants import CONTESTANTS, OURS
from tests.bench.measure import Run, Scenario
from tests.bench.reading import Reading

__all__ = ["Report", "machine", "renew"]

_BEGIN, _END = "<!-- results: written by --write-readme -->", "<!-- end of results -->"


def machine() -> dict[str, Any]:
    """Return what the numbers depend on: processor, cores, kernel, Python, and what else ran."""
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    kernel = re.match(r"[\d.]*\d", platform.release())
    return {
        "cpu": found[1].strip() if found else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": f"{platform.system()} {kernel[0] if kernel else ''}".strip(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


@dataclass(frozen=True, slots=True)
class Report:
    """One run of the benchmark; `faults` are totals that differ and measurements that failed, in words."""

    machine: Mapping[str, Any]
    began: datetime
    rounds: int
    scenarios: Sequence[Scenario]
    readings: Sequence[Reading]
    faults: Sequence[str]

    @property
    def missed(self) -> list[Reading]:
        """Return the readings that miss their bar."""
        return [reading for reading in self.readings if reading.is_missed]

    def text(self) -> str:
        """Return the tables."""
        where, plural = self.machine, "s" if self.rounds > 1 else ""
        head = (
            f"{self.began:%Y-%m-%d}, {where['cpu']}, {where['cores']} cores, {where['kernel']}, Python"
            f" {where['python']}, load {where['load']:g} at the start; {self.rounds} round{plural}, medians."
        )
        parts = [head, self._throughput(), *self._skipped(), self._bars()]
        parts.append("\n".join(f"- {fault}" for fault in self.faults))
        if self.scenarios and not self.faults:
            parts.append("Totals are equal in every scenario.")
        return "\n\n".join(part for part in parts if part) + "\n"

    def as_json(self) -> dict[str, Any]:
        """Return everything, every single run included."""
        return {
            "machine": dict(self.machine),
            "date": self.began.astimezone(UTC).isoformat(timespec="seconds"),
            "rounds": self.rounds,
            "scenarios": {each.key: _scenario_as_json(each) for each in self.scenarios},
            "readings": [reading.as_json() for reading in self.readings],
            "faults": list(self.faults),
        }

    def _throughput(self) -> str:
        rows = [row for scenario in self.scenarios for row in _rows(scenario)]
        names = ("scenario", "contestant", "median s", "best..worst", "lines/s", "ours is", "CPU s", "peak MiB")
        return _table(names, rows, right=(2, 3, 4, 5, 6, 7)) if rows else ""

    def _skipped(self) -> Iterable[str]:
        reasons: dict[tuple[str, str], list[str]] = {}
        for scenario in self.scenarios:
            for name, reason in scenario.skipped.items():
                reasons.setdefault((name, reason), []).append(f"({scenario.key})")
        return [f"Skipped: {name} in {', '.join(keys)}: {reason}." for (name, reason), keys in reasons.items()]

    def _bars(self) -> str:
        rows = [(one.what, _measured(one), one.bar, one.verdict) for one in self.readings]
        notes = [f"{one.what}: {one.note}." for one in self.readings if one.note]
        table = _table(("measured", "value", "bar", "verdict"), rows, right=(1,)) if rows else ""
        return "\n\n".join([table, *notes])


def renew(page: Path, text: str) -> None:
    """Put the tables between the checkpoints of a page.

    Raises:
        ValueError: if the checkpoints are not there.
    """
    old = page.read_text()
    begin, end = old.find(_BEGIN), old.find(_END)
    if not 0 <= begin < end:
        raise ValueError(f"{page.name}: expected {_BEGIN!r} and {_END!r}")
    page.write_text(f"{old[: begin + len(_BEGIN)]}\n{text}{old[end:]}")


def _rows(scenario: Scenario) -> Iterable[tuple[str, ...]]:
    ours = scenario.seconds(OURS.name)
    what = {one.name: one.what for one in CONTESTANTS}
    for number, (name, runs) in enumerate(scenario.runs.items()):
        seconds = scenario.seconds(name)
        assert seconds is not None
        times = [run.seconds for run in runs]
        yield (
            "" if number else f"({scenario.key}) {scenario.what}, {scenario.lines:,} lines",
            what.get(name, name),
            f"{seconds:.3f}",
            f"{min(times):.3f}..{max(times):.3f}",
            f"{scenario.lines / seconds:,.0f}",
            "" if ours is None or name == OURS.name else f"{seconds / ours:.2f}x",
            f"{median(run.cpu_s for run in runs):.2f}",
            f"{max(run.rss_mib for run in runs):.0f}",
        )


def _scenario_as_json(scenario: Scenario) -> dict[str, Any]:
    return {
        "what": scenario.what,
        "lines": scenario.lines,
        "skipped": scenario.skipped,
        "contestants": {name: _runs_as_json(scenario, name, runs) for name, runs in scenario.runs.items()},
    }


def _runs_as_json(scenario: Scenario, name: str, runs: Sequence[Run]) -> dict[str, Any]:
    return {
        "seconds": [run.seconds for run in runs],
        "median_seconds": scenario.seconds(name),
        "lines_per_second": scenario.speed(name),
        "cpu_seconds": [run.cpu_s for run in runs],
        "peak_rss_mib": max(run.rss_mib for run in runs),
        "totals": runs[0].totals,
    }


def _measured(reading: Reading) -> str:
    if reading.value is None:
        return ""
    digits = 0 if abs(reading.value) >= 1000 or reading.value == 0 else 1 if abs(reading.value) >= 100 else 2
    return f"{reading.value:,.{digits}f} {reading.unit}".rstrip()


def _table(names: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int]) -> str:
    """Return a Markdown table whose columns also line up as text."""
    found = [tuple(names), *map(tuple, rows)]
    widths = [max(3, *(len(row[at]) for row in found)) for at in range(len(names))]
    rule = tuple("-" * (width - 1) + ":" if at in right else "-" * width for at, width in enumerate(widths))
    return "\n".join(
        "| "
        + " | ".join(
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in (found[0], rule, *found[1:])
    )
