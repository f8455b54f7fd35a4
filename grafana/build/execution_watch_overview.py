"""Board "Execution Watch Overview": is everything alive, and if not, which part is it?

In: the catalogue. Out: the board. Its rows run from the question of five seconds (health) to the parts: AI, shadow
pipeline, execution watch, orders and safety. Titles and words of the states are those of seed 001.
"""

from __future__ import annotations

from grafana.build import rows_ai, rows_execution, rows_pipeline
from grafana.build.catalogue import Catalogue
from grafana.build.queries import beside, is_present, select, value
from grafana.build.tiles import ANY_IS_WRONG, PRESENT, RED, Board, Row, Tile, lamp
from grafana.build.uids import (
    CONSOLE_EXECUTIONS,
    CONSOLE_RUN_CHOSEN,
    CONSOLE_SOURCES,
    EXPORTERS,
    OVERVIEW,
    SHADOW,
)

__all__ = ["board"]


def board(catalogue: Catalogue) -> Board:
    """Return the board."""
    return Board(
        uid=OVERVIEW,
        title="Peak_Trade — Execution Watch Overview",
        folder="execution",
        summary="AI decisions, shadow pipeline and execution watch at a glance. Watch-only.",
        variables=("mode", "exchange", "run_id"),
        rows=(
            Row("Health", _health(catalogue)),
            Row("AI Live", rows_ai.tiles(catalogue), CONSOLE_RUN_CHOSEN),
            Row("Shadow pipeline", rows_pipeline.tiles(catalogue), CONSOLE_EXECUTIONS),
            Row("Execution Watch API", rows_execution.api_tiles(catalogue), CONSOLE_SOURCES),
            Row("Orders and safety", rows_execution.order_tiles(catalogue), CONSOLE_EXECUTIONS),
        ),
    )


def _health(catalogue: Catalogue) -> tuple[Tile, ...]:
    events = is_present(select(catalogue.family("peak_trade_pipeline_events_total")))
    requests = is_present(select(catalogue.family("peak_trade_execution_watch_requests_total")))
    exporter = value(select(catalogue.family("shadow_mvs_up")))
    return (
        _up(catalogue, "AI Live Up (1/0)", "ai_live"),
        _up(catalogue, "UP (job=shadow_mvs)", "shadow_mvs"),
        _up(catalogue, "UP (job=execution_watch)", "execution_watch"),
        lamp("Exporter (shadow_mvs_up)", exporter, width=3, more=SHADOW),
        lamp("Contract: pipeline events metric present", events, states=PRESENT, width=5, more=SHADOW),
        lamp("Contract: execution watch metrics present", requests, states=PRESENT, width=5, more=EXPORTERS),
        _alerts(catalogue),
    )


def _up(catalogue: Catalogue, title: str, exporter: str) -> Tile:
    up = select(catalogue.family("up"), job=catalogue.job(exporter))
    return lamp(title, value(up, fold="min"), width=3, more=EXPORTERS)


def _alerts(catalogue: Catalogue) -> Tile:
    """Return the number of alerts besides the one that always fires; without that one nobody looks, which is red."""
    firing = select(catalogue.family("ALERTS"), alertstate="firing")
    always = select(catalogue.family("ALERTS"), alertstate="firing", alertname="PROMETHEUS_DeadMansSwitch")
    return Tile(
        "Alerts firing", "stat", (beside(firing, always),), 2, 4, levels=ANY_IS_WRONG, missing=RED, no_data="NO RULES"
    )
