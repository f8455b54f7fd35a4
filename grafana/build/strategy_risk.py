"""Board "Strategy and Risk": what sessions do, whether they still run or not (fact sheet 5.3, seed 003).

In: the catalogue. Out: the board: is it recorded, what do strategies decide, what does risk stop.
"""

from __future__ import annotations

from grafana.build.catalogue import Catalogue
from grafana.build.queries import grown, per_minute, select, value
from grafana.build.tiles import BLUE, Board, Row, Tile, figure, lamp, plot, rising, stack
from grafana.build.uids import CONSOLE_RUNS, EXPORTERS, STRATEGY

__all__ = ["board"]

_UTILIZATION_LEVELS = rising(0.8, 1)


def board(catalogue: Catalogue) -> Board:
    """Return the board."""
    return Board(
        uid=STRATEGY,
        title="Peak_Trade — Strategy and Risk",
        folder="execution",
        summary="Decisions, signals and risk of sessions, as they told metricsd; series stay after their end.",
        variables=(),
        rows=(
            Row("Recording", _recording(catalogue)),
            Row("Strategy", _strategy(catalogue), CONSOLE_RUNS),
            Row("Risk", _risk(catalogue), CONSOLE_RUNS),
        ),
    )


def _recording(catalogue: Catalogue) -> tuple[Tile, ...]:
    up = select(catalogue.family("up"), job=catalogue.job("metricsd"))
    recorders = value(select(catalogue.family("peak_trade_exporter_recorders")), fold="sum").of("none")
    refused = grown(
        select(catalogue.family("peak_trade_exporter_refused_values_total"), exporter="metricsd"), window="15m"
    )
    refused = refused.zero_while(up)
    strange = value(select(catalogue.family("peak_trade_exporter_refused_series"))).of("none")
    return (
        lamp("UP (job=peak_trade_metricsd)", value(up, fold="min"), width=6, more=EXPORTERS).leads_to(
            "sessions.md#metricsd_down"
        ),
        figure("Sessions that record now", recorders, (), width=6),
        figure("Refused values (15m)", refused, rising(1), width=6),
        figure("Series outside the contract", strange, rising(1), width=6).leads_to(
            "sessions.md#metricsd_refusedseries"
        ),
    )


def _strategy(catalogue: Catalogue) -> tuple[Tile, ...]:
    decisions = per_minute(select(catalogue.family("peaktrade_strategy_decisions_total")), "strategy_id", window="1m")
    signals = per_minute(select(catalogue.family("peaktrade_strategy_signals_total")), "signal", window="1m")
    family = catalogue.family("peaktrade_strategy_position_gross_exposure")
    exposure = value(select(family), "strategy_id", "ccy", fold="sum").of("none")
    return (
        stack("Decisions / min by strategy", decisions, height=11),
        stack("Signals of strategies / min", signals, height=11),
        plot("Gross exposure", exposure, height=11),
    )


def _risk(catalogue: Catalogue) -> tuple[Tile, ...]:
    checks = per_minute(select(catalogue.family("peaktrade_risk_checks_total"), result="block"), "check", window="1m")
    reasons = grown(select(catalogue.family("peaktrade_risk_blocks_total")), "reason", window="15m").top(8)
    used = value(select(catalogue.family("peaktrade_risk_limit_utilization")), "limit_id")
    return (
        plot("Risk checks that block / min", checks, width=12, height=8),
        Tile("Top risk block reasons (15m)", "bars", (reasons,), 12, 8, levels=((0.0, BLUE),)),
        plot("Risk limit utilization", used, levels=_UTILIZATION_LEVELS, width=24, height=8),
    )
