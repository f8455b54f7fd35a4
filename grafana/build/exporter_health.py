"""Board "Exporter health": do the exporters read everything, lose nothing, and stay within their budgets?

In: the catalogue. Out: the board. Every panel shows all chosen exporters; nothing here depends on what an exporter is about.
"""

from __future__ import annotations

from grafana.build.catalogue import Catalogue
from grafana.build.queries import (
    Query,
    Selector,
    age,
    grown,
    is_reachable,
    per_minute,
    rate,
    select,
    share,
    value,
)
from grafana.build.tiles import GREEN, RED, UP, YELLOW, Board, Row, State, Tile, rising
from grafana.build.uids import EXPORTERS

__all__ = ["board"]

_FILE = {0: State("NO FILE", YELLOW), 1: State("PRESENT", GREEN)}
_ANY_IS_WRONG = ((0.0, GREEN), (1.0, RED))
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
            Row("Reading", _reading(catalogue)),
            Row("Files", _files(catalogue)),
            Row("Series and labels", _series(catalogue)),
            Row("Pairs", _pairs(catalogue)),
            Row("Processes", _processes(catalogue)),
        ),
    )


def _own(catalogue: Catalogue, name: str) -> Selector:
    """Return a metric of the exporters about themselves, filtered by the chosen ones."""
    return select(catalogue.family(f"peak_trade_exporter_{name}"), job="$job")


def _refused(catalogue: Catalogue) -> Selector:
    return _own(catalogue, "lines_total").without("outcome", "applied", "ignored", "blank")


def _health(catalogue: Catalogue) -> tuple[Tile, ...]:
    up = catalogue.family("up")
    reachable = tuple(is_reachable(select(up, job=contract.job)) for contract in catalogue.contracts)
    present = value(_own(catalogue, "file_present"), "exporter")
    return (
        Tile(
            "Exporters up",
            "stat",
            reachable,
            "DOWN: Prometheus cannot read it, or does not know it. See /targets; then whether the process runs (it ends "
            "when its engine does, and says why as its last words) and whether another program has its port.",
            8,
            4,
            states=UP,
            missing=RED,
            no_data="NO DATA",
        ),
        Tile(
            "Event file",
            "stat",
            (present,),
            "NO FILE: nothing has been written yet, or the exporter looks at another path than the writer; its start-up "
            "log and its landing page name the path.",
            8,
            4,
            states=_FILE,
            missing=RED,
            no_data="NO DATA",
        ),
        _stat(
            "Unread bytes",
            value(_own(catalogue, "lag_bytes"), "exporter"),
            "Bytes in the files that were not read yet; a half-written last line counts. Growing: the exporter is slower "
            "than the writer.",
            _LAG_LEVELS,
        ),
        _stat(
            "Last commit age",
            age(_own(catalogue, "last_commit_timestamp_seconds"), "exporter"),
            "Seconds since values were last made safe. It commits at least before every scrape; old: the disk with the "
            "state is full or read-only (see State errors).",
            rising(30, 60),
        ),
        _stat(
            "Refused lines (15m)",
            grown(_refused(catalogue), "exporter", window="15m"),
            "Lines that are not events, whatever the reason. Any is wrong; Refused lines / min names the reason.",
            _ANY_IS_WRONG,
        ),
        _stat(
            "State errors (15m)",
            grown(_own(catalogue, "state_errors_total"), "exporter", window="15m"),
            "Commits that failed. The last committed values stay visible, so graphs look flat, not wrong. Free the disk "
            "or fix the permissions; nothing is lost as long as the event files stay.",
            _ANY_IS_WRONG,
        ),
    )


def _stat(title: str, query: Query, note: str, levels: tuple[tuple[float, str], ...]) -> Tile:
    return Tile(title, "stat", (query,), note, 8, 4, levels=levels)


def _plot(title: str, note: str, *queries: Query, width: int = 8, levels: tuple[tuple[float, str], ...] = ()) -> Tile:
    return Tile(title, "series", queries, note, width, 7, levels=levels)


def _reading(catalogue: Catalogue) -> tuple[Tile, ...]:
    lines = _own(catalogue, "lines_total")
    return (
        _plot(
            "Lines rate by outcome",
            "Lines per second. applied moved a metric; ignored is known and moves none; blank is empty; all others were "
            "refused. Together they are all lines read: no line is missing here.",
            rate(lines, "exporter", "outcome"),
        ),
        _plot(
            "Refused lines / min by reason",
            "bad_json, invalid_utf8: a writer cuts lines or two write at once. unknown_schema: a new writer or version. "
            "missing_fields: a writer lost a field. too_long: raise max_line_bytes or fix the writer. internal_error: a "
            "fault of the exporter; report it.",
            per_minute(_refused(catalogue), "exporter", "outcome"),
            levels=rising(1),
        ),
        _plot(
            "Bytes read rate",
            "Bytes per second, everything included. 0 with unread bytes above: the exporter is stuck.",
            rate(_own(catalogue, "read_bytes_total"), "exporter"),
        ),
    )


