"""The AI rows: is it deciding, how fast, how often does it refuse, and is every event counted?

In: the catalogue. Out: tiles, filtered by `$run_id` where the metric has that label.
"""

from __future__ import annotations

from grafana.build.catalogue import Catalogue
from grafana.build.queries import (
    Query,
    age,
    grown,
    is_active,
    per_minute,
    quantile,
    rate,
    select,
    share,
    slower_than,
)
from grafana.build.tiles import ACTIVE, GREEN, RED, Tile, rising
from grafana.build.uids import EXPORTERS

__all__ = ["tiles"]

_RUN = "$run_id"
_SLOW_S = 0.5
"""A decision slower than this misses its objective. Source: fact sheet 5.1."""
_LATENCY_LEVELS = rising(0.25, 0.5)
_AGE_LEVELS = rising(60, 120)
_ANY_IS_WRONG = ((0.0, GREEN), (1.0, RED))


def tiles(catalogue: Catalogue) -> tuple[Tile, ...]:
    """Return one line of stats and two of series."""
    return (*_stats(catalogue), *_decisions(catalogue), *_details(catalogue))


def _decided(catalogue: Catalogue, window: str, **matchers: str) -> Query:
    return rate(select(catalogue.family("peaktrade_ai_decisions_total"), run_id=_RUN, **matchers), window=window)


def _stats(catalogue: Catalogue) -> tuple[Tile, ...]:
    decisions = select(catalogue.family("peaktrade_ai_decisions_total"), run_id=_RUN)
    latency = select(catalogue.family("peaktrade_ai_decision_latency_seconds"), run_id=_RUN)
    decided_at = select(catalogue.family("peaktrade_ai_last_decision_timestamp_seconds"), run_id=_RUN)
    event_at = select(catalogue.family("peaktrade_ai_last_event_timestamp_seconds"))
    dropped = select(catalogue.family("peaktrade_ai_events_dropped_total"))
    rejected = share(_decided(catalogue, "5m", decision="reject"), _decided(catalogue, "5m"))
    return (
        _stat(
            "AI Active (last 30s)",
            is_active(decisions, "30s"),
            "ACTIVE: at least one decision in the last 30 s. INACTIVE with a young event age: the AI runs and decides "
            "nothing; with an old one: nothing is written, so look at the AI process.",
        ),
        _stat(
            "Last decision age",
            age(decided_at),
            "Seconds since the newest decision, by its own time. Old while AI Live is UP: the AI has stopped deciding, "
            "or writes into another file than the exporter reads.",
            _AGE_LEVELS,
        ),
        _stat(
            "Worst event age",
            age(event_at, of_oldest=True),
            "Seconds since the last event of the source format that lags most. A format that was used once and never "
            "again stays old: the exporter's /metrics tell which one it is.",
            _AGE_LEVELS,
        ),
        _stat(
            "Reject share (5m)",
            rejected,
            "Rejected decisions as a part of all. A third is normal for the sample events. High: see Top reject reasons.",
            rising(0.5, 0.75),
        ),
        _stat(
            "Latency p95 (5m)",
            quantile(0.95, latency, window="5m"),
            "95 of 100 decisions were at least this fast. No data: no decision in 5 minutes stated a latency.",
            _LATENCY_LEVELS,
        ),
        _stat(
            "Drops / 5m",
            grown(dropped, window="5m"),
            "Lines the exporter could not count as events. Any is wrong: Lines not counted (below) names format and "
            "reason.",
            _ANY_IS_WRONG,
            EXPORTERS,
        ),
    )


def _stat(title: str, query: Query, note: str, levels: tuple[tuple[float, str], ...] = (), more: str = "") -> Tile:
    states = None if levels else ACTIVE
    return Tile(title, "stat", (query,), note, 4, 4, levels=levels, states=states, more=more)


def _decisions(catalogue: Catalogue) -> tuple[Tile, ...]:
    decisions = catalogue.family("peaktrade_ai_decisions_total")
    latency = select(catalogue.family("peaktrade_ai_decision_latency_seconds"), run_id=_RUN)
    rejects = select(decisions, decision="reject", run_id=_RUN)
    return (
        Tile(
            "Decisions / min (1m) by decision",
            "series",
            (per_minute(select(decisions, run_id=_RUN), "decision", window="1m"),),
            "Decisions per minute. All lines at 0: the AI writes nothing or decides nothing (see the ages above). No "
            "lines: no exporter.",
            8,
            is_stacked=True,
        ),
        Tile(
            "Top reject reasons",
            "bars",
            (grown(rejects, "reason", window="10m").top(8),),
            "Why decisions were rejected in the last 10 minutes. risk_limit and cooldown are the rules at work; "
            "governance_no_live is the switch; invalid_order is a fault of the strategy; other needs the event file.",
            8,
        ),
        Tile(
            "Decision latency p50, p95, p99",
            "series",
            tuple(quantile(part, latency) for part in (0.5, 0.95, 0.99)),
            "Time per decision. p99 far above p95: a few slow ones; all rising together: the machine or the model.",
            8,
            levels=_LATENCY_LEVELS,
        ),
    )


def _details(catalogue: Catalogue) -> tuple[Tile, ...]:
    actions = select(catalogue.family("peaktrade_ai_actions_total"), run_id=_RUN)
    latency = select(catalogue.family("peaktrade_ai_decision_latency_seconds"), run_id=_RUN)
    dropped = select(catalogue.family("peaktrade_ai_events_dropped_total"))
    unparsed = select(catalogue.family("peaktrade_ai_events_parse_errors_total"))
    return (
        Tile(
            "Actions / min by action",
            "series",
            (per_minute(actions, "action"),),
            "What the AI asked for. submit without fill for long: look at Orders and safety.",
            8,
            7,
            is_stacked=True,
        ),
        Tile(
            "Decisions slower than 500 ms",
            "series",
            (slower_than(_SLOW_S, latency, window="5m"),),
            "Part of the decisions of the last 5 minutes that missed the objective. Gaps: no decisions.",
            8,
            7,
            levels=rising(0.01, 0.05),
        ),
        Tile(
            "Lines not counted / min",
            "series",
            (
                per_minute(dropped, "source", "reason"),
                per_minute(unparsed).named("not JSON, any source"),
            ),
            "Dropped lines by format and reason, and those that are not JSON at all. bad_json: a writer cuts lines; "
            "unknown_schema: a new writer or version; missing_fields: a writer lost a field.",
            8,
            7,
            more=EXPORTERS,
        ),
    )
