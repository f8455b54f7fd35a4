"""The fields of a decoded event: what they are called, which of them decide its plan, and their order: those first.

In: a contract. Out: JSON paths. Pure; `decode` makes events so, and `translate` relies on it.
"""

from __future__ import annotations

import enum
from collections.abc import Collection
from typing import Any

import msgspec

from contracts.model import Contract, PathKind

__all__ = [
    "MISTYPED",
    "Mistyped",
    "Path",
    "Unexpected",
    "attribute_of",
    "deciding_paths",
    "file_places",
    "ordered_paths",
    "type_expecting",
]

Path = tuple[str, ...]


class Mistyped:
    """Stands in an event for a JSON value of a kind its field cannot have; there is one, `MISTYPED`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISTYPED"


MISTYPED = Mistyped()


def attribute_of(path: Path) -> str:
    """Return the attribute path of a decoded event that holds the JSON path `path`.

    >>> attribute_of(("payload", "code"))
    'f_payload.f_code'
    >>> attribute_of(("ts-utc",))
    'x_74732d757463'
    """
    return ".".join(f"f_{part}" if part.isidentifier() else f"x_{part.encode().hex()}" for part in path)


def deciding_paths(contract: Contract) -> tuple[Path, ...]:
    """Return the paths of conditions, of row keys, and of whatever fills a closed or a name word."""
    paths: dict[Path, None] = {}
    for source in contract.sources:
        paths |= {condition.subject: None for condition in (*source.match, *source.expect)}
        if source.by:
            paths[source.by] = None
        labels = [read for read in source.all_reads() if contract.words[read.word].is_label]
        paths |= {candidate.path: None for read in labels for candidate in read.candidates if candidate.path}
    return tuple(paths)


def file_places(contract: Contract) -> tuple[Path, ...]:
    """Return the places of values that files' paths give, each once."""
    reads = [read for source in contract.sources for read in source.reads_of_all()]
    return tuple({c.place: None for read in reads for c in read.candidates if c.file})


def ordered_paths(contract: Contract) -> dict[Path, PathKind]:
    """Return every path the contract reads and what is expected there: first those that decide an event's plan."""
    kinds = contract.paths()
    return {path: kinds[path] for path in {**dict.fromkeys(deciding_paths(contract)), **dict.fromkeys(kinds)}}


class Unexpected:
    """How many texts were not those a field was expected to hold."""

    number = 0


def type_expecting(texts: Collection[str], unexpected: Unexpected) -> Any:
    """Return the type of a field that mostly holds one of these texts: each is then one object, hashed once.

    msgspec finds the members of an enum by their bytes and makes no text; here the members are the texts themselves.
    Any other text is asked for at `_missing_`, which takes 0.2 us. Should a version of either side work in another way,
    the type of any text is returned.
    """

    def missing(_cls: type, text: object) -> object:
        unexpected.number += 1
        return text

    found: Any = enum.Enum("Text", [(f"text_{number}", text) for number, text in enumerate(texts)])  # type: ignore[misc]
    try:
        type.__setattr__(found, "_missing_", classmethod(missing))
        type.__setattr__(found, "_value2member_map_", {text: text for text in texts})
        decode = msgspec.json.Decoder(found | int | float | None).decode
        is_exact = all(type(decode(msgspec.json.encode(text))) is str for text in (*texts, "another text"))
    except (AttributeError, TypeError, msgspec.MsgspecError):
        is_exact = False
    return found | int | float | None if is_exact else str | int | float | None
