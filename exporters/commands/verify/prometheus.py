"""Asks Prometheus: is it ready, are its targets up, are the rules loaded, do the golden queries answer.

In: a site, contracts, rule names, golden queries. Out: checks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from contracts.model import Contract
from exporters.commands.verify.alerts import ALERTMANAGER, check_alerts
from exporters.commands.verify.client import HttpClient, NoAnswerError, query
from exporters.commands.verify.finding import Check, Depth, Finding, fail, passed
from exporters.commands.verify.flow import check_flow
from exporters.commands.verify.golden import Golden

__all__ = ["check_golden", "check_ready", "prometheus_checks"]

_START = "start Prometheus, or give its address with --prometheus-url"
_MANAGER = "start Alertmanager (docs/runbooks/alerting.md), or make its port reachable for Prometheus"
_SHOWN = 5


def check_ready(prometheus: HttpClient) -> Check:
    """Is Prometheus there, and done with reading its own data."""

    def ask() -> Iterator[Finding]:
        prometheus.read("/-/ready")
        yield passed("prometheus_ready", f"{prometheus.base} is ready")

    return Check("prometheus_ready", ask, _START)


def prometheus_checks(
    prometheus: HttpClient, contracts: Sequence[Contract], rules: frozenset[str], golden: Sequence[Golden]
) -> list[Check]:
    """Return the checks of targets, rules and golden queries."""
    return [
        Check("targets", lambda: _targets(prometheus, contracts), _START),
        Check("rules", lambda: _rules(prometheus, rules), _START),
        Check("alertmanagers", lambda: _managers(prometheus), _START),
        *check_flow(prometheus, contracts),
        *(check_golden(prometheus, one) for one in golden),
        check_alerts(prometheus, contracts),
    ]


def check_golden(prometheus: HttpClient, golden: Golden) -> Check:
    """Does a golden query answer with series enough, and with numbers."""

    def ask() -> Iterator[Finding]:
        answer = query(prometheus, golden.query, f"queries/{golden.id}.json")
        numbers = sum(not math.isnan(value) for _, value in answer)
        text = f"{golden.query}: {numbers} series, expected at least {golden.at_least}"
        if numbers < len(answer):
            yield fail(golden.id, f"{text}; {len(answer) - numbers} are NaN", _remedy_for(golden))
        elif numbers < golden.at_least:
            yield fail(golden.id, text, _remedy_for(golden))
        else:
            yield passed(golden.id, text)

    return Check(golden.id, ask, _START, golden.exporter, Depth.ANSWER)


def _remedy_for(golden: Golden) -> str:
    return f"do events arrive: curl the /metrics page of {golden.exporter} twice and compare lines_total"


def _targets(prometheus: HttpClient, contracts: Sequence[Contract]) -> Iterator[Finding]:
    by_job: dict[str, list[Mapping[str, Any]]] = {}
    for target in _data(prometheus, "/api/v1/targets", "targets.json", "activeTargets", state="active"):
        by_job.setdefault(target["labels"]["job"], []).append(target)
    for contract in contracts:
        found = by_job.pop(contract.job, [])
        if not found:
            watcher = f"add the job {contract.job} to scrape_configs in prometheus.yml, and restart Prometheus"
            text = f"Prometheus has no target of job {contract.job}"
            yield Finding("FAIL", f"target_{contract.job}", text, watcher, contract.name, Depth.TARGET)
        watcher = f"start it: python -m exporters.{contract.name}; or make its port reachable for Prometheus"
        yield from (replace(_target(one, watcher), about=contract.name, depth=Depth.TARGET) for one in found)
    for target in by_job.pop(ALERTMANAGER, []):
        yield replace(_target(target, _MANAGER), about=ALERTMANAGER, depth=Depth.TARGET)
    for targets in by_job.values():
        for finding in map(_target, targets):
            yield finding if finding.passed else Finding("WARN", finding.id, finding.message)


def _target(target: Mapping[str, Any], watcher: str = "") -> Finding:
    job, url = f"target_{target['labels']['job']}", target["scrapeUrl"]
    if target["health"] == "up":
        return passed(job, f"{url} is up")
    if target["health"] == "unknown":
        return fail(job, f"{url} has not been scraped yet", watcher)
    return fail(job, f"{url} is {target['health']}: {target.get('lastError') or 'no reason given'}", watcher)


def _managers(prometheus: HttpClient) -> Iterator[Finding]:
    known = _data(prometheus, "/api/v1/alertmanagers", "alertmanagers.json", "activeAlertmanagers")
    if known:
        yield passed("alertmanagers", f"what fires is told to {_shown([str(one.get('url')) for one in known])}")
    else:
        text = "Prometheus has no Alertmanager, so nobody is told what fires"
        watcher = "name one under alerting: in prometheus.yml, and restart Prometheus"
        yield Finding("FAIL", "alertmanagers", text, watcher, ALERTMANAGER, Depth.PAGE)


def _rules(prometheus: HttpClient, expected: frozenset[str]) -> Iterator[Finding]:
    groups = _data(prometheus, "/api/v1/rules", "rules.json", "groups")
    loaded = [rule for group in groups for rule in group["rules"]]
    missing = sorted(expected - {rule["name"] for rule in loaded})
    broken = sorted(f"{rule['name']} ({rule.get('lastError')})" for rule in loaded if rule.get("health") == "err")
    if missing:
        text = f"{len(expected) - len(missing)} of {len(expected)} rules are loaded; missing: {_shown(missing)}"
        yield fail("rules", text, "is every file of prometheus/rules/ under rule_files; then restart Prometheus")
    if broken:
        yield fail("rules", f"{len(broken)} rules cannot be evaluated: {_shown(broken)}", "correct the expression")
    if not missing and not broken:
        yield passed("rules", f"all {len(expected)} rules are loaded")


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _data(prometheus: HttpClient, path: str, name: str, key: str, **parameters: str) -> Sequence[Mapping[str, Any]]:
    """Return one list of an API answer."""
    answer = prometheus.read_json(path, name, **parameters)
    found = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(found, dict) or not isinstance(found.get(key), list):
        raise NoAnswerError(f"{prometheus.base.rstrip('/')}{path}: answered without {key}; is this a Prometheus?")
    return list(found[key])
