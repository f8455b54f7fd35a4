"""What is remembered of generations that are no longer open: those read to their end, and those that were there before.

In: checkpoints of files let go, and a look at each path's backups now and then. Out: backups to read: unseen ones,
grown ones, copies. Part of the tail stage.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence

from msgspec.structs import replace

from exporters.engine.tail.backups import NEVER, Backup, find_content, list_backups, past_checkpoint
from exporters.engine.tail.classify import NOTHING, REMEMBERED, Held, Judgement, Past, Verdict, gone, no_checkpoint
from exporters.engine.tail.families import ByFamily, Families, rotated_from
from exporters.engine.tail.fingerprint import proves
from exporters.engine.tail.openings import UNREAD, Opened, Opening, find_copies, open_grown, open_unread
from exporters.engine.tail.recover import Recovery, by_path
from exporters.engine.tail.stream import Stream
from exporters.engine.tail.text import has_copy
from exporters.engine.tail.undecided import Undecided
from exporters.engine.values import Checkpoint, FileKey

__all__ = ["History"]

_REMEMBERED_IN_ALL = 4096
"""Generations remembered of all paths together, so that files that come and go for ever do not fill the state."""

_KEPT_IN_ALL = 65536
"""Checkpoints kept of files that are not open and not done with."""


class History:
    """Remembers the past generations of every path.

    Attributes:
        known: backups that need not be looked at again; NOTHING, if generations have been forgotten.
        absent: checkpoints of files that are not open and not done with: they led nowhere, or wait for descriptors.
        unsure: paths beside which something unread may stand: their file may have been emptied, or it is undecided.
    """

    def __init__(self) -> None:
        self._done: dict[str, list[Checkpoint]] = {}
        self._families = Families()
        self._backups: dict[str, list[Backup]] = {}
        self._met: set[str] = set()
        self._homes: dict[FileKey, str] = {}
        self._count = 0
        self._beside: dict[str, frozenset[FileKey]] = {}
        self._kept: frozenset[FileKey] = frozenset()
        self.absent: list[Checkpoint] = []
        self._away: ByFamily[Checkpoint] | None = None
        self.known: frozenset[FileKey] = frozenset()
        self.unsure: set[str] = set()
        self._undecided = Undecided()

    def restore(self, recovery: Recovery) -> None:
        """Take over what was remembered before the restart, and what was read of files that are found nowhere."""
        self.known |= recovery.known
        self._kept |= recovery.known
        self._met |= recovery.met
        self.keep(recovery.absent)
        for checkpoint in [*recovery.done, *(one for one in recovery.missing if one.offset)]:
            self.finish(checkpoint)
        found = {opening.path for opening in recovery.openings}
        self.unsure |= {one.path for one in recovery.openings if one.checkpoint is not None and one.checkpoint.unsure}
        for checkpoint in recovery.missing:
            if checkpoint.path not in found and checkpoint.path not in self._done:
                self.finish(no_checkpoint(checkpoint.path, checkpoint.serial))

    def keep(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Keep what is not read or looked for now, the newest generations of each path."""
        newest = [one for listed in by_path([*self.absent, *checkpoints]).values() for one in listed[-REMEMBERED:]]
        self.absent, self._away = newest[-_KEPT_IN_ALL:], None

    def beside(self, paths: Collection[str]) -> list[str]:
        """Return the absent paths other than `paths` beside which their very files stand, or files not seen before."""
        found = []
        for path, keys in self.absent_keys().items():
            backups = self._backups.get(path, []) if path not in paths else []
            if any(one.key in keys or (one.size and not self._is_known(one.key)) for one in backups):
                found.append(path)
        return found

    @property
    def is_unsettled(self) -> bool:
        """Whether a look may find something though no folder changed: files not found, or backups not judged."""
        return bool(self.absent) or any(map(self.has_unknown, self._backups))

    def closed_files(self) -> list[tuple[str, int]]:
        """Return the files done with that still have a name beside their paths, and the size seen of each."""
        sizes = {one.key: one.size for listed in self._done.values() for one in listed}
        return [(one.path, sizes[one.key]) for all_of in self._backups.values() for one in all_of if one.key in sizes]

    def absent_keys(self) -> dict[str, set[FileKey]]:
        """Return path -> identities of the files of which positions are kept though they are not open."""
        return {path: {one.key for one in listed} for path, listed in by_path(self.absent).items()}

    def come_back(self, back: Collection[str]) -> list[Checkpoint]:
        """Return what was kept of absent paths, to be looked for again; forget it.

        With it goes what is remembered of the generations of these paths and their families, to be taken over together.
        """
        checkpoints = [one for one in self.absent if one.path in back]
        self.absent, self._away = [one for one in self.absent if one.path not in back], None
        families = dict.fromkeys(name for one in checkpoints for name in self._families.of(one.path))
        done = [one for name in families for one in self._done.get(name, [])]
        for checkpoint in done:
            self._forget(checkpoint)
        return done + checkpoints

    def finish(self, checkpoint: Checkpoint) -> None:
        """Remember a generation that is let go."""
        listed = self._done.setdefault(checkpoint.path, [])
        listed.append(checkpoint)
        self._families.add(checkpoint.path)
        self._homes[checkpoint.key] = checkpoint.path
        self._count += 1
        blank = [other for other in listed if other.key == NOTHING and checkpoint.key != NOTHING]
        for other in blank + listed[:-REMEMBERED]:
            self._forget(other)
        while self._count > _REMEMBERED_IN_ALL:
            self.known |= {NOTHING}
            self._forget(next(iter(self._done.values()))[0])

    def _forget(self, checkpoint: Checkpoint) -> None:
        listed = self._done[checkpoint.path]
        listed.remove(checkpoint)
        self._homes.pop(checkpoint.key, None)
        self._count -= 1
        if not listed:
            del self._done[checkpoint.path]
            self._families.discard(checkpoint.path)

    def finished(self) -> list[Checkpoint]:
        """Return what is remembered of generations let go."""
        return [checkpoint for listed in self._done.values() for checkpoint in listed]

    def paths(self) -> list[str]:
        """Return the paths of which anything is remembered."""
        return list({*self._done, *(checkpoint.path for checkpoint in self.absent)})

    def meet(self, paths: Collection[str], live: Collection[tuple[int, int]], serial: Callable[[], int]) -> None:
        """Remember what stands beside paths when they are first looked at: it is never read, whatever becomes of it."""
        self._met.update(paths)
        self.look([path for path in paths if path not in self._backups])
        for path in paths:
            self._remember(path, live, serial)

    def _remember(self, path: str, live: Collection[tuple[int, int]], serial: Callable[[], int]) -> None:
        backups = [one for one in self._backups[path] if one.key[:2] not in live]
        self._beside[path] = frozenset(one.key for one in backups)
        self.known |= self._beside[path]
        checkpoints = [past_checkpoint(one, path, serial()) for one in backups[-REMEMBERED:]]
        for checkpoint in checkpoints if any(checkpoints) else [no_checkpoint(path, serial())]:
            if checkpoint is not None:
                self.finish(checkpoint)

    def opened(self, path: str) -> None:
        """Note that the checkpoint of an open file says from now on that the path was looked at."""
        for checkpoint in [one for one in self._done.get(path, []) if one.key == NOTHING]:
            self._forget(checkpoint)

    def has_met(self, path: str) -> bool:
        """Whether the path was looked at before."""
        return path in self._met

    def take_back(self, stream: Stream) -> bool:
        """Have a file that was let go and is back at a path go on where it ended; return whether it is one."""
        for checkpoint in self._done.get(self._homes.get(stream.key, ""), []):
            if checkpoint.key == stream.key and proves(stream.fd, checkpoint):
                stream.restore(checkpoint if checkpoint.size != NEVER else replace(checkpoint, size=checkpoint.offset))
                self._forget(checkpoint)
                return True
        return False

    def _is_known(self, key: FileKey) -> bool:
        return key in self.known or FileKey(*key[:2]) in self.known

    def has_past(self, path: str) -> bool:
        """Whether an earlier generation of `path` was read and let go."""
        return any(checkpoint.key != NOTHING and checkpoint.size != NEVER for checkpoint in self._done.get(path, []))

    def look(self, paths: Collection[str]) -> None:
        """Look at the backups of the paths."""
        self._backups |= list_backups(paths)

    def seen_backups(self) -> dict[str, frozenset[FileKey]]:
        """Return the identities seen in the last look at each path, but for new ones that may not be read yet."""
        return {path: frozenset(b.key for b in found if self._may_be_read(b)) for path, found in self._backups.items()}

    def _may_be_read(self, one: Backup) -> bool:
        return one.is_readable or self._is_known(one.key)

    def marked(self, checkpoint: Checkpoint) -> Checkpoint:
        """Return a checkpoint of a path's file in the form kept on disk."""
        return replace(checkpoint, unsure=True) if checkpoint.path in self.unsure else checkpoint

    def update_known(
        self, backups: Mapping[str, frozenset[FileKey]], live: Mapping[str, Held], monotonic: float
    ) -> None:
        """Take backups as known, once it is sure that none of them waits to be read.

        Args:
            backups: what seen_backups() said before the paths were; one that appeared since may have been live then.
        """
        self._undecided.end_look(monotonic)
        away = {path for path in self.unsure if path in backups and path not in live}
        self.unsure = away | {path for path, held in live.items() if self._is_unsure(path, held)}
        sure = live.keys() - self.unsure
        beside = {}
        for path, keys in backups.items():
            beside[path] = keys if path in sure else frozenset(filter(self._is_known, keys))
            if path not in live:
                beside[path] |= self._beside.get(path, frozenset())  # what cannot be seen now was there and is not new
        self._beside = beside
        folders = {os.path.dirname(path) or "." for path in backups if path not in live} if self._kept else set()
        self._kept = self._kept if self.absent or not all(map(os.path.isdir, folders)) else frozenset()
        there = {key[:2]: key for keys in (self._kept, *beside.values()) for key in keys}
        self.known = frozenset(there.values()) | (self.known & {NOTHING})
        self._backups = {path: listed for path, listed in self._backups.items() if path in sure or path in self._done}

    def _is_unsure(self, path: str, held: Held) -> bool:
        """Whether backups of a path may wait to be read: its file may have been emptied, or one may not be read yet."""
        if not held.checkpoint.offset or path in self._undecided:
            return True
        if not self.has_unknown(path):
            return False
        return not all(map(self._may_be_read, self._backups[path])) or not held.is_whole

    def unread(
        self, path: str, held: Sequence[Held], opened: Opened, wanted: Collection[Verdict] = UNREAD
    ) -> list[Opening]:
        """Open the backups of `path`, oldest first, that appeared since the last update_known() and nobody has read."""
        backups, past = self._backups.get(path, []), self._past(path, held, self.known)
        found = open_unread(path, backups, past, opened() if backups else (), wanted)
        self.known |= frozenset(found.copies)
        if wanted == UNREAD:
            self._undecided.note(path, found.undecided)
        return found.openings

    def _past(self, path: str, held: Sequence[Held], known: frozenset[FileKey]) -> Past:
        names = {one.key: one.path for one in self._backups.get(path, [])}
        self._away = self._away or ByFamily(by_path(self.absent))
        absent = [Held(one, None, is_live=False) for one in self._away.of(path)]
        done = [one for name in self._families.of(path) for one in self._done.get(name, [])]
        return Past([*absent, *held], done, known, names)

    def judge(self, paths: Collection[str], held: Callable[[str], Sequence[Held]]) -> dict[str, Judgement]:
        """Judge files that globs lead to as copies, made by copytruncate, of generations of other paths."""
        bases = dict.fromkeys(base for path in paths for base in rotated_from(path))
        pasts = {base: self._past(base, held(base), self.known & {NOTHING}) for base in bases}
        known = {base: past for base, past in pasts.items() if past.held or past.done}
        self.look(known.keys() - self._backups.keys())
        return find_copies(paths, {base: (self._backups[base], past) for base, past in known.items()})

    def has_unknown(self, path: str) -> bool:
        """Whether a backup of the path, at the last look, is not known."""
        return any(one.key not in self.known for one in self._backups.get(path, []))

    def grown(self, path: str, opened: Opened) -> list[Opening]:
        """Open generations of `path` that were let go and have been written to since; they leave the memory."""
        openings = open_grown(self._done.get(path, []), self._backups.get(path, []), opened)
        for checkpoint in [opening.checkpoint for opening in openings if opening.checkpoint]:
            self._forget(checkpoint)
        return openings

    def after_cut(
        self, path: str, cut: Checkpoint | None, held: Sequence[Held], opened: Collection[FileKey], is_last: bool
    ) -> list[Opening]:
        """Open the copy a copytruncate made of what `cut` speaks of, and those of what was written and cut since.

        Args:
            is_last: whether the path leads to the file at this moment; else what is found may be of one that came after
                it, perhaps as its rewrite, and the next scan finds it in its place.
        """
        candidates = [one for one in self._backups[path] if one.key not in opened]
        unknown = [one for one in candidates if one.key not in self.known]
        found = cut and (find_content(cut, candidates) or find_content(cut, unknown, least=1))
        copies = []
        if cut is not None and found:
            one, fd = found
            copies = [Opening(path, fd, cut, is_live=False, key=one.key if one.is_packed else None)]
            held, opened = [*held, Held(cut, fd, is_live=False)], {*opened, one.key}
        elif cut is not None and cut.offset:
            self.finish(gone(replace(cut, path=path)))
        return [*copies, *(self.unread(path, held, lambda: opened) if is_last else [])]

    def has_copy(self, path: str, cut: Checkpoint, size: int) -> bool:
        """Whether a backup that was not there before is a copy of more than `size` bytes of what `cut` speaks of."""
        return has_copy((one for one in self._backups[path] if one.key not in self.known), cut, size)
