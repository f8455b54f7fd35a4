"""The rows of the execution watch: its API, and the orders and safety of the execution layer (seed 004).

In: the catalogue. Out: tiles.
"""

from __future__ import annotations

from grafana.build.catalogue import Catalogue
from grafana.build.conditions import which
from grafana.build.queries import Selector, age, grown, per_minute, quantile, rate, select
from grafana.build.tiles import FRESH_S, GREEN, RED, YELLOW, Tile, figure, places, plot, rising, word

__all__ = ["api_tiles", "order_tiles"]

_STATE_COLORS = {"INIT": YELLOW, "RUNNING": GREEN, "COMPLETED": GREEN, "REJECTED": RED, "FAILED": RED}
_AGE_LEVELS = rising(300, 900)


def _all(catalogue: Catalogue, name: str) -> Selector:
    return select(catalogue.family(f"peak_trade_{name}"))


def api_tiles(catalogue: Catalogue) -> tuple[Tile, ...]:
    """Return one line: traffic, latency, read errors."""
    answers = _all(catalogue, "execution_watch_requests_total")
    requests = rate(answers, "endpoint").of("reqps")
    failed = rate(answers.without("status", "200"), window="1m").of("reqps").named("answered with an error")
    p95 = quantile(0.95, _all(catalogue, "execution_watch_request_latency_seconds"), "endpoint")
    errors = per_minute(_all(catalogue, "execution_watch_read_errors_total")).named("read errors / min")
    return (
        plot("Execution Watch: req/s by endpoint", requests, failed, width=24, height=8),
        plot("Execution Watch: latency p95 by endpoint", p95, levels=rising(0.25, 1), width=24, height=8),
        plot("Execution Watch: JSONL read errors", errors, levels=rising(1), width=24, height=6),
    )


def order_tiles(catalogue: Catalogue) -> tuple[Tile, ...]:
    """Return a line of stats and a line of series."""
    return (*_safety(catalogue), *_orders(catalogue))


def _safety(catalogue: Catalogue) -> tuple[Tile, ...]:
    final = ("COMPLETED", "REJECTED", "FAILED")
    states = places(catalogue.values("peak_trade_orchestrator_state", "state"), _STATE_COLORS, final)
    at = _all(catalogue, "execution_last_event_timestamp_seconds")
    up = select(catalogue.family("up"), job=catalogue.job("execution_watch"))
    state = which(_all(catalogue, "orchestrator_state"), "state", at=at, fresh_s=FRESH_S, up=up)
    audit = age(_all(catalogue, "last_audit_event_timestamp_seconds").while_filed)
    clean = age(_all(catalogue, "reconciler_last_ok_timestamp_seconds").while_filed)
    trips = grown(_all(catalogue, "safety_rail_trips_total").while_filed, window="15m")
    return (
        word("Orchestrator", state, states, width=6),
        figure("Last audit event age", audit, _AGE_LEVELS, width=6),
        figure("Last clean reconciliation age", clean, _AGE_LEVELS, width=6).leads_to(
            "reconciliation.md#execution_reconcilestale"
        ),
        figure("Safety rail trips (15m)", trips, rising(1, 10), width=6).leads_to(
            "risk-blocks.md#execution_safetyrailtripped"
        ),
    )


def _orders(catalogue: Catalogue) -> tuple[Tile, ...]:
    kinds = ("place", "cancel", "query")
    commands = (per_minute(_all(catalogue, f"orders_{kind}_total"), window="1m").named(kind) for kind in kinds)
    moves = per_minute(_all(catalogue, "order_state_transitions_total"), "to_state", window="1m")
    mismatches = grown(_all(catalogue, "reconcile_mismatches_total"), "code", window="15m")
    retries = grown(_all(catalogue, "retry_attempts_total"), window="15m").named("retries")
    return (
        plot("Order states reached / min", moves, width=12, height=8),
        plot("Mismatches (15m)", mismatches, width=12, height=8).leads_to(
            "reconciliation.md#execution_reconcilemismatch"
        ),
        plot("Order commands / min", *commands, width=12, height=7),
        plot("Retries (15m)", retries, width=12, height=7),
    )
