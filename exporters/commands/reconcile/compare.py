"""Judges two sides: which orders differ, and how. One mismatch an order, the gravest.

In: the orders of the ledger and of the broker, tolerances, a window of time. Out: mismatches, in an order of their own,
and how long each side has been ahead of the other. The codes are the contract's. Source: facts 3.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import Literal

from msgspec import Struct

from exporters.commands.reconcile.orders import CONTEXT, ZERO, Order, Orders

__all__ = ["Comparison", "Mismatch", "Side", "Tolerances", "Window", "compare"]

Side = Literal["ledger", "broker"]

_CANCELLED, _FILLED, _OPEN, _REJECTED, _NEVER_SENT = "cancelled", "filled", "open", "rejected", "never sent"


class Tolerances(Struct, frozen=True):
    """How far numbers may lie apart: qty and fee absolutely, the average price relatively to the broker's."""

    qty: Decimal
    price: Decimal
    fee: Decimal


class Window(Struct, frozen=True):
    """Unix seconds; orders that began before `since`, or were last heard of after `until`, are not compared."""

    since: float = float("-inf")
    until: float = float("inf")


class Mismatch(Struct, frozen=True):
    """One order that differs: its code, what differs, and the values and the order of each side (None: has none)."""

    code: str
    field: str
    ledger_value: str = ""
    broker_value: str = ""
    ledger: Order | None = None
    broker: Order | None = None


class Comparison(Struct):
    """What came out. `lag_s` holds for each side how long it has had orders the other has not, 0 if it has none."""

    mismatches: list[Mismatch]
    matched: int = 0
    outside: int = 0
    lag_s: dict[Side, float] = {}


def compare(ledger: Orders, broker: Orders, tolerances: Tolerances, window: Window) -> Comparison:
    """Compare every order of both sides; a broker that could not answer is one mismatch, for all orders."""
    if broker.signal:
        return Comparison([Mismatch(broker.signal, "*")], lag_s={"ledger": 0.0, "broker": 0.0})
    found = Comparison([])
    with localcontext(CONTEXT):
        for own, theirs in _pairs(ledger, broker):
            if not _is_inside(own, theirs, window):
                found.outside += 1
                continue
            found.matched += own is not None and theirs is not None
            mismatch = _judge(own, theirs, tolerances, broker.states_are_told)
            found.mismatches += [mismatch] if mismatch else []
    found.mismatches.sort(key=_key)
    found.lag_s = _lags(found.mismatches, ledger, broker)
    return found


def _pairs(ledger: Orders, broker: Orders) -> Iterator[tuple[Order | None, Order | None]]:
    """Yield the orders of both sides, together where an id says so: the broker's, else the client's."""
    taken: dict[int, Order] = {}
    for theirs in broker:
        own = ledger.get(theirs.client_order_id, theirs.broker_order_id)
        if own is None:
            yield None, theirs
        elif id(own) in taken:
            taken[id(own)].absorb(theirs)  # one order of ours under two ids of the broker's
        else:
            taken[id(own)] = theirs
    for own in ledger:
        yield own, taken.get(id(own))


def _is_inside(own: Order | None, theirs: Order | None, window: Window) -> bool:
    orders = [order for order in (own, theirs) if order is not None]
    begun = min((order.first_at for order in orders if order.first_at), default=0.0)
    ended = max((order.last_at for order in orders), default=0.0)
    return (not begun or begun >= window.since) and ended <= window.until


def _judge(own: Order | None, theirs: Order | None, tolerances: Tolerances, states_are_told: bool) -> Mismatch | None:
    code, field, values = "", "", ("", "")
    impossible = _impossible(own, theirs)
    if impossible:
        code, field = impossible, "qty"
        values = (_filled_of(own), _filled_of(theirs))
    elif own is None:
        code, field = "ghost_broker_order", "order"
    elif theirs is None:
        if not _should_be_there(own, states_are_told):
            return None
        code, field = "missing_on_broker", "order"
    else:
        different = _difference(own, theirs, tolerances)
        if different is None:
            return None
        code, field, *values = different  # type: ignore[assignment]
    return Mismatch(code, field, *values, own, theirs)


