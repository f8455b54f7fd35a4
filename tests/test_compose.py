"""`compose.yaml` says what the design asks for. Read as a document: nothing here starts a container."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.documents import from_yaml

ROOT = Path(__file__).parents[1]
SERVICES = ("prometheus", "alertmanager", "grafana")


@pytest.fixture(scope="module")
def compose() -> Mapping[str, Any]:
    found: Mapping[str, Any] = from_yaml((ROOT / "compose.yaml").read_text())
    return found


def test_there_are_three_services_and_each_keeps_its_data_in_a_volume(compose: Mapping[str, Any]) -> None:
    assert tuple(compose["services"]) == SERVICES
    named = {volume.split(":")[0] for one in SERVICES for volume in compose["services"][one]["volumes"]}
    assert {name for name in named if not name.startswith("./")} == set(compose["volumes"])


@pytest.mark.parametrize(
    ("service", "port"), [("prometheus", "9092:9090"), ("alertmanager", "9093:9093"), ("grafana", "3000:3000")]
)
def test_ports_are_open_to_this_machine_alone(compose: Mapping[str, Any], service: str, port: str) -> None:
    assert compose["services"][service]["ports"] == [f"127.0.0.1:{port}"]
    assert "network_mode" not in compose["services"][service]


@pytest.mark.parametrize("service", SERVICES)
def test_images_are_pinned_to_a_version(compose: Mapping[str, Any], service: str) -> None:
    assert re.fullmatch(r"(prom|grafana)/\w+:v?\d+\.\d+\.\d+", compose["services"][service]["image"])


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_mounted_from_the_repository_is_there_and_cannot_be_written(
    compose: Mapping[str, Any], service: str
) -> None:
    mounts = [one.split(":") for one in compose["services"][service]["volumes"] if one.startswith("./")]
    assert mounts
    for source, _, mode in mounts:
        assert mode == "ro", source
        assert (ROOT / source).exists(), f"{source} is mounted and does not exist"


def test_prometheus_finds_its_rules_where_they_are_mounted(compose: Mapping[str, Any]) -> None:
    config = from_yaml((ROOT / "prometheus" / "prometheus.yml").read_text())
    [pattern] = config["rule_files"]
    assert f"./prometheus/rules:{Path(pattern).parent}:ro" in compose["services"]["prometheus"]["volumes"]


def test_grafana_finds_its_dashboards_where_they_are_mounted(compose: Mapping[str, Any]) -> None:
    [target] = [
        volume.split(":")[1]
        for volume in compose["services"]["grafana"]["volumes"]
        if volume.startswith("./grafana/dashboards:")
    ]
    files = sorted((ROOT / "grafana" / "provisioning" / "dashboards").glob("*.y*ml"))
    providers = [provider for path in files for provider in from_yaml(path.read_text())["providers"]]
    assert providers
    assert {Path(one["options"]["path"]).is_relative_to(target) for one in providers} == {True}


def test_grafana_reaches_prometheus_inside_the_network(compose: Mapping[str, Any]) -> None:
    files = sorted((ROOT / "grafana" / "provisioning" / "datasources").glob("*.y*ml"))
    sources = [source for path in files for source in from_yaml(path.read_text())["datasources"]]
    [source] = [one for one in sources if one["name"] == "prometheus"]
    assert source["url"] == "http://prometheus:9090", "9092 is open to the host's loopback alone"


def test_no_password_is_in_the_file_and_without_one_nothing_starts(compose: Mapping[str, Any]) -> None:
    password = compose["services"]["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"]
    assert password == "${GF_SECURITY_ADMIN_PASSWORD:?set it to a password of your own}"


def test_prometheus_keeps_days_and_cannot_be_reloaded_or_stopped_by_a_request(compose: Mapping[str, Any]) -> None:
    assert compose["services"]["prometheus"]["command"] == [
        "--config.file=/etc/prometheus/prometheus.yml",
        "--storage.tsdb.path=/prometheus",
        "--storage.tsdb.retention.time=15d",
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_has_rights_it_does_not_need_or_takes_more_than_its_share(
    compose: Mapping[str, Any], service: str
) -> None:
    one = compose["services"][service]
    assert (one["cap_drop"], one["read_only"]) == (["ALL"], True)
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert one["mem_limit"] and one["pids_limit"]


def test_prometheus_finds_alertmanager_inside_the_network(compose: Mapping[str, Any]) -> None:
    config = from_yaml((ROOT / "prometheus" / "prometheus.yml").read_text())
    [manager] = config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert manager == "alertmanager:9093"
    assert compose["services"]["alertmanager"]["ports"] == ["127.0.0.1:9093:9093"]


@pytest.mark.parametrize("service", SERVICES)
def test_the_host_has_a_name_on_linux_too(compose: Mapping[str, Any], service: str) -> None:
    assert compose["services"][service]["extra_hosts"] == ["host.docker.internal:host-gateway"]


@pytest.mark.parametrize(
    ("service", "path"),
    [("prometheus", "9090/-/ready"), ("alertmanager", "9093/-/ready"), ("grafana", "3000/api/health")],
)
def test_each_service_says_when_it_is_ready(compose: Mapping[str, Any], service: str, path: str) -> None:
    check = compose["services"][service]["healthcheck"]
    assert check["test"] == ["CMD", "wget", "-q", "--spider", f"http://127.0.0.1:{path}"]
