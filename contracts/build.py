"""A checked document -> Contract: the parts are built, then looked at together.

In: a document of the right shape. Out: a `Contract`, or ContractError with every fault. Here stand the checks that
need more than one part: words nobody fills or reads, paths read as two kinds, budgets the contract can exceed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from contracts.document import Faults, Spot, quote
from contracts.metrics import build_metrics, build_pairs
from contracts.model import Contract, Files, Metric, PathKind
from contracts.sources import build_sources
from contracts.vocabulary import build_words

__all__ = ["build_contract"]


def build_contract(document: Spot, faults: Faults, sha256: str) -> Contract:
    """Return the contract a document states.

    Raises:
        ContractError: with every fault, those of all parts together.
    """
    exporter, files = _part(document, "exporter"), _part(document, "files")
    words = build_words(_part(document, "vocabulary"), faults)
    contract = Contract(
        name=exporter.text_of("name"),
        help=exporter.text_of("help"),
        port=int(exporter.number_of("port", 0)),
        port_env=exporter.text_of("port_env") or None,
        job=exporter.text_of("job"),
        files=Files(
            files.text_of("env") or None,
            files.texts_of("default"),
            int(files.number_of("max_line_bytes", 1 << 20)),
        ),
        words=words,
        sources=build_sources(_part(document, "sources"), words, faults),
        metrics=build_metrics(_part(document, "metrics"), words, faults),
        pairs=build_pairs(document.get("pairs"), words, faults),
        path=faults.file,
        sha256=sha256,
    )
    faults.raise_if_any()
    _check_stem(contract, exporter, faults)
    _check_words(contract, document, faults)
    _check_paths(contract, document, faults)
    for metric in contract.metrics:
        _check_series(contract, metric, _part(_part(document, "metrics"), metric.name), faults)
    faults.raise_if_any()
    return contract


def _part(document: Spot, key: str) -> Spot:
    found = document.get(key)
    assert found is not None, f"checked by its shape: {key}"
    return found


def _check_stem(contract: Contract, exporter: Spot, faults: Faults) -> None:
    stem = Path(contract.path).stem
    if stem != contract.name:
        problem = f"the name is {quote(contract.name)} but the file is {stem}.yaml; make them equal"
        faults.add(exporter, problem)


def _check_words(contract: Contract, document: Spot, faults: Faults) -> None:
    vocabulary = _part(document, "vocabulary")
    filled = {read.word for source in contract.sources for read in source.all_reads()}
    filled |= {word for pair in contract.pairs for word in (pair.edge, pair.latency)}
    filled |= {name for name, word in contract.words.items() if word.default is not None}
    used = set(_words_used(contract))
    for name in contract.words:
        spot = _part(vocabulary, name)
        if name not in used:
            faults.add(spot, f"no metric, pair or condition uses the word {quote(name)}; use it or delete it")
        elif name not in filled:
            faults.add(
                spot,
                f"no source fills the word {quote(name)}, so what uses it stays empty; read it somewhere",
            )


def _words_used(contract: Contract) -> Iterator[str]:
    for source in contract.sources:
        yield from source.require_any
        yield from (read.word for read in source.all_reads() if read.required)
    for metric in contract.metrics:
        yield from metric.labels.values()
        yield from (name for name in (metric.subject, metric.amount) if name)
        yield from (condition.subject[0] for condition in metric.when)
    for pair in contract.pairs:
        yield from (pair.id, pair.stage, pair.at)


def _check_paths(contract: Contract, document: Spot, faults: Faults) -> None:
    kinds: dict[tuple[str, ...], PathKind] = {}
    sources = _part(document, "sources")
    for source in contract.sources:
        for path, kind in contract.paths_of(source):
            known = kinds.setdefault(path, kind)
            if known != kind:
                problem = (
                    f"{quote('.'.join(path))} is read both as {known} and as {kind}; read it as one of them"
                )
                faults.add(_part(sources, source.name), problem)
    for path in kinds:
        for longer in kinds:
            if len(longer) > len(path) and longer[: len(path)] == path:
                problem = f"{quote('.'.join(path))} is read as a value and as the object around {quote('.'.join(longer))}"
                faults.add(sources, f"{problem}; read one of them")


def _check_series(contract: Contract, metric: Metric, spot: Spot, faults: Faults) -> None:
    worst = contract.worst_case_series(metric)
    if worst > metric.budget:
        parts = " x ".join(
            f"{label} {len(contract.label_values(metric, label)) or contract.words[word].worst_case}"
            for label, word in metric.labels.items()
        )
        problem = f"it can reach {worst} series ({parts}), but its budget is {metric.budget}"
        faults.add(spot, f"{problem}; drop a label, shorten a list or raise the budget")
