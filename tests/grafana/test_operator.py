"""What an operator reads on the boards in six states, by Grafana's own library.

The states take five minutes and the library 640 MB, so this is the long form only (`make chaos`), where `make look`
has been before. With PEAK_TRADE_SCREENSHOTS every board is drawn into that folder too, in every state, at two
widths.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contracts.model import Contract
from grafana.look.tools import Choices, draw, is_installed, missing, prepare, read
from tests.budget import IS_LONG
from tests.grafana.six_states import STATES, six_states

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("prometheus"),
    pytest.mark.needs("prometheus-alertmanager"),
    pytest.mark.skipif(not IS_LONG, reason="takes five minutes; `make chaos` runs it"),
    pytest.mark.skipif(
        bool(missing("node")) or not is_installed(), reason="`make look` installs what reads the boards"
    ),
]

ROOT = Path(__file__).parents[2]
BOARDS = sorted((ROOT / "grafana" / "dashboards").rglob("*.json"))
OVERVIEW = "peaktrade-execution-watch-overview"
SHADOW = "peaktrade-shadow-pipeline-mvs"
GREEN, RED = "#73BF69", "#F2495C"

OF_PROCESSES = {
    *("AI Live Up (1/0)", "UP (job=shadow_mvs)", "UP (job=execution_watch)", "Exporter (shadow_mvs_up)"),
    *("Contract: pipeline events metric present", "Contract: execution watch metrics present"),
    *("Exporters up", "Unread bytes", "Last commit age", "State errors (15m)"),
    *("UP (job=peak_trade_metricsd)", "Refused values (15m)", "Series outside the contract"),
}
"""What is true of an exporter that runs, whatever becomes of its file."""

OF_LINES = {"Refused (15m)", "Drops / 5m", "Refused lines (15m)"}
OF_MINUTES = {
    *("Reject share (5m)", "Latency p95 (5m)", "Error share (5m)", "Gaps (15m)", "Safety rail trips (15m)"),
    *("Last audit event age", "Last clean reconciliation age"),
}
"""What goes on being true of the minutes the title names while the file is there, whatever is in its newest lines."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One value of one panel."""

    board: str
    panel: str
    kind: str
    title: str
    text: str
    color: str


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[Shown]]:
    """Return state -> everything that is shown in it, on all boards."""
    prepare()
    found: dict[str, list[Shown]] = {}
    pictures = os.environ.get("PEAK_TRADE_SCREENSHOTS", "")
    for state, address in six_states(tmp_path_factory.mktemp("states")):
        choices = Choices(address, range=180, scrape=1)  # one moment for all boards
        for path in BOARDS:
            looked = read(path.read_text(encoding="utf-8"), choices)
            assert looked.errors == [], (state, path.stem)
            found.setdefault(state, []).extend(_shown(path.stem, panel) for panel in _flat(looked.readings))
        for path, width in ((path, width) for path in BOARDS for width in (1600, 1280) if pictures):
            there = Path(pictures) / f"{path.stem}_{state.replace(' ', '_')}_{width}.png"
            looked = draw(path.read_text(encoding="utf-8"), Choices(address, width, 180, scrape=1), there)
            assert (looked.errors, looked.cut) == ([], []), (state, path.stem, width)
    return found


def _flat(readings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**panel, "one": one} for panel in readings for one in panel["shows"]]


def _shown(board: str, panel: dict[str, Any]) -> Shown:
    one = panel["one"]
    return Shown(board, panel["title"], panel["type"], one["title"], one["text"], one.get("color") or "")


def lamps(shown: list[Shown], color: str = GREEN) -> set[str]:
    """Titles of the panels that show their present value in a colour."""
    return {one.panel for one in shown if one.kind in ("stat", "bargauge", "table") and one.color == color}


def words(shown: list[Shown], board: str, panel: str) -> list[str]:
    """What a panel says."""
    return [one.text for one in shown if (one.board, one.panel) == (board, panel)]


def test_all_six_states_are_looked_at(seen: Mapping[str, list[Shown]]) -> None:
    assert tuple(seen) == STATES
    assert all(len(shown) > 60 for state, shown in seen.items() if state != STATES[-1])


