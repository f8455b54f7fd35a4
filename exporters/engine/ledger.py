"""What one contract makes of its lines: values, open ids, refusals, and an account of every line and byte.

In: batches and notices, one after the other. Out: what a commit writes, and committed values. Knows no files, no
disk and no scrapes: what is counted here goes on under another contract, or in another process, from records alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from contracts.model import Contract
from contracts.no_live import live_trading_enabled
from exporters.engine.accounting import LIVE, STORED, Accounting, Vitals
from exporters.engine.clock import Clock
from exporters.engine.exposition.render import Gauges
from exporters.engine.log import RateLimitedLog
from exporters.engine.pipeline import Pipeline
from exporters.engine.records import Change, Saved
from exporters.engine.refusals.refusals import Refusals
from exporters.engine.series import SeriesTable
from exporters.engine.values import Batch, Notice

__all__ = ["Ledger"]


class Ledger:
    """Everything counted under one contract; nothing yet."""

    def __init__(
        self, contract: Contract, environment: Mapping[str, str], clock: Clock, warnings: RateLimitedLog
    ) -> None:
        self.contract = contract
        self.series = SeriesTable((*contract.metrics, *STORED.values()), contract.words)
        self.pipeline = Pipeline(contract, environment, self.series.seen)
        self.refusals = Refusals(contract, warnings)
        self.opened_at = clock.now()
        self._accounting = Accounting(contract, live_trading_enabled(environment))
        self._clock = clock
        self._warnings = warnings

    def begin(self, saved: Saved) -> None:
        """Take over what was saved as far as the contract still means it, and make what exists from the start."""
        now = self._clock.now()
        left = self.series.restore(saved, self.contract)
        left.update({f"pair {name}": number for name, number in self.pipeline.pairs.restore(saved).items()})
        self.refusals.restore(saved.refusals)
        self.series.begin(self.contract, self.pipeline.defaults(), now)
        self.series.apply(self._accounting.begin(), now)
        if left:
            self.begin_anew("contract", sum(left.values()))
            names = ", ".join(sorted(left))
            what = f"{self.contract.path}: the contract changed; these begin anew: {names}"
            self._warnings.warn(f"contract {self.contract.sha256}", what)

    def begin_anew(self, reason: str, number: int) -> None:
        """Count stored values that were not taken over."""
        self.series.apply(self._accounting.reset(reason, number), self._clock.now())

    def take(self, item: Batch | Notice) -> None:
        """Bring one batch or notice to account, whole."""
        now = self._clock.now()
        if isinstance(item, Notice):
            self._warnings.warn_of(item)
            self.series.apply(self._accounting.notice(item), now)
            return
        done = self.pipeline.process(item, now)
        find = partial(self.pipeline.refused, item, now)
        self.refusals.look(item, done.refused(item), done.failures, find, now)
        self.series.admit(done.effect.names)
        applied = self.series.apply(done.updates, now)
        counted = [*self._accounting.lines(item, done.decoded, done.effect), *self._accounting.joined(done.tally)]
        self.series.apply([*counted, *self._accounting.folded(applied.overflow, applied.refused)], now)

    def settle(self) -> None:
        """Judge what pairs put off: every file has been read to its end."""
        self.series.apply(self._accounting.joined(self.pipeline.pairs.settle()), self._clock.now())

    def conclude(self) -> None:
        """Count what pairs still wait for in vain: nothing will be read any more."""
        self.series.apply(self._accounting.joined(self.pipeline.pairs.conclude()), self._clock.now())

    def changes(self, everything: bool) -> Iterator[Change]:
        """Yield what a commit writes of it: values, pairs and refusals, all or only what changed."""
        yield from self.series.changes(everything)
        yield from self.pipeline.pairs.changes(everything)
        yield from self.refusals.changes(everything)

    def commit(self) -> None:
        """Make what changes() said visible: it has been written, or nothing is to be kept."""
        self.series.commit(self._clock.now())
        self.pipeline.pairs.committed()
        self.refusals.committed()

    def gauges(self, vitals: Vitals) -> Gauges:
        """Return the gauges of the present moment that have a value."""
        values = self._accounting.gauges(vitals)
        return [(LIVE[name], samples) for name, samples in values.items() if samples]
