"""Says what came out: as text, as JSON, and as events for the execution_watch exporter.

In: both sides and their comparison. Out: lines of text, an object for JSON, events. Every mismatch names the line and
the offset of each side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from exporters.commands.reconcile.compare import Comparison, Mismatch, Tolerances
from exporters.commands.reconcile.orders import Order, Orders, Place

__all__ = ["events_of", "exit_code", "object_of", "text_of"]

_SHOWN = 20


def exit_code(ledger: Orders, broker: Orders, found: Comparison) -> int:
    """Return 1 if orders differ, 2 if lines could not be used, so that nobody knows, else 0."""
    if found.mismatches:
        return 1
    return 2 if ledger.unusable or broker.unusable else 0


def text_of(ledger: Orders, broker: Orders, found: Comparison, tolerances: Tolerances) -> Iterator[str]:
    """Yield the report, line by line."""
    for name, side in (("ledger", ledger), ("broker", broker)):
        counts = f"{side.lines} lines, {side.left_out} of something else, {len(side.unusable)} unusable"
        yield f"{name}: {counts}" + (", the last one unfinished" if side.unfinished else "")
        for one in side.unusable[:_SHOWN]:
            yield f"  {_where(one.place)}: {one.problem}"
        if len(side.unusable) > _SHOWN:
            yield f"  and {len(side.unusable) - _SHOWN} more"
    yield f"orders: {found.matched} on both sides" + (f", {found.outside} outside the window" if found.outside else "")
    yield f"tolerances: qty {tolerances.qty}, price {tolerances.price} of it, fee {tolerances.fee}"
    for code, number in sorted(Counter(one.code for one in found.mismatches).items()):
        yield f"{code}: {number}"
    yield from map(_line_of, found.mismatches)
    yield {0: "result: no mismatch", 1: f"result: {_number(len(found.mismatches))}"}.get(
        exit_code(ledger, broker, found), "result: unknown, as lines could not be used"
    )


def _number(mismatches: int) -> str:
    return f"{mismatches} mismatch" + ("es" if mismatches != 1 else "")


def _line_of(one: Mismatch) -> str:
    order = one.ledger or one.broker
    if order is None:
        return f"  {one.code}  *: the broker could not answer; nothing was compared"
    ids = " ".join(known_as for known_as in (order.client_order_id, order.broker_order_id) if known_as)
    sides = [
        f"{name} {value or 'has it'} ({_where(side.place)})" if side else f"{name} has none"
        for name, value, side in (("ledger", one.ledger_value, one.ledger), ("broker", one.broker_value, one.broker))
    ]
    return f"  {one.code}  {ids}: {one.field}: {', '.join(sides)}"


def _where(place: Place) -> str:
    return f"{place.file}:{place.line}@{place.offset}"


def object_of(ledger: Orders, broker: Orders, found: Comparison, tolerances: Tolerances) -> dict[str, Any]:
    """Return the report as one object for JSON."""
    return {
        "result": {0: "ok", 1: "mismatch"}.get(exit_code(ledger, broker, found), "unknown"),
        "matched": found.matched,
        "outside_window": found.outside,
        "lag_seconds": found.lag_s,
        "tolerances": {"qty": str(tolerances.qty), "price": str(tolerances.price), "fee": str(tolerances.fee)},
        **{name: _side_of(side) for name, side in (("ledger", ledger), ("broker", broker))},
        "codes": dict(sorted(Counter(one.code for one in found.mismatches).items())),
        "mismatches": [_object_of(one) for one in found.mismatches],
    }


def _side_of(side: Orders) -> dict[str, Any]:
    return {
        "lines": side.lines,
        "left_out": side.left_out,
        "unfinished": side.unfinished,
        "unusable": [{**one.place._asdict(), "problem": one.problem} for one in side.unusable],
    }


def _object_of(one: Mismatch) -> dict[str, Any]:
    order = one.ledger or one.broker or Order()
    return {
        "code": one.code,
        "field": one.field,
        "client_order_id": order.client_order_id or None,
        "broker_order_id": order.broker_order_id or None,
        "ledger": one.ledger and {"value": one.ledger_value or None, **one.ledger.place._asdict()},
        "broker": one.broker and {"value": one.broker_value or None, **one.broker.place._asdict()},
    }


def events_of(found: Comparison, code: int, at: float, run_id: str) -> Iterator[dict[str, object]]:
    """Yield the events of one reconciliation: what differs, or that nothing does, and how far each side is ahead.

    A reconciliation that does not know (exit code 2) says neither.
    """
    stamp = datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    head = {"schema": "execution_ops_v1", "ts": stamp, "run_id": run_id}
    for one in found.mismatches:
        order = one.ledger or one.broker or Order(client_order_id="*")
        ids = {"client_order_id": order.client_order_id or None, "broker_order_id": order.broker_order_id or None}
        yield {**head, "event_type": "reconcile_mismatch", "code": one.code, "field": one.field, **ids}
    if code == 0:
        yield {**head, "event_type": "reconcile_ok"}
    if code != 2:
        for side, lag_s in found.lag_s.items():
            yield {**head, "event_type": "reconcile_lag", "side": side, "lag_s": round(lag_s, 3)}
