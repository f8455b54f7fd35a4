"""Gives the broker its commands: each counted and written, tried again a bounded number of times, within the rails.

In: what is wanted of the broker. Out: its answer, or why there is none. A try is a command: it counts as one.
"""

from collections.abc import Callable
from random import Random
from typing import TypeVar

from emitters.dry_run.clock import StepClock
from emitters.dry_run.journal import Journal
from emitters.dry_run.mock_broker import BrokerError, MockBroker, Report, Request
from emitters.dry_run.rails import Rails
from emitters.dry_run.tally import Tally

__all__ = ["CutOffError", "Desk", "UnansweredError"]

_Answer = TypeVar("_Answer")

_BACKOFF_MS = 5.0


class UnansweredError(Exception):
    """The broker did not answer, however often it was asked; `signal` is how it failed last."""

    def __init__(self, signal: str) -> None:
        super().__init__(signal)
        self.signal = signal


class CutOffError(Exception):
    """The step has no commands left."""


class Desk:
    """The only way to the broker."""

    def __init__(
        self,
        broker: MockBroker,
        clock: StepClock,
        journal: Journal,
        tally: Tally,
        rails: Rails,
        attempts: int,
        rng: Random,
    ) -> None:
        self._broker, self._clock, self._journal, self._tally, self._rails = broker, clock, journal, tally, rails
        self._attempts = attempts
        self._rng = rng

    def place(self, request: Request) -> Report:
        """Place an order.

        Raises:
            UnansweredError, CutOffError: the broker may have it all the same.
        """
        return self._give("place", lambda: self._broker.place_order(request, self._clock.now()))

    def cancel(self, client_order_id: str) -> Report | None:
        """Cancel an order.

        Raises:
            UnansweredError, CutOffError: nothing was cancelled.
        """
        return self._give("cancel", lambda: self._broker.cancel_order(client_order_id))

    def query(self, client_order_id: str) -> Report | None:
        """Ask for an order.

        Raises:
            UnansweredError, CutOffError: nobody knows.
        """
        return self._give("query", lambda: self._broker.query_order(client_order_id))

    def list_open(self) -> list[Report]:
        """Ask for all open orders; this is no order's command and counts as none.

        Raises:
            UnansweredError, CutOffError: nobody knows.
        """
        return self._give("", self._broker.list_open_orders)

    def _give(self, kind: str, command: Callable[[], _Answer]) -> _Answer:
        signal = ""
        for attempt in range(self._attempts):
            if not self._rails.allow_command():
                raise CutOffError
            if attempt:
                self._journal.execution("retry", command=kind or "list", attempt=attempt)
                self._tally.add("peak_trade_retry_attempts_total")
            if kind:
                self._journal.execution(f"order_{kind}")
                self._tally.add(f"peak_trade_orders_{kind}_total")
            self._clock.advance(self._rng.uniform(1.0, 10.0))
            try:
                answer = command()
            except BrokerError as error:
                signal = error.signal
                self._clock.advance(_BACKOFF_MS * 2**attempt)
            else:
                self._rails.watch_answers(answered=True)
                return answer
        self._rails.watch_answers(answered=False)
        raise UnansweredError(signal)
