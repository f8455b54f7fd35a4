"""`compose.yaml` says what the design asks for. Read as a document: nothing here starts a container."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from contracts.load import load_contracts
from exporters.cli import main
from tests.documents import from_yaml
from tests.end_to_end.ports import free_port

ROOT = Path(__file__).parents[1]
SERVICES = ("prometheus", "alertmanager", "grafana")
OURS = {"ai_live": 9110, "shadow_mvs": 9109, "execution_watch": 9112, "metricsd": 9111, "console": 8000}
"""Services of the profile `exporters`, with their ports."""


@pytest.fixture(scope="module")
def compose() -> Mapping[str, Any]:
    found: Mapping[str, Any] = from_yaml((ROOT / "compose.yaml").read_text())
    return found


def test_there_is_a_service_for_each_part_and_each_keeps_its_data_in_a_volume(compose: Mapping[str, Any]) -> None:
    assert tuple(compose["services"]) == (*OURS, *SERVICES)
    named = {volume.split(":")[0] for one in compose["services"].values() for volume in one["volumes"]}
    assert {name for name in named if not name.startswith(("./", "${"))} == set(compose["volumes"])


def test_a_service_of_ours_for_each_contract_and_the_console_starts_a_command_there_is(
    compose: Mapping[str, Any],
) -> None:
    contracts = {contract.name: contract.port for contract in load_contracts(ROOT / "contracts")}
    assert contracts | {"console": 8000} == OURS
    for name in OURS:
        words = compose["services"][name]["command"]
        assert words[:2] == ["export", name] or words[:1] == ["console"] == [name]
        result = CliRunner().invoke(main, [*words[:1], "--help"])
        assert [word for word in words if word.startswith("--") and word not in result.output] == []


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_is_of_the_image_reads_only_and_has_no_rights(compose: Mapping[str, Any], name: str) -> None:
    one = compose["services"][name]
    assert (one["profiles"], one["image"], one["network_mode"]) == (["exporters"], "peak-trade", "host")
    assert (one["cap_drop"], one["read_only"], one["user"]) == (["ALL"], True, "${PEAK_TRADE_USER:-65532:65532}")
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert one["mem_limit"] and one["pids_limit"] and one["restart"] == "unless-stopped"
    written = [volume for volume in one["volumes"] if not volume.endswith(":ro")]
    assert written == (
        ["${PEAK_TRADE_RECORDED:-./.ops_local/prom_multiproc}:/recorded"]
        if name == "metricsd"
        else ["peaktrade_state:/state"]
    )


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_is_asked_with_what_its_image_holds_whether_it_is_ready(
    compose: Mapping[str, Any], name: str
) -> None:
    words = compose["services"][name]["healthcheck"]["test"]
    host = "127.0.0.1" if name == "console" else "${PEAK_TRADE_LISTEN:-127.0.0.1}"
    path = "health" if name == "console" else "-/ready"
    assert words[:3] == ["CMD", "python", "-c"]
    assert words[3] == (
        f"from urllib.request import urlopen as ask; ask('http://{host}:{OURS[name]}/{path}', timeout=2)"
    )
    code = words[3].replace("${PEAK_TRADE_LISTEN:-127.0.0.1}", "127.0.0.1").replace(str(OURS[name]), str(free_port()))
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (asked.returncode, "Connection refused" in asked.stderr) == (1, True), "nobody listens there"


def test_the_image_holds_the_folders_that_are_written(compose: Mapping[str, Any]) -> None:
    text = (ROOT / "deploy" / "Containerfile").read_text()
    assert "COPY --from=build --chown=65532:65532 /state /state" in text
    assert "WORKDIR /data\n" in text
    environment = compose["services"]["ai_live"]["environment"]
    assert environment["PEAK_TRADE_STATE_DIR"] == "/state"


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
