"""Emitter shadow_mvs: from a start time and a seed to the ledger of a trading run that never happened.

Two or three orders are in flight at once, each on its way from signal to fill, cancel, block or error;
between them come data gaps and run states. It refuses to know a market: prices and delays are drawn from
the seed.
"""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import log
from random import Random

import click

from emitters.slots import slots, timestamp

__all__ = ["OPTIONS", "SUMMARY", "events"]

SUMMARY = (
    "Ledger events for the shadow_mvs exporter: orders from signal to fill, with cancels, risk blocks, "
    "errors, data gaps and run states. Fills come later than their orders: a time may lie up to 4 s ahead."
)

OPTIONS: tuple[click.Option, ...] = (
    click.Option(
        ["--mode"],
        type=click.Choice(["shadow", "live"]),
        default="shadow",
        show_default=True,
        help="The mode field. Only a word in the file: nothing is ever traded.",
    ),
    click.Option(["--exchange"], default="sim", show_default=True, help="The exchange field."),
    click.Option(
        ["--seed"],
        type=int,
        default=7,
        show_default=True,
        help="Same seed, same run: what happens to which order.",
    ),
    click.Option(
        ["--calm"], is_flag=True, default=False, help="A healthy run: one error, no data gaps, never degraded."
    ),
)

_STRATEGIES = ("demo_strategy", "ma_cross")
_PRICES = {"BTC/EUR": 60_000.0, "ETH/EUR": 3_000.0, "SOL/EUR": 150.0}
_RISK_REASONS = (
    "max_drawdown",
    "equity_floor",
    "position_limit",
    "exposure_limit",
    "spread_too_wide",
    "cooldown",
    "invalid_state",
)
# The status names the gate that stopped the order, or for some reasons none: then only the reason tells.
_BLOCKED_BY = {"spread_too_wide": "blocked", "cooldown": "blocked", "invalid_state": "blocked_by_governance"}
_STATUS = {
    "signal": "final",
    "intent": "created",
    "submit": "submitted",
    "ack": "open",
    "fill": "filled",
    "cancel": "canceled",
    "error": "rejected",
}
_REASONS = {"cancel": "stale_order", "error": "exchange_reject"}
_STAGES = {
    "fill": ("intent", "submit", "ack", "fill"),
    "cancel": ("intent", "submit", "ack", "cancel"),
    "risk_block": ("intent", "risk_block"),
    "error": ("intent", "submit", "error"),
}
_FIRST_OUTCOMES = ("fill", "fill", "fill", "risk_block", "cancel", "error")
_OUTCOMES = ("fill",) * 15 + ("risk_block",) * 3 + ("cancel", "error")
_CALM_OUTCOMES = ("fill",) * 16 + ("risk_block",) * 3 + ("cancel",)
_FIRST_SIGNALS = ("buy", "sell", "flat")
_SIGNALS = ("buy",) * 6 + ("sell",) * 4 + ("flat",)
_FEE_RATE = 0.0026
_STATED_LATENCY_EVERY = 25  # acks

# Slots that are no order's, in every round of 100: what happens there.
_ROUND = 100
_GAP_SLOTS = (20, 70)
_STATE_SLOTS = {22: "degraded", 28: "running"}
_FIRST_STATES = ("idle", "running")
_FEEDS = ("ohlcv", "ticker", "trades")


def events(
    start: datetime,
    n: int | None,
    *,
    interval: timedelta,
    run_id: str = "demo",
    mode: str = "shadow",
    exchange: str = "sim",
    seed: int = 7,
    calm: bool = False,
) -> Iterator[dict[str, object]]:
    """Give ledger events, deterministic to the byte.

    Args:
        start: Time of the first slot, timezone-aware.
        n: How many; `None` is endless.
        interval: Time between two slots.
        run_id, mode, exchange: The fields of these names; `mode` is also the venue.
        seed: Decides what happens to which order, and when.
        calm: Whether hardly anything is to go wrong.

    Yields:
        One event per slot. Signals and intents carry the time of their slot; later stages follow their
        intent in time, whatever their slot, and lie at most 4 s ahead of it. Every stage occurs within the
        first 60; of a calm run, an error never again.
    """
    context = {"mode": mode, "run_id": run_id, "exchange": exchange}
    rng = Random(seed)  # noqa: S311 - a sample, not a secret
    desk = _Desk(context, f"{run_id}|{seed}|{timestamp(start)}", rng, calm)
    for number, at in slots(start, n, interval):
        yield desk.interlude(number, at) or desk.trade(at)


@dataclass
class _Order:
    """One order on its way: what it is, the stages still ahead of it, and the time of its latest one."""

    strategy_id: str
    symbol: str
    signal: str
    order_type: str
    qty: float
    price: float
    intent_id: str
    client_order_id: str
    risk_reason: str
    stages: deque[str]
    intended: datetime
    at: datetime


