"""A metric of a word with a unit carries it, and a path that states another unit is scaled.

`observes: latency` (seconds) ends in `_seconds`; `sets: at` (a time) has `_timestamp_seconds`; a path `latency_ms` read
into a word of seconds has `scale: 0.001`. Otherwise panels are a thousand times too large and nobody notices.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Place, Severity
from contracts.lint.inputs.tree import Tree
from contracts.model import Contract, Metric

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_SCALES = {"_s": 1.0, "_seconds": 1.0, "_ms": 1e-3, "_us": 1e-6, "_ns": 1e-9, "_bytes": 1.0, "_kb": 1024.0}
_UNITS = ("seconds", "bytes", "ratio")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield names without their unit, and reads without their scale."""
    for contract in tree.contracts:
        for metric in contract.metrics:
            problem = _problem(contract, metric)
            if problem:
                yield tree.place_of(contract, metric), problem
        yield from _unscaled(tree, contract)


def _problem(contract: Contract, metric: Metric) -> str:
    word = contract.words.get(metric.about) if metric.about else None
    stem = metric.name.removesuffix("_total").split("_by_")[0]
    has = next((unit for unit in ("timestamp_seconds", *_UNITS) if stem.endswith(f"_{unit}")), "none")
    wanted = "none"
    if word is not None and word.kind in ("number", "time"):
        wanted = "timestamp_seconds" if word.kind == "time" else word.unit if word.unit in _UNITS else "none"
    if has == wanted:
        return ""
    source = f"the word {quote(word.name)}" if word is not None else "what it counts"
    return f"{quote(metric.name)} does not end in the unit of {source} (got {has}, expected {wanted}); rename it"


def _unscaled(tree: Tree, contract: Contract) -> Iterator[Claim]:
    for source in contract.sources:
        for read in source.reads_of_all():
            if contract.words[read.word].unit not in _UNITS:
                continue
            for candidate in read.candidates:
                path = ".".join(candidate.path)
                ending = next((ending for ending in _SCALES if path.endswith(ending)), "")
                if ending and candidate.scale != _SCALES[ending]:
                    place = Place(tree.relative(contract.path), source.line)
                    got = f"got scale {candidate.scale:g}, expected {_SCALES[ending]:g}"
                    unit = contract.words[read.word].unit
                    yield place, f"{source.name} reads {quote(path)} as {unit} unscaled ({got}); set scale"
