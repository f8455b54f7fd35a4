"""What an operator asks Prometheus first, and what the events themselves say the answer must be.

In: nothing, or one decoded event. Out: golden queries, and for some metrics the labels an event counts under, worked
out with plain JSON and without a contract: a second opinion for `peaktrade demo --check` and `peaktrade verify`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["GOLDEN", "TOLD", "TRUTHS", "Golden", "Truth"]

Event = Mapping[str, object]
Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Golden:
    """A query that must answer with `at_least` series, none NaN, while events flow. Source: seeds 000, 001, 003."""

    exporter: str
    id: str
    query: str
    at_least: int = 1


@dataclass(frozen=True, slots=True)
class Truth:
    """A counter and the labels one event of its file adds 1 under (None: the event does not count)."""

    exporter: str
    metric: str
    labels_of: Callable[[Event], Labels | None]


def _labels(**values: object) -> Labels:
    return frozenset((name, str(value)) for name, value in values.items())


def _decision(event: Event) -> Labels | None:
    names = ("decision", "reason", "component", "run_id")
    return _labels(**{name: event[name] for name in names}) if event.get("v") == 1 else None


def _stage(event: Event) -> Labels | None:
    if "stage" not in event:
        return None
    return _labels(mode=event["mode"], stage=event["stage"], exchange=event.get("exchange", "sim"))


def _request(event: Event) -> Labels | None:
    if event.get("schema") != "execution_watch_request_v1":
        return None
    return _labels(endpoint=event["endpoint"], status=event["status"])


TRUTHS = (
    Truth("ai_live", "peaktrade_ai_decisions_total", _decision),
    Truth("shadow_mvs", "peak_trade_pipeline_events_total", _stage),
    Truth("execution_watch", "peak_trade_execution_watch_requests_total", _request),
)

TOLD: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "record_strategy_decision": ("peaktrade_strategy_decisions_total", ("strategy_id", "decision")),
    "record_strategy_signal": ("peaktrade_strategy_signals_total", ("strategy_id", "signal")),
    "record_risk_check": ("peaktrade_risk_checks_total", ("check", "result")),
    "record_risk_block": ("peaktrade_risk_blocks_total", ("reason",)),
}
"""What a session tells -> the counter that one call adds 1 to, and its labels in the order of the arguments."""

_BUCKETS = 'peak_trade_pipeline_latency_seconds_bucket{edge="intent_to_ack"}'
_P95 = f"histogram_quantile(0.95, sum by (le) (rate({_BUCKETS}[1m])))"

GOLDEN = (
    Golden("ai_live", "ai_up", 'up{job="ai_live"} == 1'),
    Golden("ai_live", "ai_decisions", "peaktrade_ai_decisions_total", 3),
    Golden("ai_live", "ai_decision_rate", "sum by (decision) (rate(peaktrade_ai_decisions_total[1m])) > 0", 3),
    Golden("ai_live", "ai_heartbeat", "peaktrade_ai_live_heartbeat"),
    Golden("shadow_mvs", "shadow_up", 'up{job="shadow_mvs"} == 1'),
    Golden("shadow_mvs", "shadow_exporter", "shadow_mvs_up == 1"),
    Golden("shadow_mvs", "shadow_events", 'sum(rate(peak_trade_pipeline_events_total{mode="shadow"}[1m])) > 0'),
    Golden("shadow_mvs", "shadow_stages", 'peak_trade_pipeline_events_total{mode="shadow"} > 0', 8),
    Golden("shadow_mvs", "shadow_p95", f"{_P95} > 0"),
    Golden("shadow_mvs", "shadow_risk_blocks", "sum by (mode, reason) (peak_trade_risk_blocks_total)"),
    Golden("shadow_mvs", "shadow_run_state", "peak_trade_run_state == 1"),
    Golden("shadow_mvs", "signals", "peaktrade_signals_total"),
    Golden("shadow_mvs", "orders_approved", "peaktrade_orders_approved_total"),
    Golden("shadow_mvs", "orders_blocked", "peaktrade_orders_blocked_total"),
    Golden("execution_watch", "execution_up", 'up{job="execution_watch"} == 1'),
    Golden("execution_watch", "watch_requests", "sum by (endpoint) (peak_trade_execution_watch_requests_total) > 0"),
    Golden("metricsd", "metricsd_up", 'up{job="peak_trade_metricsd"} == 1'),
    Golden("metricsd", "strategy_series", '{__name__=~"peaktrade_strategy_.*"}', 10),
    Golden("metricsd", "risk_series", '{__name__=~"peaktrade_risk_.*"}', 26),
    Golden("metricsd", "risk_check_rate", "sum(rate(peaktrade_risk_checks_total[1m])) > 0"),
    Golden("metricsd", "signal_changes", "sum(increase(peaktrade_strategy_signals_total[5m])) > 0"),
    Golden("execution_watch", "execution_events", "sum by (event_type) (peak_trade_execution_events_total) > 0"),
)