def test_in_health_all_is_green_that_can_be_and_nothing_is_red(seen: Mapping[str, list[Shown]]) -> None:
    shown = seen["healthy"]
    assert lamps(shown, RED) == set()
    assert lamps(shown) >= OF_PROCESSES | OF_LINES | OF_MINUTES
    assert words(shown, OVERVIEW, "AI Active (last 30s)") == ["ACTIVE"]
    assert words(shown, OVERVIEW, "Run state") == words(shown, OVERVIEW, "Orchestrator") == ["RUNNING"]
    assert words(shown, OVERVIEW, "What fires, and for how long") == []


def test_a_dead_host_is_not_hidden_by_a_living_one(seen: Mapping[str, list[Shown]]) -> None:
    shown = seen["two hosts"]
    assert words(shown, OVERVIEW, "UP (job=shadow_mvs)") == ["DOWN"]
    assert words(shown, OVERVIEW, "Exporter (shadow_mvs_up)") == ["DOWN"]
    assert words(shown, OVERVIEW, "Contract: pipeline events metric present") == ["MISSING"]
    assert sorted(words(shown, OVERVIEW, "Run state")) == ["DOWN", "RUNNING"]
    assert words(shown, OVERVIEW, "Orchestrator") == ["RUNNING", "RUNNING"]
    assert words(shown, OVERVIEW, "Newest event by exporter")[1] == "DOWN"
    [alert] = [one for one in shown if one.panel == "What fires, and for how long"]
    assert alert.color == RED
    assert alert.text.startswith("Severity=page, Alert=EXPORTER_Down, ")
    assert "Instance=127.0.0.2:" in alert.text


def test_nothing_of_an_exporter_that_is_down_is_green(
    seen: Mapping[str, list[Shown]], panels: dict[str, Any], contracts: tuple[Contract, ...]
) -> None:
    shadow = {metric.name for contract in contracts if contract.name == "shadow_mvs" for metric in contract.metrics}
    shown = seen["exporter down"]
    of_shadow = {
        name
        for name, panel in panels.items()
        if any(re.search(rf"\b{metric}", target["expr"]) for target in panel["targets"] for metric in shadow)
    }
    assert len(of_shadow) >= 12
    one_of_three = "Newest event by exporter"
    green = {f"{one.board}: {one.panel}" for one in shown if one.color == GREEN and one.panel != one_of_three}
    assert {name for name in green & of_shadow if panels[name]["type"] == "stat"} == set()
    assert words(shown, OVERVIEW, one_of_three)[1] == "DOWN"
    assert words(shown, SHADOW, "Error share (5m)") == ["No data"]
    assert words(shown, SHADOW, "Run state") == ["DOWN"]


def test_without_files_only_processes_are_green(seen: Mapping[str, list[Shown]]) -> None:
    shown = seen["file gone"]
    assert lamps(shown) <= OF_PROCESSES | OF_LINES
    assert words(shown, OVERVIEW, "Newest event by exporter") == ["NO FILE"] * 3
    assert words(shown, OVERVIEW, "Run state") == ["STALE: RUNNING"]
    assert words(shown, OVERVIEW, "AI Active (last 30s)") == ["No data"]
    assert {one.text for one in shown if one.kind == "state-timeline"} == {"no value"}


def test_when_every_line_is_refused_the_first_row_says_so(seen: Mapping[str, list[Shown]]) -> None:
    shown = seen["everything refused"]
    assert lamps(shown) <= OF_PROCESSES | OF_MINUTES | {"Event file"}
    assert lamps(shown, RED) >= OF_LINES
    assert words(shown, OVERVIEW, "Run state") == ["STALE: RUNNING"]
    assert words(shown, OVERVIEW, "AI Active (last 30s)")[0] in ("QUIET", "INACTIVE")


def test_an_empty_prometheus_shows_nothing_green(seen: Mapping[str, list[Shown]]) -> None:
    shown = seen["empty Prometheus"]
    assert {one.panel for one in shown if one.color == GREEN} == set()
    assert words(shown, OVERVIEW, "Alerts firing") == ["NO RULES"]
    assert words(shown, OVERVIEW, "AI Live Up (1/0)") == ["NO DATA"]
    assert words(shown, OVERVIEW, "Newest event by exporter") == ["DOWN"] * 3
