"""Board "Execution Watch Overview": is everything alive, and if not, which part is it?

In: the catalogue. Out: the board. Its rows run from the question of five seconds (health) to the parts: AI, shadow
pipeline, execution watch, orders and safety. Titles and words of the states are those of seed 001.
"""

from __future__ import annotations

from grafana.build import rows_ai, rows_execution, rows_pipeline
from grafana.build.catalogue import Catalogue
from grafana.build.conditions import beside, is_alive, is_present, lasting, newest
from grafana.build.queries import Query, grown, select, value
from grafana.build.tiles import (
    AGES,
    ANY_IS_WRONG,
    BLUE,
    NO_AGE,
    ORANGE,
    PRESENT,
    RED,
    Board,
    Column,
    Row,
    Tile,
    figure,
    lamp,
)
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
            Row("Alerts", (_alerts(catalogue),)),
            Row("AI Live", rows_ai.tiles(catalogue), CONSOLE_RUN_CHOSEN),
            Row("Shadow pipeline", rows_pipeline.tiles(catalogue), CONSOLE_EXECUTIONS),
            Row("Orders and safety", rows_execution.order_tiles(catalogue), CONSOLE_EXECUTIONS),
            Row("Execution Watch API", rows_execution.api_tiles(catalogue), CONSOLE_SOURCES, is_folded=True),
        ),
    )


def _health(catalogue: Catalogue) -> tuple[Tile, ...]:
    events = is_present(select(catalogue.family("peak_trade_pipeline_events_total")), _up(catalogue, "shadow_mvs"))
    requests = is_present(
        select(catalogue.family("peak_trade_execution_watch_requests_total")), _up(catalogue, "execution_watch")
    )
    exporter = is_alive(select(catalogue.family("shadow_mvs_up")), _up(catalogue, "shadow_mvs"))
    refused = select(catalogue.family("peak_trade_exporter_lines_total")).without(
        "outcome", "applied", "ignored", "blank"
    )
    return (
        _lamp(catalogue, "AI Live Up (1/0)", "ai_live", 4).leads_to("no-metrics.md#ai_live_exporterdown"),
        _lamp(catalogue, "UP (job=shadow_mvs)", "shadow_mvs", 4).leads_to("no-metrics.md#exporter_down"),
        _lamp(catalogue, "UP (job=execution_watch)", "execution_watch", 5).leads_to("no-metrics.md#exporter_down"),
        lamp("Exporter (shadow_mvs_up)", exporter, width=5, more=SHADOW).leads_to(
            "no-metrics.md#exporter_wrongprocess"
        ),
        figure("Refused (15m)", grown(refused, window="15m"), ANY_IS_WRONG, width=3, more=EXPORTERS).leads_to(
            "error-spike.md#exporter_linesrefused"
        ),
        _number(catalogue),
        lamp("Contract: pipeline events metric present", events, states=PRESENT, width=7, more=SHADOW),
        lamp("Contract: execution watch metrics present", requests, states=PRESENT, width=7, more=EXPORTERS),
        _ages(catalogue),
    )


def _up(catalogue: Catalogue, exporter: str) -> Query:
    return value(select(catalogue.family("up"), job=catalogue.job(exporter)), "job", "instance")


def _lamp(catalogue: Catalogue, title: str, exporter: str, width: int) -> Tile:
    up = select(catalogue.family("up"), job=catalogue.job(exporter))
    return lamp(title, value(up, fold="min"), width=width, more=EXPORTERS)


def _ages(catalogue: Catalogue) -> Tile:
    """Return the age of the newest event of each file, and why there is none."""
    families = {
        "ai_live": "peaktrade_ai_last_event_timestamp_seconds",
        "shadow_mvs": "peak_trade_pipeline_last_event_timestamp_seconds",
        "execution_watch": "peak_trade_execution_last_event_timestamp_seconds",
    }
    ages = (
        newest(
            select(catalogue.family(name)),
            select(catalogue.family("peak_trade_exporter_file_present"), exporter=exporter),
            select(catalogue.family("up"), job=catalogue.job(exporter)),
        ).named(exporter)
        for exporter, name in families.items()
    )
    tile = figure("Newest event by exporter", ages, AGES, width=10, states=NO_AGE, more=EXPORTERS)
    return tile.leads_to("exporters.md#exporter_filemissing")


def _number(catalogue: Catalogue) -> Tile:
    """Return the number of alerts besides the one that always fires; without that one nobody looks, which is red."""
    firing = select(catalogue.family("ALERTS"), alertstate="firing")
    always = select(catalogue.family("ALERTS"), alertstate="firing", alertname="PROMETHEUS_DeadMansSwitch")
    tile = Tile(
        "Alerts firing", "stat", (beside(firing, always),), 3, 4, levels=ANY_IS_WRONG, missing=RED, no_data="NO RULES"
    )
    return tile.leads_to("alerting.md#prometheus_deadmansswitch")


def _alerts(catalogue: Catalogue) -> Tile:
    """Return what fires, the newest first, each with a link to its runbook."""
    firing = select(catalogue.family("ALERTS"), alertstate="firing").without("alertname", "PROMETHEUS_DeadMansSwitch")
    since = select(catalogue.family("ALERTS_FOR_STATE"))
    columns = (
        Column("severity", "Severity", {"page": RED, "warn": ORANGE, "info": BLUE}, 100),
        Column("alertname", "Alert", url="${runbooks:raw}/alerts.md#${__data.fields.Alert}"),
        Column("Value", "Firing for", width=140),
        Column("job", "Job"),
        Column("instance", "Instance"),
    )
    query = lasting(firing, since, "severity", "alertname", "job", "instance")
    return Tile(
        "What fires, and for how long",
        "table",
        (query,),
        24,
        7,
        no_data="Nothing is known to fire",
        columns=columns,
        sorted_by="Firing for",
    )
