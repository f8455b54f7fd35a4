"""Who is told of what: Alertmanager's own opinion of its configuration, and of the way an alert would go."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from exporters.commands.demo.ports import STACK_PORTS, TOLD
from tests.documents import from_yaml
from tests.test_rules import ALERTS

PROMETHEUS = Path(__file__).parents[1] / "prometheus"
CONFIG = PROMETHEUS / "alertmanager.yml"
DOCUMENT: Mapping[str, Any] = from_yaml(CONFIG.read_text())


def amtool(*arguments: str) -> str:
    """Return what amtool says; it must not fail."""
    done = subprocess.run(["amtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.needs("amtool")
def test_amtool_finds_nothing_wrong_and_every_severity_goes_to_its_receiver() -> None:
    assert "SUCCESS" in amtool("check-config", str(CONFIG))
    ways = {
        "severity=page alertname=EXPORTER_Down": "page",
        "severity=warn alertname=EXPORTER_LagHigh": "warn",
        "severity=info alertname=EXPORTER_LabelOverflow": "nobody",
        "severity=none alertname=PROMETHEUS_DeadMansSwitch": "dead_mans_switch",
        "alertname=SomebodyElses": "warn",
    }
    for labels, receiver in ways.items():
        said = amtool("config", "routes", "test", f"--config.file={CONFIG}", *labels.split())
        assert said.split() == [receiver], labels


@pytest.mark.parametrize("rule", DOCUMENT["inhibit_rules"], ids=lambda rule: rule["source_matchers"][0])
def test_an_inhibition_names_alerts_that_exist_and_never_reaches_another_exporter(rule: Mapping[str, Any]) -> None:
    assert {"job", "instance"} <= set(rule["equal"])
    for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
        label, operator, text = re.fullmatch(r'(\w+)(=~|!~|!=|=)"(.*)"', matcher).groups()  # type: ignore[union-attr]
        pattern = text if "~" in operator else re.escape(text)
        for part in pattern.split("|") if label == "alertname" else ():
            assert any(re.fullmatch(part, name) for name in ALERTS), f"{part} is no alert"


def test_what_cannot_be_believed_while_an_exporter_is_down_is_held_back_and_another_exporter_is_not() -> None:
    [source, target] = (DOCUMENT["inhibit_rules"][0][key][0].split('"')[1] for key in _SIDES)
    down = {name for name in ALERTS if name.endswith("Down") and not name.startswith("ALERTMANAGER")}
    assert {name for name in down if not re.fullmatch(source, name) and name != "AI_LIVE_ExporterDown"} == set()
    assert not [name for name in down if not re.fullmatch(target, name)], "one that is down never silences itself"


_SIDES = ("source_matchers", "target_matchers")


def test_receivers_are_to_be_filled_in_and_no_secret_is_in_the_file() -> None:
    receivers = {one["name"]: one for one in DOCUMENT["receivers"]}
    urls = [hook["url"] for one in receivers.values() for hook in one.get("webhook_configs", ())]
    assert urls == [f"http://127.0.0.1:{STACK_PORTS[TOLD]}/{place}" for place in ("page", "warn", "alive")]
    text = re.sub(r"#.*", "", CONFIG.read_text())
    assert not re.search(r"(?i)(password|token|secret|key|credentials)\s*:", text)


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus.host.yml"])
def test_prometheus_tells_alertmanager_watches_it_and_gives_the_base_of_the_links_once(name: str) -> None:
    config = from_yaml((PROMETHEUS / name).read_text())
    [base] = config["global"]["external_labels"].items()
    assert base == ("runbooks", "https://runbooks.example.net")
    assert config["alerting"]["alert_relabel_configs"] == [{"regex": "runbooks", "action": "labeldrop"}]
    [manager] = config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}
    assert targets["alertmanager"] == [manager]
    assert "prometheus" in targets
