"""The timeline of orders: one row per intent, its stages with the time from one to the next.

In: the lines of one run in whatever format, told apart by kind. Out: rows, newest first. A stage before which another
should have come and did not is an orphan; one that came twice is repeated; both are marked, not hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from console.index import queries
from console.index.queries import Event
from console.view import View

__all__ = ["KINDS", "STAGES", "Order", "Segment", "orders_of", "reason_in_words"]

STAGES = {
    "created": "intent",
    "INTENT": "intent",
    "submitted": "submit",
    "SUBMIT": "submit",
    "acked": "ack",
    "ACK": "ack",
    "accepted": "ack",
    "filled": "fill",
    "FILL": "fill",
    "canceled": "cancel",
    "failed": "reject",
    "REJECT": "reject",
    "VALIDATION_REJECT": "reject",
    "RISK_REJECT": "risk_block",
    "ERROR": "error",
}
"""Type of an event -> its stage; the ledger's types are stages already."""

_BEFORE = {"submit": ("intent",), "ack": ("submit",), "fill": ("ack", "submit"), "cancel": ("intent", "submit")}
"""Stage -> stages of which one should have come before."""

_ENDS = ("fill", "cancel", "reject", "risk_block", "error")
_LOOKED_AT = 2000
KINDS = ("execution", "beta", "ledger")
"""The streams of a run that speak of its orders."""

_WORDS = {
    "VALIDATION_INVALID_QUANTITY": "the quantity is not valid",
    "VALIDATION_INVALID_PRICE": "the price is not valid",
    "VALIDATION_INVALID_SYMBOL": "the symbol is not valid",
    "VALIDATION_MISSING_FIELD": "a field is missing",
    "RISK_LIMIT_EXCEEDED": "a risk limit would be exceeded",
    "RISK_KILL_SWITCH_ACTIVE": "the kill switch is on",
    "RISK_BLOCKED": "risk blocked it",
    "POLICY_BLOCKED": "policy blocked it",
    "POLICY_LIVE_NOT_ENABLED": "live trading is not enabled",
    "POLICY_NO_EXECUTOR": "there is no executor",
    "ADAPTER_REJECTED": "the venue's adapter rejected it",
    "ADAPTER_TIMEOUT": "the venue's adapter did not answer in time",
    "TIMEOUT_SUBMISSION": "submitting took too long",
    "TIMEOUT_ACKNOWLEDGMENT": "no acknowledgment came in time",
    "max_order_notional": "the order is larger than allowed",
    "max_daily_loss_abs": "the day's loss is at its limit",
    "max_drawdown": "the drawdown is at its limit",
    "cooldown": "a cooldown is running",
    "kill_switch": "the kill switch is on",
    "exchange_reject": "the venue rejected it",
    "risk_limit": "a risk limit would be exceeded",
    "no_signal": "there is no signal",
    "none": "no reason is needed",
}


@dataclass(frozen=True, slots=True)
class Segment:
    """One event of an order: its stage, the seconds since the one before, what is odd about it, and its raw line."""

    stage: str
    event: Event
    latency_s: float | None
    is_orphan: bool
    is_repeated: bool


@dataclass(slots=True)
class Order:
    """One intent and what became of it."""

    key: str
    kind: str
    segments: list[Segment] = field(default_factory=list)
    reason: str = ""

    @property
    def outcome(self) -> str:
        """Its last stage that ends something, or `open`."""
        ends = [one.stage for one in self.segments if one.stage in _ENDS]
        return "fill" if "fill" in ends else ends[-1] if ends else "open"

    @property
    def first_at(self) -> int:
        """The time of its oldest event."""
        return min((one.event.at or 0 for one in self.segments), default=0)

    @property
    def last_at(self) -> int:
        """The time of its newest event."""
        return max((one.event.at or 0 for one in self.segments), default=0)


def reason_in_words(code: str) -> str:
    """Return a reason in words, with its code.

    >>> reason_in_words("kill_switch"), reason_in_words("odd")
    ('the kill switch is on (kill_switch)', 'odd')
    """
    words = _WORDS.get(code)
    return f"{words} ({code})" if words else code


def orders_of(view: View, run_id: str, limit: int = 50, looked_at: int = _LOOKED_AT) -> list[Order]:
    """Return the orders of a run that were heard of last, newest first, among so many of its newest events."""
    found: list[Order] = []
    for kind in KINDS:
        stream = queries.stream(view.database, kind, run_id)
        if stream is None:
            continue
        recent = queries.events_before(view.database, stream, looked_at)
        keys = list(dict.fromkeys(event.key for event in recent if event.key is not None))[:limit]
        events: dict[str, list[Event]] = {key: [] for key in keys}
        for event in queries.events_of_keys(view.database, stream, keys):
            events[event.key or ""].append(event)
        found += (_order(key, kind, events[key]) for key in keys)
    return sorted(found, key=lambda order: order.last_at, reverse=True)[:limit]


def _order(key: str, kind: str, events: Sequence[Event]) -> Order:
    order = Order(key, kind)
    order.segments = list(_segments(sorted(events, key=lambda event: (event.at or 0, event.seq))))
    codes = [_reason_of(one.event) for one in order.segments if one.stage in _ENDS]
    order.reason = next((reason_in_words(code) for code in codes if code), "")
    return order


def _segments(events: Sequence[Event]) -> Iterator[Segment]:
    seen: dict[str, int] = {}
    before: Event | None = None
    for event in events:
        stage = STAGES.get(event.type, event.type)
        needed = _BEFORE.get(stage, ())
        is_orphan = bool(needed) and not any(name in seen for name in needed)
        latency = (event.at - before.at) / 1e9 if before and before.at is not None and event.at is not None else None
        yield Segment(stage, event, latency, is_orphan, stage in seen)
        seen[stage] = seen.get(stage, 0) + 1
        before = event


def _reason_of(event: Event) -> str:
    body = event.body
    payload = body.get("payload")
    inner = payload if isinstance(payload, dict) else {}
    found = body.get("reason_code") or body.get("reason") or inner.get("reason") or inner.get("error")
    return str(found)[:200] if found else ""
