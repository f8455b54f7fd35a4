"""The folder as one set of values: those of the living, and what the dead left, folded into one file.

In: a folder that only this process folds in. Out: values by series. Files of living processes are read and never
touched. A dead process's counters are set aside, folded, and only then removed; its gauges go with it. Whatever moment
this process is killed at, every counter is then either in the folded file or still in a file of its own, never in both.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from contracts.model import Contract
from exporters.engine.clock import Clock
from exporters.engine.log import RateLimitedLog
from exporters.multiprocess.admission import Admission, Series
from exporters.multiprocess.claims import LOCK_ENDING, Claim, is_alive, remove_claim, take_folder
from exporters.multiprocess.folded import FILE, Folded, read_folded, write_folded
from exporters.multiprocess.shards import Entry, Shard, list_shards, read_entries

__all__ = ["Collector"]

_ASIDE = ".dead-"
"""In the name of a dead process's file between its end and its folding; prometheus_client reads no such file."""

Counters = dict[Series, float]
Merge = Callable[[Counters, Mapping[Series, float]], None]


class Collector:
    """Reads one folder. Not thread-safe.

    Args:
        contract: what may be shown.
        folder: an absolute path; made if need be.
    """

    def __init__(self, contract: Contract, folder: Path, clock: Clock) -> None:
        self.contract = contract
        self.folder = folder
        self.recorders = self.refused = self.errors = 0
        self.is_ok = True
        self._clock = clock
        self._log = RateLimitedLog(clock.monotonic)
        self._admission = Admission(contract)
        self._claim: Claim | None = None
        self._since = clock.now()
        self._folded: Counters = {}
        self._contains: list[str] = []
        self._aside: dict[str, Counters] = {}
        self._read: dict[str, Counters] = {}
        self._strangers: dict[str, int] = {}
        self._living: list[Shard] = []

    @property
    def since(self) -> float:
        """When counting began in this folder, in UTC epoch seconds."""
        return self._since

    def open(self) -> Collector:
        """Take the folder, and what was folded in it before.

        Raises:
            FolderError: if the folder or the folded file cannot be used, or another process has the folder.
        """
        self._claim = take_folder(self.folder, self.contract.name)
        folded = read_folded(self.folder, self._clock.now())
        self._since = folded.since
        self._admission.take_over(folded.names)
        entries = [Entry(name, labels, value) for name, labels, value in folded.counters]
        for series, entry in ((self._admission.admit(entry), entry) for entry in entries):
            if series is None:
                text = f"{self.folder}: {entry.sample} of ended processes is not in {self.contract.path}; left out"
                self._log.warn(f"left {entry.sample}", text)
            else:
                _add(self._folded, {series: entry.value})
        self._contains = folded.contains
        self._remove(self._contains)
        self._take_in()
        if not (self.folder / FILE).exists():
            self._write(self._folded, ())  # so that it stays known since when counts are kept here
        return self

    def close(self) -> None:
        """Give the folder back."""
        if self._claim is not None:
            self._claim.let_go()

    def collect(self) -> Counters:
        """Return the values of every series that was recorded, folding what the dead have left."""
        self.tidy()
        values = dict(self._folded)
        for left in self._aside.values():
            _add(values, left)
        for read in self._read.values():
            _add(values, read)
        for shard in self._living:
            if shard.kind == "gauge_livemax":
                _raise(values, self._values_of(shard.name, _raise))
        self.refused = sum(self._strangers.values())
        self._save_new_names()
        return values

    def tidy(self) -> None:
        """Fold what dead processes left, and read the counters of the living."""
        try:
            shards = list_shards(self.folder)
        except FileNotFoundError:
            self._begin_again()
            shards = []
        except OSError as error:
            self._fail(error)
            return
        alive = {token: is_alive(self.folder, token) for token in {shard.token for shard in shards}}
        self._living = [shard for shard in shards if alive[shard.token] or not self._take_away(shard)]
        self._keep_what_vanished({shard.name for shard in self._living})
        for shard in self._living:
            if not shard.is_gauge:  # in a file they only rise: what reads as less was read at a bad moment
                _raise(self._read.setdefault(shard.name, {}), self._values_of(shard.name))
        self.recorders = sum(alive.values())
        if self._aside:
            self._fold()
        self._clear_claims({token for token, lives in alive.items() if lives})

    def _values_of(self, name: str, merge: Merge | None = None) -> Counters:
        values: Counters = {}
        strangers = 0
        for entry in read_entries(self.folder / name):
            series = self._admission.admit(entry)
            if series is None:
                strangers += 1
            else:
                (merge or _add)(values, {series: entry.value})
        self._strangers[name] = strangers
        return values

    def _take_away(self, shard: Shard) -> bool:
        """Take a dead process's file out of reach of one that may be given the same pid; False if it stays."""
        path = self.folder / shard.name
        if shard.is_gauge:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            return True
        aside = f"{shard.name}{_ASIDE}{secrets.token_hex(6)}"
        try:
            path.rename(self.folder / aside)
            if is_alive(self.folder, shard.token) and not path.exists():
                (self.folder / aside).rename(path)  # its pid was given away just now, and the file with it
                return False
        except FileNotFoundError:
            return True  # somebody else removed it
        except OSError as error:
            self._fail(error)
            return False
        self._aside[aside] = self._values_of(aside)
        _raise(self._aside[aside], self._read.pop(shard.name, {}))
        return True

    def _take_in(self) -> None:
        """Find what an earlier process set aside and could not fold."""
        for name in sorted(path.name for path in self.folder.iterdir()):
            if _ASIDE in name and name not in self._contains:
                self._aside[name] = self._values_of(name)

    def _keep_what_vanished(self, present: set[str]) -> None:
        """Keep the counters of files somebody else removed: what was scraped must not fall."""
        for name in self._read.keys() - present:
            self._log.warn(f"vanished {name}", f"{self.folder / name}: removed while in use; its counters are kept")
            _add(self._folded, self._read.pop(name))
            self._write(self._folded, self._contains)
        self._strangers = {name: number for name, number in self._strangers.items() if name in present}

    def _fold(self) -> None:
        """Put what was set aside into the folded file, then remove it."""
        values = dict(self._folded)
        for left in self._aside.values():
            _add(values, left)
        names = [*self._aside]
        if self._write(values, names):
            self._folded, self._contains = values, names
            self._aside.clear()
            self._remove(names)

    def _write(self, values: Mapping[Series, float], contains: Iterable[str]) -> bool:
        labels_of = self._admission.labels_of
        counters = [(series[0], labels_of(series), value) for series, value in sorted(values.items())]
        names = {word: [*seen] for word, seen in self._admission.names.items()}
        still_there = [name for name in {*contains, *self._contains} if (self.folder / name).exists()]
        try:
            write_folded(self.folder, Folded(self._since, counters, names, sorted(still_there)))
        except OSError as error:
            self._fail(error)
            return False
        self._admission.has_new_names = False
        self.is_ok = True
        return True

    def _save_new_names(self) -> None:
        """Names take their places for good before anyone sees them."""
        if self._admission.has_new_names:
            self._write(self._folded, self._contains)

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            with contextlib.suppress(OSError):
                (self.folder / name).unlink()

    def _clear_claims(self, living: set[str]) -> None:
        with contextlib.suppress(OSError):
            for path in self.folder.glob(f"*{LOCK_ENDING}"):
                token = path.stem
                if token not in living and not is_alive(self.folder, token):
                    remove_claim(self.folder, token)

    def _begin_again(self) -> None:
        """Make a folder that somebody removed while it was in use; what was counted stays."""
        self._log.warn("folder", f"{self.folder}: removed while in use; made again, and its counters are kept")
        self.close()
        self._claim = take_folder(self.folder, self.contract.name)
        self._contains = []
        self._write(self._folded, ())

    def _fail(self, error: OSError) -> None:
        self.is_ok = False
        self.errors += 1
        reason = (error.strerror or str(error)).lower()
        self._log.warn(
            "state", f"{self.folder}: cannot be written to ({reason}); nothing is folded, values stay visible"
        )


def _add(values: Counters, more: Mapping[Series, float]) -> None:
    for series, value in more.items():
        values[series] = values.get(series, 0.0) + value


def _raise(values: Counters, more: Mapping[Series, float]) -> None:
    for series, value in more.items():
        values[series] = max(value, values.get(series, value))
