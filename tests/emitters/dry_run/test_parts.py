"""The parts of the dry run, one by one."""

from __future__ import annotations

import doctest
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from emitters.dry_run import exporter
from emitters.dry_run.book import Book, IllegalTransitionError, LocalOrder
from emitters.dry_run.clock import StepClock
from emitters.dry_run.desk import CutOffError, Desk, UnansweredError
from emitters.dry_run.journal import Journal, SinkError
from emitters.dry_run.mock_broker import BrokerError, Fill, MockBroker, Report, Request
from emitters.dry_run.orchestrator import Orchestrator
from emitters.dry_run.preflight import Plan, check
from emitters.dry_run.rails import Rails
from emitters.dry_run.reconciler import compare, reconcile
from emitters.dry_run.tally import Tally
from emitters.writer import Writer

START = datetime(2026, 1, 25, tzinfo=UTC)


def request(known_as: str = "co-1", qty: str = "1") -> Request:
    return Request(known_as, "BTC/EUR", "buy", Decimal(qty), Decimal(60000))


def report(status: str, *fills: str) -> Report:
    traded = tuple(Fill(f"F{at}", Decimal(qty), Decimal(60000), Decimal(1)) for at, qty in enumerate(fills))
    return Report("MB-000000", request(), status, traded, START)


def order(state: str, *fills: str) -> LocalOrder:
    traded = [Fill(f"F{at}", Decimal(qty), Decimal(60000), Decimal(1)) for at, qty in enumerate(fills)]
    return LocalOrder(request(), "intent-1", 0, state, "MB-000000", traded)


@pytest.mark.parametrize(
    ("own", "theirs", "code"),
    [
        (order("ACK"), report("open"), ""),
        (order("PARTIAL", "0.5"), report("open", "0.5"), ""),
        (order("FILLED", "0.5", "0.5"), report("filled", "1"), ""),
        (order("ACK"), report("open", "0.5"), "partial_fill_mismatch"),
        (order("CANCELED"), report("filled", "1"), "cancel_race"),
        (order("PARTIAL", "1"), report("cancelled", "0.5"), "cancel_race"),
        (order("ACK"), report("rejected"), "status_mismatch"),
        (order("ACK", "NaN"), report("open"), "invariant_non_finite_qty"),
        (order("ACK"), report("open", "Infinity"), "invariant_non_finite_qty"),
        (order("ACK", "-1"), report("open"), "invariant_negative_qty"),
        (order("FILLED", "1"), report("filled", "1", "0.1"), "invariant_filled_exceeds_qty"),
        (order("FILLED", "1"), report("filled", "1.000000001"), ""),
    ],
)
def test_the_reconciler_names_the_gravest_difference(own: LocalOrder, theirs: Report, code: str) -> None:
    assert compare(own, theirs) == code


class Listing(Desk):
    """A desk whose broker has these orders, and that notes what it is asked."""

    def __init__(self, *reports: Report, signal: str = "") -> None:
        self._reports = {one.request.client_order_id: one for one in reports}
        self._signal = signal
        self.queried: list[str] = []

    def list_open(self) -> list[Report]:
        if self._signal:
            raise UnansweredError(self._signal)
        return [one for one in self._reports.values() if one.status == "open"]

    def query(self, client_order_id: str) -> Report | None:
        self.queried.append(client_order_id)
        return self._reports.get(client_order_id)


def book_of(*orders: LocalOrder) -> Book:
    book = Book(Decimal(1000))
    book.orders = {one.request.client_order_id: one for one in orders}
    return book


def test_an_order_the_broker_does_not_list_is_asked_for_and_may_be_missing() -> None:
    desk = Listing()
    assert reconcile(book_of(order("ACK")), desk) == [("missing_on_broker", "co-1")]
    assert desk.queried == ["co-1"]
    assert reconcile(book_of(order("ACK")), Listing(report("filled", "1"))) == [("partial_fill_mismatch", "co-1")]


@pytest.mark.parametrize("state", ["NEW", "FILLED", "CANCELED", "REJECTED"])
def test_nobody_is_asked_for_an_order_that_is_not_open(state: str) -> None:
    desk = Listing()
    assert (reconcile(book_of(order(state)), desk), desk.queried) == ([], [])


