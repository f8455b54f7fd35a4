"""Reads the broker's side from what the mock broker of the dry run wrote: one order as it stood a line, into orders.

In: JSONL of schema `mock_broker_v1`. Out: `Orders`. Of several lines about one order the newest stands. A line with a
`broker_signal` (rate_limit, timeout, transient) says that the broker could not answer: then nothing can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import localcontext
from pathlib import Path
from typing import Any

from exporters.commands.reconcile.lines import decimal_of, lines_of, parse_leniently, seconds_of
from exporters.commands.reconcile.orders import CONTEXT, STAGES, ZERO, Orders, Place, Unusable

__all__ = ["SIGNALS", "read_mock_broker"]

SIGNALS = ("rate_limit", "timeout", "transient")
_STATUSES = ("open", "cancelled", "filled", "rejected")
_SCHEMA = "mock_broker_v1"
_ACK, _FILL = STAGES.index("ack"), STAGES.index("fill")

_Known = dict[tuple[str, str], tuple[tuple[float, int, str], dict[str, Any], Place]]


def read_mock_broker(path: Path) -> Orders:
    """Return the orders as the mock broker last told them.

    Raises:
        InputError: if the file cannot be read.
    """
    orders = Orders()
    known: _Known = {}
    signals: list[tuple[float, str]] = []
    for raw, number, offset in lines_of(path):
        if not raw.endswith(b"\n"):
            orders.unfinished += 1
            continue
        orders.lines += 1
        place = Place(str(path), number, offset)
        found = parse_leniently(raw)
        problem = found if isinstance(found, str) else _remember(found, place, known, signals)
        if problem and raw.strip():
            orders.unusable.append(Unusable(place, problem))
    orders.signal = max(signals)[1] if signals else ""
    with localcontext(CONTEXT):
        for key in sorted(known):
            _take(known[key][1], known[key][2], orders)
    return orders


def _remember(event: dict[str, Any], place: Place, known: _Known, signals: list[tuple[float, str]]) -> str:
    """Keep a line if it is the newest about its order; return what is wrong with it, if anything is."""
    if event.get("schema") != _SCHEMA:
        return f"no line of {_SCHEMA}"
    signal, at = event.get("broker_signal"), seconds_of(event.get("ts"))
    if signal is not None:
        if signal not in SIGNALS:
            return f"an unknown broker_signal (expected {', '.join(SIGNALS)})"
        signals.append((at, signal))
        return ""
    ids = (event.get("broker_order_id") or "", event.get("client_order_id") or "")
    if not all(isinstance(known_as, str) for known_as in ids) or not any(ids):
        return "neither broker_order_id nor client_order_id"
    if event.get("status") not in _STATUSES:
        return f"an unknown status (expected {', '.join(_STATUSES)})"
    if None in (numbers := _numbers(event)).values():
        return ", ".join(name for name, number in numbers.items() if number is None) + ": no number"
    order = (at, _STATUSES.index(event["status"]), str(sorted(numbers.items())))
    if ids not in known or order >= known[ids][0]:
        known[ids] = (order, event, place)
    return ""


def _numbers(event: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: event.get(name) for name in ("qty", "filled_qty", "price", "fee")}
    return {name: ZERO if value is None else decimal_of(value) for name, value in given.items()}


def _take(event: dict[str, Any], place: Place, orders: Orders) -> None:
    numbers, at = _numbers(event), seconds_of(event.get("ts"))
    order = orders.order_of(event.get("client_order_id") or "", event.get("broker_order_id") or "")
    order.see(_FILL if numbers["filled_qty"] else _ACK, seconds_of(event.get("placed_ts")) or at, place)
    order.state_quantity(numbers["qty"], "ack")
    if numbers["filled_qty"]:
        order.add_fill(numbers["filled_qty"], numbers["price"], numbers["fee"])
    order.status, order.status_at = event["status"], at
