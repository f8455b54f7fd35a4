"""Opens what the verdicts say: generations nobody has read, and copies that go on beyond what was read, oldest first.

In: backups, and what is known of a path's generations. Out: `Opening`s, each text once. Part of the tail stage.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from exporters.engine.tail.backups import Backup
from exporters.engine.tail.classify import UNDECIDED, Judgement, Past, Verdict, classify
from exporters.engine.tail.fingerprint import open_proved, open_same
from exporters.engine.tail.text import PlainText, is_part, is_repeated
from exporters.engine.tail.unpack import unpack, unpacked_name
from exporters.engine.values import Checkpoint, FileKey

__all__ = ["UNREAD", "Opened", "Opening", "Unread", "find_copies", "open_backup", "open_grown", "open_unread"]


UNREAD: tuple[Verdict, ...] = ("longer copy", "rewrite", "unread")
"""Verdicts on backups that hold what nobody has read."""

Opened = Callable[[], Collection[FileKey]]
"""Says which files are open; asked only where a backup is to be judged, as it goes through all of them."""


class Opening(Struct, frozen=True):
    """A file to read next for `path`: from the checkpoint's offset, or from 0 without one.

    `is_live`: the path leads to it. `key`: the identity of the packed file whose text this is, if it is one's. The
    descriptor belongs to whoever takes the opening.
    """

    path: str
    fd: int
    checkpoint: Checkpoint | None
    is_live: bool
    key: FileKey | None = None


class Unread(Struct, frozen=True):
    """What was found beside a path: what is to be read, what holds nothing else, what cannot be told yet.

    Of one text found twice only one file is opened; until that is read the other may be all that is left of it.
    """

    openings: list[Opening]
    copies: list[FileKey]
    undecided: list[Backup]


def open_backup(path: str, one: Backup, checkpoint: Checkpoint | None) -> Opening | None:
    """Open a backup as a generation of `path`, to be read on from a checkpoint it holds; None if it cannot be read."""
    fd = unpack(one.path, checkpoint, one.key, one.mtime_ns) if one.is_packed else open_same(one.path, one.key)
    key = one.key if one.is_packed else None
    return Opening(path, fd, checkpoint, is_live=False, key=key) if fd is not None else None


def open_grown(done: Iterable[Checkpoint], backups: Iterable[Backup], opened: Opened) -> list[Opening]:
    """Open the files done with that have been written to since, from where each ended."""
    found = {one.key: one for one in backups if not one.is_packed}
    openings = []
    for checkpoint in done:
        one = found.get(checkpoint.key)
        if one is not None and one.size > checkpoint.size and one.key not in opened():
            fd = open_proved(one.path, checkpoint)
            openings += [] if fd is None else [Opening(checkpoint.path, fd, checkpoint, is_live=False)]
    return openings


def open_unread(
    path: str, backups: Iterable[Backup], past: Past, opened: Collection[FileKey], wanted: Collection[Verdict] = UNREAD
) -> Unread:
    """Open the backups of `path` that hold what nobody has read, and sort the others.

    Args:
        wanted: verdicts on those to be opened.
    """
    judged = [(one, classify(one, past)) for one in backups if one.key not in opened]
    copies = [one.key for one, judgement in judged if judgement.verdict in ("copy", "forgotten")]
    found = []
    for one, judgement in judged:
        if judgement.verdict in wanted:
            opening = open_backup(path, one, judgement.of if judgement.verdict == "longer copy" else None)
            found += [(one, opening)] if opening is not None else []
    doubles = [at for at in range(len(found)) if _is_double(at, found)]
    for at in doubles:
        os.close(found[at][1].fd)
    undecided = [one for one, judgement in judged if judgement.verdict in UNDECIDED]
    undecided += [found[at][0] for at in doubles]
    return Unread([opening for at, (_, opening) in enumerate(found) if at not in doubles], copies, undecided)


def find_copies(paths: Collection[str], beside: Mapping[str, tuple[Sequence[Backup], Past]]) -> dict[str, Judgement]:
    """Return which of some paths are copies of generations of others; of two that go on, the longer one does.

    Args:
        beside: a path -> its backups, and what is known of its generations.
    """
    found: dict[str, tuple[int, Judgement]] = {}
    for backups, past in beside.values():
        for one in (one for one in backups if one.path in paths and one.path not in found):
            judgement = classify(one, past)
            if judgement.of is not None:
                found[one.path] = one.size, judgement
    copies: dict[str, Judgement] = {}
    for path, (_, judgement) in sorted(found.items(), key=lambda item: item[1][0], reverse=True):
        is_double = judgement.verdict == "longer copy" and judgement in copies.values()
        copies[path] = Judgement("copy being made", judgement.of) if is_double else judgement
    return copies


def _is_double(at: int, found: Sequence[tuple[Backup, Opening]]) -> bool:
    """Whether the text of one opening is in another too, which is longer or comes before it."""
    one, opening = found[at]
    text = PlainText(opening.fd)
    for other_at, (other, longer) in enumerate(found):
        whole = PlainText(longer.fd)
        is_first = (whole.size, -other_at) > (text.size, -at)
        if not is_first or longer.checkpoint != opening.checkpoint:
            continue
        if opening.checkpoint is not None or (is_part(text, whole) and not _are_alike((one, other), text, whole)):
            return True
    return False


def _are_alike(files: Iterable[Backup], text: PlainText, whole: PlainText) -> bool:
    """Whether two files only look like one, as their text repeats itself and their names do not say that they are."""
    names = {unpacked_name(file.path) for file in files}
    return len(names) > 1 and is_repeated(whole, text.size)
