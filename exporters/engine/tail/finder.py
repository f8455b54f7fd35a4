"""Patterns -> the regular files they lead to now, each once. Part of the tail stage.

In: paths and globs. Out: inodes with one name each, and what stands in the way of others. It opens nothing: what a path
leads to when it is opened is for the opened descriptor to say.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from contracts.places import globs_of, is_left_out, left_out_of
from exporters.engine.tail.unpack import is_packed

__all__ = ["Finder", "Found", "Inode"]

_MAGIC = frozenset("*?[")

Inode = tuple[int, int]
"""Device and inode number: tells files apart while they are open."""


class Found(Struct):
    """What the patterns lead to: regular files with one name each, and what cannot be followed, with the reason.

    `states`: path -> what changes when its file does, or when it leads to another.
    """

    files: dict[Inode, str] = field(default_factory=dict)
    states: dict[str, object] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


class Finder:
    """The patterns of one tail; `may_follow` says of each path they lead to whether it is one of theirs."""

    def __init__(self, patterns: Sequence[str], may_follow: Callable[[str], bool]) -> None:
        self._patterns, self._left_out = globs_of(patterns), left_out_of(patterns)
        self._may_follow = may_follow

    @property
    def literal(self) -> tuple[str, ...]:
        """The patterns that name one path."""
        return tuple(pattern for pattern in self._patterns if not _MAGIC & set(pattern))

    @property
    def folders(self) -> list[str] | None:
        """The folders the patterns name; None if one of them is a pattern itself."""
        folders = [os.path.dirname(pattern) for pattern in self._patterns]
        return None if any(_MAGIC & set(folder) for folder in folders) else folders

    def may_lead_to(self, path: str) -> bool:
        """Whether a file at `path` would be followed, however the pattern spells it."""
        return any(_leads_to(pattern, path) for pattern in self._patterns) and not is_left_out(path, self._left_out)

    def leading_nowhere(self, live: Iterable[str], paths: Iterable[str]) -> list[str]:
        """Return the patterns that lead to none of `live`, though they would lead to one of `paths`."""
        found, wanted = list(live), list(paths)
        return [
            pattern
            for pattern in self._patterns
            if not any(_leads_to(pattern, path) for path in found) and any(_leads_to(pattern, path) for path in wanted)
        ]

    def resolve(self, known: Mapping[Inode, str]) -> Found:
        """Return what there is now.

        Args:
            known: names files had at the last look; of several names of one file the known one stays.
        """
        found = Found()
        for path in filter(self._may_follow, self._matches()):
            try:
                info = os.stat(path)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                found.problems[path] = error.strerror or str(error)
                continue
            inode = (info.st_dev, info.st_ino)
            if not stat.S_ISREG(info.st_mode):
                if path in self._patterns:
                    found.problems[path] = "not a regular file"
            elif inode not in found.files or known.get(inode) == path:
                found.files[inode] = path
                found.states[path] = (*inode, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
        return found

    def directories(self, paths: Iterable[str]) -> set[str]:
        """Return the existing directories whose entries matter: of the patterns, `paths` and their targets."""
        parents = {_steady_part(os.path.dirname(pattern)) for pattern in self._patterns}
        for path in paths:
            parents |= {os.path.dirname(path), os.path.dirname(os.path.realpath(path))}
        return {parent or "." for parent in parents if os.path.isdir(parent or ".")}

    def _matches(self) -> Iterator[str]:
        for pattern in self._patterns:
            if _MAGIC & set(pattern):  # packed files are made by rotation, their text has been read before
                found = [path for path in glob.glob(pattern, recursive=True) if not is_packed(path)]
                yield from [path for path in sorted(found) if not is_left_out(path, self._left_out)] or [pattern]
            else:
                yield pattern


def _leads_to(pattern: str, path: str) -> bool:
    return _fits(os.path.abspath(pattern).split(os.sep), os.path.abspath(path).split(os.sep))


def _fits(pattern: list[str], parts: list[str]) -> bool:
    """Whether the parts of a path are those of a pattern, `**` standing for any number of them."""
    if not pattern or not parts:
        return pattern == parts
    if pattern[0] == "**":
        return _fits(pattern[1:], parts) or _fits(pattern, parts[1:])
    return fnmatch.fnmatchcase(parts[0], pattern[0]) and _fits(pattern[1:], parts[1:])


def _steady_part(folder: str) -> str:
    """Return the part of a folder's path that comes before the first wildcard."""
    while _MAGIC & set(folder):
        folder = os.path.dirname(folder)
    return folder
