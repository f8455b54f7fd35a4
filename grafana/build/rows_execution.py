"""The rows of the execution watch: its API, and the orders and safety of the execution layer (seed 004).

In: the catalogue. Out: tiles.
"""

from __future__ import annotations

from grafana.build.catalogue import Catalogue
from grafana.build.queries import age, grown, per_minute, quantile, rate, select, which
from grafana.build.tiles import GREEN, RED, YELLOW, Tile, places, rising

__all__ = ["api_tiles", "order_tiles"]

_STATE_COLORS = {"INIT": YELLOW, "RUNNING": GREEN, "COMPLETED": GREEN, "REJECTED": RED, "FAILED": RED}


def api_tiles(catalogue: Catalogue) -> tuple[Tile, ...]:
    """Return one line: traffic, latency, read errors."""
    requests = select(catalogue.family("peak_trade_execution_watch_requests_total"))
    times = select(catalogue.family("peak_trade_execution_watch_request_latency_seconds"))
    errors = select(catalogue.family("peak_trade_execution_watch_read_errors_total"))
    return (
        Tile(
            "Execution Watch: req/s by endpoint",
            "series",
            (rate(requests, "endpoint", "status").of("reqps"),),
            "Requests to the watch-only API by route and status. 400 and 404 rising: a client asks for runs that are "
            "gone. No data where the API does not run.",
            8,
        ),
        Tile(
            "Execution Watch: latency p95 by endpoint",
            "series",
            (quantile(0.95, times, "endpoint"),),
            "95 of 100 requests were at least this fast. The runs routes read whole files: their latency grows with "
            "them. Gaps: no requests.",
            8,
            levels=rising(0.25, 1),
        ),
        Tile(
            "Execution Watch: JSONL read errors",
            "series",
            (per_minute(errors).named("read errors / min"),),
            "Malformed lines in the execution event file. Any is wrong: some writer cuts lines or writes something "
            "other than JSON objects.",
            8,
            levels=rising(1),
        ),
    )


def order_tiles(catalogue: Catalogue) -> tuple[Tile, ...]:
    """Return a line of stats and a line of series."""
    return (*_safety(catalogue), *_orders(catalogue))


def _safety(catalogue: Catalogue) -> tuple[Tile, ...]:
    state = "peak_trade_orchestrator_state"
    audit = select(catalogue.family("peak_trade_last_audit_event_timestamp_seconds"))
    clean = select(catalogue.family("peak_trade_reconciler_last_ok_timestamp_seconds"))
    trips = select(catalogue.family("peak_trade_safety_rail_trips_total"))
    return (
        Tile(
            "Orchestrator",
            "stat",
            (which(select(catalogue.family(state)), "state"),),
            "The state the orchestrator last reported. FAILED or REJECTED: read its last audit events; it does not "
            "restart by itself. NONE YET: it has never reported one.",
            6,
            4,
            states=places(catalogue.values(state, "state"), _STATE_COLORS),
        ),
        Tile(
            "Last audit event age",
            "stat",
            (age(audit),),
            "Seconds since anything was written to the audit trail. Old while RUNNING: the audit sink is stuck; treat "
            "it as a stop.",
            6,
            4,
            levels=rising(300, 900),
        ),
        Tile(
            "Last clean reconciliation age",
            "stat",
            (age(clean),),
            "Seconds since own orders and the broker's last agreed. Old: see the mismatches below; until they agree, "
            "positions shown anywhere may be wrong.",
            6,
            4,
            levels=rising(300, 900),
        ),
        Tile(
            "Safety rail trips (15m)",
            "stat",
            (grown(trips, window="15m"),),
            "How often a safety rail stopped the run. Any trip needs a reason: the audit trail has it. Do not lift a "
            "rail before you know it.",
            6,
            4,
            levels=rising(1, 10),
        ),
    )


def _orders(catalogue: Catalogue) -> tuple[Tile, ...]:
    commands = {
        kind: per_minute(select(catalogue.family(f"peak_trade_orders_{kind}_total"))).named(kind)
        for kind in ("place", "cancel", "query")
    }
    moves = select(catalogue.family("peak_trade_order_state_transitions_total"))
    mismatches = select(catalogue.family("peak_trade_reconcile_mismatches_total"))
    retries = select(catalogue.family("peak_trade_retry_attempts_total"))
    return (
        Tile(
            "Order commands / min",
            "series",
            tuple(commands.values()),
            "Commands to the (mock) broker. cancel above place: the run undoes its orders; query alone: it waits for "
            "an answer.",
            8,
        ),
        Tile(
            "Order state transitions / min",
            "series",
            (per_minute(moves, "from_state", "to_state").named("{{from_state}} → {{to_state}}"),),
            "How orders move from state to state. NEW → REJECTED rising: the broker refuses; NEW → ACK without "
            "ACK → FILLED: orders rest.",
            8,
        ),
        Tile(
            "Mismatches and retries (15m)",
            "series",
            (
                grown(mismatches, "code", window="15m"),
                grown(retries, window="15m").named("retries"),
            ),
            "Differences between own orders and the broker's by kind, and retries used. ghost_broker_order and "
            "missing_on_broker first: they are about money; rate_limit and timeout pass by themselves.",
            8,
        ),
    )
