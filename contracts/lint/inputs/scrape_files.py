"""Prometheus configurations as the lint sees them: jobs, targets, intervals, rule files.

In: a YAML document. Out: a `ScrapeFile`. Only what the contracts have a say in is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from contracts.compiler.document import Spot
from contracts.lint.finding import Place

__all__ = ["Job", "Relabelling", "ScrapeFile", "read_scrape_file", "seconds_of"]

_STEPS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}


@dataclass(frozen=True, slots=True)
class Relabelling:
    """One step of `metric_relabel_configs`, with what it leaves out filled in as Prometheus does."""

    action: str
    sources: tuple[str, ...]
    separator: str
    regex: str
    target: str
    replacement: str
    place: Place


@dataclass(frozen=True, slots=True)
class Job:
    """One scrape job: its targets as `host:port`, its interval in seconds, and what it does to what it scrapes.

    `added_labels` are those its targets have besides job and instance (`*`: of any name); `node` is all of it.
    """

    name: str
    targets: tuple[str, ...]
    path: str
    interval_s: float
    timeout_s: float
    place: Place
    node: Spot
    added_labels: Mapping[str, tuple[str, ...]]
    relabellings: tuple[Relabelling, ...]

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
    external_labels: tuple[str, ...]
    node: Spot


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
    stated = document.at("global").text_of("scrape_timeout")
    timeout = seconds_of(stated) if stated else min((10.0, seconds_of(interval)))
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
            _timeout(entry, timeout),
            Place(file, entry.line, entry.line, end),
            entry,
            _added_labels(entry),
            tuple(_relabelling(step, file) for step in entry.at("metric_relabel_configs").elements()),
        )
        for entry, end in zip(entries, ends, strict=True)
    )
    patterns = tuple((spot.text, Place(file, spot.line)) for spot in document.at("rule_files").elements())
    external = tuple(name for name, _ in document.at("global").entries("external_labels"))
    return ScrapeFile(file, jobs, patterns, external, document)


def _timeout(entry: Spot, default: float) -> float:
    """Return a job's timeout in seconds; one that is not its own is cut to an interval that is."""
    own, interval = entry.text_of("scrape_timeout"), entry.text_of("scrape_interval")
    if own:
        return seconds_of(own)
    return min((default, seconds_of(interval))) if interval else default


def _added_labels(entry: Spot) -> Mapping[str, tuple[str, ...]]:
    """Return label -> values (none: any) of what static labels and relabelling of targets add."""
    added: dict[str, tuple[str, ...]] = {}
    for static in entry.at("static_configs").elements():
        for name, spot in static.entries("labels"):
            added[name] = (*added.get(name, ()), spot.text)
    for step in entry.at("relabel_configs").elements():
        action, target = step.text_of("action", "replace"), step.text_of("target_label")
        if action == "labelmap":
            added["*"] = ()
        elif target and not target.startswith("__"):
            added[target] = ()
    if any(key.endswith("_sd_configs") for key, _ in entry.items()):
        added["*"] = ()  # labels of files and APIs are not in this repository
    return {name: values for name, values in added.items() if name not in ("job", "instance")}


def _relabelling(step: Spot, file: str) -> Relabelling:
    return Relabelling(
        step.text_of("action", "replace").lower(),
        step.texts_of("source_labels"),
        step.text_of("separator", ";"),
        step.text_of("regex", "(.*)"),
        step.text_of("target_label"),
        step.text_of("replacement", "$1"),
        Place(file, step.line),
    )
