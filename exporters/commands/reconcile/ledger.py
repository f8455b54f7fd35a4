"""Reads the own side: the ledger, one event a line, into orders.

In: JSONL files in the ledger's format (seed 000, section 2.2), in any order. Out: `Orders`. The qty, price and fee of a
`fill` line are of that fill; on every other line qty is the whole order's. Two lines of an order with one `fill_id` are
one fill.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from exporters.commands.reconcile.lines import decimal_of, lines_of, parse_leniently, seconds_of
from exporters.commands.reconcile.orders import CONTEXT, STAGES, ZERO, Orders, Place, Unusable

__all__ = ["read_ledger"]

_RANKS = {stage: rank for rank, stage in enumerate(STAGES)}
_FILL = "fill"


class _Line(Struct, gc=False):
    """The fields of a ledger line that matter here."""

    ts: str | None = None
    mode: str | None = None
    stage: str | None = None
    client_order_id: str | None = None
    broker_order_id: str | None = None
    fill_id: str | None = None
    qty: Decimal | None = None
    price: Decimal | None = None
    fee: Decimal | None = None


_DECODER = msgspec.json.Decoder(_Line)


def read_ledger(paths: Sequence[Path], mode: str | None) -> Orders:
    """Return the orders of the ledger files.

    Args:
        mode: only lines of this mode; None is all of them.

    Raises:
        InputError: if a file cannot be read.
    """
    orders = Orders()
    fills: set[tuple[str, str]] = set()
    with localcontext(CONTEXT):
        for path in dict.fromkeys(paths):
            _read(path, mode, orders, fills)
    return orders


def _read(path: Path, mode: str | None, orders: Orders, fills: set[tuple[str, str]]) -> None:
    name, decode = str(path), _DECODER.decode
    for raw, number, offset in lines_of(path):
        if not raw.endswith(b"\n"):
            orders.unfinished += 1
            continue
        orders.lines += 1
        try:
            line: _Line | str = decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            line = _leniently(raw)
        place = Place(name, number, offset)
        if isinstance(line, str):
            orders.unusable += [Unusable(place, line)] if line else []
            continue
        rank = _RANKS.get(line.stage or "", -1)
        if rank < 0 or (mode is not None and line.mode != mode):
            orders.left_out += 1
        elif not line.client_order_id and not line.broker_order_id:
            _without_ids(line, place, orders)
        else:
            problem = _take(line, rank, place, orders, fills)
            orders.unusable += [Unusable(place, problem)] if problem else []


def _take(line: _Line, rank: int, place: Place, orders: Orders, fills: set[tuple[str, str]]) -> str:
    """Bring one line about an order to account; return what is wrong with it, if anything is."""
    if line.stage == _FILL:
        if line.qty is None or line.price is None:
            return "a fill without qty and price"
        if line.fill_id is not None:
            fill = (line.client_order_id or line.broker_order_id or "", line.fill_id)
            if fill in fills:
                orders.left_out += 1
                return ""
            fills.add(fill)
    order = orders.order_of(line.client_order_id or "", line.broker_order_id or "")
    order.see(rank, seconds_of(line.ts), place)
    if line.stage == _FILL:
        assert line.qty is not None and line.price is not None
        order.add_fill(line.qty, line.price, line.fee or ZERO)
    elif line.qty is not None:
        order.state_quantity(line.qty, line.stage or "")
    return ""


def _without_ids(line: _Line, place: Place, orders: Orders) -> None:
    """A blocked intent or an error may be of no order; what happened at a broker may not."""
    if line.stage in ("submit", "ack", "cancel", _FILL):
        orders.unusable.append(Unusable(place, "neither client_order_id nor broker_order_id"))
    else:
        orders.left_out += 1


def _leniently(raw: bytes) -> _Line | str:
    """Return a line msgspec did not take: `NaN` as a number, other types than expected; or what is wrong with it."""
    if not raw.strip():
        return ""
    found = parse_leniently(raw)
    if isinstance(found, str):
        return found
    texts = {name: found.get(name) for name in ("ts", "mode", "stage", "client_order_id", "broker_order_id", "fill_id")}
    wrong = [name for name, value in texts.items() if not isinstance(value, str | None)]
    numbers: dict[str, Any] = {name: decimal_of(found.get(name)) for name in ("qty", "price", "fee")}
    wrong += [name for name, number in numbers.items() if number is None and found.get(name) is not None]
    return f"{', '.join(wrong)}: of a wrong type" if wrong else _Line(**texts, **numbers)
