"""What holds for every rule file: the operator's contract, labels, annotations, and a test per alert for both ways.

promtool judges the rules themselves (`python -m tests.promtool_checks`); that they mean something, the lint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.documents import from_yaml

pytestmark = pytest.mark.thorough

PROMETHEUS = Path(__file__).parents[1] / "prometheus"

CONTRACTED = {
    "AI_LIVE_ExporterDown": ("1m", "page"),
    "AI_LIVE_StaleEvents": ("2m", "warn"),
    "AI_LIVE_ParseErrorsSpike": ("2m", "warn"),
    "AI_LIVE_DroppedEventsSpike": ("2m", "warn"),
    "AI_LIVE_LatencyP95High": ("5m", "warn"),
    "AI_LIVE_LatencyP99High": ("5m", "warn"),
}
"""Alert -> how long it waits, how bad it is. These names are a contract with the operator."""


def read_rules() -> list[Mapping[str, Any]]:
    """Return every rule of every file."""
    documents = [from_yaml(path.read_text()) for path in sorted((PROMETHEUS / "rules").glob("*.yml"))]
    return [rule for document in documents for group in document["groups"] for rule in group["rules"]]


ALWAYS = {"PROMETHEUS_DeadMansSwitch"}
FOR_ALL = {"EXPORTER_ContractDrift", *ALWAYS}
"""Alerts that speak of the whole fleet."""

ALERTS = {rule["alert"]: rule for rule in read_rules() if "alert" in rule}


@cache
def read_cases() -> list[Mapping[str, Any]]:
    """Return what every file of tests expects of an alert at some moment."""
    documents = [from_yaml(path.read_text()) for path in sorted((PROMETHEUS / "rule_tests").glob("*.yml"))]
    return [case for document in documents for test in document["tests"] for case in test.get("alert_rule_test", ())]


def test_the_six_contracted_alerts_are_those_of_the_ai_layer_with_their_delays_and_severities() -> None:
    found = {name: (rule["for"], rule["labels"]["severity"]) for name, rule in ALERTS.items() if name in CONTRACTED}
    assert found == CONTRACTED
    assert {name for name in ALERTS if name.startswith("AI_LIVE_")} == CONTRACTED.keys()


def test_an_alert_name_is_used_once() -> None:
    names = [rule["alert"] for rule in read_rules() if "alert" in rule]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_an_alert_says_how_bad_where_what_and_what_to_look_at_first(name: str) -> None:
    rule = ALERTS[name]
    assert set(rule["labels"]) == {"severity", "component"}
    assert rule["labels"]["severity"] in ("page", "warn", "info", "none")
    assert rule["labels"]["component"] in ("ai_live", "pipeline", "execution", "exporter", "metricsd", "prometheus")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert re.findall(r"\((\d)\) ", rule["annotations"]["description"].split(" First: ")[1]) == ["1", "2", "3"]


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_an_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_silent(name: str) -> None:
    cases = [case for case in read_cases() if case["alertname"] == name]
    assert {bool(case["exp_alerts"]) for case in cases} == ({True} if name in ALWAYS else {True, False})


@pytest.mark.parametrize("rule", read_rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_no_rule_makes_a_healthy_number_out_of_missing_data(rule: Mapping[str, Any]) -> None:
    assert not re.search(r"\bor\b[^\n]*\bvector\(", rule["expr"])
    assert "clamp_min" not in rule["expr"]


def test_every_rule_file_has_a_file_of_tests() -> None:
    tested = {path.stem.removesuffix("_hours") for path in (PROMETHEUS / "rule_tests").iterdir()}
    assert {path.stem for path in (PROMETHEUS / "rules").iterdir()} == tested


def test_every_alert_that_fires_in_a_test_names_its_target_unless_there_is_none_or_it_is_for_the_whole_fleet() -> None:
    for case in read_cases():
        for alert in case["exp_alerts"]:
            told = alert["exp_labels"].keys() >= {"job", "instance"}
            text = " ".join(alert["exp_annotations"]["summary"].split())
            assert told or "whole fleet" in text, (case["alertname"], text)
            assert told != (case["alertname"] in FOR_ALL) or "instance" not in alert["exp_labels"]
            if told:
                assert alert["exp_labels"]["instance"] in " ".join(alert["exp_annotations"].values())


@pytest.mark.parametrize("rule", [rule for rule in read_rules() if "record" in rule], ids=lambda rule: rule["record"])
def test_a_recording_keeps_its_target_or_is_a_promise_or_a_host(rule: Mapping[str, Any]) -> None:
    assert rule["record"].startswith(("instance", "host:")) or rule["expr"].startswith("vector(")
