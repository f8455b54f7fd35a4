"""Finds again, after a restart or a rotation, the files that marks speak of, and the generations nobody has read.

In: marks, what the paths lead to now, the siblings seen before. Out: `Opening`s in the order they must be read, and
what became of each mark. Part of the tail stage. What cannot be found is measured as far as it was seen, never guessed.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from exporters.engine.identity import file_key
from exporters.engine.siblings import Sibling, find_content, proves, siblings, unpack
from exporters.engine.values import FileKey, Mark, Notice

__all__ = ["OUTCOMES", "Opening", "Recovery", "recover", "unseen"]

OUTCOMES = ("resumed", "moved", "copied", "unpacked", "missing", "unseen")
"""What became of a mark (or, unseen, of a generation without one); the values of recoveries_total{outcome}."""


_SLACK_NS = 60 * 10**9
"""How much older than its predecessor's last write a generation may look: a writer may keep its old file for a while."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A file to read next for `path`: from the mark's offset, or from 0 without one.

    `is_live`: the path leads to it. The descriptor belongs to whoever takes the opening.
    """

    path: str
    fd: int
    mark: Mark | None
    is_live: bool


@dataclass(slots=True)
class Recovery:
    """The openings in reading order, the tally of outcomes, and notices about bytes lost."""

    openings: list[Opening] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    notices: list[Notice] = field(default_factory=list)


def recover(marks: Sequence[Mark], known: frozenset[FileKey], live: Mapping[str, FileKey]) -> Recovery:
    """Find what every open mark speaks of, and what was rotated unseen behind it.

    Args:
        marks: as stored, generations of one path in order; those `done` only help to recognise.
        known: identities of the siblings that existed when the marks were stored.
        live: what each path leads to now.
    """
    recovery = Recovery()
    beside = siblings({*live, *(mark.path for mark in marks)})
    taken: set[FileKey] = set()
    by_path: dict[str, list[Mark]] = {}
    for mark in marks:
        if not mark.done:
            by_path.setdefault(mark.path, []).append(mark)
    finished = [mark for mark in marks if mark.done]
    for path, listed in by_path.items():
        horizon = listed[-1].mtime_ns
        newest: Opening | None = None
        for mark in listed:
            newest = _find(mark, live, beside.get(path, []), taken, recovery)
            if newest is not None:
                horizon = os.fstat(newest.fd).st_mtime_ns if newest.mark is mark else horizon
        if newest is None or not newest.is_live:
            older = frozenset(known | taken | set(live.values()))
            recovery.openings += _open_unseen(
                path, beside.get(path, []), older, [*listed, *finished], horizon, recovery
            )
    return recovery


def _find(
    mark: Mark, live: Mapping[str, FileKey], beside: Sequence[Sibling], taken: set[FileKey], recovery: Recovery
) -> Opening | None:
    """Find one mark's file: by identity and proof, else by content; note the outcome."""
    opening, outcome = _by_identity(mark, live, beside), "moved"
    if opening is not None:
        outcome = "resumed" if opening.path == mark.path and opening.is_live else "moved"
    else:
        opening, outcome = _by_content(mark, live, [one for one in beside if one.key not in taken])
    recovery.outcomes[outcome] += 1
    if opening is None:
        lost = max(0, mark.size - mark.offset)
        if lost:
            recovery.notices.append(Notice("lost", mark.path, lost))
        return None
    taken.add(file_key(opening.fd))
    recovery.openings.append(opening)
    return opening


def _by_identity(mark: Mark, live: Mapping[str, FileKey], beside: Sequence[Sibling]) -> Opening | None:
    paths = [path for path, key in live.items() if _is_same(key, mark.key)]
    paths += [one.path for one in beside if _is_same(one.key, mark.key) and not one.is_packed]
    for path in paths:
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            if _is_same(file_key(fd), mark.key) and proves(fd, mark):
                return Opening(path if path in live else mark.path, fd, mark, path in live)
            os.close(fd)
    return None


def _is_same(one: FileKey, other: FileKey) -> bool:
    """Whether two identities are equal as far as both are known."""
    generations = one.generation is None or other.generation is None or one.generation == other.generation
    return one[:2] == other[:2] and generations


def _by_content(mark: Mark, live: Mapping[str, FileKey], beside: Sequence[Sibling]) -> tuple[Opening | None, str]:
    """Find a copy: the live file if it was rewritten, else a rotated sibling, plain or packed."""
    rewritten = live.get(mark.path)
    candidates = list(beside)
    if rewritten is not None:
        with contextlib.suppress(OSError):
            size = os.stat(mark.path).st_size
            candidates.insert(0, Sibling(mark.path, rewritten, size, 0, is_packed=False))
    found = find_content(mark, candidates)
    if found is None:
        return None, "missing"
    sibling, fd = found
    return Opening(mark.path, fd, mark, sibling.path == mark.path), "unpacked" if sibling.is_packed else "copied"


def _open_unseen(
    path: str,
    beside: Sequence[Sibling],
    older: frozenset[FileKey],
    marks: Sequence[Mark],
    horizon_ns: int,
    recovery: Recovery,
) -> Iterable[Opening]:
    for one in unseen(beside, older, marks, horizon_ns):
        opening = open_unseen(path, one)
        if opening is not None:
            recovery.outcomes["unseen"] += 1
            yield opening


def open_unseen(path: str, one: Sibling) -> Opening | None:
    """Open a generation of `path` that nobody has read, to be read from its start."""
    if one.is_packed:
        fd = unpack(one.path, None)
    else:
        try:
            fd = os.open(one.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            fd = None
    return Opening(path, fd, None, is_live=False) if fd is not None else None


def unseen(
    beside: Sequence[Sibling], older: frozenset[FileKey], marks: Sequence[Mark], horizon_ns: int
) -> list[Sibling]:
    """Return the siblings written after `horizon_ns` that are neither known nor copies of what marks speak of."""
    since = horizon_ns - _SLACK_NS
    found = [one for one in beside if one.key not in older and one.mtime_ns >= since and one.size]
    return [one for one in found if not any(_is_copy(one, mark) for mark in marks)]


def _is_copy(one: Sibling, mark: Mark) -> bool:
    if _is_same(one.key, mark.key) and not one.is_packed:
        return True
    match = find_content(mark, [one])
    if match is not None:
        os.close(match[1])
    return match is not None
