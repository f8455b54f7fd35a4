"""Provisioning: Grafana comes up with one data source and all boards, without a click."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.documents import from_yaml

GRAFANA = Path(__file__).parents[2] / "grafana"


def _read(name: str) -> Any:
    return from_yaml((GRAFANA / "provisioning" / name).read_text(encoding="utf-8"))


def test_the_one_data_source_is_the_one_the_boards_begin_with() -> None:
    (source,) = _read("datasources/prometheus.yaml")["datasources"]
    assert (source["name"], source["uid"], source["type"]) == ("prometheus", "prometheus", "prometheus")
    assert (source["access"], source["isDefault"], source["url"]) == ("proxy", True, "http://prometheus:9090")
    assert source["jsonData"] == {"httpMethod": "POST", "timeInterval": "5s"}


def test_the_rate_window_follows_the_scrape_interval() -> None:
    (source,) = _read("datasources/prometheus.yaml")["datasources"]
    config = from_yaml((GRAFANA.parent / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    assert source["jsonData"]["timeInterval"] == config["global"]["scrape_interval"]


def test_boards_are_loaded_from_their_folders_and_cannot_be_changed_in_grafana() -> None:
    (provider,) = _read("dashboards/peak_trade.yaml")["providers"]
    assert provider["options"] == {"path": "/etc/grafana/dashboards", "foldersFromFilesStructure": True}
    assert (provider["folder"], provider["disableDeletion"], provider["allowUiUpdates"]) == ("", True, False)
    folders = {path.relative_to(GRAFANA / "dashboards").parts[0] for path in GRAFANA.rglob("peaktrade-*.json")}
    assert folders == {"execution", "shadow", "ops"}
