"""Which file is what: the patterns that are followed, and what a path's place says of its lines.

In: settings. Out: patterns for the reading, and for a path its kind and, where the folder says so, its subject. Of a
link only what stays within the folders is followed.
"""

from __future__ import annotations

import glob
import os
import re
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from console.names import is_id
from console.settings import Settings

__all__ = ["STEP_FILES", "TABLES", "Place", "Sources"]

STEP_FILES = ("events.jsonl", "events.parquet", "events.csv")
"""Where a run's steps may stand, in order of preference; one file of them counts."""

TABLES = ("events.parquet", "trades.parquet")
"""Files of a run that are written whole, again and again, and read as a whole."""

_IN_A_RUN = {
    "events.jsonl": "step",
    "events.csv": "step",
    "alerts.jsonl": "run_alert",
    "trades.jsonl": "trade",
    "trades.csv": "trade",
    "events.parquet": "step",
    "trades.parquet": "trade",
}
"""File of a run's folder -> kind of its lines."""

_SETTLED_NS = 100_000_000
"""Times of folders are coarse; one that changed less than that ago may change again and look the same."""

_ROTATED = re.compile(r"(?:[.-][0-9TZ._-]+)?(?:\.(?:gz|bz2|xz|zst))?$")


class Place(NamedTuple):
    """What a path says of its lines: their kind (`log` if each line says so itself), their subject, their form."""

    kind: str
    subject: str = ""
    is_csv: bool = False


class Sources:
    """The files of one console."""

    def __init__(self, settings: Settings) -> None:
        self._runs = os.path.abspath(settings.base_runs_dir)
        self._execution = os.path.abspath(settings.execution_dir)
        self._single = {
            os.path.abspath(settings.ledger): Place("ledger"),
            os.path.abspath(settings.ai_events): Place("ai"),
        }
        self._folders = (self._runs, self._execution)
        self._listed: tuple[int, list[str]] = (0, [])
        self.place_of = lru_cache(maxsize=8192)(self._place_of)

    @property
    def patterns(self) -> list[str]:
        """What is followed."""
        runs, execution = glob.escape(self._runs), glob.escape(self._execution)
        in_runs = [f"{runs}/*/{name}" for name in _IN_A_RUN if name not in TABLES]
        return [*in_runs, f"{runs}/alerts/alerts_*.jsonl", f"{execution}/*.jsonl", *map(glob.escape, self._single)]

    def may_follow(self, path: str) -> bool:
        """Whether a path leads to a file within the folders, whatever links there are on its way."""
        if path in self._single:
            return True
        folder = os.path.dirname(path)
        if not (os.path.islink(path) or os.path.islink(folder)):
            return folder in self._folders or is_id(os.path.basename(folder))
        real = os.path.realpath(path)
        return any(real.startswith(f"{os.path.realpath(base)}/") for base in self._folders)

    def watched(self) -> Iterator[str]:
        """Yield the folders in which a new file is of interest."""
        yield from (self._runs, self._execution, os.path.join(self._runs, "alerts"))
        yield from (os.path.dirname(path) for path in self._single)
        yield from self.run_folders()

    def _state_of_runs(self) -> int:
        """Return what changes when a run's folder comes or goes; 0 if that cannot be told, as it may just have."""
        try:
            changed = os.stat(self._runs).st_mtime_ns
        except OSError:
            return 0
        return changed if time.time_ns() - changed > _SETTLED_NS else 0

    def run_folders(self) -> list[str]:
        """Return the folders that may be runs; the folder above is listed again only when its entries changed."""
        state = self._state_of_runs()
        if state != self._listed[0] or state == 0:
            self._listed = (state, self._list_runs())
        return self._listed[1]

    def _list_runs(self) -> list[str]:
        try:
            with os.scandir(self._runs) as entries:
                return [entry.path for entry in entries if is_id(entry.name) and entry.is_dir(follow_symlinks=False)]
        except OSError:
            return []

    def _place_of(self, path: str) -> Place:
        path = os.path.abspath(path)
        for single, place in self._single.items():
            if path.startswith(single) and "/" not in path[len(single) :]:
                return place
        folder, name = os.path.split(path)
        if folder == self._execution:
            return Place("log", _ROTATED.sub("", name).removesuffix(".jsonl"))
        if folder == os.path.join(self._runs, "alerts"):
            return Place("alert")
        known = next((known for known in _IN_A_RUN if name.startswith(known)), "")
        return Place(_IN_A_RUN.get(known, "log"), os.path.basename(folder), known.endswith(".csv"))
