"""A scrape job reaches its exporter: the contract's port, the path /metrics."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield targets that lead elsewhere."""
    contracts = {contract.job: contract for contract in tree.contracts}
    for scrape in tree.scrapes:
        owners = {contract.port: contract.job for contract in tree.contracts}
        for job in scrape.jobs:
            contract = contracts.get(job.name)
            expected = {contract.port} if contract else set()
            for port in set(job.ports) - expected:
                if contract:
                    problem = f"the job {quote(job.name)} scrapes another port (got {port}, expected {contract.port})"
                    yield job.place, f"{problem}; correct the target or the contract"
                elif owners.setdefault(port, job.name) != job.name:
                    problem = f"the job {quote(job.name)} scrapes port {port}, which belongs to {quote(owners[port])}"
                    yield job.place, f"{problem}; correct the target"
            if contract and not job.ports:
                yield (
                    job.place,
                    f"the job {quote(job.name)} has no target with a port (expected {contract.port}); add it",
                )
            if job.path != "/metrics":
                yield (
                    job.place,
                    f"the job {quote(job.name)} asks {quote(job.path)}, expected /metrics; delete metrics_path",
                )
