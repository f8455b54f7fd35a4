"""The rows of the execution watch: its API, and the orders and safety of the execution layer (seed 004).

In: the catalogue. Out: tiles.
"""

from __future__ import annotations

from grafana.build.catalogue import Catalogue
from grafana.build.queries import Selector, age, grown, per_minute, quantile, rate, select, which
from grafana.build.tiles import GREEN, RED, YELLOW, Tile, figure, places, plot, rising, word

__all__ = ["api_tiles", "order_tiles"]

_STATE_COLORS = {"INIT": YELLOW, "RUNNING": GREEN, "COMPLETED": GREEN, "REJECTED": RED, "FAILED": RED}
_AGE_LEVELS = rising(300, 900)


def _all(catalogue: Catalogue, name: str) -> Selector:
    return select(catalogue.family(f"peak_trade_{name}"))


def api_tiles(catalogue: Catalogue) -> tuple[Tile, ...]:
    """Return one line: traffic, latency, read errors."""
    requests = rate(_all(catalogue, "execution_watch_requests_total"), "endpoint", "status").of("reqps")
    p95 = quantile(0.95, _all(catalogue, "execution_watch_request_latency_seconds"), "endpoint")
    errors = per_minute(_all(catalogue, "execution_watch_read_errors_total")).named("read errors / min")
    return (
        plot("Execution Watch: req/s by endpoint", requests),
        plot("Execution Watch: latency p95 by endpoint", p95, levels=rising(0.25, 1)),
        plot("Execution Watch: JSONL read errors", errors, levels=rising(1)),
    )


def order_tiles(catalogue: Catalogue) -> tuple[Tile, ...]:
    """Return a line of stats and a line of series."""
    return (*_safety(catalogue), *_orders(catalogue))


def _safety(catalogue: Catalogue) -> tuple[Tile, ...]:
    states = places(catalogue.values("peak_trade_orchestrator_state", "state"), _STATE_COLORS)
    audit = age(_all(catalogue, "last_audit_event_timestamp_seconds"))
    clean = age(_all(catalogue, "reconciler_last_ok_timestamp_seconds"))
    trips = grown(_all(catalogue, "safety_rail_trips_total"), window="15m")
    return (
        word("Orchestrator", which(_all(catalogue, "orchestrator_state"), "state"), states, width=6),
        figure("Last audit event age", audit, _AGE_LEVELS, width=6),
        figure("Last clean reconciliation age", clean, _AGE_LEVELS, width=6),
        figure("Safety rail trips (15m)", trips, rising(1, 10), width=6),
    )


def _orders(catalogue: Catalogue) -> tuple[Tile, ...]:
    kinds = ("place", "cancel", "query")
    commands = (per_minute(_all(catalogue, f"orders_{kind}_total")).named(kind) for kind in kinds)
    moves = per_minute(_all(catalogue, "order_state_transitions_total"), "from_state", "to_state")
    mismatches = grown(_all(catalogue, "reconcile_mismatches_total"), "code", window="15m")
    retries = grown(_all(catalogue, "retry_attempts_total"), window="15m").named("retries")
    return (
        plot("Order commands / min", *commands),
        plot("Order state transitions / min", moves.named("{{from_state}} → {{to_state}}")),
        plot("Mismatches and retries (15m)", mismatches, retries),
    )
