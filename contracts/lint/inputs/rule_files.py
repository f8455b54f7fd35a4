"""Prometheus rule files and their unit tests as the lint sees them.

In: YAML documents. Out: `Rule`s (alerts and recordings) and `AlertTest`s, each with its place. Whether Prometheus
accepts a file is promtool's affair; whether it means anything here is that of the lint's rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from contracts.compiler.document import Spot
from contracts.lint.finding import Place
from contracts.lint.inputs.scrape_files import seconds_of
from contracts.lint.promql.query import Query, QueryKind

__all__ = ["AlertTest", "Rule", "read_alert_tests", "read_rules"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert or recording rule; its texts keep their lines, `for` and `keep_firing_for` are in seconds."""

    name: str
    is_alert: bool
    group: str
    query: Query
    place: Place
    labels: Mapping[str, Spot]
    annotations: Mapping[str, Spot]
    waits_s: float
    keeps_s: float


@dataclass(frozen=True, slots=True)
class AlertTest:
    """One expectation of a rule test: whether the alert is to fire; `place` is that of its name."""

    alert: str
    fires: bool
    place: Place


def read_rules(file: str, document: Spot, last_line: int) -> Iterator[Rule]:
    """Yield the rules of one file, in order."""
    entries = [
        (group.text_of("name"), entry)
        for group in document.at("groups").elements()
        for entry in group.at("rules").elements()
    ]
    ends = [*(entry.line - 1 for _, entry in entries), last_line][1:]
    for (group_name, entry), end in zip(entries, ends, strict=True):
        is_alert = entry.get("alert") is not None
        name = entry.text_of("alert" if is_alert else "record")
        place = Place(file, entry.line, entry.line, end)
        kind: QueryKind = "alert" if is_alert else "record"
        query = Query(entry.text_of("expr"), place.at(entry.at("expr").line), kind, f"{kind} {name}")
        labels, annotations = dict(entry.entries("labels")), dict(entry.entries("annotations"))
        waits, keeps = (seconds_of(entry.text_of(key)) for key in ("for", "keep_firing_for"))
        yield Rule(name, is_alert, group_name, query, place, labels, annotations, waits, keeps)


def read_alert_tests(file: str, document: Spot) -> Iterator[AlertTest]:
    """Yield what a `promtool test rules` file expects of alerts."""
    for test in document.at("tests").elements():
        for case in test.at("alert_rule_test").elements():
            expected = any(True for _ in case.at("exp_alerts").elements())
            yield AlertTest(case.text_of("alertname"), expected, Place(file, case.at("alertname").line))
