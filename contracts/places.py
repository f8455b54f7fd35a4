"""Where event files lie: paths and globs with placeholders, alternatives and exceptions.

In: patterns as people write them. Out: globs, what is left out, and what a path says. `{run}` stands for one name or a
part of it, `{a,b}` for either, `~` for the home folder, and a `!` in front leaves files out. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from os.path import abspath, basename, expanduser

__all__ = ["globs_of", "is_left_out", "left_out_of", "names_in", "values_of"]

_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_EITHER = re.compile(r"\{([^{}]*,[^{}]*)\}")
_MARKS = re.compile(r"(?P<place>\{[a-z][a-z0-9_]*\})|(?P<deep>\*\*/?)|(?P<any>\*)|(?P<one>\?)|(?P<set>\[!?[^\]]+\])")


def globs_of(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the paths and globs that patterns stand for, those that leave files out left out.

    >>> globs_of(["runs/{run}/{a,b}.jsonl", "!*.tmp"])
    ('runs/*/a.jsonl', 'runs/*/b.jsonl')
    """
    kept = [pattern for pattern in patterns if not pattern.startswith("!")]
    return tuple(_PLACE.sub("*", expanduser(one)) for pattern in kept for one in _either(pattern))


def left_out_of(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the globs of what is left out."""
    return globs_of(pattern[1:] for pattern in patterns if pattern.startswith("!"))


def is_left_out(path: str, left_out: Sequence[str]) -> bool:
    """Whether a path is one of those left out; a glob without a folder goes for names in any folder.

    >>> is_left_out("logs/debug-1.jsonl", ["debug-*.jsonl"])
    True
    """
    whole, name = abspath(path), basename(path)
    return any(fnmatchcase(whole, abspath(glob)) if "/" in glob else fnmatchcase(name, glob) for glob in left_out)


def names_in(patterns: Iterable[str]) -> set[str]:
    """Return the names of all placeholders."""
    return {name for pattern in patterns for name in _PLACE.findall(pattern)}


def values_of(path: str, patterns: Iterable[str]) -> Mapping[str, str]:
    """Return what the placeholders of the first pattern that a path fits stand for; a relative one fits its end.

    >>> values_of("/data/live_runs/r1/events.jsonl", ["live_runs/{run}/events.jsonl"])
    {'run': 'r1'}
    """
    for pattern in patterns:
        for one in _either(pattern):
            found = _fitting(expanduser(one))(abspath(path)) if _PLACE.search(one) else None
            if found is not None:
                return found.groupdict()
    return {}


def _either(pattern: str) -> list[str]:
    """Return the patterns that alternatives stand for."""
    found = _EITHER.search(pattern)
    if found is None:
        return [pattern]
    before, after = pattern[: found.start()], pattern[found.end() :]
    parts = found[1].split(",")
    return list(dict.fromkeys(whole for part in parts for whole in _either(f"{before}{part}{after}")))


@cache
def _fitting(pattern: str) -> Callable[[str], re.Match[str] | None]:
    known: set[str] = set()
    pieces: list[str] = []
    at = 0
    pattern = pattern.removeprefix("./")
    for mark in _MARKS.finditer(pattern):
        pieces += [re.escape(pattern[at : mark.start()]), _part(mark, known)]
        at = mark.end()
    pieces.append(re.escape(pattern[at:]))
    return re.compile(f"(?:.*/)?{''.join(pieces)}", re.DOTALL).fullmatch


def _part(mark: re.Match[str], known: set[str]) -> str:
    if mark["place"]:
        name = mark["place"][1:-1]
        if name in known:
            return f"(?P={name})"
        known.add(name)
        return f"(?P<{name}>[^/]+)"
    if mark["deep"]:
        return "(?:.*/)?" if mark["deep"].endswith("/") else ".*"
    return "[^/]*" if mark["any"] else "[^/]" if mark["one"] else mark["set"].replace("[!", "[^")
