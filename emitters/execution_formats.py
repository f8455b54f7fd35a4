"""Two execution event formats several emitters write: from a number and a time to one event of the format.

Numbers walk through the whole vocabulary of the format, so a few lines show all of it. It refuses to know
which file the events go to and what else is in it.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime

from emitters.slots import timestamp

__all__ = ["beta_exec_v1", "execution_event_v0"]

Payload = Mapping[str, object]

_SYMBOLS = ("BTC/EUR", "ETH/EUR", "SOL/EUR")

_V0_PAYLOADS: Mapping[str, Callable[[int], Payload]] = {
    "created": lambda order: {"n_orders": 1 + order % 2},
    "validated": lambda order: {"ok": True},
    "submitted": lambda order: {
        "attempt": 1,
        "symbol": _symbol(order),
        "side": _side(order).lower(),
        "quantity": 0.5,
    },
    "acked": lambda order: {"attempt": 1, "venue_order_id": f"venue-{order:06d}"},
    "filled": lambda order: {"fill": {"qty": 0.5}},
    "canceled": lambda order: {},
    "failed": lambda order: {"final": True, "reason": "sample"},
    "started": lambda order: {},
    "accepted": lambda order: {},
}

_BETA_PAYLOADS: Mapping[str, Callable[[int], Payload]] = {
    "INTENT": lambda order: {
        "side": _side(order),
        "quantity": "0.5",
        "order_type": "market",
        "limit_price": None,
    },
    "VALIDATION_REJECT": lambda order: {},
    "RISK_REJECT": lambda order: {},
    "SUBMIT": lambda order: {
        "idempotency_key": f"idem-{order:06d}",
        "side": _side(order),
        "quantity": "0.5",
        "order_type": "market",
    },
    "ACK": lambda order: {"exchange_order_id": f"venue-{order:06d}"},
    "REJECT": lambda order: {},
    "FILL": lambda order: {
        "fill_id": f"fill-{order:06d}",
        "side": _side(order),
        "quantity": "0.5",
        "price": "60000.0",
        "fee": "78.0",
        "fee_currency": "EUR",
    },
    "ERROR": lambda order: {},
}

_BETA_REASON_CODES: Mapping[str, tuple[str, ...]] = {
    "VALIDATION_REJECT": (
        "VALIDATION_INVALID_QUANTITY",
        "VALIDATION_INVALID_PRICE",
        "VALIDATION_INVALID_SYMBOL",
    ),
    "RISK_REJECT": ("RISK_LIMIT_EXCEEDED", "RISK_KILL_SWITCH_ACTIVE", "RISK_BLOCKED"),
    "REJECT": ("POLICY_LIVE_NOT_ENABLED", "ADAPTER_REJECTED", "POLICY_BLOCKED"),
    "ERROR": ("TIMEOUT_SUBMISSION", "ADAPTER_TIMEOUT", "TIMEOUT_ACKNOWLEDGMENT"),
}

_BETA_WITH_REQUEST = ("SUBMIT", "ACK", "REJECT", "FILL")


def execution_event_v0(number: int, at: datetime, run_id: str) -> dict[str, object]:
    """Write one event of schema `execution_event_v0`.

    Args:
        number: From 0; the nine event types take turns, one order per round of nine.
        at: Event time in UTC.
        run_id: Written as it is.

    Returns:
        The event, its keys in the order the format has them.
    """
    order, place = divmod(number, len(_V0_PAYLOADS))
    event_type = tuple(_V0_PAYLOADS)[place]
    return {
        "schema": "execution_event_v0",
        "ts": timestamp(at),
        "run_id": run_id,
        "correlation_id": f"corr-{order:06d}",
        "event_type": event_type,
        "order_id": None if event_type == "started" else f"order-{order:06d}",
        "idempotency_key": f"idem-{order:06d}" if event_type == "submitted" else None,
        "payload": _V0_PAYLOADS[event_type](order),
    }


def beta_exec_v1(number: int, at: datetime, run_id: str) -> dict[str, object]:
    """Write one event of schema version `BETA_EXEC_V1`.

    Args:
        number: From 0, also the event's `ts_sim`; the eight event types take turns, one intent per round.
        at: Event time in UTC, written with the offset `+00:00` as this format has it.
        run_id: Written as it is.

    Returns:
        The event, its keys sorted; `event_id` is the SHA-256 of what identifies it.
    """
    order, place = divmod(number, len(_BETA_PAYLOADS))
    event_type = tuple(_BETA_PAYLOADS)[place]
    codes = _BETA_REASON_CODES.get(event_type)
    requested = event_type in _BETA_WITH_REQUEST
    identity: dict[str, object] = {
        "run_id": run_id,
        "session_id": f"{run_id}-session-1",
        "intent_id": f"intent-{order:06d}",
        "symbol": _symbol(order),
        "event_type": event_type,
        "ts_sim": number,
        "request_id": f"req-{order:06d}" if requested else None,
        "client_order_id": f"client-{order:06d}" if requested else None,
        "reason_code": codes[order % len(codes)] if codes else None,
        "payload": dict(sorted(_BETA_PAYLOADS[event_type](order).items())),
    }
    told = {
        "schema_version": "BETA_EXEC_V1",
        "event_id": _event_id(identity),
        "ts_utc": at.isoformat(timespec="milliseconds"),
        "reason_detail": "sample event" if codes else None,
    }
    return dict(sorted({**identity, **told}.items()))


def _event_id(identity: Mapping[str, object]) -> str:
    canonical = json.dumps(
        {"kind": "execution_event", **identity}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(canonical.encode("utf-8", "backslashreplace")).hexdigest()


def _symbol(order: int) -> str:
    return _SYMBOLS[order % len(_SYMBOLS)]


def _side(order: int) -> str:
    return ("BUY", "SELL")[order % 2]
