"""The limit: msgspec decodes the fields that are counted, and nothing is done with them.

In: what would be counted (or a contract, all of whose fields are decoded) and the path or glob of the files. Out: how
many events there are. Chunks of 1 MiB; a chunk
with a line that is not JSON is decoded line by line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from glob import glob
from pathlib import Path
from typing import Any

import msgspec

__all__ = ["EVENTS", "main"]

_CHUNK = 1 << 20


class Ledger(msgspec.Struct, gc=False):
    """What the ledger's three metrics read."""

    mode: str | None = None
    exchange: str | None = None
    stage: str | None = None
    reason: str | None = None
    order_type: str | None = None


class Mixed(msgspec.Struct, gc=False):
    """What the metrics of three formats read."""

    v: int | None = None
    schema: str | None = None
    schema_version: str | None = None
    event_type: str | None = None
    decision: str | None = None
    reason: str | None = None
    action: str | None = None
    reason_code: str | None = None


class Runs(msgspec.Struct, gc=False):
    """What the metrics by run read."""

    mode: str | None = None
    run_id: str | None = None
    stage: str | None = None
    order_type: str | None = None


class Pairs(msgspec.Struct, gc=False):
    """What joining reads; the time stays text."""

    mode: str | None = None
    stage: str | None = None
    exchange: str | None = None
    order_type: str | None = None
    intent_id: str | None = None
    ts: str | None = None


EVENTS: dict[str, type[msgspec.Struct]] = {"ledger": Ledger, "mixed": Mixed, "runs": Runs, "pairs": Pairs}


def event_of(contract: Path) -> type[msgspec.Struct]:
    """Return a Struct with all the fields that a contract reads."""
    from contracts.load import load_contract

    tree: dict[str, Any] = {}
    for path in load_contract(contract).paths():
        node = tree
        for part in path[:-1]:
            node = node.setdefault(part, {})
        node[path[-1]] = None
    return _struct_of(tree)


def _struct_of(tree: dict[str, Any]) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for number, (name, inner) in enumerate(tree.items()):
        kind = _struct_of(inner) if inner else str | int | float | bool | list | None
        fields.append((f"f{number}", kind | None, msgspec.field(default=None, name=name)))
    return msgspec.defstruct("Fields", fields, gc=False)


def _chunks(path: str) -> Iterator[bytes]:
    rest = b""
    with Path(path).open("rb", buffering=0) as file:
        while data := file.read(_CHUNK):
            data = rest + data
            end = data.rfind(b"\n") + 1
            rest = data[end:]
            yield data[:end]


def _decode(decoder: msgspec.json.Decoder[Any], chunk: bytes) -> int:
    try:
        return len(decoder.decode_lines(chunk))
    except msgspec.DecodeError:
        return sum(_is_event(decoder, line) for line in chunk.splitlines())


def _is_event(decoder: msgspec.json.Decoder[Any], line: bytes) -> bool:
    try:
        decoder.decode(line)
    except msgspec.DecodeError:
        return False
    return True


def main(program: str, pattern: str) -> None:
    """Decode every line of the files and print how many were events."""
    event = event_of(Path(program)) if program.endswith(".yaml") else EVENTS[program]
    decoder, events = msgspec.json.Decoder(event), 0
    for path in sorted(glob(pattern)):  # the pattern is absolute
        events += sum(_decode(decoder, chunk) for chunk in _chunks(path))
    print("events_total", events)


if __name__ == "__main__":
    main(*sys.argv[1:])
