"""What a dashboard shows for a value, which queries are PromQL, and what its variables offer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from contracts.lint.inputs.board_colours import mapped_specials, shown_for
from contracts.lint.inputs.dashboards import Dashboard, read_dashboard
from contracts.lint.inputs.located_json import Node, parse_json
from contracts.lint.promql.units import GRAFANA_UNITS

if TYPE_CHECKING:
    from tests.lint.conftest import Checkout


def node(value: object) -> Node:
    found = parse_json(json.dumps(value, indent=1))
    assert isinstance(found, Node)
    return found


def board(**given: object) -> Dashboard:
    return read_dashboard("b.json", node(given))


RED = {"color": "red", "text": "R"}


@pytest.mark.parametrize(
    ("mapping", "found"),
    [
        ({"type": "special", "options": {"match": "nan", "result": RED}}, [("nan", 5, ("red", "R"))]),
        ({"type": "special", "options": {"match": "null", "result": {}}}, [("null", 5, ("", ""))]),
        ({"type": "special", "options": {"match": "null"}}, [("null", 5, ("", ""))]),
        ({"type": "special"}, []),
        ({"type": "special", "options": 7}, []),
        ({"type": "value", "options": {"null": RED}}, [("null", 6, ("red", "R"))]),
        ({"type": "value", "options": {"null": 7}}, []),
        ({"type": "value", "options": {"0": RED}}, []),
        ({"type": "value", "options": 7}, []),
        ({"type": "range", "options": {"null": RED, "match": "null"}}, []),
        ({"value": "null", "text": "N/A"}, [("null", 3, ("", "N/A"))]),
        ({"value": "null"}, [("null", 3, ("", ""))]),
        ({"value": "0", "text": "N/A"}, []),
    ],
)
def test_what_is_shown_for_nothing_is_read_in_every_form(mapping: object, found: object) -> None:
    assert list(mapped_specials(node({"mappings": [mapping]}))) == found


def ranged(low: object, high: object) -> object:
    return {"type": "range", "options": {"from": low, "to": high, "result": RED}}


@pytest.mark.parametrize(
    ("mapping", "found"),
    [
        ({"type": "value", "options": {"5": RED}}, ("red", "R")),
        ({"type": "value", "options": {"5.0": RED}}, ("red", "R")),
        ({"type": "value", "options": {"4": RED, "x": RED}}, ("", "")),
        ({"type": "value", "options": {"5": 7}}, ("", "")),
        ({"type": "value", "options": 7}, ("", "")),
        (ranged(5, 5), ("red", "R")),
        (ranged(4, 6), ("red", "R")),
        (ranged(None, None), ("red", "R")),
        (ranged(None, 5), ("red", "R")),
        (ranged(5, None), ("red", "R")),
        (ranged("5", "5"), ("red", "R")),
        (ranged(6, 7), ("", "")),
        (ranged(3, 4), ("", "")),
        (ranged(6, None), ("", "")),
        (ranged(None, 4), ("", "")),
        (ranged(True, True), ("red", "R")),
        ({"type": "range", "options": 7}, ("", "")),
        ({"type": "special", "options": {"5": RED, "from": 5, "to": 5, "result": RED}}, ("", "")),
        ({"value": "5", "text": "five"}, ("", "five")),
        ({"value": 5}, ("", "")),
        ({"value": "6", "text": "six"}, ("", "")),
    ],
)
def test_a_mapping_shows_the_values_it_takes(mapping: object, found: object) -> None:
    assert shown_for(node({"mappings": [mapping]}), 5) == found


def test_the_first_mapping_that_takes_a_value_is_shown() -> None:
    blue = {"type": "value", "options": {"5": {"color": "blue", "text": "B"}}}
    assert shown_for(node({"mappings": [ranged(6, 7), ranged(5, 5), blue, 7]}), 5) == ("red", "R")
    assert shown_for(node({"mappings": 7}), 5) == ("", "")


STEPS = [{"color": "green", "value": None}, {"color": "yellow", "value": 4}, {"color": "red", "value": 5}, {"value": 6}]


@pytest.mark.parametrize(
    ("value", "more", "colour"),
    [
        (3, {}, "green"),
        (4, {}, "yellow"),
        (4.9, {}, "yellow"),
        (5, {}, "red"),
        (6, {}, ""),
        (5, {"color": {"mode": "thresholds"}}, "red"),
        (5, {"color": {}}, "red"),
        (5, {"color": 7}, "red"),
        (5, {"color": {"mode": "fixed"}}, ""),
        (5, {"thresholds": {"mode": "absolute", "steps": STEPS}}, "red"),
        (5, {"thresholds": {"mode": "percentage", "steps": STEPS}}, ""),
        (5, {"thresholds": 7}, ""),
        (5, {"thresholds": {"steps": 7}}, ""),
        (5, {"mappings": [{"value": "5", "text": "five"}]}, "red"),
        (5, {"mappings": [{"type": "value", "options": {"5": {"color": "blue"}}}]}, "blue"),
    ],
)
def test_a_value_has_the_colour_of_the_highest_step_it_reaches(value: float, more: Any, colour: str) -> None:
    assert shown_for(node({"thresholds": {"steps": STEPS}, **more}), value)[0] == colour


def test_what_a_board_leaves_out_is_empty() -> None:
    read = board(panels=[{"targets": [{"expr": "up"}, {"refId": "B"}]}], templating={"list": [{}]})
    [panel], [variable] = read.panels, read.variables
    assert (read.uid, read.title, panel.title, panel.type, panel.unit) == ("", "", "", "", "")
    assert (variable.name, variable.type, variable.query, variable.takes_several, variable.choices) == (
        *("", "", ""),
        False,
        (),
    )
    assert [(one.legend, one.letter, one.is_hidden) for one in panel.targets] == [("", "", False)]


def test_a_query_asks_the_datasource_of_its_panel_unless_it_names_one() -> None:
    loki: Any = {"type": "loki"}
    targets = [{"refId": "A", "expr": "up"}, {"refId": "B", "expr": "up", "datasource": {"uid": "x"}}]
    [panel] = board(panels=[{"datasource": loki, "targets": targets}]).panels
    assert [target.letter for target in panel.targets] == ["B"]
    named: Any = [{"expr": "up", "datasource": name} for name in ("my Loki", "sql", "prometheus", loki)]
    [panel] = board(panels=[{"targets": named}]).panels
    assert len(panel.targets) == 1
    assert len(board(annotations={"list": named}).annotations) == 1


@pytest.mark.parametrize(
    ("entry", "query", "several", "choices"),
    [
        ({"type": "query", "query": {"query": "q"}}, "q", False, ()),
        ({"type": "query", "query": {}}, "", False, ()),
        ({"type": "query", "query": "a,b", "multi": True}, "a,b", True, ()),
        ({"type": "custom", "query": "a,b", "includeAll": True, "multi": False}, "a,b", True, ("a", "b")),
        ({"type": "custom", "query": "a, ,b : c : d,e\\, f", "multi": 1}, "a, ,b : c : d,e\\, f", False, None),
    ],
)
def test_a_variable_offers_what_its_query_lists(entry: Any, query: str, several: bool, choices: Any) -> None:
    [read] = board(templating={"list": [entry]}).variables
    expected = ("a", "c : d", "e, f") if choices is None else choices
    assert (read.type, read.query, read.takes_several, read.choices) == (entry["type"], query, several, expected)


@pytest.mark.parametrize(
    ("matcher", "properties", "units"),
    [
        ({"id": "byFrameRefID", "options": "A"}, [{"id": "unit", "value": "s"}], ("s",)),
        ({"id": "byFrameRefID", "options": "B"}, [{"id": "unit", "value": "s"}], ("short",)),
        ({"id": "byFrameRefID", "options": "A"}, [{"id": "color", "value": "s"}], ("short",)),
        ({"id": "byName", "options": "one"}, [{"id": "unit", "value": "s"}], ("s",)),
        ({"id": "byName", "options": "two"}, [{"id": "unit", "value": "s"}], ("short",)),
        ({"id": "byName", "options": "one"}, [{"id": "color", "value": "s"}], ("short",)),
        ({"id": "byRegexp", "options": "one"}, [{"id": "unit", "value": "s"}], ("short", "s")),
        ({"id": "byRegexp", "options": "one"}, [], ("short",)),
    ],
)
def test_an_override_reaches_the_queries_it_names(matcher: object, properties: object, units: object) -> None:
    config = {"defaults": {"unit": "short"}, "overrides": [{"matcher": matcher, "properties": properties}]}
    [panel] = board(
        panels=[{"fieldConfig": config, "targets": [{"refId": "A", "legendFormat": "one", "expr": "up"}]}]
    ).panels
    assert panel.units_for(panel.targets[0]) == units


ONE = {
    "s dtdurations dthms clocks": {"seconds": (1,)},
    "ms dtdurationms clockms": {"seconds": (1000,)},
    "µs": {"seconds": (1e6,)},
    "ns": {"seconds": (1e9,)},
    "m": {"seconds": (1 / 60,)},
    "h": {"seconds": (1 / 3600,)},
    "bytes decbytes": {"bytes": (1,)},
    "Bps binBps": {"bytes/s": (1,)},
    "percentunit": {"ratio": (1,)},
    "percent": {"ratio": (100,)},
    "reqps ops cps eps rps wps iops mps": {"count/s": (1,)},
    "reqpm opm cpm epm rpm wpm mpm": {"count/s": (60,)},
    "dateTimeAsIso dateTimeAsUS dateTimeAsLocal dateTimeFromNow dateTimeAsSystem": {"timestamp": (1000,)},
    "bool bool_yes_no bool_on_off": {"count": (1,)},
    "none short locale string": {"count": (1, 60), "count/s": (1, 60, 3600)},
}
"""Unit ids of Grafana -> by how much what Prometheus has of it is multiplied to be shown with them."""


def test_a_unit_of_grafana_is_as_many_as_it_says() -> None:
    found: dict[str, dict[str, tuple[float, ...]]] = {}
    for name, units in GRAFANA_UNITS.items():
        for unit in units:
            found.setdefault(name, {}).setdefault(unit.dimension, ())
            found[name][unit.dimension] += (unit.scale,)
    assert found.pop("") == found["none"]
    assert found == {name: units for names, units in ONE.items() for name in names.split()}


def test_a_panel_in_a_folded_row_is_looked_at_like_any_other(small: Checkout) -> None:
    row = '{"type": "row", "panels": [{"targets": 7, "gridPos": {"x": true, "y": "0", "w": 1.5}}]}'
    small.edit("grafana/dashboards/row.json", "", f'{{"uid": "row", "title": "Row", "panels": [{row}]}}')
    said = [finding.partition("error: ")[2] for finding in small.findings("files/readable")]
    assert said == [
        "panels[0].panels[0].gridPos.x is true or false (expected a number); correct it [files/readable]",
        "panels[0].panels[0].gridPos.y is a text (expected a number); correct it [files/readable]",
        "panels[0].panels[0].targets is a number (expected a list); correct it [files/readable]",
    ]


@pytest.mark.parametrize(
    ("expr", "unit", "expected"),
    [
        ("sum(peak_trade_sales_total)", "s", '"short"'),
        ("sum(rate(peak_trade_sales_total[5m]))", "s", '"reqps"'),
        ("time() - peak_trade_last_sale_timestamp_seconds", "short", '"s"'),
        ("1000 * peak_trade_sale_duration_seconds_sum", "s", '"ms"'),
        ("7 * peak_trade_sale_duration_seconds_sum", "s", "another scale"),
        ("7 * sum(peak_trade_sales_total)", "s", "another scale"),
        ("3600 * sum(rate(peak_trade_sales_total[5m]))", "s", '"short"'),
    ],
)
def test_the_unit_that_fits_is_said(small: Checkout, expr: str, unit: str, expected: str) -> None:
    panel = {"title": "P", "fieldConfig": {"defaults": {"unit": unit}}, "targets": [{"refId": "A", "expr": expr}]}
    small.edit("grafana/dashboards/x.json", "", json.dumps({"uid": "x", "title": "X", "panels": [panel]}))
    [found] = small.findings("dashboard/unit")
    assert f"expected {expected}); change the unit or the expression" in found
