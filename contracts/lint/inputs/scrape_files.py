"""Prometheus configurations as the lint sees them: jobs, targets, intervals, rule files.

In: a YAML document. Out: a `ScrapeFile`. Only what the contracts have a say in is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from contracts.compiler.document import Spot
from contracts.lint.finding import Place

__all__ = ["Job", "ScrapeFile", "read_scrape_file", "seconds_of"]

_STEPS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}


@dataclass(frozen=True, slots=True)
class Job:
    """One scrape job: its targets as `host:port`, its interval in seconds."""

    name: str
    targets: tuple[str, ...]
    path: str
    interval_s: float
    timeout_s: float
    place: Place

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports of the targets that state one."""
        ends = (target.rpartition(":")[2] for target in self.targets)
        return tuple(int(end) for end in ends if re.fullmatch("[0-9]{1,5}", end))


@dataclass(frozen=True, slots=True)
class ScrapeFile:
    """One Prometheus configuration; `rule_files` keeps the place of each pattern."""

    file: str
    jobs: tuple[Job, ...]
    rule_files: tuple[tuple[str, Place], ...]
    external_labels: tuple[str, ...] = ()


def seconds_of(text: str) -> float:
    """Return a Prometheus duration in seconds.

    >>> seconds_of("1m30s")
    90.0
    """
    return sum(float(number) * _STEPS[step] for number, step in re.findall(r"(\d+)(ms|[smhdwy])", text))


def read_scrape_file(file: str, document: Spot, last_line: int) -> ScrapeFile:
    """Return one configuration; what it leaves out has Prometheus' own defaults (1m, 10s)."""
    entries = list(document.at("scrape_configs").elements())
    ends = [*(entry.line - 1 for entry in entries), last_line][1:]
    interval = document.at("global").text_of("scrape_interval", "1m")
    timeout = document.at("global").text_of("scrape_timeout", "10s")
    jobs = tuple(
        Job(
            entry.text_of("job_name"),
            tuple(
                target.text
                for static in entry.at("static_configs").elements()
                for target in static.at("targets").elements()
            ),
            entry.text_of("metrics_path", "/metrics"),
            seconds_of(entry.text_of("scrape_interval", interval)),
            seconds_of(entry.text_of("scrape_timeout", timeout)),
            Place(file, entry.line, entry.line, end),
        )
        for entry, end in zip(entries, ends, strict=True)
    )
    patterns = tuple((spot.text, Place(file, spot.line)) for spot in document.at("rule_files").elements())
    external = tuple(name for name, _ in document.at("global").entries("external_labels"))
    return ScrapeFile(file, jobs, patterns, external)
