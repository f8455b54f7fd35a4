"""Looks for the file a checkpoint speaks of: by its identity, whatever its name is by now, then by its content.

In: checkpoints, and what the paths lead to. Out: `Match`es. Part of the tail stage. No file is found for two
checkpoints.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from exporters.engine.tail.backups import Backup, find_content
from exporters.engine.tail.classify import is_same
from exporters.engine.tail.evidence import Evidence
from exporters.engine.tail.fingerprint import MIN_PROOF, PROOF_BYTES, digest, file_key, open_plain, proves
from exporters.engine.tail.openings import Opening
from exporters.engine.tail.text import PlainText, begins_like, has_copy, holds, open_text
from exporters.engine.tail.unpack import unpack
from exporters.engine.values import Checkpoint, FileKey

__all__ = ["Match", "Search"]

_BLOCK = 1 << 16

_LOOKS = 3
"""How often a folder is listed for a file that is not found: a writer may rename it while it is looked for."""

_LOOKS_IN_ALL = 48
"""Beyond it a folder is listed once for all: where so many files are missing, they were not just being renamed."""


class Match(Struct, frozen=True):
    """A checkpoint, the file it speaks of (None if there is none), and how that was found; `lost_bytes` of a cut."""

    checkpoint: Checkpoint
    opening: Opening | None = None
    outcome: str = "missing"
    lost_bytes: int | None = None


class Search:
    """One search: what there is, and which files are spoken for already."""

    def __init__(
        self,
        live: Mapping[str, FileKey],
        backups: Mapping[str, list[Backup]],
        known: frozenset[FileKey],
        opened: Collection[FileKey],
        done: Iterable[Checkpoint] = (),
    ) -> None:
        self.taken = set(opened)
        self._done = {one.key: one.offset for one in done}
        self._live = live
        self._names: dict[tuple[int, int], list[str]] = {}
        for path, key in live.items():
            self._names.setdefault(key[:2], []).append(path)
        self._backups = backups
        self._known = known
        self._folders: dict[str, dict[int, str]] = {}
        self._looks = 0

    def by_identity(self, checkpoint: Checkpoint) -> Match:
        """Find the checkpoint's very file, if it still holds what was read of it."""
        for find in (self._among_live, self._among_packed, self._in_folder):
            match = find(checkpoint)
            if match is not None and self._take(match):
                return match
        return Match(checkpoint)

    def by_content(self, match: Match, matches: Sequence[Match], held: Sequence[Checkpoint]) -> list[Match]:
        """Return the matches with a copy found for one that has no file: a rewrite, or a backup, plain or packed.

        A file that was rewritten, opened and not yet read has a checkpoint of its own, which goes on from this one
        then. `held`: how far the path's open files have been read.
        """
        checkpoint = match.checkpoint
        rewrite = next((one for one in matches if _is_begun_anew(one, checkpoint)), None)
        opening = rewrite.opening if rewrite is not None else None
        if opening is not None:
            found = Match(checkpoint, replace(opening, checkpoint=checkpoint), "copied")
        else:
            found = self._copy_of(checkpoint, [*(one.checkpoint for one in matches), *held])
        return [found if one is match else one for one in matches if one is not rewrite]

    def is_cut(self, checkpoint: Checkpoint) -> bool:
        """Whether a path leads to the very file of the checkpoint, whatever it holds now."""
        return any(is_same(self._live[name], checkpoint.key) for name in self._names.get(checkpoint.key[:2], ()))

    def _take(self, match: Match) -> bool:
        """Note that a file is spoken for; none is opened twice."""
        opening = match.opening
        assert opening is not None, "there is something to be spoken for"
        key = opening.key or file_key(opening.fd)
        if key in self.taken:
            os.close(opening.fd)
            return False
        self.taken.add(key)
        return True

    def _among_live(self, checkpoint: Checkpoint) -> Match | None:
        for path in self._names.get(checkpoint.key[:2], ()):
            match = self._same(path, path, checkpoint)
            if match is not None:
                assert match.opening is not None
                is_there = path == checkpoint.path or checkpoint.key in self._known
                outcome = "resumed" if is_there else "moved"
                return replace(match, opening=replace(match.opening, is_live=True), outcome=outcome)
        return None

    def _among_packed(self, checkpoint: Checkpoint) -> Match | None:
        for one in self._backups[checkpoint.path]:
            if one.is_packed and is_same(one.key, checkpoint.key):
                fd = unpack(one.path, checkpoint, one.key, one.mtime_ns)
                if fd is not None:
                    opening = Opening(checkpoint.path, fd, checkpoint, is_live=False, key=one.key)
                    return Match(checkpoint, opening, self._moved(checkpoint))
        return None

    def _in_folder(self, checkpoint: Checkpoint) -> Match | None:
        for _ in range(_LOOKS):
            names = [names.get(checkpoint.key.ino) for names in self._nearby(checkpoint.path)]
            matches = (self._same(name, checkpoint.path, checkpoint) for name in names if name is not None)
            match = next((match for match in matches if match is not None), None)
            if match is not None:
                return replace(match, outcome=self._moved(checkpoint))
            if self._looks >= _LOOKS_IN_ALL:
                break
            self._looks += 1
            self._folders.clear()
        return None

    def _moved(self, checkpoint: Checkpoint) -> str:
        return "resumed" if checkpoint.key in self._known else "moved"

    def _nearby(self, path: str) -> Iterator[dict[int, str]]:
        """Yield inode -> name in the folder of the path and in that of what it leads to, whatever the names are."""
        for folder in {os.path.dirname(os.path.abspath(path)), os.path.dirname(os.path.realpath(path))}:
            if folder not in self._folders:
                try:
                    with os.scandir(folder) as entries:
                        self._folders[folder] = {entry.inode(): os.path.join(folder, entry.name) for entry in entries}
                except OSError:
                    self._folders[folder] = {}
            yield self._folders[folder]

    def _same(self, name: str, path: str, checkpoint: Checkpoint) -> Match | None:
        """Open `name` if it is the checkpoint's very file and still holds what was read of it, or its beginning."""
        fd = open_plain(name)
        if fd is None:
            return None
        if is_same(file_key(fd), checkpoint.key):
            if proves(fd, checkpoint):
                return Match(checkpoint, Opening(path, fd, checkpoint, is_live=False))
            kept = self._shortened(fd, checkpoint)
            if kept is not None:
                lost = max(0, checkpoint.size - checkpoint.offset)
                return Match(checkpoint, Opening(path, fd, kept, is_live=False), lost_bytes=lost)
        os.close(fd)
        return None

    def _shortened(self, fd: int, checkpoint: Checkpoint) -> Checkpoint | None:
        """Return the checkpoint moved back to the last line of a file that was cut, not rewritten; None if it was.

        Where a copy was made of what was cut off, the file was emptied and begun anew, however alike it begins.
        """
        text = PlainText(fd)
        is_cut = PROOF_BYTES <= text.size < checkpoint.offset
        unknown = (one for one in self._backups[checkpoint.path] if one.key not in self._known)
        if not is_cut or not begins_like(text, checkpoint) or has_copy(unknown, checkpoint, text.size):
            return None
        offset = _last_line_end(fd, text.size)
        if offset < PROOF_BYTES:
            return None
        anchor = digest(os.pread(fd, PROOF_BYTES, offset - PROOF_BYTES))
        evidence = Evidence.of_file(fd, offset).stored(offset)
        proof = {"anchor_length": PROOF_BYTES, "anchor": anchor, "evidence": evidence}
        return replace(checkpoint, offset=offset, size=text.size, skipping=False, **proof)

    def _copy_of(self, checkpoint: Checkpoint, others: Sequence[Checkpoint]) -> Match:
        """Find a copy: the live file if it was rewritten, else a rotated backup.

        What was let go and had been read as far itself is none to go on in: a rewrite that was rotated holds more.
        A backup that holds all that one of the `others` speaks of, which was read further, is a copy of that.
        """
        longer = [other for other in others if other.offset > checkpoint.offset]
        read = self.taken | {key for key, offset in self._done.items() if offset >= checkpoint.offset}
        backups = [one for one in self._backups[checkpoint.path] if one.key not in read]
        unknown = [one for one in backups if one.key not in self._known]
        rewritten = list(self._rewritten(checkpoint))
        found = find_content(checkpoint, rewritten) or _find_own(checkpoint, backups, longer)
        found = found or _find_own(checkpoint, [*rewritten, *unknown], longer, least=1)
        if found is None:
            return Match(checkpoint)
        one, fd = found
        key = one.key if one.is_packed else None
        opening = Opening(checkpoint.path, fd, checkpoint, is_live=one.path == checkpoint.path, key=key)
        match = Match(checkpoint, opening, "unpacked" if one.is_packed else "copied")
        return match if self._take(match) else Match(checkpoint)

    def _rewritten(self, checkpoint: Checkpoint) -> Iterator[Backup]:
        """Yield the live file, unless it is spoken for."""
        key = self._live.get(checkpoint.path)
        if key is not None and key not in self.taken:
            with contextlib.suppress(OSError):
                size = os.stat(checkpoint.path).st_size
                yield Backup(checkpoint.path, key, size, 0, is_packed=False)


def _find_own(
    checkpoint: Checkpoint, candidates: Iterable[Backup], longer: Sequence[Checkpoint], least: int = MIN_PROOF
) -> tuple[Backup, int] | None:
    """Return what find_content() does, without what holds all that one of the `longer` checkpoints speaks of."""
    left = list(candidates)
    while (found := find_content(checkpoint, left, least)) is not None and longer:
        with open_text(found[0], longer) as text:
            if text is None or not any(holds(text, other) for other in longer):
                return found
        os.close(found[1])
        left.remove(found[0])
    return found


def _is_begun_anew(match: Match, checkpoint: Checkpoint) -> bool:
    """Whether nothing has been read yet of a match's file, and it holds what the checkpoint speaks of."""
    opening = match.opening
    if opening is None or opening.checkpoint is None or opening.checkpoint.offset or checkpoint.offset < MIN_PROOF:
        return False
    return proves(opening.fd, checkpoint)


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
