"""Compares a metrics page with the contract that promises it.

In: a contract and the families of a page. Out: problems, in words. Knows nothing of HTTP, and nothing of the engine:
what an exporter may show stands in contracts/ alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.metrics_core import Metric as Family

from contracts.compiler.vocabulary import value_problem
from contracts.model import SOURCE_WORD, Contract, Metric
from contracts.self_metrics import FOLDER, LABEL_VALUES, LIVE, RESERVED_PREFIX, STORED

__all__ = ["contract_in_force", "count_series", "find_problems", "is_known"]

_PROCESS = "process_"
_SELF = (*STORED.values(), *LIVE.values(), *FOLDER.values())


def find_problems(contract: Contract, families: Iterable[Family]) -> Iterator[str]:
    """Yield everything the page shows that the contract does not promise."""
    promised = {name: metric for metric in contract.metrics for name in _family_names(metric)}
    own = {name: metric for metric in _SELF for name in _family_names(metric)}
    for family in families:
        if family.name in promised:
            metric = promised[family.name]
            yield from _shape(metric, family)
            yield from _values(contract, metric, family)
            yield from _numbers(metric, family)
        elif family.name in own:
            yield from _shape(own[family.name], family)
            yield from _self_values(contract, own[family.name], family)
        elif not family.name.startswith(_PROCESS):
            yield f"{family.name} is not in the contract"


def is_known(contract: Contract, family: Family) -> bool:
    """Whether a family is one of the contract, or one an exporter shows of itself."""
    return any(family.name in _family_names(metric) for metric in (*contract.metrics, *_SELF))


def contract_in_force(families: Iterable[Family]) -> str:
    """Return the sha256 of the contract the exporter says it runs; "" if it says none."""
    name = RESERVED_PREFIX + "contract_info"
    return next((s.labels.get("sha256", "") for f in families if f.name == name for s in f.samples), "")


def count_series(family: Family) -> int:
    """Return how many label sets a family shows; the samples of one histogram count as one."""
    return len({_label_set(sample.labels) for sample in family.samples})


def _family_names(metric: Metric) -> tuple[str, ...]:
    """Return what the parser may call a family: a counter's suffix belongs to its samples, unless its type is wrong."""
    return (metric.name, metric.name.removesuffix("_total"))


def _label_set(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in labels.items() if name != "le")


def _shape(metric: Metric, family: Family) -> Iterator[str]:
    """Type and label names."""
    if family.type != metric.type:
        yield f"{metric.name} is a {family.type}, the contract says {metric.type}"
    expected = set(metric.labels)
    for names in {frozenset(sample.labels) - {"le"} for sample in family.samples}:
        if names != expected:
            yield f"{metric.name} has the labels {_list(names)}, the contract says {_list(expected)}"


def _values(contract: Contract, metric: Metric, family: Family) -> Iterator[str]:
    """Label values: in the closed list, or as their word writes them and not more than its cap."""
    for label, word_name in metric.labels.items():
        shown = {sample.labels.get(label, "") for sample in family.samples}
        closed = contract.label_values(metric, label)
        if closed:
            yield from (_stranger(metric, label, value) for value in sorted(shown - set(closed)))
        elif word_name != SOURCE_WORD:
            word = contract.words[word_name]
            yield from (_stranger(metric, label, value) for value in sorted(shown) if value_problem(word, value))
            if len(shown) > word.worst_case:
                yield f"{metric.name} has {len(shown)} values of {label}, the contract allows {word.worst_case}"


def _self_values(contract: Contract, metric: Metric, family: Family) -> Iterator[str]:
    for label in metric.labels:
        closed = LABEL_VALUES.get((metric.name.removeprefix(RESERVED_PREFIX), label), ())
        closed = (contract.name,) if label == "exporter" else closed
        shown = {sample.labels.get(label, "") for sample in family.samples}
        if closed:
            yield from (_stranger(metric, label, value) for value in sorted(shown - set(closed)))


def _numbers(metric: Metric, family: Family) -> Iterator[str]:
    """Budget, buckets, and that numbers are numbers."""
    series = count_series(family)
    if series > metric.budget:
        yield f"{metric.name} has {series} series, its budget is {metric.budget}"
    if any(math.isnan(sample.value) for sample in family.samples):
        yield f"{metric.name} is NaN"
    if metric.type == "histogram":
        bounds = {float(sample.labels["le"]) for sample in family.samples if "le" in sample.labels}
        if bounds != {*metric.buckets, math.inf}:
            shown = ", ".join(f"{bound:g}" for bound in sorted(bounds)) or "none"
            yield f"{metric.name} has the buckets {shown}, the contract has others"


def _stranger(metric: Metric, label: str, value: str) -> str:
    return f'{metric.name}: {label}="{value[:80]}" is no value the contract knows'


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
