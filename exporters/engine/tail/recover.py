"""Finds again, after a restart or a rotation, the files that marks speak of, and the generations nobody has read.

In: marks, what the paths lead to now, the siblings seen before. Out: `Opening`s in the order they must be read, and
what became of each mark. Part of the tail stage. What cannot be found is measured as far as it was seen, never guessed.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from exporters.engine.tail.backups import MIN_PROOF, Sibling, find_content, open_plain, proves, siblings, unpack
from exporters.engine.tail.classify import Held, Opening, Past, is_same, no_mark, unseen
from exporters.engine.tail.fingerprint import file_key
from exporters.engine.tail.stream import PROOF_BYTES, digest
from exporters.engine.values import FileKey, Mark, Notice

__all__ = ["OUTCOMES", "Recovery", "recover"]

OUTCOMES = ("resumed", "moved", "copied", "unpacked", "missing", "unseen")
"""What became of a mark (or, unseen, of a generation without one); the values of recoveries_total{outcome}."""

_BLOCK = 1 << 16


class Recovery(Struct):
    """The openings in reading order, the marks that were gone by, the tally of outcomes, and what was lost."""

    openings: list[Opening] = field(default_factory=list)
    open: list[Mark] = field(default_factory=list)
    done: list[Mark] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    notices: list[Notice] = field(default_factory=list)


def recover(
    marks: Sequence[Mark],
    known: frozenset[FileKey],
    live: Mapping[str, FileKey],
    is_followed: Callable[[str], bool] = lambda _: True,
) -> Recovery:
    """Find what every open mark speaks of, and what was rotated unseen behind it.

    Args:
        marks: as stored, generations of one path in order; those `done` only help to recognise.
        known: identities of the siblings that existed when the marks were stored.
        live: what each path leads to now.
        is_followed: whether a path that leads nowhere now would be followed. Marks of paths that are not are dropped.
    """
    by_path: dict[str, list[Mark]] = {}
    for mark in _renamed(marks, live, is_followed):
        by_path.setdefault(mark.path, []).append(mark)
    search = _Search(live, siblings(by_path), known)
    for path, listed in by_path.items():
        search.go(path, [mark for mark in listed if not mark.done], [mark for mark in listed if mark.done])
    return search.recovery


def _renamed(marks: Iterable[Mark], live: Mapping[str, FileKey], is_followed: Callable[[str], bool]) -> Iterator[Mark]:
    """Yield the marks under the names their paths have now: a pattern may have become absolute, or relative."""
    spelled = {os.path.abspath(path): path for path in live}
    holders = {key[:2]: path for path, key in live.items()}
    for mark in marks:
        path: str | None = mark.path
        if mark.path not in live:
            path = spelled.get(os.path.abspath(mark.path))
        if path is None:
            path = mark.path if is_followed(mark.path) else holders.get(mark.key[:2])
        if path is not None:
            yield mark if path == mark.path else replace(mark, path=path)


_LOOKS = 3
"""How often a folder is listed for a file that is not found: a writer may rename it while it is looked for."""

_LOOKS_IN_ALL = 48
"""Beyond it a folder is listed once for all: where so many files are missing, they were not just being renamed."""


class _Search:
    """One recovery: what there is, and what has been found of it so far."""

    def __init__(
        self, live: Mapping[str, FileKey], beside: Mapping[str, list[Sibling]], known: frozenset[FileKey]
    ) -> None:
        self.recovery = Recovery()
        self._live = live
        self._names: dict[tuple[int, int], list[str]] = {}
        for path, key in live.items():
            self._names.setdefault(key[:2], []).append(path)
        self._beside = beside
        self._known = known
        self._taken: set[FileKey] = set()
        self._folders: dict[str, dict[int, str]] = {}
        self._looks = 0

    def go(self, path: str, marks: Sequence[Mark], done: Sequence[Mark]) -> None:
        """Find the files of one path: those of its open marks, and those written and rotated since."""
        self.recovery.open += marks
        self.recovery.done += done
        found = [self._by_identity(mark) for mark in marks]
        for at, mark in reversed(
            list(enumerate(marks))
        ):  # of a file and its rewrite, the rewrite has been read further
            if found[at] is None:
                found[at] = self._by_content(mark, found)
        openings = [opening for opening in found if opening is not None]
        held = [
            Held(mark, one.fd, one.is_live) if one else Held(mark, None, is_live=False)
            for mark, one in zip(marks, found, strict=True)
        ]
        last = openings[-1] if openings and openings[-1].is_live and openings[-1].path == path else None
        between: list[Opening] = []
        if last is None or last.mark is None or not last.mark.offset:
            between = self._between(path, held, done)
        if last is not None and last.mark is not None and between:
            openings[-1] = replace(last, mark=replace(last.mark, size=0))
        at = len(openings) - (last is not None)
        self.recovery.openings += [*openings[:at], *between, *openings[at:]]
        self._mourn([one.mark for one in held if one.fd is None], bool(between))

    def _between(self, path: str, held: Sequence[Held], done: Sequence[Mark]) -> list[Opening]:
        """Open what was rotated unseen; a copy that is being made of the live file is not."""
        fd = open_plain(path) if path in self._live and not any(one.is_live for one in held) else None
        new = [] if fd is None else [Held(no_mark(path), fd, is_live=True)]
        past = Past([*held, *new], done, self._known)
        found = unseen(path, self._beside[path], past, self._taken | set(self._live.values()))[0]
        if fd is not None:
            os.close(fd)
        self.recovery.outcomes["unseen"] += len(found)
        return found

    def _mourn(self, missing: Iterable[Mark], may_be_unseen: bool) -> None:
        """Measure what was seen and not read of files that are gone.

        One of which nothing was read cannot be told from those that nobody has seen: it may be one of them.
        """
        for mark in missing:
            self.recovery.outcomes["missing"] += 1
            lost = max(0, mark.size - mark.offset)
            is_cut = any(is_same(self._live[name], mark.key) for name in self._names.get(mark.key[:2], ()))
            if may_be_unseen and mark.offset < MIN_PROOF:
                lost = 0
            if lost or is_cut:
                self.recovery.notices.append(Notice("truncated" if is_cut else "lost", mark.path, lost))

    def _by_identity(self, mark: Mark) -> Opening | None:
        """Open the mark's very file, whatever its name is by now, if it still holds what was read of it."""
        for path in self._names.get(mark.key[:2], ()):
            opening = self._open_same(path, path, mark)
            if opening is not None:
                is_there = path == mark.path or mark.key in self._known
                return self._take(replace(opening, is_live=True), "resumed" if is_there else "moved")
        outcome = "resumed" if mark.key in self._known else "moved"
        for one in self._beside[mark.path]:
            if one.is_packed and is_same(one.key, mark.key):
                fd = unpack(one.path, mark)
                opening = Opening(mark.path, fd, mark, is_live=False, key=one.key) if fd is not None else None
                return self._take(opening, outcome)
        for _ in range(_LOOKS):
            names = [names.get(mark.key.ino) for names in self._nearby(mark.path)]
            openings = (self._open_same(name, mark.path, mark) for name in names if name is not None)
            opening = next((opening for opening in openings if opening is not None), None)
            if opening is not None:
                return self._take(opening, outcome)
            if self._looks >= _LOOKS_IN_ALL:
                break
            self._looks += 1
            self._folders.clear()
        return None

    def _take(self, opening: Opening | None, outcome: str) -> Opening | None:
        """Note that a file is spoken for; none is opened twice."""
        if opening is None:
            return None
        key = opening.key or file_key(opening.fd)
        if key in self._taken:
            os.close(opening.fd)
            return None
        self._taken.add(key)
        self.recovery.outcomes[outcome] += 1
        return opening

    def _nearby(self, path: str) -> Iterator[dict[int, str]]:
        """Yield inode -> name in the folder of the path and in that of what it leads to, whatever the names are."""
        for folder in {os.path.dirname(path), os.path.dirname(os.path.realpath(path))}:
            if folder not in self._folders:
                try:
                    with os.scandir(folder or ".") as entries:
                        self._folders[folder] = {entry.inode(): os.path.join(folder, entry.name) for entry in entries}
                except OSError:
                    self._folders[folder] = {}
            yield self._folders[folder]

    def _open_same(self, name: str, path: str, mark: Mark) -> Opening | None:
        """Open `name` if it is the mark's very file and still holds what was read of it."""
        fd = open_plain(name)
        if fd is None:
            return None
        if is_same(file_key(fd), mark.key):
            kept = mark if proves(fd, mark) else self._shortened(fd, mark)
            if kept is not None:
                return Opening(path, fd, kept, is_live=False)
        os.close(fd)
        return None

    def _shortened(self, fd: int, mark: Mark) -> Mark | None:
        """Return the mark moved back to the last line of a file that was cut, not rewritten; None if it was."""
        size = os.fstat(fd).st_size
        is_cut = PROOF_BYTES <= size < mark.offset and mark.head_length == PROOF_BYTES
        if not is_cut or digest(os.pread(fd, PROOF_BYTES, 0)) != mark.head:
            return None
        offset = _last_line_end(fd, size)
        if offset < PROOF_BYTES:
            return None
        self.recovery.notices.append(Notice("truncated", mark.path, max(0, mark.size - mark.offset)))
        anchor = digest(os.pread(fd, PROOF_BYTES, offset - PROOF_BYTES))
        return replace(mark, offset=offset, size=size, anchor_length=PROOF_BYTES, anchor=anchor, skipping=False)

    def _by_content(self, mark: Mark, others: list[Opening | None]) -> Opening | None:
        """Find a copy: the live file if it was rewritten, else a rotated sibling, plain or packed.

        A file that was rewritten, opened and not yet read has a mark of its own, which goes on from this one then.
        """
        for at, other in enumerate(others):
            is_begun = other is None or other.mark is None or other.mark.offset > 0
            if other is not None and not is_begun and mark.offset >= MIN_PROOF and proves(other.fd, mark):
                others[at] = None
                self.recovery.outcomes["copied"] += 1
                return replace(other, mark=mark)
        candidates = [one for one in self._beside[mark.path] if one.key not in self._taken]
        rewritten = self._live.get(mark.path)
        if rewritten is not None and not is_same(rewritten, mark.key) and rewritten not in self._taken:
            with contextlib.suppress(OSError):
                size = os.stat(mark.path).st_size
                candidates.insert(0, Sibling(mark.path, rewritten, size, 0, is_packed=False))
        unknown = [one for one in candidates if one.key not in self._known]
        found = find_content(mark, candidates) or find_content(mark, unknown, least=1)
        if found is None:
            return None
        one, fd = found
        key = one.key if one.is_packed else None
        opening = Opening(mark.path, fd, mark, is_live=one.path == mark.path, key=key)
        return self._take(opening, "unpacked" if one.is_packed else "copied")


def _last_line_end(fd: int, size: int) -> int:
    """Return the offset just behind the last newline of a file, 0 if it has none."""
    end = size
    while end > 0:
        start = max(0, end - _BLOCK)
        at = os.pread(fd, end - start, start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0
