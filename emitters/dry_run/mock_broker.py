"""The mock broker: takes orders, fills them in parts, and fails as brokers do, all by its seed.

In: commands. Out: answers, or BrokerError. It refuses rates, times out (sometimes after having taken the order), has
moments of failure, rejects, and may fill an order while its cancellation is on its way. It is the only broker there is.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from random import Random

__all__ = ["SIGNALS", "BrokerError", "Fill", "MockBroker", "Report", "Request"]

SIGNALS = ("rate_limit", "timeout", "transient")
"""How a command can fail. Source: facts 3.6."""

_FEE_RATE = Decimal("0.0026")
_FAILS, _REJECTS, _FILLS, _RACES, _TAKEN_IN_SPITE, _TRADES_MEANWHILE = 0.05, 0.08, 0.35, 0.35, 0.5, 0.25
_FAILURES_IN_A_ROW = (1,) * 200 + (2,) * 60 + (3,) * 30 + (6,) * 9 + (12,)
"""How many commands a failure lasts; most are over at once, some are outages."""


class BrokerError(Exception):
    """A command that was not answered; `signal` says how."""

    def __init__(self, signal: str) -> None:
        super().__init__(signal)
        self.signal = signal


@dataclass(frozen=True)
class Request:
    """An order to be placed. A client_order_id is used for one order only, however often it is sent."""

    client_order_id: str
    symbol: str
    side: str
    qty: Decimal
    price: Decimal


@dataclass(frozen=True)
class Fill:
    """One trade of an order."""

    fill_id: str
    qty: Decimal
    price: Decimal
    fee: Decimal


@dataclass(frozen=True)
class Report:
    """What the broker says of an order: status is open, cancelled, filled or rejected."""

    broker_order_id: str
    request: Request
    status: str
    fills: tuple[Fill, ...]
    placed_at: datetime

    @property
    def filled(self) -> Decimal:
        """The quantity traded so far."""
        return sum((fill.qty for fill in self.fills), Decimal(0))


@dataclass
class _Order:
    broker_order_id: str
    request: Request
    placed_at: datetime
    status: str = "open"
    parts: list[Decimal] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)

    def report(self) -> Report:
        return Report(self.broker_order_id, self.request, self.status, tuple(self.fills), self.placed_at)


class MockBroker:
    """Orders by client_order_id, and the draws that decide about them."""

    def __init__(self, seed: str) -> None:
        self._rng = Random(seed)  # noqa: S311 - a sample, not a secret
        self._orders: dict[str, _Order] = {}
        self._outage: list[str] = []

    def place_order(self, request: Request, at: datetime) -> Report:
        """Take an order, once; sent again it is answered again.

        Raises:
            BrokerError: no answer. After a timeout the order may have been taken.
        """
        signal = self._failure()
        known = self._orders.get(request.client_order_id)
        if signal and (signal != "timeout" or known or self._rng.random() > _TAKEN_IN_SPITE):
            raise BrokerError(signal)
        order = known or self._take(request, at)
        if signal:
            raise BrokerError(signal)
        return order.report()

    def cancel_order(self, client_order_id: str) -> Report | None:
        """Cancel what is left of an order, unless it is filled first; None if there is no such order.

        Raises:
            BrokerError: no answer; nothing was cancelled.
        """
        self._may_fail()
        order = self._orders.get(client_order_id)
        if order is None:
            return None
        if order.status == "open":
            if self._rng.random() < _RACES:
                while order.parts:
                    self._fill(order)
            else:
                order.status = "cancelled"
        return order.report()

    def query_order(self, client_order_id: str) -> Report | None:
        """Return an order as it stands, None if there is none.

        Raises:
            BrokerError: no answer.
        """
        self._may_fail()
        order = self._orders.get(client_order_id)
        return order.report() if order else None

    def list_open_orders(self) -> list[Report]:
        """Return every open order; some may have traded since one was asked for.

        Raises:
            BrokerError: no answer.
        """
        self._may_fail()
        if self._rng.random() < _TRADES_MEANWHILE:
            self.trade()
        return [order.report() for order in self._orders.values() if order.status == "open"]

    def trade(self) -> None:
        """Let the market do its part: some open orders trade a part of what is left."""
        for order in self._orders.values():
            if order.status == "open" and self._rng.random() < _FILLS:
                self._fill(order)

    def export(self) -> list[Report]:
        """Return every order there ever was, for the file that `peaktrade reconcile` reads."""
        return [order.report() for order in self._orders.values()]

    def _take(self, request: Request, at: datetime) -> _Order:
        order = _Order(f"MB-{len(self._orders):06d}", request, at)
        self._orders[request.client_order_id] = order
        if self._rng.random() < _REJECTS:
            order.status = "rejected"
        else:
            order.parts = _parts(request.qty, self._rng)
        return order

    def _fill(self, order: _Order) -> None:
        qty = order.parts.pop(0)
        price = (order.request.price * Decimal(self._rng.randrange(9990, 10011)) / 10000).quantize(Decimal("0.01"))
        fee = (qty * price * _FEE_RATE).quantize(Decimal("0.00001"))
        order.fills.append(Fill(f"{order.broker_order_id}-F{len(order.fills)}", qty, price, fee))
        order.status = "open" if order.parts else "filled"

    def _failure(self) -> str:
        if not self._outage and self._rng.random() < _FAILS:
            self._outage = [self._rng.choice(SIGNALS)] * self._rng.choice(_FAILURES_IN_A_ROW)
        return self._outage.pop() if self._outage else ""

    def _may_fail(self) -> None:
        signal = self._failure()
        if signal:
            raise BrokerError(signal)


def _parts(qty: Decimal, rng: Random) -> list[Decimal]:
    """Cut a quantity into one to three parts that add up to it."""
    lots = int(qty * 10000)
    cuts = sorted(rng.sample(range(1, lots), rng.randrange(3))) if lots > 2 else []
    bounds = [0, *cuts, lots]
    return [Decimal(end - start) / 10000 for start, end in pairwise(bounds)]
