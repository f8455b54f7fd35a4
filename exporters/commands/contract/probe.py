"""A contract that counts, for each word and source, the events that fill it: so the engine itself says what is filled.

In: a contract. Out: the same words and sources under other metrics. So nothing is read here in another way than the
exporter reads it.
"""

from __future__ import annotations

from msgspec.structs import replace

from contracts.model import SOURCE_WORD, Contract, Metric, Word

__all__ = ["EVENTS", "PREFIX", "alone", "probe_of"]

PREFIX, EVENTS = "word ", "events"
"""What the name of a word's metric begins with; that of the metric which counts every event."""


def probe_of(contract: Contract) -> Contract:
    """Return a contract with a metric for each word, labelled with the source, and with the value if it can be one."""
    metrics = tuple(_metric_of(word) for word in contract.words.values())
    every = Metric(EVENTS, "counter", "counts", "", {SOURCE_WORD: SOURCE_WORD}, 1, subject=EVENTS)
    return replace(contract, metrics=(every, *metrics), pairs=())


def _metric_of(word: Word) -> Metric:
    labels = {SOURCE_WORD: SOURCE_WORD}
    name = PREFIX + word.name
    if word.is_label:
        return Metric(name, "counter", "counts", "", {**labels, "value": word.name}, 1, subject=word.name)
    return Metric(name, "counter", "counts", "", labels, 1, subject=EVENTS, amount=word.name)


def alone(contract: Contract, name: str) -> Contract:
    """Return a contract that has the source `name` alone."""
    return replace(contract, sources=tuple(source for source in contract.sources if source.name == name))
