"""The own side: orders with the states they may go through, position, cash and equity.

In: what the broker reported. Out: states, changed only along the legal transitions. Source: seed 004 and facts 3.6.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from emitters.dry_run.mock_broker import Fill, Request

__all__ = ["LEGAL", "Book", "IllegalTransitionError", "LocalOrder"]

LEGAL: Mapping[str, tuple[str, ...]] = {
    "NEW": ("ACK", "REJECTED"),
    "ACK": ("PARTIAL", "FILLED", "CANCELED"),
    "PARTIAL": ("FILLED", "CANCELED"),
    "FILLED": (),
    "CANCELED": (),
    "REJECTED": (),
}
"""State -> the states an order may go on to."""


class IllegalTransitionError(Exception):
    """An order was to go where no order goes."""


@dataclass
class LocalOrder:
    """One order as we know it."""

    request: Request
    intent_id: str
    step: int
    state: str = "NEW"
    broker_order_id: str = ""
    fills: list[Fill] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether something may still happen to it."""
        return bool(LEGAL[self.state])

    @property
    def filled(self) -> Decimal:
        """The quantity we know to be traded."""
        return sum((fill.qty for fill in self.fills), Decimal(0))

    @property
    def left(self) -> Decimal:
        """What may still trade."""
        return self.request.qty - self.filled if self.is_open else Decimal(0)

    def move(self, to_state: str) -> str:
        """Go to another state; return the one before.

        Raises:
            IllegalTransitionError: if no order goes that way.
        """
        before = self.state
        if to_state not in LEGAL[before]:
            raise IllegalTransitionError(f"{self.request.client_order_id}: from {before} to {to_state}")
        self.state = to_state
        return before


class Book:
    """All orders of a run, and what they did to position and cash."""

    def __init__(self, cash: Decimal) -> None:
        self.orders: dict[str, LocalOrder] = {}
        self.positions: dict[str, Decimal] = {}
        self.cash = self.peak = cash

    def open_orders(self) -> list[LocalOrder]:
        """Return the orders something may still happen to, oldest first."""
        return [order for order in self.orders.values() if order.is_open]

    def exposure(self, symbol: str, side: str) -> Decimal:
        """Return the position if everything open on that side were filled; selling counts below zero."""
        orders = (order for order in self.open_orders() if order.request.symbol == symbol)
        left: Iterable[Decimal] = (order.left for order in orders if order.request.side == side)
        sign = 1 if side == "buy" else -1
        return self.positions.get(symbol, Decimal(0)) + sign * sum(left, Decimal(0))

    def apply(self, order: LocalOrder, fill: Fill) -> None:
        """Bring one trade to account."""
        order.fills.append(fill)
        sign = 1 if order.request.side == "buy" else -1
        symbol = order.request.symbol
        self.positions[symbol] = self.positions.get(symbol, Decimal(0)) + sign * fill.qty
        self.cash -= sign * fill.qty * fill.price + fill.fee

    def drawdown(self, prices: Mapping[str, Decimal]) -> Decimal:
        """Return how far equity is below its peak, as a share of the peak."""
        equity = self.cash + sum((qty * prices[symbol] for symbol, qty in self.positions.items()), Decimal(0))
        self.peak = max(self.peak, equity)
        return (self.peak - equity) / self.peak
