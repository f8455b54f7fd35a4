"""A metric is named as Prometheus names things, under a prefix this project owns.

Base units only (`_seconds`, not `_ms`; `_ratio`, not `_percent`), no type in the name, no label baked into it
(`_by_run_id`), lower case. Source: prometheus.io/docs/practices/naming; K-10 of the fact sheet for the prefixes.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_WRONG_UNITS = {
    **dict.fromkeys(("ms", "msec", "millis", "milliseconds", "us", "microseconds", "ns", "nanoseconds"), "seconds"),
    **dict.fromkeys(("sec", "secs", "minutes", "hours", "days"), "seconds"),
    **dict.fromkeys(("kb", "mb", "gb", "kib", "mib", "kilobytes", "megabytes"), "bytes"),
    **dict.fromkeys(("percent", "percentage", "pct"), "ratio"),
    "ts": "timestamp_seconds",
}
_TYPES = ("counter", "gauge", "histogram", "metric")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield what is wrong with each metric's name."""
    for contract in tree.contracts:
        for metric in contract.metrics:
            for problem in _problems(metric.name, tree.settings.prefixes):
                yield tree.place_of(contract, metric), problem


def _problems(name: str, prefixes: tuple[str, ...]) -> Iterator[str]:
    if not name.startswith(prefixes):
        yield f"the prefix of {quote(name)} is not ours (expected {', '.join(prefixes)}); rename the metric"
    if name != name.lower():
        yield f"{quote(name)} has capitals; write {quote(name.lower())}"
    words = name.split("_")
    for word in words:
        if word.lower() in _WRONG_UNITS:
            unit = _WRONG_UNITS[word.lower()]
            yield f"{quote(name)} names no base unit (got {word}, expected {unit}); convert and rename"
        if word.lower() in _TYPES:
            yield f"{quote(name)} names its type (got {word}); leave it out"
    if "by" in words[1:]:
        label = name.removesuffix("_total").partition("_by_")[2]
        yield f"{quote(name)} has the label {quote(label)} in its name; drop it, queries aggregate by labels"
