"""What one side knows of its orders: an order by its ids, what was filled, and where that stands.

In: ids, numbers and places, line by line. Out: orders. Whatever the order of the lines, the orders are the same: ids
are joined as they are seen, sums are exact decimals, and of what can only be known once the greatest is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Context, Decimal, InvalidOperation, localcontext
from typing import NamedTuple

from msgspec import Struct

__all__ = ["CONTEXT", "STAGES", "ZERO", "Order", "Orders", "Place", "Unusable"]

ZERO = Decimal(0)

CONTEXT = Context(prec=200, traps=[InvalidOperation])
"""Digits enough that no sum or product of quantities is ever rounded."""

_LARGEST_EXPONENT = 30
"""A number with more digits before its point is no quantity; it would only make sums inexact."""

STAGES = ("intent", "risk_block", "submit", "error", "ack", "cancel", "fill")
"""What can be said of an order, the least telling first."""

_QUANTITY_OF = {"": 0, "intent": 1, "submit": 2, "ack": 3}
"""Which statement of an order's quantity is believed: the later one."""


class Place(NamedTuple):
    """Where something stands: line from 1, offset in bytes from 0."""

    file: str
    line: int
    offset: int


class Unusable(NamedTuple):
    """A line that could not be used, and why."""

    place: Place
    problem: str


class Order(Struct, gc=False):
    """What one side knows of one order. Times are Unix seconds, 0 where none was told."""

    client_order_id: str = ""
    broker_order_id: str = ""
    qty: Decimal | None = None
    qty_from: int = 0
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    fee: Decimal = ZERO
    stages: int = 0  # one bit per stage
    status: str = ""  # as a broker says it; "" where it does not
    status_at: float = 0.0
    first_at: float = 0.0
    last_at: float = 0.0
    is_finite: bool = True
    is_negative: bool = False
    file: str = ""
    line: int = 0
    offset: int = 0
    rank: int = -1
    joined_to: Order | None = None

    @property
    def place(self) -> Place:
        """Where the most telling line of it stands."""
        return Place(self.file, self.line, self.offset)

    @property
    def root(self) -> Order:
        """The order that took this one over, or itself."""
        order = self
        while order.joined_to is not None:
            order = order.joined_to
        return order

    def has(self, stage: str) -> bool:
        """Tell whether a line said that the order came this far."""
        return bool(self.stages >> STAGES.index(stage) & 1)

    def see(self, rank: int, at: float, place: Place) -> None:
        """Take a stage, its time and its place."""
        self.stages |= 1 << rank
        if at:
            self.first_at = min(self.first_at or at, at)
            self.last_at = max(self.last_at, at)
        if rank > self.rank or (rank == self.rank and place < self.place):
            self.rank = rank
            self.file, self.line, self.offset = place

    def state_quantity(self, qty: Decimal, stage: str = "") -> None:
        """Take what was said of the whole order's quantity."""
        if self._is_sound(qty):
            source = _QUANTITY_OF.get(stage, 0)
            if self.qty is None or (source, qty) > (self.qty_from, self.qty):
                self.qty, self.qty_from = qty, source

    def add_fill(self, qty: Decimal, price: Decimal, fee: Decimal) -> None:
        """Add one fill; a number that is none is remembered, not added."""
        if self._is_sound(qty) and _is_finite(price) and _is_finite(fee):
            self.filled += qty
            self.cost += qty * price
            self.fee += fee
        else:
            self.is_finite = False

    def _is_sound(self, qty: Decimal) -> bool:
        if not _is_finite(qty):
            self.is_finite = False
            return False
        self.is_negative = self.is_negative or qty < ZERO
        return True

    def absorb(self, other: Order) -> None:
        """Take over everything known of the same order under another id."""
        self.stages |= other.stages
        self.filled += other.filled
        self.cost += other.cost
        self.fee += other.fee
        self.is_finite = self.is_finite and other.is_finite
        self.is_negative = self.is_negative or other.is_negative
        if other.qty is not None and (self.qty is None or (other.qty_from, other.qty) > (self.qty_from, self.qty)):
            self.qty, self.qty_from = other.qty, other.qty_from
        if (other.status_at, other.status) > (self.status_at, self.status):
            self.status_at, self.status = other.status_at, other.status
        times = [at for at in (self.first_at, other.first_at) if at]
        self.first_at, self.last_at = min(times, default=0.0), max(self.last_at, other.last_at)
        if (other.rank, self.place) > (self.rank, other.place):
            self.rank, (self.file, self.line, self.offset) = other.rank, other.place
        self.name(other.client_order_id, other.broker_order_id)
        other.joined_to = self

    def name(self, client: str, broker: str) -> None:
        """Take ids; of several of one kind the first in the alphabet stands for all."""
        if client and client != self.client_order_id:
            self.client_order_id = min(client, self.client_order_id or client)
        if broker and broker != self.broker_order_id:
            self.broker_order_id = min(broker, self.broker_order_id or broker)


class Orders:
    """The orders of one side, found by either id."""

    def __init__(self) -> None:
        self._by_client: dict[str, Order] = {}
        self._by_broker: dict[str, Order] = {}
        self.lines = 0
        self.left_out = 0
        self.unfinished = 0
        self.unusable: list[Unusable] = []
        self.signal = ""
        self.states_are_told = True

    def get(self, client: str, broker: str) -> Order | None:
        """Return the order of a broker's id, else of a client's, if it is known."""
        return _found(self._by_broker, broker) or _found(self._by_client, client)

    def order_of(self, client: str, broker: str) -> Order:
        """Return the order of these ids, a new one if need be; ids that come together are one order's from then on."""
        by_client, by_broker = _found(self._by_client, client), _found(self._by_broker, broker)
        order = by_client or by_broker or Order()
        if by_client and by_broker and by_client is not by_broker:
            with localcontext(CONTEXT):
                by_client.absorb(by_broker)
        if client and by_client is None:
            self._by_client[client] = order
        if broker and by_broker is None:
            self._by_broker[broker] = order
        order.name(client, broker)
        return order

    def __iter__(self) -> Iterator[Order]:
        """Yield every order once."""
        for client, order in self._by_client.items():
            root = order.root
            if root.client_order_id == client:
                yield root
        for broker, order in self._by_broker.items():
            root = order.root
            if not root.client_order_id and root.broker_order_id == broker:
                yield root


def _is_finite(number: Decimal) -> bool:
    return number.is_finite() and number.adjusted() <= _LARGEST_EXPONENT


def _found(orders: dict[str, Order], known_as: str) -> Order | None:
    order = orders.get(known_as) if known_as else None
    return order and order.root
