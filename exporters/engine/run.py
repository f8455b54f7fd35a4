"""The only loop: drain the tail into the ledger, commit, answer the scrapes that wait, wait.

In: a contract, its files and its state. Out: committed values, for whoever scrapes. No line can stop it; a line no
stage foresaw is refused as internal_error and the rest goes on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from contracts.model import Contract
from exporters.engine.accounting import Vitals
from exporters.engine.clock import Clock
from exporters.engine.exposition.render import Gauges
from exporters.engine.exposition.scrape_queue import ScrapeQueue, Waiting
from exporters.engine.heap import TRIM_BYTES, hold_heap, rest_collector, trim_heap
from exporters.engine.ledger import Ledger
from exporters.engine.log import RateLimitedLog
from exporters.engine.records import Change, Gone
from exporters.engine.state.keeper import Keeper, Loaded
from exporters.engine.state.positions import Positions
from exporters.engine.stored import read_rows, row_of
from exporters.engine.tail.tail import Tail
from exporters.engine.values import Batch, Snapshot

if TYPE_CHECKING:
    from exporters.engine.state.store import Store

__all__ = ["Engine", "Exposed", "ReloadError"]

POLL_S = 0.2
"""Seconds between two looks at the open files. Source: design 4 (100 to 250 ms), as mtail and promtail do."""

SCAN_S = 1.0
"""Seconds between two looks at which files the paths lead to, or 30 times what a look takes: 3 % of a core at most."""

COMMIT_S = 1.0
"""Longest time values stay uncommitted."""

STOP_S = 0.5
"""Seconds after stop() in which what is there may still be read; what is left waits for the next start."""

_log = logging.getLogger("peaktrade.exporter")

Exposed = tuple[Snapshot, Gauges]


class ReloadError(Exception):
    """Another contract cannot be put in force now."""


class Engine:
    """Runs one contract over its files. All methods but scrape(), wake() and stop() belong to one thread.

    `is_reload_refused`: whether another contract was wanted and could not be had; set by whoever tried.
    """

    def __init__(
        self,
        contract: Contract,
        tail: Tail,
        environment: Mapping[str, str],
        clock: Clock,
        store: Store | None = None,
    ) -> None:
        self.clock = clock
        self.tail = tail
        self.is_ready = False
        self._wake = threading.Event()
        self._stops_at = float("inf")
        self._scrape_queue = ScrapeQueue()
        self._warnings = RateLimitedLog(clock.monotonic)
        self._scans_at = self._committed_at = float("-inf")
        self._keeper = Keeper(store)
        self.positions = Positions()
        self._last_commit_at = 0.0
        self._read_bytes = 0
        self._gauges: Gauges = ()
        self.published: Exposed = ((), ())
        self._environment = environment
        self.ledger = self._open_ledger(contract)
        self.is_reload_refused = False

    @property
    def contract(self) -> Contract:
        """The contract in force."""
        return self.ledger.contract

    def _open_ledger(self, contract: Contract) -> Ledger:
        return Ledger(contract, self._environment, self.clock, self._warnings)

    def start(self) -> Engine:
        """Take over what the last process left, then make the series that exist from the start, and commit them.

        Raises:
            StoreBusyError, StoreError: if the state cannot be had.
        """
        hold_heap()
        rest_collector()
        loaded = self._keeper.load(self.clock.now())
        saved = loaded.saved
        self.positions.restore(saved)
        self.ledger.begin(saved)
        for notice in self.tail.recover(saved.checkpoints, saved.known, self.clock.monotonic()):
            self.ledger.take(notice)
        self._report_start(loaded)
        self._commit()
        self.publish()
        return self

    def reload(self, contract: Contract) -> None:
        """Go on under another contract as after a restart, but with every file open and as far read as it is.

        Raises:
            ReloadError: if the state cannot be written now; the contract in force goes on.
        """
        whole = list(self._changes(everything=True))
        problem = self._keeper.save(self.clock.now(), lambda: whole, lambda: whole)
        if not self._keeper.is_ok:
            raise ReloadError(problem)
        self.ledger, self.is_reload_refused = self._open_ledger(contract), False
        self.ledger.begin(read_rows(row_of(one) for one in whole if not isinstance(one, Gone)))
        self._commit()

    def _report_start(self, loaded: Loaded) -> None:
        """Count and say how much there was of the last process."""
        if loaded.set_aside:
            self.ledger.begin_anew("corrupt", loaded.set_aside)
        if loaded.problem:
            self._warnings.warn("state", loaded.problem)
        name, series, files = self.contract.name, len(loaded.saved.series), len(loaded.saved.checkpoints)
        if self._keeper.is_kept and not loaded.saved.number:
            _log.info("no state yet: every file is read from its start exporter=%s", name)
        if self._keeper.is_kept:
            _log.info("state exporter=%s restored_series=%d files=%d", name, series, files)

    # The loop

    def run(self, may_go_on: Callable[[], bool]) -> None:
        """Go on until stop(), or until `may_go_on` says no, then drain, if there is time, and commit once more."""
        while not self._is_ending and may_go_on():
            self.step()
            if not self._is_ending:
                self.clock.wait(self._wake, POLL_S)
        self.step()
        self._commit()
        self.publish()
        self._scrape_queue.close()
        self._keeper.close()

    def step(self) -> None:
        """Read everything there is now, commit what is due, and answer the scrapes that came before."""
        waiting = self._scrape_queue.waiting()
        changed, is_full = False, self._scan(bool(waiting))
        for item in self.tail.drain(self.clock.now(), self.clock.monotonic(), everything=is_full):
            self.ledger.take(item)
            changed = True
            self._read_bytes += item.end - item.start if isinstance(item, Batch) else 0
            if self.clock.monotonic() - self._committed_at >= COMMIT_S:
                self._commit()
            overdue = self._scrape_queue.overdue(self.clock.monotonic())
            if overdue:
                self._commit()
                self._answer(overdue)
            if self.clock.monotonic() >= self._stops_at:
                break
        else:
            self.ledger.settle()
        if changed or waiting or self.clock.monotonic() - self._committed_at >= COMMIT_S:
            self._commit()
        if self._read_bytes > TRIM_BYTES:
            self._read_bytes = 0
            trim_heap()
        self.is_ready = True
        self._answer(waiting)
        if self._keeper.is_ok:
            for notice in self.tail.release(self.clock.monotonic()):
                self.ledger.take(notice)

    def conclude(self) -> None:
        """Count what pairs still wait for in vain, and commit: nothing will be read any more."""
        self.ledger.conclude()
        self._commit()

    def _scan(self, at_once: bool) -> bool:
        monotonic = self.clock.monotonic()
        if not at_once and monotonic < self._scans_at:
            return False
        for notice in self.tail.scan(monotonic, at_once):
            self.ledger.take(notice)
        self._scans_at = monotonic + max(SCAN_S, 30 * (self.clock.monotonic() - monotonic))
        return True

    def _commit(self) -> None:
        """Make everything read so far safe, then visible; if the disk says no, both stay as they were."""
        changed, everything = (partial(self._changes, everything=whole) for whole in (False, True))
        now = self.clock.now()
        problem = self._keeper.save(now, changed, everything)
        if not self._keeper.is_kept:
            self.positions.look(self.tail.checkpoints())
        if problem:
            self._warnings.warn("state", problem)
        if self._keeper.is_ok:
            self.ledger.commit()
            self.positions.committed()
            self._last_commit_at = now
        self._committed_at = self.clock.monotonic()
        self._gauges = self.ledger.gauges(self._vitals())

    def _changes(self, everything: bool) -> Iterator[Change]:
        """Yield what one commit writes: what the ledger holds and positions, all or only what changed."""
        yield from self.ledger.changes(everything)
        yield from self.positions.changes(self.tail.checkpoints(), self.tail.known, everything)

    def _vitals(self) -> Vitals:
        return Vitals(
            files_present=self.tail.files_present,
            files_open=self.tail.files_open,
            files_unreadable=len(self.tail.unreadable),
            lag_bytes=self.tail.lag_bytes,
            series=self.ledger.series.size(self.contract.metrics),
            last_commit_at=self._last_commit_at,
            state_ok=self._keeper.is_ok,
            state_errors=self._keeper.errors,
            open_pairs=self.ledger.pipeline.pairs.sizes(),
            contract_read_at=self.ledger.opened_at,
            contract_refused=self.is_reload_refused,
        )

    # Scrapes, from other threads

    def scrape(self, timeout_s: float) -> Future[None]:
        """Return what is done when `published` holds every line appended before the call.

        Bounded: if the backlog is too long for `timeout_s`, what has been committed until then.
        """
        return self._scrape_queue.join(self.clock.monotonic(), timeout_s, self._wake)

    def publish(self) -> Exposed:
        """Make the last committed values the ones scrapes get, and return them."""
        self.published = (self.ledger.series.snapshot(), self._gauges)
        return self.published

    def wake(self) -> None:
        """Look at the files now rather than at the next poll."""
        self._wake.set()

    def stop(self) -> None:
        """End run() soon, at the end of a batch. May be called from a signal handler: it takes no lock."""
        self._stops_at = min(self._stops_at, self.clock.monotonic() + STOP_S)

    @property
    def _is_ending(self) -> bool:
        return self._stops_at < float("inf")

    def _answer(self, scrapes: Sequence[Waiting]) -> None:
        if scrapes:
            self.publish()
            self._scrape_queue.answer(scrapes)
