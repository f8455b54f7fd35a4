"""The rows of the shadow order pipeline, used by the overview and by its own board.

In: the catalogue. Out: tiles, filtered by `$mode` and `$exchange` where the metric has those labels.
"""

from __future__ import annotations

from grafana.build.catalogue import Catalogue
from grafana.build.queries import Selector, age, per_minute, quantile, rate, select, share, which
from grafana.build.tiles import GREEN, ORANGE, RED, YELLOW, Tile, places, rising
from grafana.build.uids import SHADOW

__all__ = [
    "AGE_LEVELS",
    "ERROR_LEVELS",
    "LATENCY_LEVELS",
    "choose",
    "error_rate",
    "event_rate",
    "latency",
    "newest_event",
    "risk_blocks",
    "run_state",
    "tiles",
]

ERROR_LEVELS = rising(0.001, 0.01)
"""Objectives: below 0.1 % live, below 1 % shadow. Source: seed 000 phase 7."""
LATENCY_LEVELS = rising(1, 2.5)
"""Seed 000 leaves the objective open; these are where an exchange's answer stops being normal."""
AGE_LEVELS = rising(60, 120)
_STATE_COLORS = {"idle": YELLOW, "running": GREEN, "stopped": YELLOW, "degraded": ORANGE, "error": RED}


def choose(catalogue: Catalogue, name: str, **matchers: str) -> Selector:
    """Return the family called `name`, filtered by those of `$mode` and `$exchange` it knows."""
    family = catalogue.family(name)
    chosen = {label: f"${label}" for label in ("mode", "exchange") if label in family.metric.labels}
    return select(family, **chosen, **matchers)


def tiles(catalogue: Catalogue) -> tuple[Tile, ...]:
    """Return the overview's two lines."""
    return (
        event_rate(catalogue, "Pipeline events rate (by stage)"),
        error_rate(catalogue, "Pipeline error rate"),
        risk_blocks(catalogue, "Risk blocks rate (by reason)"),
        latency(catalogue, "Latency p95 (intent → ack)"),
        _trade_flow(catalogue),
        run_state(catalogue, 8),
        newest_event(catalogue, 8),
    )


def event_rate(catalogue: Catalogue, title: str) -> Tile:
    """Return the throughput by stage."""
    return Tile(
        title,
        "series",
        (rate(choose(catalogue, "peak_trade_pipeline_events_total"), "mode", "stage", window="5m"),),
        "Events per second by stage. All at 0 while a run is running: the run has stopped writing or the feed is gone. "
        "intent without ack: the adapter does not answer.",
        8,
        more=SHADOW,
    )


def error_rate(catalogue: Catalogue, title: str) -> Tile:
    """Return the part of events that are errors, by mode."""
    name = "peak_trade_pipeline_events_total"
    errors = rate(choose(catalogue, name, stage="error"), "mode", window="5m")
    return Tile(
        title,
        "series",
        (share(errors, rate(choose(catalogue, name), "mode", window="5m")),),
        "Part of all events that are errors. The lines are the objectives: 0.1 % live, 1 % shadow. Gaps: no events at "
        "all, which is not the same as no errors.",
        8,
        levels=ERROR_LEVELS,
        more=SHADOW,
    )


def risk_blocks(catalogue: Catalogue, title: str) -> Tile:
    """Return risk blocks by reason."""
    return Tile(
        title,
        "series",
        (rate(choose(catalogue, "peak_trade_risk_blocks_total"), "mode", "reason", window="5m"),),
        "Orders the risk checks stopped, per second. A jump of one reason: that limit is reached; compare with signals, "
        "as more orders mean more blocks.",
        8,
        is_stacked=True,
        more=SHADOW,
    )


def latency(catalogue: Catalogue, title: str) -> Tile:
    """Return the intent to ack latency."""
    selector = choose(catalogue, "peak_trade_pipeline_latency_seconds", edge="intent_to_ack")
    return Tile(
        title,
        "series",
        (quantile(0.95, selector, "mode", window="5m").named("p95 {{mode}}"),),
        "From wanting an order to the exchange knowing it; 95 of 100 were faster. Rising: compare the other edges on "
        "the shadow board to see which step is slow. Gaps: no order was acknowledged.",
        8,
        levels=LATENCY_LEVELS,
        more=SHADOW,
    )


def run_state(catalogue: Catalogue, height: int) -> Tile:
    """Return the state the run is in, by mode."""
    name = "peak_trade_run_state"
    return Tile(
        "Run state",
        "stat",
        (which(select(catalogue.family(name), mode="$mode"), "state", "mode"),),
        "What the run last said about itself. RUNNING with an old event age: it hangs. NONE YET: no run state was ever "
        "written for this mode.",
        4,
        height,
        states=places(catalogue.values(name, "state"), _STATE_COLORS),
        more=SHADOW,
    )


def newest_event(catalogue: Catalogue, height: int) -> Tile:
    """Return the age of the newest ledger event."""
    return Tile(
        "Newest ledger event age",
        "stat",
        (age(choose(catalogue, "peak_trade_pipeline_last_event_timestamp_seconds")),),
        "Seconds since the newest event in the ledger, by its own time. Old while the run is RUNNING: see the feed gaps, "
        "then whether the run still writes the file the exporter reads.",
        4,
        height,
        levels=AGE_LEVELS,
        more=SHADOW,
    )


def _trade_flow(catalogue: Catalogue) -> Tile:
    names = {
        "signals": "peaktrade_signals_total",
        "orders approved": "peaktrade_orders_approved_total",
        "orders blocked": "peaktrade_orders_blocked_total",
    }
    return Tile(
        "Signals and orders / min",
        "series",
        tuple(per_minute(select(catalogue.family(name))).named(legend) for legend, name in names.items()),
        "Signals become orders; orders are approved or blocked. Signals without any order: the gates stop everything; "
        "see risk blocks.",
        8,
        more=SHADOW,
    )
