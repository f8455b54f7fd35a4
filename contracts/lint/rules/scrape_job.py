"""Every Prometheus configuration scrapes exactly the exporters that have a contract.

A contract nobody scrapes is a blind spot; a job without a contract is down for ever, and needs a reasoned exception
(what is planned but not part of the repository). Prometheus may scrape itself, as job `prometheus`, and the
Alertmanager it tells, as job `alertmanager`; `foreign_jobs` of peaktrade.toml are somebody else's, and known to be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Place, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_FOREIGN = ("prometheus", "alertmanager")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield jobs without a contract, contracts without a job, and double jobs."""
    contracts = {contract.job: contract for contract in tree.contracts}
    for scrape in tree.scrapes if contracts else ():
        number = Counter(job.name for job in scrape.jobs)
        for job in scrape.jobs:
            if job.name not in contracts and job.name not in (*_FOREIGN, *tree.settings.foreign_jobs):
                known = ", ".join(sorted(contracts))
                yield (
                    job.place,
                    f"the job {quote(job.name)} has no contract (expected one of {known}); write one or delete it",
                )
            if number[job.name] > 1:
                yield job.place, f"the job {quote(job.name)} stands here {number[job.name]} times; delete all but one"
        for name, contract in contracts.items():
            if name not in number:
                problem = f"no job scrapes {contract.name}; add job_name {quote(name)} with port {contract.port}"
                yield Place(scrape.file, 1), problem
