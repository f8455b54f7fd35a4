"""A document -> Contract: the sound parts are built, then looked at together.

In: a document whose shape was checked. Out: a `Contract`, or ContractError with every fault. Here stand the checks that
need more than one part: words nobody fills or reads, paths read as two kinds, budgets the contract can exceed.
What has a fault already, or mentions a word that has one, is left out of further checks: each mistake is told once.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from itertools import permutations
from pathlib import Path

from contracts.compiler.document import Faults, Spot, quote
from contracts.compiler.metrics import build_metrics
from contracts.compiler.newest import settle_newest
from contracts.compiler.origin import build_files, check_origin
from contracts.compiler.pairs import build_pairs
from contracts.compiler.paths import show_path
from contracts.compiler.sources import build_sources
from contracts.compiler.vocabulary import build_words
from contracts.model import SOURCE_WORD, Contract, Metric
from contracts.places import names_in

__all__ = ["build_contract"]

_PARTS = ("vocabulary", "sources", "metrics", "pairs")
_RESERVED_NAMES = frozenset({"engine", "lint", "console"})
"""Names of other folders and processes. Source: house style 3."""


def build_contract(document: Spot, faults: Faults, sha256: str) -> Contract:
    """Return the contract a document states.

    Raises:
        ContractError: with every fault, those of all parts together.
    """
    exporter = document.at("exporter")
    _check_name(exporter.at("name"), faults)
    vocabulary = _sound(document.at("vocabulary"), frozenset(), faults)
    words = build_words(vocabulary, faults)
    unclear = frozenset(name for name, _ in document.entries("vocabulary")) - words.keys()
    parts = [_sound(document.at(key), unclear, faults) for key in _PARTS[1:]]
    check_origin(document, faults)
    sources, metrics, pairs = parts if _is_whole(document) else [Spot({}, part.line, part.path) for part in parts]
    names = [name for name, _ in document.entries("sources")]
    read = build_sources(sources, words, faults)
    built = build_metrics(metrics, words, names, faults, is_recorded=_is_recorded(document))
    port = 0 if faults.touch(exporter.at("port")) else int(exporter.number_of("port", 0))
    contract = Contract(
        name=exporter.text_of("name"),
        help=exporter.text_of("help"),
        port=port,
        port_env=exporter.text_of("port_env") or None,
        job=exporter.text_of("job"),
        files=build_files(document, faults),
        words=words,
        sources=read,
        metrics=settle_newest(metrics, built, read, words, faults),
        pairs=build_pairs(pairs, words, faults),
        path=faults.file,
        sha256=sha256,
        is_recorded=_is_recorded(document),
    )
    _check_together(contract, document, faults)
    faults.raise_if_any()
    return contract


def _is_whole(document: Spot) -> bool:
    """Whether the parts are there that others refer to."""
    wanted = ("vocabulary", "metrics") if _is_recorded(document) else ("vocabulary", "sources", "metrics")
    return all(any(document.entries(key)) for key in wanted)


def _is_recorded(document: Spot) -> bool:
    return document.get("folder") is not None


def _sound(part: Spot, unclear: Set[str], faults: Faults) -> Spot:
    """Return a part without the entries that have a fault or mention an unclear word."""
    entries = {name: spot for name, spot in part.items() if not faults.touch(spot) and not spot.mentions(unclear)}
    return Spot(entries, part.line, part.path)


def _check_name(spot: Spot, faults: Faults) -> None:
    if faults.touch(spot) or not spot.text:
        return
    stem = Path(faults.file).stem
    if stem.replace("-", "_") != spot.text:
        problem = f"the name is {quote(spot.text)} but the file is {stem}.yaml"
        faults.add(spot, f"{problem}; make them equal, with a _ in the name for each - of the file")
    if spot.text in _RESERVED_NAMES:
        faults.add(spot, f"the name {quote(spot.text)} is reserved; choose another")


def _check_together(contract: Contract, document: Spot, faults: Faults) -> None:
    sound = {source.name for source in contract.sources if not faults.touch(document.at("sources", source.name))}
    _check_paths(contract, sound, document.at("sources"), faults)
    _check_placeholders(contract, document, faults)
    _check_latencies(contract, document.at("metrics"), faults)
    has_all_sources = len(contract.sources) == len(list(document.entries("sources")))
    for metric in contract.metrics:
        if has_all_sources or SOURCE_WORD not in metric.labels.values():
            words = (document.at("vocabulary", word) for word in metric.labels.values())
            spot = document.at("metrics", metric.name)
            if not any(faults.touch(part) for part in (spot, *words)):
                _check_series(contract, metric, spot, faults)
    if _is_whole(document) and not any(faults.touch(document.at(key)) for key in _PARTS):
        _check_words(contract, document.at("vocabulary"), faults)


def _check_words(contract: Contract, vocabulary: Spot, faults: Faults) -> None:
    filled = {read.word for source in contract.sources for read in source.reads_of_all()}
    filled |= {word for pair in contract.pairs for word in (pair.edge, pair.latency)}
    filled |= {name for name, word in contract.words.items() if contract.is_recorded or word.default is not None}
    made = {name: set(word.made_of.words) for name, word in contract.words.items() if word.made_of}
    filled |= {name for name, parts in made.items() if parts <= filled}
    used = set(_words_used(contract))
    used |= {part for name in used & made.keys() for part in made[name]}
    for name in contract.words:
        if name not in used:
            problem = f"no metric, pair or condition uses the word {quote(name)}; use it or delete it"
            faults.add(vocabulary.at(name), problem)
        elif name not in filled:
            problem = f"no source fills the word {quote(name)}, so what uses it stays empty; read it somewhere"
            faults.add(vocabulary.at(name), problem)


def _words_used(contract: Contract) -> Iterator[str]:
    for source in contract.sources:
        yield from source.require_any
        yield from (read.word for read in source.all_reads() if read.required)
    for metric in contract.metrics:
        if metric.job != "rejections":
            yield from metric.labels.values()
        yield from (name for name in (metric.subject, metric.amount, metric.newest_by) if name)
        yield from (name for condition in (*metric.when, *metric.ends) for name in condition.subject)
    for pair in contract.pairs:
        yield from (pair.id, pair.stage, pair.at, pair.edge)


def _check_paths(contract: Contract, sound: Set[str], sources: Spot, faults: Faults) -> None:
    """Of one path, no source can read what is there as a value and another as an object that holds others."""
    read = {
        path: source.name
        for source in contract.sources
        for path, kind in contract.paths_of(source)
        if kind != "any" and path and source.name in sound
    }
    for path, longer in permutations(read, 2):
        if longer[: len(path)] == path:
            around = f"the object around {quote(show_path(longer))}"
            problem = f"{quote(show_path(path))} is read as a value and as {around}; read one of the two"
            faults.add(sources.at(read[longer]), problem)


def _check_placeholders(contract: Contract, document: Spot, faults: Faults) -> None:
    known = names_in(contract.files.default)
    for source in contract.sources:
        for candidate in (one for read in source.reads_of_all() for one in read.candidates if one.file):
            if candidate.file not in known:
                place = f"{{{candidate.file}}}"
                problem = f"no path in files.default holds {place}; write it there, such as logs/{place}.jsonl"
                faults.add(document.at("sources", source.name), problem)


def _check_latencies(contract: Contract, metrics: Spot, faults: Faults) -> None:
    """What a pair measures is known after events were tested."""
    latencies = {pair.latency for pair in contract.pairs}
    for metric in contract.metrics:
        tested = (name for one in metric.when for name in one.subject if not contract.words[name].is_label)
        first = next(tested, None)
        if metric.subject in latencies and first is not None:
            problem = f"{quote(metric.name)} observes what a pair measures, so {quote(first)} cannot be tested"
            faults.add(metrics.at(metric.name, "when"), f"{problem}; test words with values or allow")


def _check_series(contract: Contract, metric: Metric, spot: Spot, faults: Faults) -> None:
    worst = contract.worst_case_series(metric)
    if worst > metric.budget:
        sizes = {
            label: len(contract.label_values(metric, label)) or contract.words[word].worst_case
            for label, word in metric.labels.items()
        }
        parts = " x ".join(f"{label} {size}" for label, size in sizes.items())
        problem = f"it can reach {worst} series ({parts}), but its budget is {metric.budget}"
        faults.add(spot, f"{problem}; drop a label, shorten a list or raise the budget")
