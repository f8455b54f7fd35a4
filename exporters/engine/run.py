"""The only loop: drain, decode, translate, apply, account, commit, wait. It alone sees every stage.

In: the stages of one exporter. Out: committed values, for whoever scrapes, and an exit code. No line can stop it; a
line no stage foresaw is refused as internal_error and the rest goes on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from contracts.model import Contract
from exporters.engine.accounting import LIVE, STORED, Accounting, Vitals
from exporters.engine.clock import Clock
from exporters.engine.decode import Decoder
from exporters.engine.exposition.render import Gauges
from exporters.engine.exposition.scrape_queue import ScrapeQueue, Waiting
from exporters.engine.heap import TRIM_BYTES, trim_heap
from exporters.engine.log import RateLimitedLog
from exporters.engine.pairs.pairs import OpenPairs
from exporters.engine.series import SeriesTable
from exporters.engine.state.keeper import Keeper, checkpoint_rows, checkpoints_of, known_of
from exporters.engine.state.rows import Row
from exporters.engine.tail.tail import Tail
from exporters.engine.translate.translate import Translator
from exporters.engine.values import Batch, Checkpoint, Decoded, Effect, FileKey, Notice, Snapshot, Update

if TYPE_CHECKING:
    from exporters.engine.state.store import Store

__all__ = ["Engine", "Exposed"]

POLL_S = 0.2
"""Seconds between two looks at the open files. Source: design 4 (100 to 250 ms), as mtail and promtail do."""

SCAN_S = 1.0
"""Seconds between two looks at which files the paths lead to."""

COMMIT_S = 1.0
"""Longest time values stay uncommitted."""

_log = logging.getLogger("peaktrade.exporter")

Exposed = tuple[Snapshot, Gauges]


class Engine:
    """Runs one contract over its files. All methods but scrape(), wake() and stop() belong to one thread."""

    def __init__(
        self,
        contract: Contract,
        tail: Tail,
        environment: Mapping[str, str],
        clock: Clock,
        store: Store | None = None,
    ) -> None:
        self.contract = contract
        self.clock = clock
        self.tail = tail
        self._decoder = Decoder(contract)
        self.state = SeriesTable((*contract.metrics, *STORED.values()), contract.words)
        self._translator = Translator(contract, environment, self.state.seen)
        self._pairs = OpenPairs(contract)
        self._accounting = Accounting(contract)
        self.is_ready = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._scrape_queue = ScrapeQueue()
        self._warnings = RateLimitedLog(clock.monotonic)
        self._scanned_at = self._committed_at = float("-inf")
        self._keeper = Keeper(store)
        self._stored_checkpoints: dict[int, Checkpoint] = {}
        self._stored_known: frozenset[FileKey] | None = None
        self._last_commit_at = 0.0
        self._read_bytes = 0
        self._begin()
        self._commit()
        self._published: Exposed = (self.state.snapshot(), self._gauges)

    def _begin(self) -> None:
        """Take over what the last process left, then make the series that exist from the start.

        Raises:
            StoreBusyError, StoreError: if the state cannot be had.
        """
        now = self.clock.now()
        rows = self._keeper.load(now)
        left = self.state.restore(rows, self.contract)
        left.update({f"pair {name}": number for name, number in self._pairs.restore(rows).items()})
        self.state.begin(self.contract, self._translator.defaults(), now)
        self.state.apply(self._accounting.begin(), now)
        checkpoints = checkpoints_of(rows)
        self._stored_checkpoints = {checkpoint.serial: checkpoint for checkpoint in checkpoints}
        recovery = self.tail.recover(checkpoints, known_of(rows), self.clock.monotonic())
        self.state.apply(self._accounting.recovered(recovery.outcomes), now)
        for notice in recovery.notices:
            self.take(notice)
        if left:
            self.state.apply(self._accounting.reset("contract", sum(left.values())), now)
            names = ", ".join(sorted(left))
            self._warnings.warn("contract", f"{self.contract.path}: the contract changed; these begin anew: {names}")
        if self._keeper.set_aside:
            self.state.apply(self._accounting.reset("corrupt", self._keeper.set_aside), now)
        if self._keeper.problem:
            self._warnings.warn("state", self._keeper.problem)
        if self._keeper.is_kept:
            if not rows:
                _log.info("no state yet: every file is read from its start exporter=%s", self.contract.name)
            _log.info(
                "state exporter=%s restored_series=%d files=%d",
                self.contract.name,
                sum(kind == "series" for kind, _, _ in rows),
                len(checkpoints),
            )

    # The loop

    def run(self, may_go_on: Callable[[], bool]) -> None:
        """Go on until stop(), or until `may_go_on` says no, then drain and commit once more."""
        while not self._stopping.is_set() and may_go_on():
            self.step()
            if not self._scrape_queue.waiting():
                self.clock.wait(self._wake, POLL_S)
        self.step()
        self._commit()
        self._keeper.close()

    def step(self) -> None:
        """Read everything there is now, commit what is due, and answer the scrapes that came before."""
        waiting = self._scrape_queue.waiting()
        self._scan(bool(waiting))
        changed = False
        for item in self.tail.drain(self.clock.now(), self.clock.monotonic()):
            self.take(item)
            changed = True
            self._read_bytes += item.end - item.start if isinstance(item, Batch) else 0
            if self.clock.monotonic() - self._committed_at >= COMMIT_S:
                self._commit()
            overdue = self._scrape_queue.overdue(self.clock.monotonic())
            if overdue:
                self._commit()
                self._answer(overdue)
        if changed or waiting or self.clock.monotonic() - self._committed_at >= COMMIT_S:
            self._commit()
        if self._read_bytes > TRIM_BYTES:
            self._read_bytes = 0
            trim_heap()
        self.is_ready = True
        self._answer(waiting)
        if self._keeper.is_ok:
            for notice in self.tail.release(self.clock.monotonic()):
                self.take(notice)

    def take(self, item: Batch | Notice) -> None:
        """Bring one batch or notice to account, whole."""
        now = self.clock.now()
        if isinstance(item, Notice):
            self._say(item)
            self.state.apply(self._accounting.notice(item), now)
            return
        decoded, effect = self._understand(item, now)
        latencies, tally = self._pairs.join(effect.joins)
        updates: list[Update] = [*effect.updates, *latencies]
        overflow = self.state.apply(updates, now)
        self.state.apply(self._accounting.lines(item, decoded, effect), now)
        self.state.apply(self._accounting.joined(tally), now)
        self.state.apply(self._accounting.folded(overflow), now)

    def _understand(self, batch: Batch, now: float) -> tuple[Decoded, Effect]:
        try:
            decoded = self._decoder.decode(batch.data)
            return decoded, self._translator.translate(decoded.events, now)
        except Exception:  # noqa: BLE001  # said with its traceback; goes on line by line
            self._warnings.warn(
                "internal_error",
                f"{batch.path}@{batch.start}: a line was not understood; report it",
                exc_info=True,
            )
            return self._understand_each(batch, now)

    def _understand_each(self, batch: Batch, now: float) -> tuple[Decoded, Effect]:
        """Go through a batch line by line, so that a line no stage foresaw costs itself alone."""
        decoded, effect = Decoded([]), Effect()
        for line in batch.data.split(b"\n")[:-1]:
            try:
                one = self._decoder.decode(line + b"\n")
                did = self._translator.translate(one.events, now)
            except Exception:  # noqa: BLE001  # no line can stop an exporter: counted as internal_error, said above
                decoded.rejected["internal_error"] += 1
                continue
            decoded.blank += one.blank
            decoded.skipped_bytes += one.skipped_bytes
            decoded.rejected += one.rejected
            effect.updates += did.updates
            effect.joins = [*effect.joins, *did.joins]
            effect.outcomes += did.outcomes
            effect.rejected += did.rejected
            effect.refused += did.refused
        return decoded, effect

    def _scan(self, at_once: bool) -> None:
        monotonic = self.clock.monotonic()
        if at_once or monotonic - self._scanned_at >= SCAN_S:
            self._scanned_at = monotonic
            for notice in self.tail.scan(monotonic):
                self.take(notice)
            for path, problem in self.tail.problems.items():
                self._warnings.warn(path, f"{path}: cannot be read ({problem.lower()}); retrying every second")

    def _commit(self) -> None:
        """Make everything read so far safe, then visible; if the disk says no, both stay as they were."""
        self.state.apply(self._accounting.recovered(self.tail.recovered), self.clock.now())
        self.tail.recovered.clear()
        checkpoints, known = self.tail.checkpoints(), self.tail.known
        now = self.clock.now()
        if self._keeper.save(
            now, lambda: self._rows(checkpoints, known, False), lambda: self._rows(checkpoints, known, True)
        ):
            self.state.commit()
            self._pairs.committed()
            self._stored_checkpoints = {checkpoint.serial: checkpoint for checkpoint in checkpoints}
            self._stored_known = known
            self._last_commit_at = now
        if self._keeper.problem:
            self._warnings.warn("state", self._keeper.problem)
        self._committed_at = self.clock.monotonic()
        self._gauges: Gauges = [
            (LIVE[name], values) for name, values in self._accounting.gauges(self._vitals()).items() if values
        ]

    def _rows(self, checkpoints: Sequence[Checkpoint], known: frozenset[FileKey], everything: bool) -> Iterator[Row]:
        """Yield what one commit writes: values, pairs, positions, and what they mean, all or only what changed."""
        yield from self.state.rows(everything)
        yield from self._pairs.rows(everything)
        yield from self._pairs.meanings(everything)
        yield from checkpoint_rows(checkpoints, {} if everything else self._stored_checkpoints)
        if everything or known != self._stored_known:
            yield "known", "", sorted(known)

    def _vitals(self) -> Vitals:
        return Vitals(
            files_present=self.tail.files_present,
            files_open=self.tail.files_open,
            files_unreadable=len(self.tail.problems),
            lag_bytes=self.tail.lag_bytes,
            series=self.state.size(self.contract.metrics),
            last_commit_at=self._last_commit_at,
            state_ok=self._keeper.is_ok,
            state_errors=self._keeper.errors,
            open_pairs=self._pairs.sizes(),
        )

    # Scrapes, from other threads

    def scrape(self, timeout_s: float) -> Exposed:
        """Return committed values that hold every line appended before the call.

        Bounded: if the backlog is too long for `timeout_s`, what has been committed until then.
        """
        self._scrape_queue.wait(self.clock.monotonic(), timeout_s, self._wake)
        return self._published

    def publish(self) -> Exposed:
        """Make the last committed values the ones scrapes get, and return them."""
        self._published = (self.state.snapshot(), self._gauges)
        return self._published

    def wake(self) -> None:
        """Look at the files now rather than at the next poll."""
        self._wake.set()

    def stop(self) -> None:
        """End run() after one more drain and commit."""
        self._stopping.set()
        self._wake.set()

    def _answer(self, scrapes: Sequence[Waiting]) -> None:
        if scrapes:
            self.publish()
            self._scrape_queue.answer(scrapes)

    def _say(self, notice: Notice) -> None:
        where = notice.path
        if notice.lost_bytes:
            what = f"{where}: {notice.lost_bytes} bytes were destroyed before they could be read"
            self._warnings.warn(f"lost {where}", f"{what}; rotate by rename, not by truncating")
        elif notice.kind == "truncated":
            self._warnings.warn(f"truncated {where}", f"{where}: truncated or rewritten in place; reading what is new")
