"""Where the data of an exporter come from: event files that are read, or a folder in which sessions record.

In: a checked document. Out: `Files`, and a fault if it is not exactly one of them, or if parts go with the
other one.
"""

from __future__ import annotations

from contracts.compiler.document import Faults, Spot
from contracts.compiler.format import CONTRACT
from contracts.model import Files

__all__ = ["build_files", "check_origin"]

_LINE_BYTES = 1 << 20
"""Longest line taken if the contract does not say."""


def check_origin(document: Spot, faults: Faults) -> None:
    """Add a fault unless there is one origin, with the parts that go with it."""
    if not isinstance(document.value, dict):
        return
    folder = document.get("folder")
    if folder is None:
        for name in ("files", "sources"):
            if document.get(name) is None:
                doc = CONTRACT.keys[name].doc.partition(".")[0].partition(";")[0]
                faults.add(document, f'the key "{name}" is missing; add it: {doc}')
        return
    if document.get("files") is not None:
        faults.add(folder, "got files and folder, expected exactly one of them; keep the one that is meant")
    for name in ("sources", "pairs"):
        spot = document.get(name)
        if spot is not None:
            faults.add(spot, f"{name} says nothing where sessions record in a folder; delete it")


def build_files(document: Spot, faults: Faults) -> Files:
    """Return where the data come from."""
    folder, spot = document.get("folder"), document.at("files")
    if folder is not None:
        return Files(folder.text_of("env") or None, folder.texts_of("default"), 0)
    stated = spot.number_of("max_line_bytes", _LINE_BYTES) if not faults.touch(spot.at("max_line_bytes")) else 0
    return Files(spot.text_of("env") or None, spot.texts_of("default"), int(stated), spot.texts_of("exclude"))
