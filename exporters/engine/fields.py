"""The fields of a decoded event: what they are called, which of them decide its plan, and their order: those first.

In: a contract. Out: JSON paths. Pure; `decode` makes events so, and `translate` relies on it.
"""

from __future__ import annotations

from contracts.model import Contract, PathKind

__all__ = ["Path", "attribute_of", "core_paths", "name_paths", "ordered_paths"]

Path = tuple[str, ...]


def attribute_of(path: Path) -> str:
    """Return the attribute path of a decoded event that holds the JSON path `path`.

    >>> attribute_of(("payload", "code"))
    'f_payload.f_code'
    >>> attribute_of(("ts-utc",))
    'x_74732d757463'
    """
    return ".".join(f"f_{part}" if part.isidentifier() else f"x_{part.encode().hex()}" for part in path)


def core_paths(contract: Contract) -> tuple[Path, ...]:
    """Return the paths of conditions, row keys and whatever fills an enum word; names may be read at them, too."""
    paths: dict[Path, None] = {}
    for source in contract.sources:
        paths |= {condition.subject: None for condition in (*source.match, *source.expect)}
        if source.by:
            paths[source.by] = None
    return tuple(paths | _paths_read(contract, "enum"))


def name_paths(contract: Contract) -> tuple[Path, ...]:
    """Return the paths that name words are read at."""
    return tuple(_paths_read(contract, "name"))


def ordered_paths(contract: Contract) -> dict[Path, PathKind]:
    """Return every path the contract reads: those of the core, then other names', then those that decide no plan."""
    kinds = contract.paths()
    first = dict.fromkeys((*core_paths(contract), *name_paths(contract)))
    return {path: kinds[path] for path in {**first, **dict.fromkeys(kinds)}}


def _paths_read(contract: Contract, kind: str) -> dict[Path, None]:
    """Return the paths that words of a kind are read at."""
    reads = [read for source in contract.sources for read in source.all_reads()]
    wanted = [read for read in reads if contract.words[read.word].kind == kind]
    return {candidate.path: None for read in wanted for candidate in read.candidates if candidate.path}
