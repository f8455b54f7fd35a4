"""The run: preflight, n steps, an orderly end. It decides; everything it asks of the broker goes through the desk.

In: a plan with its seed. Out: events through the journal, and how it ended: COMPLETED, REJECTED or FAILED.
"""

import hashlib
from contextlib import suppress
from dataclasses import asdict
from decimal import Decimal
from random import Random

from emitters.dry_run.audit import AuditTrail
from emitters.dry_run.book import Book, LocalOrder
from emitters.dry_run.clock import StepClock
from emitters.dry_run.desk import CutOffError, Desk, UnansweredError
from emitters.dry_run.journal import Journal, SinkError
from emitters.dry_run.market import Market, Want
from emitters.dry_run.mock_broker import MockBroker, Report, Request
from emitters.dry_run.preflight import Plan, check
from emitters.dry_run.rails import Rails
from emitters.dry_run.reconciler import reconcile
from emitters.dry_run.tally import Tally
from emitters.dry_run.teller import Teller

__all__ = ["Orchestrator"]

_CASH = Decimal(100_000)
_STALE_STEPS = 6
_MOST_ROUNDS_OF_STOPPING = 12


class Orchestrator:
    """One run, once. `last_reconciliation` is the newest result, None if there was none."""

    def __init__(self, plan: Plan, clock: StepClock, journal: Journal) -> None:
        self.plan, self.clock, self.tally = plan, clock, Tally()
        self.tell = Teller(plan, clock, journal, self.tally)
        self.audit = AuditTrail(journal, self.tally)
        self.rails = Rails(self.tell.rail_trip, plan.commands_per_step)
        self.broker = MockBroker(f"{plan.seed}|broker")
        self.market = Market(f"{plan.seed}|market")
        self.book = Book(_CASH)
        rng = Random(f"{plan.seed}|desk")  # noqa: S311 - a sample, not a secret
        self.desk = Desk(self.broker, clock, journal, self.tally, self.rails, plan.attempts, rng)
        self.state = "INIT"
        self.last_reconciliation: list[tuple[str, str]] | None = None
        self._intents = self._retries_said = 0
        self._journal = journal

    def run(self) -> str:
        """Do the whole run; return the state it ended in.

        Raises:
            SinkError: a file cannot be written; the run has failed and could not say so everywhere.
        """
        self._enter("INIT")
        problems = list(check(self.plan))
        if problems:
            self._reject(problems)
            return self.state
        try:
            self._begin()
            self._steps()
            self._stop("FAILED" if self.rails.is_killed else "COMPLETED")
        except SinkError as error:
            with suppress(SinkError):  # it may be another file that can still be written
                self._record("ERROR", "C2_SINK_WRITE_FAILED", str(error))
                self._record("ERROR", "C2_ABORT_SINK_WRITE_FAILED", "the run ends FAILED")
                self._enter("FAILED")
            raise
        return self.state

    def _begin(self) -> None:
        self._enter("RUNNING")
        self.tell.run_state("running")
        self._record("INFO", "C2_DRYRUN_START", "the run starts", **asdict(self.plan))
        self.tell.session("SESSION_START", steps=self.plan.steps, seed=self.plan.seed)

    def _steps(self) -> None:
        for _ in range(self.plan.steps):
            self._step()
            if self.rails.is_killed:
                return
        self._wind_down()

    def _step(self) -> None:
        number = self.clock.begin_step()
        self.rails.begin_step()
        self.market.move()
        self.broker.trade()
        self._record("INFO", "C2_STRATEGY_TICK", f"step {number}")
        self.tell.session("STRATEGY_TICK", step=number)
        with suppress(CutOffError):  # the rail has said so; the next step goes on
            self._act(number)
        self.rails.watch_drawdown(self.book.drawdown(self.market.prices))
        if (number + 1) % self.plan.reconcile_every == 0:
            self._reconcile()
        if self._journal.sink_retries > self._retries_said:
            self._retries_said = self._journal.sink_retries
            self._record("WARN", "C2_SINK_WRITE_RETRY", "a file could only be written at another try")

    def _act(self, number: int) -> None:
        want = self.market.want()
        if want is not None:
            if want.is_new:
                self.tell.signal(want.symbol, want.signal)
            if want.signal != "flat":
                self._intend(want, number)
        for order in self.book.open_orders():
            if self.rails.is_killed:
                return
            is_stale = order.state != "NEW" and number - order.step >= _STALE_STEPS
            self._ask(order, is_stale)

    def _intend(self, want: Want, number: int) -> None:
        known_as = _client_order_id(self.plan, self._intents)
        request = Request(known_as, want.symbol, want.signal, want.qty, self.market.prices[want.symbol])
        order = LocalOrder(request, f"intent-{self._intents:06d}", number)
        self._intents += 1
        self.tell.order("intent", order)
        sign = 1 if want.signal == "buy" else -1
        if self.rails.is_halted:
            self.tell.order("risk_block", order, "max_drawdown")
        elif not self.rails.allow_exposure(self.book.exposure(want.symbol, want.signal) + sign * want.qty):
            self.tell.order("risk_block", order, "position_limit")
        else:
            self.book.orders[known_as] = order
            self.tell.order("submit", order)
            with suppress(UnansweredError):  # it stays NEW until a query tells whether the broker has it
                self._take(order, self.desk.place(request))

    def _ask(self, order: LocalOrder, is_stale: bool) -> None:
        """Ask the broker about an open order, or to cancel it if it is stale."""
        known_as = order.request.client_order_id
        try:
            report = self.desk.cancel(known_as) if is_stale else self.desk.query(known_as)
        except UnansweredError:
            return
        if report is not None:
            self._take(order, report)
        elif order.state == "NEW":
            self.tell.transition(order, "REJECTED")
            self.tell.order("error", order, "never_arrived")

    def _take(self, order: LocalOrder, report: Report) -> None:
        """Bring what the broker reports to account, state by state."""
        if order.state == "NEW":
            order.broker_order_id = report.broker_order_id
            is_rejected = report.status == "rejected"
            self.tell.transition(order, "REJECTED" if is_rejected else "ACK")
            self.tell.order("error" if is_rejected else "ack", order, "exchange_reject" if is_rejected else "")
        for fill in report.fills[len(order.fills) :]:
            self.book.apply(order, fill)
            self.tell.fill(order, fill)
        if report.status == "filled" and order.is_open:
            self.tell.transition(order, "FILLED")
            return
        if order.state == "ACK" and order.fills:
            self.tell.transition(order, "PARTIAL")
        if report.status == "cancelled" and order.is_open:
            self.tell.transition(order, "CANCELED")
            self.tell.order("cancel", order, "stale_order")

    def _reconcile(self) -> None:
        self.rails.begin_step()
        mismatches = reconcile(self.book, self.desk)
        if mismatches is not None:
            self.last_reconciliation = mismatches
            self.tell.reconciled(mismatches)

    def _wind_down(self) -> None:
        """Cancel what is open and ask until it is settled, in a bounded number of rounds; then compare once more."""
        for _ in range(_MOST_ROUNDS_OF_STOPPING):
            if self.rails.is_killed or not self.book.open_orders():
                break
            self.clock.begin_step()
            self.rails.begin_step()
            try:
                for order in self.book.open_orders():
                    self._ask(order, is_stale=order.state != "NEW")
            except CutOffError:
                continue
        self._reconcile()

    def _reject(self, problems: list[tuple[str, str]]) -> None:
        for code, message in problems:
            self._record("ERROR", code, message)
        self.tell.session("REJECTED", codes=[code for code, _ in problems])
        self._enter("REJECTED")

    def _stop(self, state: str) -> None:
        self.tell.run_state("stopped" if state == "COMPLETED" else "error")
        left = len(self.book.open_orders())
        self.tell.session("SESSION_STOP", status=state, open_orders=left)
        self._record("INFO", "C2_DRYRUN_STOP", f"the run ends {state}", open_orders=left)
        self._enter(state)

    def _enter(self, state: str) -> None:
        self.state = state
        self.tell.orchestrator(state)

    def _record(self, level: str, code: str, message: str, **meta: object) -> None:
        self.audit.record(level, code, message, self.tell.now_s(), **meta)


def _client_order_id(plan: Plan, number: int) -> str:
    """Return the id of an order: the same for the same run, and no two alike."""
    digest = hashlib.sha256(f"{plan.run_id}|{plan.seed}|{number}".encode("utf-8", "backslashreplace"))
    return f"co-{digest.hexdigest()[:16]}"