@dataclass
class _Desk:
    """The orders in flight, and the draws that decide about them."""

    context: dict[str, str]
    identity: str
    rng: Random
    calm: bool
    in_flight: list[_Order] = field(default_factory=list)
    opened: int = 0
    acked: int = 0
    last_signals: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._outcomes = _draws(self.rng, _FIRST_OUTCOMES, _CALM_OUTCOMES if self.calm else _OUTCOMES)
        self._signals = _draws(self.rng, _FIRST_SIGNALS, _SIGNALS)
        self._risk_reasons = _draws(self.rng, _RISK_REASONS, _RISK_REASONS)
        self._prefix = hashlib.sha256(self.identity.encode("utf-8", "backslashreplace")).hexdigest()[:8]

    def interlude(self, number: int, at: datetime) -> dict[str, object] | None:
        """Give the run state or the data gap of this slot, if the slot is one of theirs."""
        place = number % _ROUND
        later = None if self.calm else _STATE_SLOTS.get(place)
        state = _FIRST_STATES[number] if number < len(_FIRST_STATES) else later
        event: dict[str, object] = {"ts": timestamp(at), **self.context}
        if state:
            return event | {"state": state}
        if place in _GAP_SLOTS and not self.calm:
            return event | {"stage": "error", "feed": self.rng.choice(_FEEDS), "status": "gap"}
        return None

    def trade(self, at: datetime) -> dict[str, object]:
        """Begin another order or take one of the two oldest a stage further."""
        if len(self.in_flight) < self.rng.choice((2, 3)):
            order = self._open(at)
        else:
            order = self.in_flight.pop(self.rng.randrange(2))
        event = self._advance(order, at)
        if order.stages:
            self.in_flight.append(order)
        return event

    def _open(self, at: datetime) -> _Order:
        strategy_id, symbol = self.rng.choice(_STRATEGIES), self.rng.choice(tuple(_PRICES))
        signal, outcome = next(self._signals), next(self._outcomes)
        intent_id = f"intent-{self._prefix}-{self.opened:06d}"
        self.opened += 1
        # A signal is told once per change.
        told = self.last_signals.get((strategy_id, symbol)) != signal
        self.last_signals[strategy_id, symbol] = signal
        return _Order(
            strategy_id=strategy_id,
            symbol=symbol,
            signal=signal,
            order_type=self.rng.choice(("market", "market", "limit")),
            qty=round(self.rng.uniform(0.01, 0.5), 4),
            price=round(_PRICES[symbol] * self.rng.uniform(0.99, 1.01), 2),
            intent_id=intent_id,
            client_order_id=_client_order_id(self.context["run_id"], symbol, intent_id),
            risk_reason=next(self._risk_reasons) if outcome == "risk_block" else "",
            stages=deque((("signal",) if told else ()) + _STAGES[outcome]),
            intended=at,
            at=at,
        )

    def _advance(self, order: _Order, slot: datetime) -> dict[str, object]:
        stage = order.stages.popleft()
        if stage in ("signal", "intent"):
            order.at = order.intended = slot
        else:
            order.at += timedelta(seconds=_delay_s(stage, self.rng))
        event: dict[str, object] = {"ts": timestamp(order.at), **self.context, "stage": stage}
        event |= _describe(order, stage, self.context["mode"])
        if stage == "ack":
            self.acked += 1
            if self.acked % _STATED_LATENCY_EVERY == 0:
                return _state_latency(event, order)
        return event


def _describe(order: _Order, stage: str, venue: str) -> dict[str, object]:
    blocked = stage == "risk_block"
    event: dict[str, object] = {"strategy_id": order.strategy_id, "symbol": order.symbol}
    if stage != "signal":
        event |= {"intent_id": order.intent_id, "client_order_id": order.client_order_id}
    event |= {
        "status": _BLOCKED_BY.get(order.risk_reason, "blocked_by_risk") if blocked else _STATUS[stage],
        "qty": order.qty,
        "price": order.price,
        "fee": round(order.qty * order.price * _FEE_RATE, 4) if stage == "fill" else 0.0,
        "reason": order.risk_reason if blocked else _REASONS.get(stage, ""),
    }
    if stage == "signal":
        return event | {"signal": order.signal}
    return event | {"venue": venue, "order_type": order.order_type}


def _state_latency(event: dict[str, object], order: _Order) -> dict[str, object]:
    """Tell the latency in the ack itself; without the intent's id, it cannot be paired and counted again."""
    unpaired = {key: value for key, value in event.items() if key != "intent_id"}
    latency_ms = round((order.at - order.intended) / timedelta(milliseconds=1), 3)
    return unpaired | {"latency_ms": latency_ms, "edge": "intent_to_ack"}


def _delay_s(stage: str, rng: Random) -> float:
    if stage in ("submit", "risk_block"):
        return rng.uniform(0.002, 0.020)
    if stage in ("fill", "cancel"):
        return rng.uniform(0.1, 2.0)
    return min(rng.lognormvariate(log(0.12), 0.5), 1.5)


def _draws(rng: Random, first: Sequence[str], later: Sequence[str]) -> Iterator[str]:
    """Deal `first` shuffled, then `later` shuffled again and again: every word comes, in its proportion."""
    yield from rng.sample(first, len(first))
    while True:
        yield from rng.sample(later, len(later))


def _client_order_id(run_id: str, symbol: str, intent_id: str) -> str:
    digest = hashlib.sha256(f"{run_id}|{symbol}|{intent_id}".encode("utf-8", "backslashreplace"))
    return f"co-{digest.hexdigest()[:16]}"
