import hashlib
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from emitters import shadow_mvs

pytestmark = pytest.mark.thorough

START = datetime(2026, 1, 25, tzinfo=UTC)
STEP = timedelta(milliseconds=200)
SEEDS = range(21)
EVERY_SEED = pytest.mark.parametrize("seed", SEEDS)

Event = dict[str, object]


def emit(n: int, seed: int = 7, interval: timedelta = STEP) -> list[Event]:
    return list(shadow_mvs.events(START, n, interval=interval, seed=seed))


def time_of(event: Event) -> datetime:
    return datetime.fromisoformat(str(event["ts"]))


def orders(events: list[Event]) -> dict[object, list[Event]]:
    found: dict[object, list[Event]] = defaultdict(list)
    for event in events:
        if "client_order_id" in event:
            found[event["client_order_id"]].append(event)
    return found


def test_a_run_begins_idle_then_runs_then_signals() -> None:
    head = {"mode": "shadow", "run_id": "demo", "exchange": "sim"}
    idle, running, signal, *_ = emit(5)
    assert idle == {"ts": "2026-01-25T00:00:00.000Z", **head, "state": "idle"}
    assert running == {"ts": "2026-01-25T00:00:00.200Z", **head, "state": "running"}
    assert signal["stage"] == "signal"


def test_the_first_order_tells_all_a_ledger_line_tells() -> None:
    first = next(event for event in emit(60) if event.get("stage") == "fill")
    intent_id = str(first["intent_id"])
    digest = hashlib.sha256(f"demo|{first['symbol']}|{intent_id}".encode()).hexdigest()
    expected_id = f"co-{digest[:16]}"
    assert first["client_order_id"] == expected_id
    assert list(first) == [
        "ts",
        "mode",
        "run_id",
        "exchange",
        "stage",
        "strategy_id",
        "symbol",
        "intent_id",
        "client_order_id",
        "status",
        "qty",
        "price",
        "fee",
        "reason",
        "venue",
        "order_type",
    ]
    assert (first["status"], first["reason"], first["venue"]) == ("filled", "", "shadow")


@EVERY_SEED
def test_sixty_events_hold_every_stage_every_signal_and_a_gap(seed: int) -> None:
    events = emit(60, seed)
    assert {event["stage"] for event in events if "stage" in event and "feed" not in event} == {
        "signal",
        "intent",
        "submit",
        "ack",
        "fill",
        "cancel",
        "risk_block",
        "error",
    }
    assert {event["signal"] for event in events if "signal" in event} == {"buy", "sell", "flat"}
    assert [event["stage"] for event in events if event.get("status") == "gap"] == ["error"]


@EVERY_SEED
def test_each_order_takes_one_of_four_ways(seed: int) -> None:
    # The last ones may still be on their way.
    ways = {tuple(event["stage"] for event in steps) for steps in list(orders(emit(600, seed)).values())[:-4]}
    assert ways == {
        ("intent", "submit", "ack", "fill"),
        ("intent", "submit", "ack", "cancel"),
        ("intent", "risk_block"),
        ("intent", "submit", "error"),
    }


@EVERY_SEED
def test_the_stages_of_an_order_follow_each_other_in_time(seed: int) -> None:
    for steps in orders(emit(600, seed)).values():
        delays = {str(later["stage"]): time_of(later) - time_of(earlier) for earlier, later in pairwise(steps)}
        for stage, delay in delays.items():
            shortest, longest = {
                "submit": (0.001, 0.021),
                "risk_block": (0.001, 0.021),
                "ack": (0.001, 1.501),
                "error": (0.001, 1.501),
                "fill": (0.099, 2.001),
                "cancel": (0.099, 2.001),
            }[stage]
            assert shortest <= delay.total_seconds() <= longest


@EVERY_SEED
def test_no_time_lies_more_than_four_seconds_ahead_of_its_slot(seed: int) -> None:
    ahead = [time_of(event) - START for event in emit(2000, seed, interval=timedelta(0))]
    assert timedelta(0) <= min(ahead) <= max(ahead) <= timedelta(seconds=4)


