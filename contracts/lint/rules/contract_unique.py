"""No two contracts share a metric, none takes a port that belongs to another part of the stack, job and name are one.

A job may have the prefix `peak_trade_` before the name. Two contracts with one port, job or name are refused by the
loader. Source of ports and prefix: 1.1 and 1.2 of the fact sheet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
from contracts.model import Contract

__all__ = ["PLATFORM_PORTS", "SEVERITY", "check"]

SEVERITY: Severity = "error"

PLATFORM_PORTS: Mapping[int, str] = {
    3000: "Grafana",
    8000: "the web console",
    9090: "Prometheus (in its container)",
    9092: "Prometheus",
    9093: "Alertmanager",
    9095: "whoever Alertmanager tells",
}
"""Port -> owner, for what has no contract."""


def check(tree: Tree) -> Iterator[Claim]:
    """Yield names and ports with two owners."""
    owners: dict[str, Contract] = {}
    for contract in tree.contracts:
        if contract.port in PLATFORM_PORTS:
            problem = (
                f"port {contract.port} of {contract.name} belongs to {PLATFORM_PORTS[contract.port]}; choose another"
            )
            yield tree.place_of(contract), problem
        if contract.job.removeprefix("peak_trade_") != contract.name:
            got = f"got {quote(contract.job)}, expected {quote(contract.name)}"
            yield tree.place_of(contract), f"the job of {contract.name} has another name ({got}); make them equal"
        for metric in contract.metrics:
            owner = owners.setdefault(metric.name, contract)
            if owner is not contract:
                problem = f"{metric.name} belongs to {tree.relative(owner.path)} already; rename one of the two"
                yield tree.place_of(contract, metric), problem
