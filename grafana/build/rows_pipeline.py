"""The tiles of the shadow order pipeline, used by the overview and by its own board.

In: the catalogue. Out: tiles, filtered by `$mode` and `$exchange` where the metric has those labels.
"""

from __future__ import annotations

from grafana.build.catalogue import Catalogue
from grafana.build.conditions import newest, which
from grafana.build.queries import Selector, per_minute, quantile, rate, select, share
from grafana.build.tiles import (
    AGES,
    FRESH_S,
    GREEN,
    NO_AGE,
    ORANGE,
    RED,
    YELLOW,
    Tile,
    figure,
    places,
    plot,
    rising,
    stack,
    word,
)
from grafana.build.uids import SHADOW

__all__ = [
    "ERROR_LEVELS",
    "LATENCY_LEVELS",
    "STATE_COLORS",
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
STATE_COLORS = {"idle": YELLOW, "running": GREEN, "stopped": YELLOW, "degraded": ORANGE, "error": RED}
_TRADE_FLOW = {
    "signals": "peaktrade_signals_total",
    "orders approved": "peaktrade_orders_approved_total",
    "orders blocked": "peaktrade_orders_blocked_total",
}


def choose(catalogue: Catalogue, name: str, **matchers: str) -> Selector:
    """Return the family called `name`, filtered by those of `$mode` and `$exchange` it has as labels."""
    family = catalogue.family(name)
    chosen = {label: f"${label}" for label in ("mode", "exchange") if label in family.metric.labels}
    return select(family, **chosen, **matchers)


def tiles(catalogue: Catalogue) -> tuple[Tile, ...]:
    """Return the overview's two lines."""
    flow = (per_minute(select(catalogue.family(name))).named(legend) for legend, name in _TRADE_FLOW.items())
    return (
        event_rate(catalogue, "Pipeline events rate (by stage)", SHADOW),
        risk_blocks(catalogue, "Risk blocks rate (by reason)", SHADOW),
        error_rate(catalogue, "Pipeline error rate", SHADOW, 5),
        latency(catalogue, "Latency p95 (intent → ack)", SHADOW, 5),
        plot("Signals and orders / min", *flow, width=6, more=SHADOW),
        run_state(catalogue, 9),
        newest_event(catalogue, 9),
    )


def event_rate(catalogue: Catalogue, title: str, more: str = "") -> Tile:
    """Return the throughput by stage."""
    events = choose(catalogue, "peak_trade_pipeline_events_total")
    return plot(title, rate(events, "mode", "stage", window="5m"), width=12, height=8, more=more)


def error_rate(catalogue: Catalogue, title: str, more: str = "", width: int = 8) -> Tile:
    """Return the part of events that are errors, by mode, as each mode has its own objective."""
    name = "peak_trade_pipeline_events_total"
    errors = rate(choose(catalogue, name, stage="error"), "mode", window="5m")
    part = share(errors, rate(choose(catalogue, name), "mode", window="5m"))
    return plot(title, part, levels=ERROR_LEVELS, width=width, more=more).leads_to(
        "error-spike.md#pipeline_errorrateabovesloshadow"
    )


def risk_blocks(catalogue: Catalogue, title: str, more: str = "") -> Tile:
    """Return risk blocks by reason."""
    blocks = choose(catalogue, "peak_trade_risk_blocks_total")
    tile = stack(title, rate(blocks, "mode", "reason", window="5m"), width=12, height=8, more=more)
    return tile.leads_to("risk-blocks.md#pipeline_riskblocksspike")


def latency(catalogue: Catalogue, title: str, more: str = "", width: int = 8) -> Tile:
    """Return the intent to ack latency."""
    times = choose(catalogue, "peak_trade_pipeline_latency_seconds", edge="intent_to_ack")
    p95 = quantile(0.95, times, "mode", window="5m")
    return plot(title, p95, levels=LATENCY_LEVELS, width=width, more=more).leads_to(
        "error-spike.md#pipeline_intenttoackp95high"
    )


def run_state(catalogue: Catalogue, height: int) -> Tile:
    """Return the state the run is in, by mode and host; STALE once it should have spoken and has not."""
    name = "peak_trade_run_state"
    states = places(catalogue.values(name, "state"), STATE_COLORS, ("idle", "stopped", "error"))
    at = choose(catalogue, "peak_trade_pipeline_last_event_timestamp_seconds")
    up = select(catalogue.family("up"), job=catalogue.job("shadow_mvs"))
    state = which(choose(catalogue, name), "state", "mode", at=at, fresh_s=FRESH_S, up=up)
    return word("Run state", state, states, height=height).leads_to("shadow-stop.md#pipeline_noevents")


def newest_event(catalogue: Catalogue, height: int) -> Tile:
    """Return the age of the newest ledger event."""
    at = choose(catalogue, "peak_trade_pipeline_last_event_timestamp_seconds")
    filed = select(catalogue.family("peak_trade_exporter_file_present"), exporter="shadow_mvs")
    up = select(catalogue.family("up"), job=catalogue.job("shadow_mvs"))
    return figure("Ledger event age", newest(at, filed, up), AGES, height=height, states=NO_AGE)
