"""Grafana dashboards as the lint sees them: panels, targets, variables, annotations.

In: a parsed JSON file (classic schema). Out: a `Dashboard` with a place for everything. A panel's inline exceptions are
PromQL comments in one of its expressions, as they survive Grafana and stand where the reader looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contracts.lint.finding import Place
from contracts.lint.inputs.located_json import Node
from contracts.lint.promql.query import Query

__all__ = ["Dashboard", "Panel", "Target", "Variable", "read_dashboard"]


_PROMETHEUS = ("prometheus", "-- Mixed --", "mixed", "datasource", "", "None")
"""Types of datasource whose queries are PromQL, or may be."""


@dataclass(frozen=True, slots=True)
class Target:
    """One query of a panel with its legend and its letter."""

    query: Query
    legend: str
    letter: str
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; `node` is its JSON, `targets` those with an expression."""

    node: Node
    title: str
    type: str
    targets: tuple[Target, ...]
    place: Place

    @property
    def unit(self) -> str:
        """The unit of its field defaults; '' if it has none."""
        return str(self.node.get("fieldConfig", {}).get("defaults", {}).get("unit", ""))

    def units_for(self, target: Target) -> tuple[str, ...]:
        """Return the units a target's values may be shown with, overrides included."""
        stated = [self.unit]
        for override in self.node.get("fieldConfig", {}).get("overrides", []):
            units = [str(entry.get("value")) for entry in override.get("properties", []) if entry.get("id") == "unit"]
            matcher = override.get("matcher", {})
            if units and matcher.get("id") == "byFrameRefID":
                stated = units if matcher.get("options") == target.letter else stated
            elif units and matcher.get("id") == "byName" and matcher.get("options") == target.legend:
                stated = units
            elif matcher.get("id") != "byName":
                stated += units
        return tuple(stated)


@dataclass(frozen=True, slots=True)
class Variable:
    """A template variable; `query` is its text for a query variable, `choices` what a custom one offers."""

    name: str
    type: str
    query: str
    place: Place
    takes_several: bool
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard file."""

    file: str
    node: Node
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...]
    annotations: tuple[Query, ...]

    @property
    def uid(self) -> str:
        """The uid; '' if it has none."""
        return self.node.text_of("uid")

    @property
    def title(self) -> str:
        """The title; '' if it has none."""
        return self.node.text_of("title")

    def place_of(self, key: str) -> Place:
        """Return the place of one of the dashboard's own keys."""
        return Place(self.file, self.node.line_of(key))


def read_dashboard(file: str, node: Node) -> Dashboard:
    """Return one dashboard; panels inside collapsed rows count like all others."""
    others = _others(node.get("templating", {}).get("list", []))
    panels = tuple(_panel(file, panel, others) for panel in _flat(node.get("panels", [])))
    variables = tuple(_variable(file, entry) for entry in node.get("templating", {}).get("list", []))
    annotations = tuple(
        Query(str(entry["expr"]), _place(file, entry).at(entry.line_of("expr")), "annotation", _named(entry))
        for entry in node.get("annotations", {}).get("list", [])
        if entry.get("expr") and _asks_prometheus(entry, entry, others)
    )
    return Dashboard(file, node, panels, variables, annotations)


def _flat(panels: list[Node]) -> Iterator[Node]:
    for panel in panels:
        yield panel
        yield from _flat(panel.get("panels", []))


def _place(file: str, node: Node) -> Place:
    return Place(file, node.line, node.line, node.last)


def _named(entry: Node) -> str:
    return f"annotation {entry.get('name', '')!r}"


def _others(variables: list[Node]) -> frozenset[str]:
    """Return how datasources that are no Prometheus are chosen on a dashboard."""
    kinds = {
        str(entry.get("name")): str(entry.get("query")) for entry in variables if entry.get("type") == "datasource"
    }
    names = [name for name, kind in kinds.items() if kind not in _PROMETHEUS]
    return frozenset(form for name in names for form in (f"${name}", f"${{{name}}}"))


def _asks_prometheus(target: Node, panel: Node, others: frozenset[str]) -> bool:
    """Whether a query is PromQL, as far as its datasource says."""
    stated = target.get("datasource") or panel.get("datasource")
    if isinstance(stated, Node):
        return stated.text_of("type") in _PROMETHEUS and str(stated.get("uid")) not in others
    return str(stated) not in others and not re.search(r"loki|elastic|influx|tempo|sql", str(stated), re.IGNORECASE)


def _panel(file: str, node: Node, others: frozenset[str]) -> Panel:
    title, place = node.text_of("title"), _place(file, node)
    targets = tuple(
        Target(
            Query(str(target["expr"]), place.at(target.line_of("expr")), "panel", f'panel "{title}"'),
            target.text_of("legendFormat"),
            target.text_of("refId"),
            bool(target.get("hide")),
        )
        for target in node.get("targets", [])
        if target.get("expr") and _asks_prometheus(target, node, others)
    )
    return Panel(node, title, node.text_of("type"), targets, place)


def _variable(file: str, entry: Node) -> Variable:
    stated: Any = entry.get("query", "")
    text = str(stated.get("query", "")) if isinstance(stated, dict) else str(stated)
    name, kind = entry.text_of("name"), entry.text_of("type")
    several = entry.get("multi") is True or entry.get("includeAll") is True
    choices = _choices(text) if kind == "custom" else ()
    return Variable(name, kind, text, _place(file, entry), several, choices)


def _choices(text: str) -> tuple[str, ...]:
    """Return the values of a custom variable: `a, b` or `shown : value`; a comma in a value is written `\\,`."""
    parts = [part.strip().replace("\\,", ",") for part in re.split(r"(?<!\\),", text)]
    return tuple(part.partition(" : ")[2].strip() or part for part in parts if part)
