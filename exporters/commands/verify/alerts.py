"""Asks Prometheus what fires: of severity page is a failure, with its runbook; anything else is only told.

In: a site and contracts. Out: a check.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contracts.model import Contract
from exporters.commands.verify.client import HttpClient, NoAnswerError
from exporters.commands.verify.finding import Check, Depth, Finding, passed

__all__ = ["ALERTMANAGER", "check_alerts"]

ALERTMANAGER = "alertmanager"
"""The job of Alertmanager, and what findings on it are about."""

_OF_ALERTMANAGER = ("ALERTMANAGER_Down", "PROMETHEUS_NobodyIsTold")
"""What fires when there is none."""


def check_alerts(prometheus: HttpClient, contracts: Sequence[Contract]) -> Check:
    """Does anything fire for which somebody is paged."""
    about = {contract.job: contract.name for contract in contracts}
    return Check("alerts", lambda: _alerts(prometheus, about), "is this a Prometheus?")


def _alerts(prometheus: HttpClient, about: Mapping[str, str]) -> Iterator[Finding]:
    answer = prometheus.read_json("/api/v1/alerts", "alerts.json")
    try:
        firing = [alert for alert in answer["data"]["alerts"] if alert["state"] == "firing"]
    except (KeyError, TypeError) as error:
        raise NoAnswerError(f"{prometheus.base.rstrip('/')}/api/v1/alerts: answered without alerts") from error
    paging = [alert for alert in firing if alert["labels"].get("severity") == "page"]
    for alert in paging:
        labels, told = alert["labels"], alert.get("annotations", {})
        text = told.get("summary") or f"{labels['alertname']} fires"
        name = about.get(labels.get("job", ""), "")
        name = ALERTMANAGER if labels["alertname"] in _OF_ALERTMANAGER else name
        yield Finding("FAIL", f"alert_{labels['alertname']}", text, told.get("runbook_url", "?"), name, Depth.ANSWER)
    if not paging:
        yield passed("alerts", "nothing fires for which somebody is paged")
    yield Finding("INFO", "alerts", f"firing: {', '.join(sorted(map(_name, firing))) or 'none'}")


def _name(alert: Mapping[str, Any]) -> str:
    labels = alert["labels"]
    return f"{labels['alertname']} ({labels.get('severity', 'no severity')})"
