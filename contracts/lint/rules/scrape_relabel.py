"""Relabelling keeps what the contracts promise: no step of `metric_relabel_configs` drops, renames or blanks any of it.

A `drop` written for one noisy metric takes every name its pattern matches, and a `labeldrop` makes two series one,
which Prometheus then refuses as duplicates. Each step is tried on every series name of the job's contract, with the
values its closed labels can have; what depends on labels without a closed list is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice, product

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.scrape_files import Relabelling
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.catalog import Series
from contracts.lint.promql.syntax import matches

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_SHOWN = 3
_MOST = 2_000
"""Combinations of values tried for one series and one step."""


def check(tree: Tree) -> Iterator[Claim]:
    """Yield steps that lose something."""
    owners = {contract.job: contract.name for contract in tree.contracts}
    for scrape in tree.scrapes:
        for job in scrape.jobs:
            series = [one for one in tree.catalog.series.values() if one.owner == owners.get(job.name)]
            for step in job.relabellings:
                lost = list(dict.fromkeys(loss for one in series for loss in _losses(step, one)))
                if lost:
                    more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
                    problem = f"the job {quote(job.name)}: {step.action} loses {', '.join(lost[:_SHOWN])}{more}"
                    yield step.place, f"{problem}; narrow its regex or delete the step"


def _losses(step: Relabelling, series: Series) -> Iterator[str]:
    labels = [label for label in series.labels if label not in ("job", "instance")]
    if step.action in ("labeldrop", "labelkeep"):
        drops = step.action == "labeldrop"
        for label in ("__name__", *labels):
            if matches(step.regex, label) == drops:
                yield series.name if label == "__name__" else f"the label {label} of {series.family}"
    elif step.action in ("drop", "keep"):
        taken = [
            values for values, text in _texts(step, series) if matches(step.regex, text) == (step.action == "drop")
        ]
        yield from (_shown(series.name, values) for values in taken)
    elif _writes(step, labels) and any(_changes(step, series, text) for _, text in _texts(step, series)):
        name = f"the name {series.name}"
        yield name if step.target == "__name__" else f"the label {step.target} of {series.family}"


def _writes(step: Relabelling, labels: list[str]) -> bool:
    return step.action in ("replace", "lowercase", "uppercase", "hashmod") and step.target in ("__name__", *labels)


def _texts(step: Relabelling, series: Series) -> Iterator[tuple[Mapping[str, str], str]]:
    """Yield (labels that decide, what the pattern is compared with); nothing if an open label is among the sources."""
    choices = []
    for source in step.sources:
        values = (series.name,) if source == "__name__" else series.labels.get(source, ("",))
        if not values:
            return
        choices.append(values)
    for found in islice(product(*choices), _MOST):
        deciding = {source: value for source, value in zip(step.sources, found, strict=True) if source != "__name__"}
        yield deciding, step.separator.join(found)


def _shown(name: str, values: Mapping[str, str]) -> str:
    inner = ", ".join(f'{label}="{value}"' for label, value in values.items() if value)
    return f"{name}{{{inner}}}" if inner else name


def _changes(step: Relabelling, series: Series, text: str) -> bool:
    """Whether a step writes something else into a label than stood there."""
    if step.action != "replace":
        return step.action == "hashmod" or any(
            value != (value.lower() if step.action == "lowercase" else value.upper())
            for value in (series.labels.get(step.target) or (series.name,))
        )
    try:
        found = re.fullmatch(step.regex, text)
    except re.error:
        return False
    is_same = step.sources == (step.target,) and step.regex == "(.*)" and step.replacement in ("$1", "${1}")
    return found is not None and not is_same
