"""What is asked of a stack, in which order, and what is left out when its answer cannot come.

In: sites, contracts, rule names, dashboards. Out: findings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contracts.model import Contract
from exporters.commands.verify.causes import tell_causes
from exporters.commands.verify.client import HttpClient
from exporters.commands.verify.exporter import check_exporter
from exporters.commands.verify.finding import Finding, run_all
from exporters.commands.verify.golden import GOLDEN
from exporters.commands.verify.grafana import Dashboard, check_health, grafana_checks
from exporters.commands.verify.prometheus import check_ready, prometheus_checks

__all__ = ["Plan", "carry_out"]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything there is to ask. `exporters` are the addresses of the metrics pages, in the order of `contracts`."""

    prometheus: HttpClient
    grafana: HttpClient | None
    contracts: Sequence[Contract]
    exporters: Sequence[HttpClient]
    rules: frozenset[str]
    dashboards: Sequence[Dashboard]


def carry_out(plan: Plan, retries: int, pause: Callable[[int, int], None]) -> list[Finding]:
    """Return the findings, those on the doors first; what lies behind a closed door is not asked.

    Args:
        retries, pause: as `run_all` takes them.
    """
    doors = [check_ready(plan.prometheus), *([check_health(plan.grafana)] if plan.grafana else [])]
    findings = run_all(doors, retries, pause)
    closed = {finding.id for finding in findings if not finding.passed}
    checks = [check_exporter(site, contract) for site, contract in zip(plan.exporters, plan.contracts, strict=True)]
    if "prometheus_ready" not in closed:
        names = {contract.name for contract in plan.contracts}
        golden = [one for one in GOLDEN if one.exporter in names]
        checks = prometheus_checks(plan.prometheus, plan.contracts, plan.rules, golden) + checks
    else:
        findings.append(_left_out("prometheus", "targets, rules and golden queries"))
    if plan.grafana is not None:
        if "grafana_health" not in closed:
            checks += grafana_checks(plan.grafana, plan.dashboards)
        else:
            findings.append(_left_out("grafana", "datasource and dashboards"))
    return tell_causes(findings + run_all(checks, retries, pause))


def _left_out(site: str, what: str) -> Finding:
    return Finding("WARN", site, f"{what} were not asked for, as nobody would answer")