def _impossible(own: Order | None, theirs: Order | None) -> str:
    """Return the code of a quantity that cannot be, on either side."""
    orders = [order for order in (own, theirs) if order is not None]
    if not all(order.is_finite for order in orders):
        return "invariant_non_finite_qty"
    if any(order.is_negative for order in orders):
        return "invariant_negative_qty"
    limits = [order.qty for order in orders if order.qty is not None]
    if limits and any(order.filled > max(limits) + _EPSILON for order in orders):
        return "invariant_filled_exceeds_qty"
    return ""


_EPSILON = Decimal("1e-9")
"""How far a filled quantity may exceed its order's. Source: facts 3.6."""


def _should_be_there(own: Order, states_are_told: bool) -> bool:
    """Tell whether the broker must know an order: it was filled, or, where the broker lists orders, acknowledged."""
    return own.has("fill") or (states_are_told and own.has("ack") and not own.has("error"))


def _difference(own: Order, theirs: Order, tolerances: Tolerances) -> tuple[str, str, str, str] | None:
    """Return code, field and both values of the gravest difference of an order both sides have."""
    ours, told = _state_of(own), theirs.status
    states = ("state", ours, told or ("traded" if theirs.filled else ""))
    if ours in (_REJECTED, _NEVER_SENT) and (theirs.filled or told not in ("", _REJECTED)):
        return ("status_mismatch", *states)
    if abs(own.filled - theirs.filled) > tolerances.qty:
        cancelled = own.has("cancel") or told == _CANCELLED
        code = "cancel_race" if cancelled else "partial_fill_mismatch"
        return (code, "qty", _plain(own.filled), _plain(theirs.filled))
    if told and ours and told != ours:
        return ("status_mismatch", *states)
    if own.filled and theirs.filled:
        own_price, price = own.cost / own.filled, theirs.cost / theirs.filled
        if abs(own_price - price) > tolerances.price * abs(price):
            return ("partial_fill_mismatch", "price", _plain(own_price), _plain(price))
    if abs(own.fee - theirs.fee) > tolerances.fee:
        return ("partial_fill_mismatch", "fee", _plain(own.fee), _plain(theirs.fee))
    return None


def _state_of(own: Order) -> str:
    """Return the state the ledger's lines add up to; "" if they do not tell (the order's quantity is unknown)."""
    if own.has("error") and not own.has("fill"):
        return _REJECTED
    if own.qty is not None and own.filled >= own.qty - _EPSILON and own.has("fill"):
        return _FILLED
    if own.has("cancel"):
        return _CANCELLED
    if own.has("fill") and own.qty is None:
        return ""
    return _OPEN if own.has("submit") or own.has("ack") or own.has("fill") else _NEVER_SENT


def _lags(mismatches: list[Mismatch], ledger: Orders, broker: Orders) -> dict[Side, float]:
    """Return for each side the seconds from its oldest order the other lacks to the newest thing either knows."""
    newest = max((order.last_at for side in (ledger, broker) for order in side), default=0.0)
    own = [one.ledger.first_at for one in mismatches if one.code == "missing_on_broker" and one.ledger]
    theirs = [one.broker.first_at for one in mismatches if one.code == "ghost_broker_order" and one.broker]
    ages = [min(filter(None, times), default=newest) for times in (own, theirs)]
    return {"ledger": newest - ages[0], "broker": newest - ages[1]}


def _key(mismatch: Mismatch) -> tuple[str, ...]:
    order = mismatch.ledger or mismatch.broker
    return ("", "") if order is None else (order.client_order_id, order.broker_order_id, mismatch.code)


def _filled_of(order: Order | None) -> str:
    return "" if order is None else _plain(order.filled)


def _plain(number: Decimal) -> str:
    """Return a number with up to 12 significant digits, without an exponent where that is short."""
    return format(number + ZERO, ".12g")
