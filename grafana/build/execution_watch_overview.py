"""Board "Execution Watch Overview": is everything alive, and if not, which part is it?

In: the catalogue. Out: the board. Its rows run from the question of five seconds (health) to the parts: AI, shadow
pipeline, execution watch, orders and safety. Titles and words of the states are those of seed 001.
"""

from __future__ import annotations

from grafana.build import rows_ai, rows_execution, rows_pipeline
from grafana.build.catalogue import Catalogue
from grafana.build.queries import Query, count, is_present, select, value
from grafana.build.tiles import PRESENT, UP, Board, Row, State, Tile, rising
from grafana.build.uids import EXPORTERS, OVERVIEW, SHADOW

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
            Row("AI Live", rows_ai.tiles(catalogue)),
            Row("Shadow pipeline", rows_pipeline.tiles(catalogue)),
            Row("Execution Watch API", rows_execution.api_tiles(catalogue)),
            Row("Orders and safety", rows_execution.order_tiles(catalogue)),
        ),
    )


def _health(catalogue: Catalogue) -> tuple[Tile, ...]:
    jobs = {name: catalogue.job(name) for name in ("ai_live", "shadow_mvs", "execution_watch")}
    events = catalogue.family("peak_trade_pipeline_events_total")
    requests = catalogue.family("peak_trade_execution_watch_requests_total")
    firing = count(select(catalogue.family("ALERTS"), alertstate="firing"))
    return (
        _up(catalogue, "AI Live Up (1/0)", jobs["ai_live"]),
        _up(catalogue, f"UP (job={jobs['shadow_mvs']})", jobs["shadow_mvs"]),
        _up(catalogue, f"UP (job={jobs['execution_watch']})", jobs["execution_watch"]),
        _lamp(
            "Exporter (shadow_mvs_up)",
            value(select(catalogue.family("shadow_mvs_up"))),
            UP,
            "The exporter says so itself. DOWN or no data while the scrape is UP: another program has the port; "
            "see who answers on it (`curl -s http://127.0.0.1:9109/`).",
            SHADOW,
        ),
        _lamp(
            "Contract: pipeline events metric present",
            is_present(select(events)),
            PRESENT,
            "MISSING: Prometheus holds no series of this metric now. Either the exporter is down or the contract was "
            "changed under this board; look at UP (left) first, then at the exporter's /metrics.",
            SHADOW,
            width=5,
        ),
        _lamp(
            "Contract: execution watch metrics present",
            is_present(select(requests)),
            PRESENT,
            "MISSING: Prometheus holds no series of this metric now. Expected where the execution watch exporter does "
            "not run; otherwise start it.",
            EXPORTERS,
            width=5,
        ),
        Tile(
            "Alerts firing",
            "stat",
            (firing,),
            "Alerts of Prometheus that fire now; what and why stands on its /alerts page. None firing and no rules "
            "loaded look alike from here, so this is grey, not green: /rules tells them apart.",
            2,
            4,
            levels=rising(1)[1:],
            no_data="none",
        ),
    )


def _up(catalogue: Catalogue, title: str, job: str) -> Tile:
    note = (
        "Whether the last scrape worked. DOWN: Prometheus knows the target but cannot read it; see /targets for the "
        "error, then whether the process runs and its port is free. No data: the job is not configured, or Prometheus "
        "itself is down."
    )
    return _lamp(title, value(select(catalogue.family("up"), job=job)), UP, note, EXPORTERS)


def _lamp(title: str, query: Query, states: dict[int, State], note: str, more: str, width: int = 3) -> Tile:
    """Return a tile that is green or red; no data is red too."""
    return Tile(title, "stat", (query,), note, width, 4, states=states, missing="red", no_data="NO DATA", more=more)
