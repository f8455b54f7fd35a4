"""Pair entries of a checked document -> Pairs.

In: the `pairs` mapping, already of the right shape, and the words. Out: `Pair`s in file order, and a fault for every
word of the wrong kind and every edge that joins nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from contracts.compiler.document import Faults, Spot, quote
from contracts.model import Pair, Word

__all__ = ["build_pairs"]

_KINDS = {"id": "id", "stage": "enum", "at": "time", "edge": "enum", "latency": "number"}


def build_pairs(spot: Spot | None, words: Mapping[str, Word], faults: Faults) -> tuple[Pair, ...]:
    """Return the pairs in file order."""
    return tuple(_build_pair(name, entry, words, faults) for name, entry in (spot.items() if spot else ()))


def _build_pair(name: str, spot: Spot, words: Mapping[str, Word], faults: Faults) -> Pair:
    for key, kind in _KINDS.items():
        _check_kind(spot.at(key), key, kind, words, faults)
    return Pair(
        name=name,
        id=spot.text_of("id"),
        stage=spot.text_of("stage"),
        at=spot.text_of("at"),
        edge=spot.text_of("edge"),
        latency=spot.text_of("latency"),
        edges=_build_edges(spot, words, faults),
        timeout_s=spot.number_of("timeout", 300.0),
        max_open=int(spot.number_of("max_open", 20000)),
        line=spot.line,
    )


def _check_kind(spot: Spot, key: str, kind: str, words: Mapping[str, Word], faults: Faults) -> None:
    word = words.get(spot.text)
    if word is None or word.kind != kind:
        got = f"{quote(word.name)} is of kind {word.kind}" if word else f"there is no word {quote(spot.text)}"
        faults.add(spot, f"{key} needs a word of kind {kind}, but {got}; use or declare another")
    elif key == "latency" and word.unit != "seconds":
        faults.add(spot, f"latency needs a word in seconds; write unit: seconds at {quote(word.name)} or use another")


def _build_edges(spot: Spot, words: Mapping[str, Word], faults: Faults) -> dict[str, tuple[str, str]]:
    stage, edge_word = words.get(spot.text_of("stage")), words.get(spot.text_of("edge"))
    edges: dict[str, tuple[str, str]] = {}
    for edge, ends in spot.entries("edges"):
        texts = tuple(item.text for item in ends.elements())
        if edge_word and edge not in edge_word.values:
            known = ", ".join(edge_word.values)
            faults.add(ends, f"got the edge {quote(edge)}, expected a value of {quote(edge_word.name)}: {known}")
        if stage and (len(texts) != 2 or texts[0] == texts[1] or not set(texts) <= set(stage.values)):
            known = ", ".join(stage.values)
            faults.add(ends, f"expected [opening stage, closing stage], two different ones of {known}")
        else:
            edges[edge] = (texts[0], texts[-1])
    return edges
