"""Board "Exporter health": do the exporters read everything, lose nothing, and stay within their budgets?

In: the catalogue. Out: the board. Every panel shows all chosen exporters; nothing here depends on what one is about.
"""

from __future__ import annotations

from grafana.build.catalogue import Catalogue
from grafana.build.conditions import is_reachable
from grafana.build.queries import Query, Selector, age, grown, per_minute, rate, select, share, value
from grafana.build.tiles import (
    AGES,
    ANY_IS_WRONG,
    GREEN,
    RED,
    Board,
    Column,
    Row,
    State,
    Tile,
    figure,
    lamp,
    plot,
    rising,
)
from grafana.build.uids import CONSOLE_SOURCES, EXPORTERS

__all__ = ["board"]

_FILE = {0: State("NO FILE", RED), 1: State("PRESENT", GREEN)}
_LAG_LEVELS = rising(1 << 20, 16 << 20)
"""Yellow from 1 MiB of unread events, red from 16 MiB: about a minute of a very busy writer."""


def board(catalogue: Catalogue) -> Board:
    """Return the board."""
    return Board(
        uid=EXPORTERS,
        title="Peak_Trade — Exporter Health",
        folder="ops",
        summary="What the exporters say about themselves: lines by outcome, lag, losses, series, pairs, processes.",
        variables=("job",),
        rows=(
            Row("Health", _health(catalogue)),
            Row("Reading", _reading(catalogue), CONSOLE_SOURCES),
            Row("Files", _files(catalogue), CONSOLE_SOURCES),
            Row("Series and labels", _series(catalogue), is_folded=True),
            Row("Pairs", _pairs(catalogue), is_folded=True),
            Row("Processes", _processes(catalogue), is_folded=True),
        ),
    )


def _own(catalogue: Catalogue, name: str) -> Selector:
    """Return a metric of the exporters about themselves, filtered by the chosen ones."""
    return select(catalogue.family(f"peak_trade_exporter_{name}"), job="$job")


def _refused(catalogue: Catalogue) -> Selector:
    return _own(catalogue, "lines_total").without("outcome", "applied", "ignored", "blank")


def _health(catalogue: Catalogue) -> tuple[Tile, ...]:
    up = catalogue.family("up")
    reachable = (is_reachable(select(up, job=contract.job)) for contract in catalogue.contracts)
    files = value(_own(catalogue, "file_present"), "exporter", fold="min")
    lag = value(_own(catalogue, "lag_bytes"), "exporter")
    committed = age(_own(catalogue, "last_commit_timestamp_seconds"), "exporter")
    refused = grown(_refused(catalogue), "exporter", window="15m")
    errors = grown(_own(catalogue, "state_errors_total"), "exporter", window="15m")
    return (
        lamp("Exporters up", *reachable, width=12).leads_to("no-metrics.md#exporter_down"),
        lamp("Event file", files, states=_FILE, width=12).leads_to("exporters.md#exporter_filemissing"),
        figure("Unread bytes", lag, _LAG_LEVELS, width=12).leads_to("exporters.md#exporter_laghigh"),
        figure("Last commit age", committed, AGES, width=12).leads_to("exporters.md#exporter_commitstale"),
        figure("Refused lines (15m)", refused, ANY_IS_WRONG, width=12).leads_to("error-spike.md#exporter_linesrefused"),
        figure("State errors (15m)", errors, ANY_IS_WRONG, width=12).leads_to("exporters.md#exporter_stateerrors"),
    )


def _reading(catalogue: Catalogue) -> tuple[Tile, ...]:
    lines = rate(_own(catalogue, "lines_total"), "outcome")
    refused = per_minute(_refused(catalogue), "exporter", "outcome")
    read = rate(_own(catalogue, "read_bytes_total"), "exporter")
    return (
        plot("Lines rate by outcome", lines, width=12, height=10),
        plot("Bytes read rate", read, width=12, height=10),
        plot("Refused lines / min by reason", refused, levels=rising(1), width=24, height=8),
    )


