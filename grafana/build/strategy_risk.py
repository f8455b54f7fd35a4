"""Board "Strategy and Risk": what sessions do, whether they still run or not (fact sheet 5.3, seed 003).

In: the catalogue. Out: the board: is it recorded, what do strategies decide, what does risk stop.
"""

from __future__ import annotations

from grafana.build.catalogue import Catalogue
from grafana.build.queries import grown, per_minute, rate, select, value
from grafana.build.tiles import Board, Row, Tile, figure, lamp, plot, rising
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
    recorders = value(select(catalogue.family("peak_trade_exporter_recorders"))).of("none")
    refused = grown(
        select(catalogue.family("peak_trade_exporter_refused_values_total"), exporter="metricsd"), window="15m"
    )
    strange = value(select(catalogue.family("peak_trade_exporter_refused_series"))).of("none")
    return (
        lamp("UP (job=peak_trade_metricsd)", value(up, fold="min"), width=6, more=EXPORTERS),
        figure("Sessions that record now", recorders, (), width=6),
        figure("Refused values (15m)", refused, rising(1), width=6),
        figure("Series outside the contract", strange, rising(1), width=6),
    )


def _strategy(catalogue: Catalogue) -> tuple[Tile, ...]:
    decisions = per_minute(select(catalogue.family("peaktrade_strategy_decisions_total")), "strategy_id", "decision")
    signals = per_minute(select(catalogue.family("peaktrade_strategy_signals_total")), "strategy_id", "signal")
    family = catalogue.family("peaktrade_strategy_position_gross_exposure")
    exposure = value(select(family), "strategy_id", "ccy", fold="sum").of("none")
    return (
        plot("Strategy decisions / min", decisions),
        plot("Strategy signals / min", signals),
        plot("Gross exposure", exposure),
    )


def _risk(catalogue: Catalogue) -> tuple[Tile, ...]:
    checks = per_minute(select(catalogue.family("peaktrade_risk_checks_total"), result="block"), "check")
    reasons = rate(select(catalogue.family("peaktrade_risk_blocks_total")), "reason").top(12)
    used = value(select(catalogue.family("peaktrade_risk_limit_utilization")), "limit_id")
    return (
        plot("Risk checks that block / min", checks),
        plot("Top risk block reasons", reasons),
        plot("Risk limit utilization", used, levels=_UTILIZATION_LEVELS),
    )
