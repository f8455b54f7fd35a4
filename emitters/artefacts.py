"""What a run leaves in files as it goes: from a seed and a time to lines and documents, step by step.

A run walks a price at random, signals, asks for orders, is blocked by risk now and then, and keeps books; its session
tells telemetry of it, and the execution pipeline writes its events. It refuses to know where the files lie and when the
next step is due. The same arguments give the same artefacts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random

from emitters.slots import timestamp

__all__ = ["Artefact", "Run"]

_STRATEGIES = ("ma_cross", "breakout", "mean_reversion")
_SYMBOLS = {"BTC/EUR": 60_000.0, "ETH/EUR": 3_000.0, "SOL/EUR": 150.0}
_REASONS = ("max_order_notional", "max_daily_loss_abs", "cooldown", "kill_switch")
_FEE_RATE = 0.0026
_START_CASH = 10_000.0

Line = Mapping[str, object]


@dataclass(frozen=True)
class Artefact:
    """One line for a file, or a whole document: `path` is relative to the folder all artefacts lie in."""

    path: str
    body: Line
    is_document: bool = False


@dataclass
class Run:
    """One run and its session, number `number` of a seed."""

    seed: int
    number: int
    start: datetime
    interval: timedelta
    mode: str = "shadow"
    cash: float = _START_CASH
    position: float = 0.0
    realized: float = 0.0
    entry: float = 0.0
    top: float = _START_CASH
    fall: float = 0.0
    orders: int = 0
    signal: int = 0
    price: float = 0.0
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(f"{self.seed} {self.number}")  # noqa: S311  # a pattern, not a secret
        self.strategy = _STRATEGIES[self.number % len(_STRATEGIES)]
        self.symbol = list(_SYMBOLS)[self.number % len(_SYMBOLS)]
        self.price = _SYMBOLS[self.symbol]
        name = f"{self.mode}_{self.strategy}_{self.symbol.replace('/', '-')}_1m"
        self.run_id = f"{self.start:%Y%m%d_%H%M%S}_{name}"
        self.session_id = f"session_{self.start:%Y%m%d_%H%M%S}_{self.seed}_{self.number}"

    @property
    def folder(self) -> str:
        """The run's folder."""
        return f"live_runs/{self.run_id}"

    def at(self, number: int) -> datetime:
        """Return when a step is."""
        return self.start + number * self.interval

    def begin(self) -> Iterator[Artefact]:
        """Yield what is written at the start."""
        yield self._meta(None)
        yield self._session("started", None)

    def end(self, steps: int) -> Iterator[Artefact]:
        """Yield what is written at the end, after so many steps."""
        yield self._meta(self.at(steps))
        yield self._session("completed", self.at(steps))

    def step(self, number: int) -> Iterator[Artefact]:
        """Yield what one step writes; steps are asked for in order."""
        self.price *= 1 + self.random.gauss(0, 0.0015)
        before, self.signal = self.signal, self._next_signal()
        outcome, reason = self._trade(before)
        equity = self.cash + self.position * self.price
        self.top = max(self.top, equity)
        self.fall = min(self.fall, equity / self.top - 1)
        yield Artefact(f"{self.folder}/events.jsonl", self._row(number, before, outcome, reason, equity))
        if outcome:
            yield from self._order(number, outcome, reason)
        if outcome == "blocked" or (self.fall < -0.02 and number % 50 == 49):
            yield from self._alerts(number, reason or "drawdown")

    def _next_signal(self) -> int:
        return self.random.choice((-1, 0, 1)) if self.random.random() < 0.15 else self.signal

    def _trade(self, before: int) -> tuple[str, str]:
        """Do what the signal asks for; return what became of the order (nothing if there is none), and why."""
        wanted = 0.1 * _START_CASH / self.price * max(0, self.signal)
        if self.signal == before or abs(wanted - self.position) < 1e-9:
            return "", ""
        draw = self.random.random()
        if draw < 0.12:
            return "blocked", self.random.choice(_REASONS)
        if draw < 0.17:
            return "failed", "exchange_reject"
        change = wanted - self.position
        if change < 0:
            self.realized += -change * (self.price - self.entry)
        else:
            self.entry = self.price
        self.cash -= change * self.price + abs(change) * self.price * _FEE_RATE
        self.position = wanted
        self.orders += 1
        return ("retried" if draw < 0.22 else "filled"), ""

    def _row(self, number: int, before: int, outcome: str, reason: str, equity: float) -> Line:
        spread = abs(self.random.gauss(0, 0.0005)) * self.price
        return {
            "step": number,
            "ts_bar": timestamp(self.at(number).replace(microsecond=0)),
            "ts_event": timestamp(self.at(number)),
            "price": round(self.price, 4),
            "open": round(self.price - spread / 2, 4),
            "high": round(self.price + spread, 4),
            "low": round(self.price - spread, 4),
            "close": round(self.price, 4),
            "volume": round(self.random.uniform(0.1, 9), 4),
            "position_size": round(self.position, 8),
            "cash": round(self.cash, 4),
            "equity": round(equity, 4),
            "realized_pnl": round(self.realized, 4),
            "unrealized_pnl": round(self.position * (self.price - self.entry), 4),
            "signal": self.signal,
            "signal_changed": self.signal != before,
            "orders_generated": int(bool(outcome)),
            "orders_filled": int(outcome in ("filled", "retried")),
            "orders_rejected": int(outcome == "failed"),
            "orders_blocked": int(outcome == "blocked"),
            "risk_allowed": outcome != "blocked",
            "risk_reasons": reason if outcome == "blocked" else "",
        }

    def _order(self, number: int, outcome: str, reason: str) -> Iterator[Artefact]:
        """Yield what telemetry, the pipeline and the trades say of one order."""
        order_id = f"ord-{self.number}-{number:06d}"
        side = "buy" if self.signal > 0 else "sell"
        delays = [self.random.lognormvariate(-2.5, 0.6) for _ in range(3)]
        asked = {"intent_id": order_id, "side": side, "quantity": 0.1, "current_price": round(self.price, 4)}
        yield self._told(number, "intent", asked)
        passed = outcome != "blocked"
        gate = {"gate_name": "risk", "passed": passed, "reason": reason if not passed else ""}
        yield self._told(number, "gate", gate)
        yield self._event(number, 0.0, "created", order_id, {"n_orders": 1})
        if not passed:
            yield self._event(number, 0.001, "failed", order_id, {"final": True, "reason": reason})
            return
        order = {"order_id": order_id, "side": side, "quantity": 0.1, "order_type": "market"}
        yield self._told(number, "order", order)
        submitted = {"attempt": 1, "symbol": self.symbol, "side": side, "quantity": 0.1}
        yield self._event(number, delays[0], "submitted", order_id, submitted)
        if outcome in ("failed", "retried"):
            failed = {"final": outcome == "failed", "attempt": 1, "reason": "exchange_reject"}
            yield self._event(number, sum(delays[:2]), "failed", order_id, failed)
            yield self._told(number, "error", {"error": "exchange_reject", "order_id": order_id})
        if outcome == "failed":
            return
        yield self._event(number, sum(delays[:2]), "acked", order_id, {"attempt": 1, "venue_order_id": f"v-{order_id}"})
        yield self._event(number, sum(delays), "filled", order_id, {"fill": {"qty": 0.1}})
        price = round(self.price, 4)
        fill = {"order_id": order_id, "filled_quantity": 0.1, "fill_price": price, "fill_notional": 0.1 * price}
        yield self._told(number, "fill", {**fill, "fill_fee": round(0.1 * price * _FEE_RATE, 4)})
        trade = {"timestamp": timestamp(self.at(number)), "order_id": order_id, "side": side, "quantity": 0.1}
        yield Artefact(f"{self.folder}/trades.jsonl", {**trade, "price": price})

    def _told(self, number: int, kind: str, payload: Line) -> Artefact:
        line = {"ts": timestamp(self.at(number)), "session_id": self.session_id, "symbol": self.symbol}
        return Artefact(
            f"logs/execution/{self.session_id}.jsonl", {**line, "mode": self.mode, "kind": kind, "payload": payload}
        )

    def _event(self, number: int, later_s: float, event_type: str, order_id: str, payload: Line) -> Artefact:
        event = {
            "correlation_id": self.session_id,
            "event_type": event_type,
            "idempotency_key": f"idem-{order_id}",
            "order_id": order_id,
            "payload": payload,
            "run_id": self.run_id,
            "schema": "execution_event_v0",
            "ts": timestamp(self.at(number) + timedelta(seconds=later_s)),
        }
        return Artefact("logs/execution/execution_pipeline_events_v0.jsonl", event)

    def _alerts(self, number: int, reason: str) -> Iterator[Artefact]:
        """Yield an alert of the run, and the same as it is stored."""
        ts, is_grave = timestamp(self.at(number)), reason in ("kill_switch", "max_daily_loss_abs")
        message = f"{self.strategy} on {self.symbol}: {reason}"
        severity = "critical" if is_grave else "warning"
        alert = {"rule_id": reason, "severity": severity, "message": message, "run_id": self.run_id, "timestamp": ts}
        yield Artefact(f"{self.folder}/alerts.jsonl", alert)
        spelt = "CRITICAL" if is_grave else "WARN"
        digest = sha256(f"{ts}risk{message}{spelt}".encode()).hexdigest()[:12]
        stored = {"id": f"alert_{digest}", "title": message, "body": f"at step {number}", "severity": spelt}
        told = {"category": "RISK", "source": "risk", "session_id": self.session_id, "timestamp": ts}
        day = f"{self.at(number):%Y-%m-%d}"
        path = f"live_runs/alerts/alerts_{day}.jsonl"
        yield Artefact(path, {**stored, **told, "context": {"run_id": self.run_id}, "stored_at": ts})

    def _meta(self, ended: datetime | None) -> Artefact:
        body = {
            "run_id": self.run_id,
            "mode": self.mode,
            "strategy_name": self.strategy,
            "symbol": self.symbol,
            "timeframe": "1m",
            "started_at": timestamp(self.start),
            "ended_at": None if ended is None else timestamp(ended),
            "config_snapshot": {"tags": ["sample"], "max_drawdown": -0.05},
            "notes": "",
        }
        return Artefact(f"{self.folder}/meta.json", body, is_document=True)

    def _session(self, status: str, ended: datetime | None) -> Artefact:
        severity = "breach" if self.fall < -0.05 else "warning" if self.fall < -0.02 else "ok"
        limit = {"name": "max_drawdown", "value": self.fall, "limit": -0.05, "ratio": self.fall / -0.05}
        check = {"severity": severity, "allowed": severity != "breach", "reasons": []}
        body = {
            "session_id": self.session_id,
            "run_id": self.run_id,
            "run_type": f"live_session_{self.mode}",
            "mode": self.mode,
            "env_name": "sim",
            "symbol": self.symbol,
            "status": status,
            "started_at": timestamp(self.start),
            "finished_at": None if ended is None else timestamp(ended),
            "config": {"strategy_name": self.strategy},
            "metrics": {
                "realized_pnl": round(self.realized, 4),
                "max_drawdown": round(self.fall, 6),
                "num_orders": self.orders,
                "open_positions": int(self.position > 0),
                "total_notional": round(self.position * self.price, 4),
                "unrealized_pnl": round(self.position * (self.price - self.entry), 4),
                "risk_check": {**check, "limit_details": [{**limit, "severity": severity}]},
            },
            "cli_args": ["--mode", self.mode],
            "error": None,
            "created_at": timestamp(self.start),
            "strategy_tier": "core",
        }
        name = f"{self.start:%Y%m%dT%H%M%S}_live_session_{self.mode}_{self.session_id}.json"
        return Artefact(f"reports/experiments/live_sessions/{name}", body, is_document=True)
