"""Finds again, after a restart, the files that checkpoints speak of, and the generations nobody has read.

In: checkpoints, what the paths lead to now, the backups seen before. Out: `Opening`s in the order they must be read,
and what became of each checkpoint. Part of the tail stage. What cannot be found is measured as far as it was seen,
never guessed; what cannot be looked for, as its path leads nowhere now, is kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from exporters.engine.tail.backups import Backup, list_backups
from exporters.engine.tail.classify import Held, Past, gone, no_checkpoint
from exporters.engine.tail.families import ByFamily
from exporters.engine.tail.fingerprint import MIN_PROOF, file_key, open_plain
from exporters.engine.tail.openings import Opening, open_unread
from exporters.engine.tail.search import Match, Search
from exporters.engine.values import Checkpoint, FileKey, Notice

__all__ = ["Recovery", "by_path", "recover"]


class Recovery(Struct):
    """What was found of the checkpoints of some paths.

    Attributes:
        openings: what to read on, in reading order.
        notices: what became of each file.
        met: paths that have been looked at before.
        done: what is remembered of generations let go.
        missing: checkpoints whose files are found nowhere; what was read of them may still turn up as a copy.
        absent: checkpoints of paths that lead nowhere now.
        known: identities of backups that hold nothing unread.
    """

    openings: list[Opening] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    met: set[str] = field(default_factory=set)
    done: list[Checkpoint] = field(default_factory=list)
    missing: list[Checkpoint] = field(default_factory=list)
    absent: list[Checkpoint] = field(default_factory=list)
    known: frozenset[FileKey] = frozenset()


def recover(
    checkpoints: Sequence[Checkpoint],
    known: frozenset[FileKey],
    live: Mapping[str, FileKey],
    is_followed: Callable[[str], bool] = lambda _: True,
    opened: Collection[FileKey] = (),
    held: Callable[[str], Sequence[Held]] = lambda _: (),
) -> Recovery:
    """Find what every open checkpoint speaks of, and what was rotated unseen behind it.

    Args:
        checkpoints: as stored, generations of one path in order; those `done` only help to recognise.
        known: identities of the backups that existed when the checkpoints were stored.
        live: what each path leads to now.
        is_followed: whether a path that leads nowhere now would be followed. Checkpoints of paths that are not are
        dropped.
        opened: identities of files that are being read.
        held: how far those of a path have been read.
    """
    listed_by_path = by_path(_renamed(checkpoints, live, is_followed))
    backups = list_backups(listed_by_path)
    search = Search(live, backups, known, opened, (one for one in checkpoints if one.done))
    recovery = Recovery(met=set(listed_by_path), known=known)
    reading = {path: held(path) for path in listed_by_path}
    found = {
        path: _find_all([one for one in listed if not one.done], search, reading[path])
        for path, listed in listed_by_path.items()
    }
    found_by_family = ByFamily(found)
    done = ByFamily({path: [one for one in listed if one.done] for path, listed in listed_by_path.items()})
    for path, listed in listed_by_path.items():
        matches = found[path]
        unread = _Unread(path, backups[path], search.taken | set(live.values()), known, reading[path])
        openings, copies = unread.behind(matches, found_by_family.of(path), done.of(path), path in live)
        search.taken |= {opening.key or file_key(opening.fd) for opening in openings}
        recovery.known |= frozenset(copies)
        recovery.done += [one for one in listed if one.done]
        recovery.openings += _in_order(path, matches, openings)
        recovery.notices += _notices(matches, openings, search, path in live)
        lost = [match.checkpoint for match in matches if match.opening is None]
        if path in live:
            recovery.missing += [gone(one, has_key=not search.is_cut(one)) for one in lost]
        else:
            recovery.absent += lost
    return recovery


def _find_all(checkpoints: Sequence[Checkpoint], search: Search, reading: Sequence[Held]) -> list[Match]:
    """Look for the file of each checkpoint by its identity, then by its content, the newest first.

    Of a file and its rewrite, the rewrite was read further.
    """
    matches, read = [search.by_identity(one) for one in checkpoints], [one.checkpoint for one in reading]
    for match in [match for match in reversed(matches) if match.opening is None]:
        matches = search.by_content(match, matches, read)
    return matches


def by_path(checkpoints: Iterable[Checkpoint]) -> dict[str, list[Checkpoint]]:
    """Return path -> its checkpoints, in their order."""
    found: dict[str, list[Checkpoint]] = {}
    for checkpoint in checkpoints:
        found.setdefault(checkpoint.path, []).append(checkpoint)
    return found


def _renamed(
    checkpoints: Iterable[Checkpoint], live: Mapping[str, FileKey], is_followed: Callable[[str], bool]
) -> Iterator[Checkpoint]:
    """Yield the checkpoints under the names their paths have now: a pattern may have become absolute, or relative."""
    spelled = {os.path.abspath(path): path for path in live}
    holders = {key[:2]: path for path, key in live.items()}
    for checkpoint in checkpoints:
        path: str | None = checkpoint.path
        if checkpoint.path not in live:
            path = spelled.get(os.path.abspath(checkpoint.path))
        if path is None:
            path = checkpoint.path if is_followed(checkpoint.path) else holders.get(checkpoint.key[:2])
        if path is not None:
            yield checkpoint if path == checkpoint.path else replace(checkpoint, path=path)


class _Unread(Struct, frozen=True):
    """What may have been rotated unseen of one path."""

    path: str
    backups: list[Backup]
    taken: set[FileKey]
    known: frozenset[FileKey]
    open: Sequence[Held]

    def behind(
        self, matches: Sequence[Match], family: Sequence[Match], done: Sequence[Checkpoint], is_live: bool
    ) -> tuple[list[Opening], list[FileKey]]:
        """Open what was rotated unseen behind the newest file found; a copy that is being made of it is not.

        Args:
            family: what was found of this and of all other paths of the family.
            done: what is remembered of generations let go, of all these.
        """
        last = _live_match(self.path, matches)
        if last is not None and _held(last).checkpoint.offset and not last.checkpoint.unsure:
            return [], []
        has_live = any(_held(match).is_live for match in matches)
        fd = open_plain(self.path) if is_live and not has_live else None
        new = [] if fd is None else [Held(replace(no_checkpoint(self.path), key=file_key(fd)), fd, is_live=True)]
        names = {one.key: one.path for one in self.backups}
        past = Past([*self.open, *map(_held, family), *new], done, self.known, names)
        try:
            found = open_unread(self.path, self.backups, past, self.taken)
            return found.openings, found.copies
        finally:
            if fd is not None:
                os.close(fd)


def _held(match: Match) -> Held:
    opening = match.opening
    if opening is None or opening.checkpoint is None:
        return Held(match.checkpoint, None, is_live=False)
    return Held(opening.checkpoint, opening.fd, opening.is_live)


def _live_match(path: str, matches: Sequence[Match]) -> Match | None:
    """Return the newest match that has a file, if the path leads to that."""
    found = [match for match in matches if match.opening is not None]
    is_live = bool(found) and found[-1].opening is not None and found[-1].opening.is_live
    return found[-1] if is_live and found[-1].opening is not None and found[-1].opening.path == path else None


def _in_order(path: str, matches: Sequence[Match], unread: Sequence[Opening]) -> list[Opening]:
    """Return the openings in reading order: what nobody has read comes before the live file.

    What was seen of a live file of which nothing was read may be in what was found.
    """
    last = _live_match(path, matches)
    found = [match.opening for match in matches if match.opening is not None and match is not last]
    if last is None or last.opening is None:
        return [*found, *unread]
    opening = last.opening
    if unread and opening.checkpoint is not None:
        opening = replace(opening, checkpoint=replace(opening.checkpoint, size=0))
    return [*found, *unread, opening]


def _notices(matches: Sequence[Match], unread: Sequence[Opening], search: Search, is_live: bool) -> Iterator[Notice]:
    """Say what became of each file, and measure what was seen and not read of files that are gone.

    One of which nothing was read cannot be told from those that nobody has seen: it may be one of them.
    """
    for match in matches:
        checkpoint = match.checkpoint
        if match.opening is None and not is_live:
            continue
        yield Notice("recovered", checkpoint.path, outcome=match.outcome)
        if match.lost_bytes is not None:
            yield Notice("truncated", checkpoint.path, match.lost_bytes)
        if match.opening is None:
            is_cut = search.is_cut(checkpoint)
            may_be_unread = bool(unread) and checkpoint.offset < MIN_PROOF
            lost = 0 if may_be_unread else max(0, checkpoint.size - checkpoint.offset)
            if lost or is_cut:
                yield Notice("truncated" if is_cut else "lost", checkpoint.path, lost)
    for opening in unread:
        yield Notice("recovered", opening.path, outcome="unseen")