def _files(catalogue: Catalogue) -> tuple[Tile, ...]:
    def grows(name: str, *by: str) -> Query:
        return grown(_own(catalogue, name), "exporter", *by, window="1h")

    rotated = grows("rotations_total").named("{{exporter}} rotated")
    truncated = grows("truncations_total").named("{{exporter}} truncated")
    lost = grows("lost_bytes_total").named("{{exporter}} lost")
    skipped = grows("skipped_bytes_total", "kind").named("{{exporter}} {{kind}}")
    unread = value(_own(catalogue, "lag_bytes"), "exporter")
    files = value(_own(catalogue, "files_open"), "exporter")
    unreadable = value(_own(catalogue, "files_unreadable"), "exporter")
    return (
        plot("Unread bytes over time", unread, levels=_LAG_LEVELS),
        plot("Files open", files),
        plot("Files unreadable", unreadable, levels=ANY_IS_WRONG).leads_to("exporters.md#exporter_fileunreadable"),
        plot("Rotations and truncations (1h)", rotated, truncated, width=12, height=8),
        plot("Bytes lost or skipped (1h)", lost, skipped, levels=ANY_IS_WRONG, width=12, height=8).leads_to(
            "exporters.md#exporter_byteslost"
        ),
    )


def _series(catalogue: Catalogue) -> tuple[Tile, ...]:
    used = value(_own(catalogue, "series"), "exporter")
    budget = value(_own(catalogue, "series_budget"), "exporter")
    folded = grown(_own(catalogue, "label_overflow_total"), "exporter", "metric", "label", window="1h")
    refused = per_minute(_own(catalogue, "refused_values_total"), "exporter", "word", "reason")
    return (
        plot("Series, part of the budget", share(used, budget), levels=rising(0.7, 0.9), height=11),
        plot("Label values folded (1h)", folded, levels=ANY_IS_WRONG, height=11),
        plot("Values refused / min", refused, levels=rising(1), height=11),
    )


def _pairs(catalogue: Catalogue) -> tuple[Tile, ...]:
    outcomes = per_minute(_own(catalogue, "pair_edges_total"), "exporter", "edge", "outcome")
    forgotten = grown(_own(catalogue, "pairs_forgotten_total"), "pair", "reason", window="15m")
    waiting = value(_own(catalogue, "open_pairs"), "exporter", "pair")
    return (
        plot("Paired stages / min by edge, outcome", outcomes, width=24, height=9),
        plot("Ids forgotten (15m)", forgotten, width=12, height=7),
        plot("Ids waiting", waiting, width=12, height=7),
    )


def _processes(catalogue: Catalogue) -> tuple[Tile, ...]:
    memory = select(catalogue.family("process_resident_memory_bytes"), job="$job")
    work = select(catalogue.family("process_cpu_seconds_total"), job="$job")
    scrape = select(catalogue.family("scrape_duration_seconds"), job="$job")
    contracts = value(_own(catalogue, "contract_info"), "exporter", "contract", "sha256")
    versions = value(_own(catalogue, "build_info"), "exporter", "version")
    joined = f"{contracts.expr} * on (exporter) group_left (version) {versions.expr}"
    columns = (
        Column("exporter", "Exporter", width=180),
        Column("contract", "Contract", width=220),
        Column("version", "Version", width=100),
        Column("sha256", "SHA-256 of the contract"),
    )
    both = Query(joined, "none", (*contracts.families, *versions.families))
    return (
        plot("Memory", value(memory, "job"), levels=rising(64 << 20), width=12, height=8),
        plot("Processor", rate(work, "job", window="1m"), levels=rising(0.5, 0.9), width=12, height=8),
        plot("Scrape duration", value(scrape, "job"), levels=rising(1, 3), width=24, height=8),
        Tile("Versions and contracts", "table", (both,), 24, 6, columns=columns),
    )
