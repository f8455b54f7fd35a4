"""The fields of a decoded event: what they are called, which of them decide its plan, and their order: those first.

In: a contract. Out: JSON paths. Pure; `decode` makes events so, and `translate` relies on it.
"""

from __future__ import annotations

from contracts.model import Contract, PathKind

__all__ = ["Path", "attribute_of", "deciding_paths", "ordered_paths"]

Path = tuple[str, ...]


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


def ordered_paths(contract: Contract) -> dict[Path, PathKind]:
    """Return every path the contract reads and what is expected there: first those that decide an event's plan."""
    kinds = contract.paths()
    return {path: kinds[path] for path in {**dict.fromkeys(deciding_paths(contract)), **dict.fromkeys(kinds)}}
