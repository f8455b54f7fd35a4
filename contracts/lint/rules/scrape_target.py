"""No target is scraped twice by one Prometheus.

Two jobs with one address give every series twice, under two jobs: sums double, and an alert fires twice. Compared are
address, path, scheme and parameters; `localhost` and `127.0.0.1` are one.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.scrape_files import Job
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield targets that stand twice."""
    for scrape in tree.scrapes:
        first: dict[object, Job] = {}
        for job in scrape.jobs:
            for target in job.targets if not job.node.get("relabel_configs") else ():
                parameters = tuple((key, spot.texts_of(key)) for key, spot in job.node.entries("params"))
                address = target.replace("localhost:", "127.0.0.1:")
                key = (address, job.path, job.node.text_of("scheme", "http"), str(parameters))
                if key in first:
                    problem = f"{quote(target)} is scraped by the job {quote(first[key].name)} already"
                    yield job.place, f"the job {quote(job.name)}: {problem}; delete one of the two"
                first.setdefault(key, job)
