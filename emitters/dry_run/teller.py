"""Says what happens, in the words of the event formats, and counts it for the run itself.

In: what happened. Out: events through the journal and counts in the tally, always both. Nothing is decided here.
"""

import hashlib
import json
from datetime import datetime

from emitters.dry_run.book import LocalOrder
from emitters.dry_run.clock import StepClock
from emitters.dry_run.journal import Journal
from emitters.dry_run.mock_broker import Fill
from emitters.dry_run.preflight import Plan
from emitters.dry_run.tally import Tally
from emitters.slots import timestamp

__all__ = ["ORCHESTRATOR_STATES", "RUN_STATES", "Teller", "epoch_s"]

ORCHESTRATOR_STATES = ("INIT", "RUNNING", "COMPLETED", "REJECTED", "FAILED")
"""Source: facts 3.6."""

RUN_STATES = ("idle", "running", "stopped", "degraded", "error")
"""Source: the ledger of seed 000."""

_STAGE_STATUS = {
    "intent": "created",
    "submit": "submitted",
    "ack": "open",
    "fill": "filled",
    "cancel": "canceled",
    "error": "rejected",
    "risk_block": "blocked_by_risk",
}


def epoch_s(moment: datetime) -> float:
    """Return Unix seconds as the events say them: cut to the millisecond."""
    return datetime.fromisoformat(timestamp(moment)).timestamp()


class Teller:
    """Writes and counts."""

    def __init__(self, plan: Plan, clock: StepClock, journal: Journal, tally: Tally) -> None:
        self._plan, self._clock, self._journal, self._tally = plan, clock, journal, tally

    def now_s(self) -> float:
        """Return the run's time in Unix seconds, to the millisecond."""
        return epoch_s(self._clock.now())

    def orchestrator(self, state: str) -> None:
        """The orchestrator is in another state."""
        self._journal.execution("orchestrator_state", state=state)
        self._tally.enter("peak_trade_orchestrator_state", state, ORCHESTRATOR_STATES)

    def run_state(self, state: str) -> None:
        """The ledger's run is in another state."""
        self._journal.ledger(state=state)
        self._tally.enter("peak_trade_run_state", state, RUN_STATES, mode="shadow")

    def rail_trip(self, rail: str) -> None:
        """A rail tripped."""
        self._journal.execution("safety_rail_trip", rail=rail)
        self._tally.add("peak_trade_safety_rail_trips_total", rail=rail)

    def transition(self, order: LocalOrder, to_state: str) -> None:
        """Move an order to another state, and say so."""
        before = order.move(to_state)
        known_as = order.request.client_order_id
        self._journal.execution("order_state", from_state=before, to_state=to_state, client_order_id=known_as)
        self._tally.add("peak_trade_order_state_transitions_total", from_state=before, to_state=to_state)

    def reconciled(self, mismatches: list[tuple[str, str]]) -> None:
        """A reconciliation came to its end."""
        for code, known_as in mismatches:
            self._journal.execution("reconcile_mismatch", code=code, client_order_id=known_as)
            self._tally.add("peak_trade_reconcile_mismatches_total", code=code)
        if not mismatches:
            self._journal.execution("reconcile_ok")
            self._tally.set("peak_trade_reconciler_last_ok_timestamp_seconds", self.now_s())

    def signal(self, symbol: str, signal: str) -> None:
        """The strategy changed its mind."""
        self._stage("signal", strategy_id=self._plan.strategy_id, symbol=symbol, status="final", signal=signal)

    def order(self, stage: str, order: LocalOrder, reason: str = "") -> None:
        """An order came to a stage."""
        request = order.request
        self._about(stage, order, reason=reason, qty=float(request.qty), price=float(request.price), fee=0.0)
        if stage == "risk_block":
            self._tally.add("peak_trade_risk_blocks_total", mode="shadow", reason=reason)

    def fill(self, order: LocalOrder, fill: Fill) -> None:
        """A part of an order traded."""
        numbers = {"qty": float(fill.qty), "price": float(fill.price), "fee": float(fill.fee)}
        self._about("fill", order, reason="", fill_id=fill.fill_id, **numbers)

    def session(self, event_type: str, **payload: object) -> None:
        """Something happened to the session as a whole: an event of schema C2_DRYRUN_V1."""
        identity = {
            "run_id": self._plan.run_id,
            "strategy_id": self._plan.strategy_id,
            "event_type": event_type,
            "ts_sim": self._journal.lines["session"],
            "payload": payload,
        }
        text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
        event_id = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
        stamp = timestamp(self._clock.now())
        self._journal.session({"schema_version": "C2_DRYRUN_V1", "event_id": event_id, **identity, "ts_utc": stamp})

    def _about(self, stage: str, order: LocalOrder, **fields: object) -> None:
        request = order.request
        ids = {"intent_id": order.intent_id, "client_order_id": request.client_order_id}
        if order.broker_order_id:
            ids["broker_order_id"] = order.broker_order_id
        what = {"strategy_id": self._plan.strategy_id, "symbol": request.symbol, "side": request.side}
        self._stage(stage, **what, **ids, status=_STAGE_STATUS[stage], **fields, venue="shadow", order_type="limit")

    def _stage(self, stage: str, **fields: object) -> None:
        self._journal.ledger(stage=stage, **fields)
        self._tally.add("peak_trade_pipeline_events_total", mode="shadow", stage=stage, exchange="sim")
