"""What every test of the dashboards looks at: the committed JSON, and the contracts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from contracts.load import load_contracts
from contracts.model import Contract

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def contracts() -> tuple[Contract, ...]:
    """The contracts in force."""
    return load_contracts(ROOT / "contracts")


@pytest.fixture(scope="session")
def boards() -> Mapping[str, dict[str, Any]]:
    """Every committed dashboard by uid, as Grafana reads it."""
    paths = sorted((ROOT / "grafana" / "dashboards").rglob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def panels_of(board: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the panels of a dashboard that show data, those of folded rows too."""
    below = [inner for panel in board["panels"] for inner in panel.get("panels", [])]
    return [panel for panel in (*board["panels"], *below) if panel["type"] != "row"]


@pytest.fixture(scope="session")
def panels(boards: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every panel that shows data, by `board: title`."""
    return {f"{uid}: {panel['title']}": panel for uid, board in boards.items() for panel in panels_of(board)}
