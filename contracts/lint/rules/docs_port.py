"""Docs mention only ports something owns: a contract, a scrape target, a service of compose, or the platform.

A runbook that sends its reader to a port nobody listens on costs the minutes that matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.lint.finding import Claim, Place, Severity
from contracts.lint.inputs.compose_files import read_services
from contracts.lint.inputs.tree import Tree
from contracts.lint.rules.contract_unique import PLATFORM_PORTS

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_ADDRESS = re.compile(r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0|host\.docker\.internal):(\d{2,5})\b")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield ports without an owner."""
    known = {contract.port for contract in tree.contracts} | set(PLATFORM_PORTS)
    known |= {port for scrape in tree.scrapes for job in scrape.jobs for port in job.ports}
    services = [service for file, document in tree.compose for service in read_services(file, document)]
    known |= {port.host for service in services for port in service.ports if port.host}
    for page in tree.pages if tree.contracts else ():
        for number, line in enumerate(page.text.splitlines(), 1):
            for port in map(int, _ADDRESS.findall(line)):
                if port not in known:
                    expected = ", ".join(str(owned) for owned in sorted(known))
                    problem = f"no contract and no part of the stack has port {port} (expected one of {expected})"
                    yield Place(page.file, number), f"{problem}; correct it"
