"""A limit of a scrape job is above what its exporter can have: `sample_limit`, `label_limit`.

When a limit is passed Prometheus throws the whole scrape away, and `up` is 0, at the hour in which most happens. The
contract says how many samples there can be at most (a histogram takes one per bucket and three more).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
from contracts.model import Contract

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_LABELS_OF_TARGETS = 3
"""Name, job and instance count as labels."""


def check(tree: Tree) -> Iterator[Claim]:
    """Yield limits an exporter can pass."""
    contracts = {contract.job: contract for contract in tree.contracts}
    for scrape in tree.scrapes:
        for job in scrape.jobs:
            contract = contracts.get(job.name)
            needs = {"sample_limit": _samples(contract), "label_limit": _labels(contract)} if contract else {}
            for key, needed in needs.items():
                stated = job.node.get(key) or scrape.node.at("global").get(key)
                if stated is None or not re.fullmatch("[0-9]{1,15}", stated.text):
                    continue
                got = int(stated.text)
                if 0 < got < needed:
                    problem = f"the {key} of {quote(job.name)} is below what it can have (got {got}, expected {needed})"
                    yield job.place.at(stated.line), f"{problem}; raise it, or drop labels in the contract"


def _samples(contract: Contract) -> int:
    return sum(
        contract.worst_case_series(metric) * (len(metric.buckets) + 3 if metric.type == "histogram" else 1)
        for metric in contract.metrics
    )


def _labels(contract: Contract) -> int:
    return _LABELS_OF_TARGETS + max(len(metric.labels) + (metric.type == "histogram") for metric in contract.metrics)
