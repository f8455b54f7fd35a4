"""Emitter execution_watch: from a start time and a seed to the four kinds of events of the execution watch.

Ops events, API requests and the two execution formats take turns. It refuses to know an exchange or an API:
requests, orders and sessions are drawn from the seed.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle
from math import log
from random import Random

import click

from emitters.execution_formats import beta_exec_v1, execution_event_v0
from emitters.slots import slots, timestamp

__all__ = ["OPTIONS", "SUMMARY", "events"]

SUMMARY = (
    "Events for the execution_watch exporter: ops events of a session, API requests, and execution events in "
    "two formats, in turn."
)

OPTIONS: tuple[click.Option, ...] = (
    click.Option(["--seed"], type=int, default=7, show_default=True, help="Same seed, same requests and same session."),
    click.Option(
        ["--calm"],
        is_flag=True,
        default=False,
        help="Healthy sessions: no mismatch, no tripped rail, and each is completed.",
    ),
)

_ENDPOINTS = (
    "/api/healthz",
    "/api/execution/runs",
    "/api/execution/runs/{run_id}",
    "/api/execution/runs/{run_id}/events",
    "/api/execution/health",
    "/api/live/sessions",
)
_STATUSES = (200,) * 18 + (400, 404)
# One order after the other, each from NEW to an end.
_TRANSITIONS = (
    ("NEW", "ACK"),
    ("ACK", "PARTIAL"),
    ("PARTIAL", "FILLED"),
    ("NEW", "ACK"),
    ("ACK", "FILLED"),
    ("NEW", "REJECTED"),
    ("NEW", "ACK"),
    ("ACK", "CANCELED"),
)
_CODES = (
    "missing_on_broker",
    "ghost_broker_order",
    "partial_fill_mismatch",
    "status_mismatch",
    "cancel_race",
    "rate_limit",
    "timeout",
    "transient",
    "invariant_non_finite_qty",
    "invariant_negative_qty",
    "invariant_filled_exceeds_qty",
)
_RAILS = ("kill_switch", "max_position", "max_drawdown", "rate_limit")
# 22 events: with INIT and RUNNING, the first 24 ops events hold every type.
_WORK = (
    ("order_place",) * 4
    + ("order_state",) * 7
    + ("order_query",) * 2
    + ("order_cancel",)
    + ("reconcile_ok",) * 3
    + ("reconcile_mismatch",)
    + ("retry",)
    + ("safety_rail_trip",)
    + ("audit",) * 2
)
_WRONG = ("reconcile_mismatch", "safety_rail_trip")
_ROUNDS_OF_WORK = 10
_SESSIONS = (
    (("INIT", "RUNNING"), _ROUNDS_OF_WORK, "COMPLETED"),
    (("INIT",), 0, "REJECTED"),
    (("INIT", "RUNNING"), _ROUNDS_OF_WORK, "FAILED"),
)


def events(
    start: datetime,
    n: int | None,
    *,
    interval: timedelta,
    run_id: str = "demo",
    seed: int = 7,
    calm: bool = False,
) -> Iterator[dict[str, object]]:
    """Give execution watch events, deterministic to the byte.

    Args:
        start: Time of the first event, timezone-aware.
        n: How many; `None` is endless.
        interval: Time between two events.
        run_id: The field of that name, where the format has it.
        seed: Decides requests, latencies and the course of the sessions.
        calm: Whether nothing is to go wrong.

    Yields:
        One event per slot: ops, request, `execution_event_v0`, `BETA_EXEC_V1` in turn. Every ops event type
        occurs within the first 100 (of a calm run, those of health); the orchestrator runs from the fifth on.
    """
    rng = Random(seed)  # noqa: S311 - a sample, not a secret
    ops = _ops(rng, calm)
    for number, at in slots(start, n, interval):
        match divmod(number, 4):
            case _, 0:
                yield {"schema": "execution_ops_v1", "ts": timestamp(at), "run_id": run_id, **next(ops)}
            case _, 1:
                yield _request(at, rng)
            case turn, 2:
                yield execution_event_v0(turn, at, run_id)
            case turn, _:
                yield beta_exec_v1(turn, at, run_id)


def _request(at: datetime, rng: Random) -> dict[str, object]:
    return {
        "schema": "execution_watch_request_v1",
        "ts": timestamp(at),
        "endpoint": rng.choice(_ENDPOINTS),
        "method": "GET",
        "status": rng.choice(_STATUSES),
        "latency_ms": round(rng.lognormvariate(log(8.0), 0.8), 3),
    }


def _ops(rng: Random, calm: bool) -> Iterator[dict[str, object]]:
    """Give the bodies of ops events: one session after the other, its work shuffled anew each round."""
    details = {
        "order_state": cycle({"from_state": old, "to_state": new} for old, new in _TRANSITIONS),
        "reconcile_mismatch": cycle({"code": code} for code in rng.sample(_CODES, len(_CODES))),
        "safety_rail_trip": cycle({"rail": rail} for rail in rng.sample(_RAILS, len(_RAILS))),
    }
    work = tuple(kind for kind in _WORK if not calm or kind not in _WRONG)
    for opening, rounds, ending in cycle(_SESSIONS[:1] if calm else _SESSIONS):
        yield from map(_orchestrator, opening)
        for _ in range(rounds):
            for event_type in rng.sample(work, len(work)):
                detail = next(details[event_type]) if event_type in details else {}
                yield {"event_type": event_type, **detail}
        yield _orchestrator(ending)


def _orchestrator(state: str) -> dict[str, object]:
    return {"event_type": "orchestrator_state", "state": state}
