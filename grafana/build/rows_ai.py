"""The AI rows: is it deciding, how fast, how often does it refuse, and is every event counted?

In: the catalogue. Out: tiles, filtered by `$run_id` where the metric has that label.
"""

from __future__ import annotations

from grafana.build.catalogue import Catalogue
from grafana.build.conditions import is_active, newest
from grafana.build.queries import Selector, age, grown, per_minute, quantile, rate, select, share, slower_than
from grafana.build.tiles import (
    ACTIVE,
    AGES,
    ANY_IS_WRONG,
    BLUE,
    FRESH_S,
    NO_AGE,
    Tile,
    figure,
    plot,
    rising,
    stack,
    word,
)
from grafana.build.uids import EXPORTERS

__all__ = ["tiles"]

_SLOW_S = 0.5
"""A decision slower than this misses its objective. Source: fact sheet 5.1."""
_LATENCY_LEVELS = rising(0.25, 0.5)
_REJECT_LEVELS = rising(0.5, 0.75)
"""A third of the sample events is rejected, so a third is no trouble."""
_NEUTRAL = ((0.0, BLUE),)
"""No reason is good or bad by its number alone."""


def tiles(catalogue: Catalogue) -> tuple[Tile, ...]:
    """Return one line of stats and two of series.

    A stat is of those exporters alone whose event file is there: without it nobody knows.
    """
    return (*_stats(catalogue), *_decisions(catalogue), *_details(catalogue))


def _of_run(catalogue: Catalogue, name: str, **matchers: str) -> Selector:
    return select(catalogue.family(f"peaktrade_ai_{name}"), run_id="$run_id", **matchers)


def _stats(catalogue: Catalogue) -> tuple[Tile, ...]:
    decisions = _of_run(catalogue, "decisions_total").while_filed
    rejects = rate(_of_run(catalogue, "decisions_total", decision="reject").while_filed, window="5m")
    decided_at = _of_run(catalogue, "last_decision_timestamp_seconds")
    filed = select(catalogue.family("peak_trade_exporter_file_present"), exporter="ai_live")
    up = select(catalogue.family("up"), job=catalogue.job("ai_live"))
    event_at = select(catalogue.family("peaktrade_ai_last_event_timestamp_seconds")).while_filed
    p95 = quantile(0.95, _of_run(catalogue, "decision_latency_seconds").while_filed, window="5m")
    drops = grown(select(catalogue.family("peaktrade_ai_events_dropped_total")), window="5m")
    return (
        word("AI Active (last 30s)", is_active(decisions, "30s", f"{FRESH_S}s"), ACTIVE),
        figure("Last decision age", newest(decided_at, filed, up), AGES, states=NO_AGE).leads_to(
            "shadow-stop.md#ai_live_staleevents"
        ),
        figure("Worst event age", age(event_at, of_oldest=True), AGES),
        figure("Reject share (5m)", share(rejects, rate(decisions, window="5m")), _REJECT_LEVELS),
        figure("Latency p95 (5m)", p95, _LATENCY_LEVELS),
        figure("Drops / 5m", drops, ANY_IS_WRONG, more=EXPORTERS).leads_to("error-spike.md#ai_live_droppedeventsspike"),
    )


def _decisions(catalogue: Catalogue) -> tuple[Tile, ...]:
    decisions = per_minute(_of_run(catalogue, "decisions_total"), "decision", window="1m")
    rejects = grown(_of_run(catalogue, "decisions_total", decision="reject").while_filed, "reason", window="10m")
    latency = _of_run(catalogue, "decision_latency_seconds")
    quantiles = (quantile(part, latency) for part in (0.5, 0.95, 0.99))
    slow = slower_than(_SLOW_S, latency, window="5m")
    return (
        stack("Decisions / min (1m) by decision", decisions, width=6),
        Tile("Top reject reasons", "bars", (rejects.top(8),), 6, 9, levels=_NEUTRAL),
        plot("Decision latency p50, p95, p99", *quantiles, levels=_LATENCY_LEVELS, width=6),
        plot("Decisions slower than 500 ms", slow, levels=rising(0.01, 0.05), width=6),
    )


def _details(catalogue: Catalogue) -> tuple[Tile, ...]:
    dropped = select(catalogue.family("peaktrade_ai_events_dropped_total"))
    unparsed = select(catalogue.family("peaktrade_ai_events_parse_errors_total"))
    return (
        stack("Actions / min by action", per_minute(_of_run(catalogue, "actions_total"), "action"), width=12, height=8),
        plot(
            "Lines not counted / min",
            per_minute(dropped, "source", "reason"),
            per_minute(unparsed).named("not JSON, any source"),
            levels=rising(1),
            width=12,
            height=8,
            more=EXPORTERS,
        ),
    )
