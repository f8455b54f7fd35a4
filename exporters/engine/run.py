"""The only loop: drain, decode, translate, apply, account, commit, wait. It alone sees every stage.

In: the stages of one exporter. Out: committed values, for whoever scrapes, and an exit code. No line can stop it; a
line no stage foresaw is refused as internal_error and the rest goes on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from contracts.model import Contract
from exporters.engine.accounting import COUNTERS, GAUGES, Accounting, Vitals
from exporters.engine.clock import Clock
from exporters.engine.decode import Decoder
from exporters.engine.pairs import OpenPairs
from exporters.engine.registry import Gauges
from exporters.engine.state import State
from exporters.engine.tail import Tail
from exporters.engine.translate import Translator
from exporters.engine.values import Batch, Decoded, Effect, Notice, Snapshot, Update

__all__ = ["Engine", "Exposed"]

POLL_S = 0.2
"""Seconds between two looks at the open files. Source: design 4 (100 to 250 ms), as mtail and promtail do."""

SCAN_S = 1.0
"""Seconds between two looks at which files the paths lead to."""

COMMIT_S = 1.0
"""Longest time values stay uncommitted."""

_WARN_EVERY_S = 60.0
_log = logging.getLogger("peaktrade.exporter")

Exposed = tuple[Snapshot, Gauges]


@dataclass(slots=True)
class _Scrape:
    """A scrape that waits: until when it may wait, and what it got."""

    deadline: float
    done: threading.Event = field(default_factory=threading.Event)


class Engine:
    """Runs one contract over its files. All methods but scrape(), wake() and stop() belong to one thread."""

    def __init__(self, contract: Contract, tail: Tail, environment: Mapping[str, str], clock: Clock) -> None:
        self.contract = contract
        self.clock = clock
        self.tail = tail
        self._decoder = Decoder(contract)
        self._translator = Translator(contract, environment)
        self._pairs = OpenPairs(contract)
        self._accounting = Accounting(contract)
        self.state = State((*contract.metrics, *COUNTERS.values()), contract.words)
        self.is_ready = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._scrapes: list[_Scrape] = []
        self._lock = threading.Lock()
        self._scanned_at = self._committed_at = float("-inf")
        self._warned: dict[str, float] = {}
        now = clock.now()
        self.state.begin(contract, self._translator.defaults(), now)
        self.state.apply(self._accounting.begin(), now)
        self._commit()
        self._published: Exposed = (self.state.snapshot(), self._gauges)

    # The loop

    def run(self, may_go_on: Callable[[], bool]) -> None:
        """Go on until stop(), or until `may_go_on` says no, then drain and commit once more."""
        while not self._stopping.is_set() and may_go_on():
            self.step()
            if not self._scrapes:
                self.clock.wait(self._wake, POLL_S)
        self.step()

    def step(self) -> None:
        """Read everything there is now, commit what is due, and answer the scrapes that came before."""
        with self._lock:
            waiting = list(self._scrapes)
        self._scan(bool(waiting))
        changed = False
        for item in self.tail.drain(self.clock.now(), self.clock.monotonic()):
            self.take(item)
            changed = True
            if self.clock.monotonic() - self._committed_at >= COMMIT_S:
                self._commit()
            self._answer_overdue()
        if changed or waiting or self.clock.monotonic() - self._committed_at >= COMMIT_S:
            self._commit()
        self.is_ready = True
        self._answer(waiting)
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
        except Exception:
            self._warn(
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
            effect.joins += did.joins
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
                self._warn(path, f"{path}: cannot be read ({problem.lower()}); retrying every second")

    def _commit(self) -> None:
        self.state.commit()
        self._committed_at = self.clock.monotonic()
        vitals = Vitals(
            files_present=self.tail.files_present,
            files_open=self.tail.files_open,
            files_unreadable=len(self.tail.problems),
            lag_bytes=self.tail.lag_bytes,
            series=self.state.size(self.contract.metrics),
            last_commit_at=self.clock.now(),
            open_pairs=self._pairs.sizes(),
        )
        self._gauges: Gauges = [
            (GAUGES[name], values) for name, values in self._accounting.gauges(vitals).items() if values
        ]

    # Scrapes, from other threads

    def scrape(self, timeout_s: float) -> Exposed:
        """Return committed values that hold every line appended before the call.

        Bounded: if the backlog is too long for `timeout_s`, what has been committed until then.
        """
        scrape = _Scrape(self.clock.monotonic() + timeout_s * 0.6)
        with self._lock:
            self._scrapes.append(scrape)
        self._wake.set()
        scrape.done.wait(timeout_s * 0.9)
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

    def _answer_overdue(self) -> None:
        if self._scrapes:
            monotonic = self.clock.monotonic()
            overdue = [scrape for scrape in self._scrapes if scrape.deadline <= monotonic]
            if overdue:
                self._commit()
                self._answer(overdue)

    def _answer(self, scrapes: Sequence[_Scrape]) -> None:
        if scrapes:
            self.publish()
        for scrape in scrapes:
            with self._lock:
                if scrape in self._scrapes:
                    self._scrapes.remove(scrape)
            scrape.done.set()

    # What is said

    def _say(self, notice: Notice) -> None:
        if notice.lost_bytes:
            what = f"{notice.path}: {notice.lost_bytes} bytes were destroyed before they could be read"
            self._warn(f"lost {notice.path}", f"{what}; rotate by rename, not by truncating")
        elif notice.kind == "truncated":
            self._warn(
                f"truncated {notice.path}",
                f"{notice.path}: truncated or rewritten in place; reading from the start",
            )

    def _warn(self, reason: str, message: str, exc_info: bool = False) -> None:
        """Log a warning, at most once a minute per reason."""
        monotonic = self.clock.monotonic()
        if monotonic - self._warned.get(reason, float("-inf")) >= _WARN_EVERY_S:
            self._warned[reason] = monotonic
            _log.warning(message, exc_info=exc_info)
