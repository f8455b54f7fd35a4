"""Board "Ops / Shadow": the six panels of seed 000 phase 5, then what explains them.

In: the catalogue. Out: the board. The six keep the seed's windows and labels; the rest is pairing, drops, trade flow.
"""

from __future__ import annotations

from grafana.build import rows_pipeline
from grafana.build.catalogue import Catalogue
from grafana.build.conditions import is_alive
from grafana.build.queries import Selector, grown, per_minute, quantile, rate, select, share, value
from grafana.build.rows_pipeline import ERROR_LEVELS, LATENCY_LEVELS, choose
from grafana.build.tiles import FRESH_S, GREEN, Board, Row, State, Tile, figure, lamp, plot, rising, stack
from grafana.build.uids import CONSOLE_EXECUTIONS, CONSOLE_SOURCES, EXPORTERS, SHADOW

__all__ = ["board"]

_EVENTS = "peak_trade_pipeline_events_total"
_IN_STATE = {0: State("no", "transparent"), 1: State("in this state", GREEN)}


def board(catalogue: Catalogue) -> Board:
    """Return the board."""
    return Board(
        uid=SHADOW,
        title="Peak_Trade / Ops / Shadow",
        folder="shadow",
        summary="The order pipeline of a run: throughput, errors, latency, risk blocks, feed gaps, run state.",
        variables=("mode", "exchange"),
        rows=(
            Row("Health", _health(catalogue)),
            Row("Pipeline", _pipeline(catalogue), CONSOLE_EXECUTIONS),
            Row("Trade flow", _trade_flow(catalogue), CONSOLE_EXECUTIONS),
            Row("Pairing and drops", _pairing(catalogue), CONSOLE_SOURCES, is_folded=True),
        ),
    )


def _health(catalogue: Catalogue) -> tuple[Tile, ...]:
    up = select(catalogue.family("up"), job=catalogue.job("shadow_mvs"))
    exporter = select(catalogue.family("shadow_mvs_up"))
    errors = rate(choose(catalogue, _EVENTS, stage="error").while_filed, window="5m")
    every = rate(choose(catalogue, _EVENTS).while_filed, window="5m")
    gaps = grown(choose(catalogue, "peak_trade_feed_gaps_total").while_filed, window="15m")
    return (
        lamp("UP (job=shadow_mvs)", value(up, fold="min"), more=EXPORTERS).leads_to("no-metrics.md#exporter_down"),
        lamp(
            "Exporter (shadow_mvs_up)", is_alive(exporter, value(up, "job", "instance")), width=5, more=EXPORTERS
        ).leads_to("no-metrics.md#exporter_wrongprocess"),
        rows_pipeline.run_state(catalogue, 4),
        rows_pipeline.newest_event(catalogue, 4),
        figure("Error share (5m)", share(errors, every), ERROR_LEVELS),
        figure("Gaps (15m)", gaps, rising(1, 10), width=3).leads_to("shadow-stop.md#pipeline_feedgaps"),
    )


def _pipeline(catalogue: Catalogue) -> tuple[Tile, ...]:
    gaps = per_minute(choose(catalogue, "peak_trade_feed_gaps_total"), "mode", "feed", window="15m")
    at = choose(catalogue, "peak_trade_pipeline_last_event_timestamp_seconds")
    states = value(choose(catalogue, "peak_trade_run_state").while_fresh(at, FRESH_S), "mode", "state").of("none")
    return (
        rows_pipeline.event_rate(catalogue, "Event throughput by mode, stage"),
        rows_pipeline.risk_blocks(catalogue, "Risk blocks by reason"),
        rows_pipeline.error_rate(catalogue, "Error rate"),
        rows_pipeline.latency(catalogue, "Latency P95 (intent → ack)"),
        plot("Feed gaps", gaps),
        Tile("Run state over time", "states", (states,), 24, 6, states=_IN_STATE, bands=rows_pipeline.STATE_COLORS),
    )


def _own(catalogue: Catalogue, name: str) -> Selector:
    return select(catalogue.family(f"peak_trade_exporter_{name}"), exporter="shadow_mvs", pair="order_by_intent")


def _pairing(catalogue: Catalogue) -> tuple[Tile, ...]:
    by_edge = quantile(0.95, choose(catalogue, "peak_trade_pipeline_latency_seconds"), "edge", window="5m")
    outcomes = per_minute(_own(catalogue, "pair_edges_total"), "outcome")
    waiting = value(_own(catalogue, "open_pairs")).named("waiting now")
    forgotten = grown(_own(catalogue, "pairs_forgotten_total"), "reason", window="15m")
    refused = per_minute(select(catalogue.family("peak_trade_shadow_rejected_lines_total")), "reason")
    return (
        plot("Latency P95 by edge", by_edge, levels=LATENCY_LEVELS, width=12, height=8),
        plot("Paired stages / min by outcome", outcomes, width=12, height=8),
        plot("Dropped ledger lines / min", refused, levels=rising(1), height=11),
        plot("Intents waiting", waiting, height=11),
        plot("Intents forgotten (15m)", forgotten, height=11),
    )


def _trade_flow(catalogue: Catalogue) -> tuple[Tile, ...]:
    signals = per_minute(select(catalogue.family("peaktrade_signals_total")), "signal")
    approved = per_minute(select(catalogue.family("peaktrade_orders_approved_total")), "strategy_id")
    blocked = per_minute(select(catalogue.family("peaktrade_orders_blocked_total")), "reason")
    return (
        stack("Signals / min by signal", signals, height=11),
        stack("Orders approved / min by strategy", approved, height=11),
        stack("Orders blocked / min by gate", blocked, height=11),
    )