def test_an_order_only_the_broker_has_is_a_ghost() -> None:
    assert reconcile(book_of(), Listing(report("open"))) == [("ghost_broker_order", "co-1")]


def test_a_broker_without_an_answer_is_one_mismatch_for_all_orders() -> None:
    assert reconcile(book_of(order("ACK"), order("FILLED")), Listing(signal="timeout")) == [("timeout", "*")]


def test_an_order_cannot_go_where_no_order_goes() -> None:
    one = order("FILLED")
    with pytest.raises(IllegalTransitionError, match=r"^co-1: from FILLED to ACK$"):
        one.move("ACK")
    assert one.state == "FILLED"


def test_an_order_sent_twice_is_taken_once() -> None:
    for seed in range(50):
        broker, reports = MockBroker(str(seed)), []
        for _ in range(20):
            try:
                reports.append(broker.place_order(request(), START))
            except BrokerError:
                continue
        assert {one.broker_order_id for one in reports} == {"MB-000000"}
        assert len(broker.export()) == 1


def test_a_timeout_may_leave_the_order_with_the_broker() -> None:
    taken = set()
    for seed in range(400):
        broker = MockBroker(str(seed))
        try:
            broker.place_order(request(), START)
        except BrokerError as error:
            taken.add((error.signal, len(broker.export())))
    assert taken == {("rate_limit", 0), ("transient", 0), ("timeout", 0), ("timeout", 1)}


def test_a_cancellation_may_come_too_late() -> None:
    ends = set()
    for seed in range(200):
        broker = MockBroker(str(seed))
        try:
            broker.place_order(request(), START)
            cancelled = broker.cancel_order("co-1")
        except BrokerError:
            continue
        assert cancelled is not None
        assert cancelled.filled in (Decimal(0), Decimal(1))
        ends.add(cancelled.status)
    assert ends == {"cancelled", "filled", "rejected"}


class Silent(MockBroker):
    """A broker that never answers."""

    def query_order(self, client_order_id: str) -> Report | None:
        raise BrokerError("timeout")


@pytest.fixture
def desk_of(tmp_path: Path) -> Callable[[int, int], tuple[Desk, Rails, Tally, list[str]]]:
    def make(attempts: int, commands: int) -> tuple[Desk, Rails, Tally, list[str]]:
        trips: list[str] = []
        rails, tally = Rails(trips.append, commands), Tally()
        clock = StepClock(START, timedelta(seconds=1))
        journal = Journal(clock.now, "r", {"execution": [tmp_path / "execution"]})
        return Desk(Silent("1"), clock, journal, tally, rails, attempts, Random(1)), rails, tally, trips

    return make


def test_a_command_is_given_as_often_as_it_may_and_no_more(
    desk_of: Callable[[int, int], tuple[Desk, Rails, Tally, list[str]]],
) -> None:
    desk, _, tally, trips = desk_of(4, 100)
    with pytest.raises(UnansweredError) as caught:
        desk.query("co-1")
    assert (caught.value.signal, trips) == ("timeout", [])
    assert tally.value("peak_trade_orders_query_total") == 4
    assert tally.value("peak_trade_retry_attempts_total") == 3


def test_the_third_silence_in_a_row_kills_the_run(
    desk_of: Callable[[int, int], tuple[Desk, Rails, Tally, list[str]]],
) -> None:
    desk, rails, _, trips = desk_of(1, 100)
    for killed in (False, False, True, True):
        with pytest.raises(UnansweredError):
            desk.query("co-1")
        assert rails.is_killed is killed
    assert trips == ["kill_switch"]


def test_a_step_without_commands_left_is_cut_and_says_so_once(
    desk_of: Callable[[int, int], tuple[Desk, Rails, Tally, list[str]]],
) -> None:
    desk, rails, tally, trips = desk_of(3, 2)
    for _ in range(2):
        with pytest.raises(CutOffError):
            desk.query("co-1")
    assert (tally.value("peak_trade_orders_query_total"), trips) == (2, ["rate_limit"])
    rails.begin_step()
    with pytest.raises(CutOffError):
        desk.query("co-1")
    assert trips == ["rate_limit", "rate_limit"]


