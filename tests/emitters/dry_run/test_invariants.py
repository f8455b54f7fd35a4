"""Runs of 500 steps, told again from their files alone: nothing that must hold is ever broken."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from emitters.dry_run.clock import StepClock
from emitters.dry_run.journal import Journal
from emitters.dry_run.orchestrator import Orchestrator
from emitters.dry_run.preflight import Plan
from emitters.dry_run.rails import MAX_POSITION
from tests.budget import amount

pytestmark = pytest.mark.slow

START = datetime(2026, 1, 25, tzinfo=UTC)
SEEDS = range(amount(12, 20))
NEXT = {
    "NEW": {"ACK", "REJECTED"},
    "ACK": {"PARTIAL", "FILLED", "CANCELED"},
    "PARTIAL": {"FILLED", "CANCELED"},
}
COMMANDS = ("order_place", "order_cancel", "order_query")


@dataclass
class Told:
    """A finished run, and the events it wrote."""

    run: Orchestrator
    execution: list[dict[str, Any]]
    ledger: list[dict[str, Any]]

    def of(self, event_type: str) -> list[dict[str, Any]]:
        return [event for event in self.execution if event["event_type"] == event_type]

    def stage(self, stage: str) -> list[dict[str, Any]]:
        return [event for event in self.ledger if event.get("stage") == stage]


def told(folder: Path, plan: Plan) -> Told:
    files = {kind: folder / kind for kind in ("execution", "ledger", "session")}
    clock = StepClock(START, timedelta(seconds=1))
    with Journal(clock.now, plan.run_id, {kind: [path] for kind, path in files.items()}) as journal:
        run = Orchestrator(plan, clock, journal)
        run.run()
    lines = {
        kind: [json.loads(line, parse_float=Decimal) for line in path.read_text().splitlines()]
        for kind, path in files.items()
    }
    return Told(run, lines["execution"], lines["ledger"])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Told]:
    folder = tmp_path_factory.mktemp("runs")
    return [told(folder / str(seed), Plan(500, seed, "r", "ma_cross")) for seed in SEEDS]


def test_every_order_goes_only_along_legal_transitions(runs: list[Told]) -> None:
    for one in runs:
        states: dict[str, str] = {}
        for event in one.of("order_state"):
            known_as, before, after = event["client_order_id"], event["from_state"], event["to_state"]
            assert states.get(known_as, "NEW") == before
            assert after in NEXT[before]
            states[known_as] = after
        left = {known_as for known_as, state in states.items() if state in NEXT}
        assert not left or one.run.state == "FAILED", "a run that completes leaves no order open"


def test_quantities_are_conserved_from_the_broker_to_the_position(runs: list[Told]) -> None:
    for one in runs:
        filled: dict[str, Decimal] = {}
        position: dict[str, Decimal] = {}
        for fill in one.stage("fill"):
            filled[fill["client_order_id"]] = filled.get(fill["client_order_id"], Decimal(0)) + fill["qty"]
            sign = 1 if fill["side"] == "buy" else -1
            position[fill["symbol"]] = position.get(fill["symbol"], Decimal(0)) + sign * fill["qty"]
        assert position == one.run.book.positions
        ordered = {event["client_order_id"]: event["qty"] for event in one.stage("submit")}
        ends = {event["client_order_id"]: event["to_state"] for event in one.of("order_state")}
        for known_as, qty in filled.items():
            assert qty == ordered[known_as] if ends[known_as] == "FILLED" else qty < ordered[known_as]
        if one.run.state == "COMPLETED":
            broker = {report.request.client_order_id: report.filled for report in one.run.broker.export()}
            assert {known_as: qty for known_as, qty in broker.items() if qty} == filled


def test_a_fill_is_told_once(runs: list[Told]) -> None:
    for one in runs:
        ids = [fill["fill_id"] for fill in one.stage("fill")]
        assert len(ids) == len(set(ids)) > 0


def test_retries_are_bounded(runs: list[Told]) -> None:
    for one in runs:
        attempts = [event["attempt"] for event in one.of("retry")]
        assert set(attempts) == {1, 2}, "three attempts are two retries"
        in_a_row = 0
        for event in one.execution:
            in_a_row = in_a_row + 1 if event["event_type"] == "retry" else in_a_row
            in_a_row = 0 if event["event_type"] in ("order_state", "audit") else in_a_row
            assert in_a_row <= 2 * one.run.plan.commands_per_step


def test_times_never_go_back_and_audit_events_are_numbered_without_a_gap(runs: list[Told]) -> None:
    for one in runs:
        for events in (one.execution, one.ledger):
            times = [event["ts"] for event in events]
            assert times == sorted(times)
        assert [event["seq"] for event in one.of("audit")] == list(range(one.run.audit.events))


def test_no_submitted_order_could_take_a_position_beyond_its_limit(runs: list[Told]) -> None:
    tripped = 0
    for one in runs:
        open_left: dict[str, tuple[str, str, Decimal]] = {}
        position: dict[str, Decimal] = {}
        for event in one.ledger:
            known_as, stage = event.get("client_order_id", ""), event.get("stage")
            if stage == "submit":
                open_left[known_as] = (event["symbol"], event["side"], event["qty"])
                same = [qty for symbol, side, qty in open_left.values() if (symbol, side) == open_left[known_as][:2]]
                sign = 1 if event["side"] == "buy" else -1
                held = position.get(event["symbol"], Decimal(0))
                assert abs(held + sign * sum(same)) <= MAX_POSITION
            elif stage == "fill":
                symbol, side, left = open_left[known_as]
                sign = 1 if side == "buy" else -1
                position[symbol] = position.get(symbol, Decimal(0)) + sign * event["qty"]
                open_left[known_as] = (symbol, side, left - event["qty"])
            elif stage in ("cancel", "error"):
                open_left.pop(known_as)
        trips = [event for event in one.of("safety_rail_trip") if event["rail"] == "max_position"]
        blocks = [event for event in one.stage("risk_block") if event["reason"] == "position_limit"]
        assert len(trips) == len(blocks)
        tripped += len(trips)
    assert tripped > 0


def steps_of(one: Told) -> Iterator[list[dict[str, Any]]]:
    """Yield the events of each step, up to its reconciliation."""
    step: list[dict[str, Any]] = []
    for event in one.execution:
        if event.get("code") in ("C2_STRATEGY_TICK", "C2_DRYRUN_STOP"):
            yield step
            step = []
        step.append(event)


def test_a_step_gives_no_more_commands_than_it_may_and_the_rail_says_so(runs: list[Told]) -> None:
    tripped = 0
    for one in runs:
        allowed = one.run.plan.commands_per_step
        for number, step in enumerate(steps_of(one)):
            kinds = [event["event_type"] for event in step]
            commands = sum(kind in COMMANDS for kind in kinds)
            trips = sum(event.get("rail") == "rate_limit" for event in step)
            reconciles = number % one.run.plan.reconcile_every == 0
            if not reconciles:
                assert commands <= allowed
                assert trips <= 1
                assert not trips or commands == allowed
            tripped += trips
    assert tripped > 0


def test_nothing_is_begun_after_a_rail_that_ends_it(runs: list[Told]) -> None:
    tripped: Counter[str] = Counter()
    for one in runs:
        rails = [event["rail"] for event in one.of("safety_rail_trip")]
        for rail in ("max_drawdown", "kill_switch"):
            assert rails.count(rail) <= 1
            tripped[rail] += rails.count(rail)
        if "kill_switch" in rails:
            at = next(place for place, event in enumerate(one.execution) if event.get("rail") == "kill_switch")
            assert not [event for event in one.execution[at:] if event["event_type"] in COMMANDS]
            assert one.run.state == "FAILED"
        if "max_drawdown" in rails:
            moment = next(event["ts"] for event in one.execution if event.get("rail") == "max_drawdown")
            assert not [event for event in one.stage("submit") if event["ts"] > moment]
            assert one.run.rails.is_halted
    assert min(tripped["max_drawdown"], tripped["kill_switch"]) > 0


def test_the_runs_meet_what_brokers_do(runs: list[Told]) -> None:
    codes = {event["code"] for one in runs for event in one.of("reconcile_mismatch")}
    assert codes >= {"partial_fill_mismatch", "rate_limit", "timeout", "transient"}
    assert {event["reason"] for one in runs for event in one.stage("error")} == {"exchange_reject", "never_arrived"}
    assert {one.run.state for one in runs} == {"COMPLETED", "FAILED"}


def test_a_run_reconciles_nearly_every_time_it_is_due(runs: list[Told]) -> None:
    for one in runs:
        done = {event["ts"] for event in one.execution if event["event_type"].startswith("reconcile")}
        assert len(done) >= 0.9 * one.run.clock.steps / one.run.plan.reconcile_every


def test_other_seeds_are_other_runs(runs: list[Told]) -> None:
    assert len({json.dumps(one.ledger, default=str) for one in runs}) == len(runs)