def _files(catalogue: Catalogue) -> tuple[Tile, ...]:
    return (
        _plot(
            "Unread bytes over time",
            "A saw-tooth is normal (read at least at every scrape); a slope is not.",
            value(_own(catalogue, "lag_bytes"), "exporter"),
            levels=_LAG_LEVELS,
        ),
        _plot(
            "Rotations and truncations (1h)",
            "How often a path led to a new file, and how often a file shrank or was rewritten in place. Truncation by "
            "copytruncate can destroy lines nobody has read: rotate by rename instead.",
            grown(_own(catalogue, "rotations_total"), "exporter", window="1h").named("{{exporter}} rotated"),
            grown(_own(catalogue, "truncations_total"), "exporter", window="1h").named("{{exporter}} truncated"),
        ),
        _plot(
            "Bytes lost or skipped (1h)",
            "lost: seen in a file but destroyed before they could be read; their events are missing for good. skipped: "
            "filler such as NULs after a crash, or lines over the limit.",
            grown(_own(catalogue, "lost_bytes_total"), "exporter", window="1h").named("{{exporter}} lost"),
            grown(_own(catalogue, "skipped_bytes_total"), "exporter", "kind", window="1h").named(
                "{{exporter}} skipped: {{kind}}"
            ),
            levels=((1.0, RED),),
        ),
        _plot(
            "Files open",
            "Files open now, rotated ones that are still being finished included. Growing: files are rotated away faster "
            "than they are read.",
            value(_own(catalogue, "files_open"), "exporter"),
            width=12,
        ),
        _plot(
            "Files that cannot be read",
            "Paths that lead to something unreadable: permissions, a directory, a broken disk. Any is wrong.",
            value(_own(catalogue, "files_unreadable"), "exporter"),
            width=12,
            levels=((1.0, RED),),
        ),
    )


def _series(catalogue: Catalogue) -> tuple[Tile, ...]:
    used = value(_own(catalogue, "series"), "exporter")
    return (
        _plot(
            "Series, part of the budget",
            "Series shown, as a part of what the contract allows at most. It cannot pass 100 %; near it, some label has "
            "more values than anyone expected.",
            share(used, value(_own(catalogue, "series_budget"), "exporter")),
            levels=rising(0.7, 0.9),
        ),
        _plot(
            "Label values folded (1h)",
            "Events whose label value was replaced by other, because the cap on values was reached. No data: none ever. "
            "Usually a run_id made of something unique; name runs, not attempts.",
            grown(_own(catalogue, "label_overflow_total"), "exporter", "metric", "label", window="1h"),
            levels=((1.0, RED),),
        ),
        _plot(
            "Values refused / min",
            "Single values left out of lines that counted otherwise: a latency that is negative or no number, a time in "
            "the future. No data: none ever.",
            per_minute(_own(catalogue, "refused_values_total"), "exporter", "word", "reason"),
            levels=rising(1),
        ),
    )


def _pairs(catalogue: Catalogue) -> tuple[Tile, ...]:
    return (
        _plot(
            "Paired stages / min by outcome",
            "joined gives a latency. orphan: the earlier stage was never seen; repeated: a stage came twice; negative: "
            "times run backwards.",
            per_minute(_own(catalogue, "pair_edges_total"), "exporter", "edge", "outcome"),
        ),
        _plot(
            "Ids forgotten (15m)",
            "expired: waited longer than the contract allows; evicted: too many at once. Their latencies are missing.",
            grown(_own(catalogue, "pairs_forgotten_total"), "exporter", "pair", "reason", window="15m"),
        ),
        _plot(
            "Ids waiting",
            "Ids whose last stage has not come yet. Bounded by the contract.",
            value(_own(catalogue, "open_pairs"), "exporter", "pair"),
        ),
    )


def _processes(catalogue: Catalogue) -> tuple[Tile, ...]:
    memory = select(catalogue.family("process_resident_memory_bytes"), job="$job")
    work = select(catalogue.family("process_cpu_seconds_total"), job="$job")
    scrape = select(catalogue.family("scrape_duration_seconds"), job="$job")
    contracts = value(_own(catalogue, "contract_info"), "exporter", "contract", "sha256")
    versions = value(_own(catalogue, "build_info"), "exporter", "version")
    both = Query(
        f"{contracts.expr} * on (exporter) group_left (version) {versions.expr}",
        "none",
        (*contracts.families, *versions.families),
    )
    return (
        _plot(
            "Memory", "At most 64 MiB, whatever the size of the files.", value(memory, "job"), levels=rising(64 << 20)
        ),
        _plot(
            "Processor",
            "Part of one core. An idle exporter takes at most half a percent.",
            rate(work, "job", window="1m"),
            levels=rising(0.5, 0.9),
        ),
        _plot(
            "Scrape duration",
            "How long Prometheus waits, reading what was appended since the last scrape included. Prometheus gives up "
            "after 4 s.",
            value(scrape, "job"),
            levels=rising(1, 3),
        ),
        Tile(
            "Versions and contracts",
            "table",
            (both,),
            "Which contract each exporter obeys, and its digest: it must be that of the file in the repository "
            "(`sha256sum contracts/*.yaml`).",
            24,
            5,
        ),
    )