def test_equity_below_its_peak_halts_once() -> None:
    book, trips = Book(Decimal(1000)), list[str]()
    rails = Rails(trips.append, 1)
    for price in ("100", "110", "108", "80", "70"):
        book.positions["X"] = Decimal(5)
        rails.watch_drawdown(book.drawdown({"X": Decimal(price)}))
    assert (trips, rails.is_halted, book.peak) == (["max_drawdown"], True, Decimal(1550))


@pytest.mark.parametrize(
    ("plan", "problems"),
    [
        (Plan(1, 7, "r", "ma_cross"), []),
        (Plan(1, 7, " ", "ma_cross"), [("C2_REJECT_MISSING_RUN_ID", "the run has no id; give --run-id")]),
        (Plan(1, 7, "r", ""), [("C2_REJECT_MISSING_STRATEGY_ID", "no strategy is named; give --strategy-id")]),
        (
            Plan(1, 7, "r", "yolo"),
            [("C2_REJECT_STRATEGY_NOT_ALLOWED", "no strategy named 'yolo' (expected demo_strategy, ma_cross)")],
        ),
        (
            Plan(1, 7, "r", "ma_cross", attempts=0),
            [("C2_REJECT_BAD_RETRY_CONFIG", "got 0 attempts, expected 1 to 10; retries are bounded")],
        ),
    ],
)
def test_preflight_says_everything_that_is_wrong(plan: Plan, problems: list[tuple[str, str]]) -> None:
    assert list(check(plan)) == problems


def test_a_file_that_can_be_written_at_another_try_is_audited_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, calls = Writer.append, iter(range(10**6))

    def sometimes(self: Writer, *events: dict[str, object]) -> None:
        if next(calls) in (40, 41):
            raise OSError(28, "No space left on device")
        append(self, *events)

    monkeypatch.setattr(Writer, "append", sometimes)
    run, journal = finished(tmp_path)
    assert (run.state, journal.sink_retries) == ("COMPLETED", 2)
    codes = [json.loads(line).get("code") for line in (tmp_path / "execution").read_text().splitlines()]
    assert codes.count("C2_SINK_WRITE_RETRY") == 1


def test_a_file_that_cannot_be_written_ends_the_run_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append = Writer.append

    def never(self: Writer, *events: dict[str, object]) -> None:
        if self.path.name == "ledger":
            raise OSError(28, "No space left on device")
        append(self, *events)

    monkeypatch.setattr(Writer, "append", never)
    with pytest.raises(SinkError, match=r"ledger: cannot be written \(No space left on device\)$"):
        finished(tmp_path)
    last = [json.loads(line) for line in (tmp_path / "execution").read_text().splitlines()][-3:]
    assert [event.get("code") or event["state"] for event in last] == [
        "C2_SINK_WRITE_FAILED",
        "C2_ABORT_SINK_WRITE_FAILED",
        "FAILED",
    ]


def finished(folder: Path) -> tuple[Orchestrator, Journal]:
    clock = StepClock(START, timedelta(seconds=1))
    files = {kind: [folder / kind] for kind in ("execution", "ledger", "session")}
    with Journal(clock.now, "r", files) as journal:
        run = Orchestrator(Plan(20, 7, "r", "ma_cross"), clock, journal)
        run.run()
    return run, journal


def test_a_step_in_real_time_waits_until_it_is_due() -> None:
    waits: list[float] = []
    clock = StepClock(START, timedelta(seconds=3600), is_real_time=True, sleep=waits.append)
    assert [clock.begin_step() for _ in range(3)] == [0, 1, 2]
    assert clock.now() == START + timedelta(hours=2)
    assert [round(wait / 3600) for wait in waits] == [0, 1, 2]


def test_the_examples_of_the_exporter_are_true() -> None:
    assert doctest.testmod(exporter).failed == 0


def test_a_difference_is_named_with_both_values() -> None:
    counted = {("a_total", ()): 2.0, ("b_total", (("c", "d"),)): 1.0, ("else_total", ()): 9.0}
    shown = {("a_total", ()): 2.0, ("b_total", (("c", "e"),)): 1.0, ("b_total", (("c", "f"),)): 0.0}
    assert list(exporter.differences(("a_total", "b_total"), counted, shown)) == [
        ('b_total{c="d"}', 1.0, None),
        ('b_total{c="e"}', None, 1.0),
    ]
