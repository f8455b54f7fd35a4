"""Board "Ops / Shadow": the six panels of seed 000 phase 5, then what explains them.

In: the catalogue. Out: the board. The six keep the seed's expressions and windows; the rest is drops, pairing, trade flow.
"""

from __future__ import annotations

from grafana.build import rows_pipeline
from grafana.build.catalogue import Catalogue
from grafana.build.queries import grown, per_minute, quantile, rate, select, share, value
from grafana.build.rows_pipeline import ERROR_LEVELS, LATENCY_LEVELS, choose
from grafana.build.tiles import GREEN, RED, UP, Board, Row, State, Tile, rising
from grafana.build.uids import EXPORTERS, SHADOW

__all__ = ["board"]

_EVENTS = "peak_trade_pipeline_events_total"
_PAIR = "order_by_intent"


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
            Row("Pipeline", _pipeline(catalogue)),
            Row("Pairing and drops", _pairing(catalogue)),
            Row("Trade flow", _trade_flow(catalogue)),
        ),
    )


def _health(catalogue: Catalogue) -> tuple[Tile, ...]:
    job = catalogue.job("shadow_mvs")
    up = value(select(catalogue.family("up"), job=job))
    own = value(choose(catalogue, "shadow_mvs_up"))
    note = "DOWN or no data: nothing below can be trusted; see the exporter health board."
    lamps = [
        Tile(title, "stat", (query,), note, 4, 4, states=UP, missing=RED, no_data="NO DATA", more=EXPORTERS)
        for title, query in ((f"UP (job={job})", up), ("Exporter (shadow_mvs_up)", own))
    ]
    errors = share(
        rate(choose(catalogue, _EVENTS, stage="error"), window="5m"), rate(choose(catalogue, _EVENTS), window="5m")
    )
    gaps = grown(select(catalogue.family("peak_trade_feed_gaps_total"), mode="$mode"), window="15m")
    return (
        *lamps,
        rows_pipeline.run_state(catalogue, 4),
        rows_pipeline.newest_event(catalogue, 4),
        Tile(
            "Error share (5m)",
            "stat",
            (errors,),
            "Part of all events of the chosen modes that are errors. No data: no events at all in 5 minutes.",
            4,
            4,
            levels=ERROR_LEVELS,
        ),
        Tile(
            "Feed gaps (15m)",
            "stat",
            (gaps,),
            "Gaps in market data in 15 minutes. The objective is none that last; the panel below says which feed.",
            4,
            4,
            levels=rising(1, 10),
        ),
    )


def _pipeline(catalogue: Catalogue) -> tuple[Tile, ...]:
    gaps = select(catalogue.family("peak_trade_feed_gaps_total"), mode="$mode")
    states = select(catalogue.family("peak_trade_run_state"), mode="$mode")
    return (
        rows_pipeline.event_rate(catalogue, "Event throughput by mode, stage"),
        rows_pipeline.error_rate(catalogue, "Error rate"),
        rows_pipeline.risk_blocks(catalogue, "Risk blocks by reason"),
        rows_pipeline.latency(catalogue, "Latency P95 (intent → ack)"),
        Tile(
            "Feed gaps",
            "series",
            (per_minute(gaps, "mode", "feed", window="15m"),),
            "Gaps per minute by feed, over 15 minutes. One feed: its source; all feeds: the connection. Signals made "
            "during a gap rest on old prices.",
            8,
        ),
        Tile(
            "Run state over time",
            "states",
            (value(states, "mode", "state", fold="sum"),),
            "Which state the run was in, and when it changed. degraded that comes back again and again: compare its "
            "times with the feed gaps.",
            8,
            states={0: State("no", "transparent"), 1: State("in this state", GREEN)},
        ),
    )


def _pairing(catalogue: Catalogue) -> tuple[Tile, ...]:
    own = {"exporter": "shadow_mvs", "pair": _PAIR}
    edges = select(catalogue.family("peak_trade_exporter_pair_edges_total"), **own)
    forgotten = select(catalogue.family("peak_trade_exporter_pairs_forgotten_total"), **own)
    waiting = select(catalogue.family("peak_trade_exporter_open_pairs"), **own)
    refused = select(catalogue.family("peak_trade_shadow_rejected_lines_total"))
    times = choose(catalogue, "peak_trade_pipeline_latency_seconds")
    return (
        Tile(
            "Latency P95 by edge",
            "series",
            (quantile(0.95, times, "edge", window="5m"),),
            "Where the time goes: own work (intent to submit), the exchange (submit to ack), the market (ack to fill).",
            6,
            levels=LATENCY_LEVELS,
        ),
        Tile(
            "Paired stages / min by outcome",
            "series",
            (per_minute(edges, "outcome"),),
            "joined is good. orphan: the later stage came without the earlier one (a file was cut or began in the "
            "middle); repeated: a stage came twice; negative: clocks or times disagree.",
            6,
        ),
        Tile(
            "Intents waiting and forgotten",
            "series",
            (
                value(waiting).named("waiting now"),
                grown(forgotten, "reason", window="15m").named("forgotten in 15m: {{reason}}"),
            ),
            "Intents without their last stage. waiting that only grows: acks or fills are missing; evicted: more "
            "intents are open than the exporter remembers, so latencies are incomplete.",
            6,
        ),
        Tile(
            "Dropped ledger lines / min",
            "series",
            (per_minute(refused, "reason"),),
            "Ledger lines that count nowhere, by reason. Any is wrong: bad_json is a cut line, missing_fields a writer "
            "that lost a field.",
            6,
            levels=rising(1),
        ),
    )


def _trade_flow(catalogue: Catalogue) -> tuple[Tile, ...]:
    signals = select(catalogue.family("peaktrade_signals_total"))
    approved = select(catalogue.family("peaktrade_orders_approved_total"))
    blocked = select(catalogue.family("peaktrade_orders_blocked_total"))
    return (
        Tile(
            "Signals / min by signal",
            "series",
            (per_minute(signals, "signal"),),
            "Final signals, once per change. Only flat: the strategies are out of the market.",
            8,
            7,
            is_stacked=True,
        ),
        Tile(
            "Orders approved / min by strategy",
            "series",
            (per_minute(approved, "strategy_id"),),
            "Orders past all gates. One strategy at 0 while others trade: look at its signals and blocks.",
            8,
            7,
            is_stacked=True,
        ),
        Tile(
            "Orders blocked / min by gate",
            "series",
            (per_minute(blocked, "reason"),),
            "Orders a gate stopped. governance is the switch, limits and cooldown are rules at work, unknown needs the "
            "ledger.",
            8,
            7,
            is_stacked=True,
        ),
    )