def test_orders_are_interleaved_three_at_a_time_at_most() -> None:
    steps = [event for event in emit(300) if "client_order_id" in event]
    last = {event["client_order_id"]: i for i, event in enumerate(steps)}
    first = {event["client_order_id"]: i for i, event in reversed(list(enumerate(steps)))}
    in_flight = [sum(first[key] <= i < last[key] for key in first) for i in range(len(steps) - 20)]
    assert max(in_flight) == 3
    assert in_flight.count(0) < len(in_flight) / 20


def test_a_signal_is_told_once_per_change() -> None:
    latest: dict[tuple[object, object], object] = {}
    for event in emit(2000):
        if "signal" in event:
            pair = event["strategy_id"], event["symbol"]
            assert latest.get(pair) != event["signal"]
            latest[pair] = event["signal"]
    assert len(latest) == 6


def test_blocked_orders_name_every_risk_reason_and_mostly_their_gate() -> None:
    blocked = {event["reason"]: event["status"] for event in emit(1000) if event.get("stage") == "risk_block"}
    assert blocked == {
        "max_drawdown": "blocked_by_risk",
        "equity_floor": "blocked_by_risk",
        "position_limit": "blocked_by_risk",
        "exposure_limit": "blocked_by_risk",
        "spread_too_wide": "blocked",
        "cooldown": "blocked",
        "invalid_state": "blocked_by_governance",
    }


def test_the_run_degrades_now_and_then_and_recovers() -> None:
    states = [(i, event["state"]) for i, event in enumerate(emit(200)) if "state" in event]
    assert states == [
        (0, "idle"),
        (1, "running"),
        (22, "degraded"),
        (28, "running"),
        (122, "degraded"),
        (128, "running"),
    ]


def test_every_feed_has_gaps() -> None:
    gaps = [event for event in emit(2000) if "feed" in event]
    assert {event["feed"] for event in gaps} == {"ohlcv", "ticker", "trades"}
    assert {(event["stage"], event["status"]) for event in gaps} == {("error", "gap")}


def test_every_25th_ack_states_its_latency_and_cannot_be_paired() -> None:
    acks = [event for event in emit(1000) if event.get("stage") == "ack"]
    stated = [i for i, event in enumerate(acks, start=1) if "latency_ms" in event]
    assert stated == list(range(25, len(acks) + 1, 25))
    for i, event in enumerate(acks, start=1):
        assert (event.get("edge") == "intent_to_ack") == ("intent_id" not in event) == (i % 25 == 0)


def test_a_stated_latency_is_the_time_from_intent_to_ack() -> None:
    (ack,) = [event for event in emit(170) if "latency_ms" in event]
    intent = orders(emit(170))[ack["client_order_id"]][0]
    elapsed_ms = (time_of(ack) - time_of(intent)) / timedelta(milliseconds=1)
    assert ack["latency_ms"] == pytest.approx(elapsed_ms, abs=1.0)


def test_intent_ids_are_unique_to_the_order_the_run_and_its_start() -> None:
    def intents(start: datetime, run_id: str, seed: int) -> list[object]:
        events = shadow_mvs.events(start, 500, interval=STEP, run_id=run_id, seed=seed)
        return [event["intent_id"] for event in events if event.get("stage") == "intent"]

    ids = intents(START, "a", 1) + intents(START, "b", 1) + intents(START, "a", 2) + intents(START + STEP, "a", 1)
    assert len(set(ids)) == len(ids) > 400


def test_mode_exchange_and_run_id_are_in_every_event() -> None:
    events = shadow_mvs.events(START, 100, interval=STEP, run_id="r", mode="live", exchange="kraken")
    assert {(event["mode"], event["exchange"], event["run_id"]) for event in events} == {("live", "kraken", "r")}
