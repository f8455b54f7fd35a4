"""The metrics every exporter has about itself: their names, types, labels, help and closed label values.

In: nothing. Out: `STORED` and `LIVE`, from which the engine builds and against which the lint checks rules,
dashboards and docs; neither needs to import the other. How the values come about is the engine's affair.
"""

from __future__ import annotations

from collections.abc import Mapping

from contracts.model import REJECTION_REASONS, Metric

__all__ = ["FOLDER", "LABEL_VALUES", "LINE_OUTCOMES", "LIVE", "LIVE_TRADING", "RESERVED_PREFIX", "STORED"]

RESERVED_PREFIX = "peak_trade_exporter_"
"""Prefix of the metrics every exporter has about itself; no contract may use it."""

LINE_OUTCOMES = ("applied", "ignored", "blank", *REJECTION_REASONS)
"""What becomes of a line: exactly one of these."""


LIVE_TRADING = "peak_trade_live_trading_enabled"
"""The one metric about the exporter without the prefix: one fact, whichever process says it. Source: seed 000."""


def _metric(name: str, labels: str, text: str) -> Metric:
    """Return a metric about the exporter; every one carries the label `exporter` first."""
    names = ("exporter", *labels.split())
    is_counter = name.endswith("_total")
    return Metric(
        name=LIVE_TRADING if name == "live_trading_enabled" else RESERVED_PREFIX + name,
        type="counter" if is_counter else "gauge",
        job="counts" if is_counter else "sets",
        help=text,
        labels={label: label for label in names},
        budget=1,
    )


STORED: Mapping[str, Metric] = {
    name: _metric(name, labels, text)
    for name, labels, text in (
        (
            "lines_total",
            "outcome",
            "Lines read: applied, ignored (known, but feeds no metric), blank, or why refused.",
        ),
        ("read_bytes_total", "", "Bytes consumed from event files, everything included."),
        (
            "skipped_bytes_total",
            "kind",
            "Bytes consumed that belong to no decoded line: filler (NULs, BOM) or too_long.",
        ),
        ("rotations_total", "", "Times a path came to lead to another file than before."),
        ("truncations_total", "", "Times a file shrank, or was rewritten in place."),
        (
            "lost_bytes_total",
            "",
            "Bytes that were seen in a file but destroyed before they could be read as lines.",
        ),
        (
            "refused_values_total",
            "word reason",
            "Values left out of lines of a known format, or for which a session's call was refused.",
        ),
        ("absent_values_total", "word", "Events without a number, time or id that something they feed needs."),
        (
            "parts_total",
            "part outcome",
            "Parts of lines: applied, ignored, unmatched, or why they could not be opened.",
        ),
        (
            "label_overflow_total",
            "metric label",
            "Events or calls whose label value was folded because its cap was reached.",
        ),
        (
            "pair_edges_total",
            "pair edge outcome",
            "Edges of paired events: joined, orphan, repeated, negative, or evicted for want of room.",
        ),
        (
            "pairs_forgotten_total",
            "pair reason",
            "Ids that never joined and were forgotten: expired or evicted.",
        ),
        (
            "recoveries_total",
            "outcome",
            "Files looked for after a restart or rotation: resumed, moved, copied, unpacked, missing or unseen.",
        ),
        (
            "state_resets_total",
            "reason",
            "Stored values left: corrupt (files set aside) or contract (what they mean has changed).",
        ),
    )
}
"""Kept in the state and committed with the values they account for."""

LIVE: Mapping[str, Metric] = {
    name: _metric(name, labels, text)
    for name, labels, text in (
        ("build_info", "version", "Version of the exporter; always 1."),
        ("contract_info", "contract sha256", "File and digest of the contract in force; always 1."),
        ("file_present", "", "1 if at least one of the paths leads to a file, else 0."),
        ("files_open", "", "Files open, those rotated away or deleted but not yet let go included."),
        ("files_unreadable", "", "Paths that lead to something that cannot be read."),
        ("lag_bytes", "", "Bytes seen in files and not read yet, an unfinished last line included."),
        ("series", "", "Series of the contract's metrics."),
        ("series_budget", "", "Most series the contract allows."),
        ("open_pairs", "pair", "Ids a pair remembers now."),
        ("last_commit_timestamp_seconds", "", "When values were last committed, in Unix seconds."),
        ("state_ok", "", "1 if the last commit could be written, 0 while the last committed values are held."),
        ("state_errors_total", "", "Commits that failed since the start; the last committed values stay visible."),
        (
            "config_reload_success",
            "",
            "1 if the contract was in order when it was last read, 0 while one that was refused is not in force.",
        ),
        (
            "config_last_reload_success_timestamp_seconds",
            "",
            "When the contract in force was read, at the start or at SIGHUP, in Unix seconds.",
        ),
        ("live_trading_enabled", "", "1 if LIVE_TRADING_ENABLED is on where the exporter runs; it must be 0."),
    )
}
"""Of the present moment or of this process; never stored (the state cannot hold that it cannot be written)."""

FOLDER: Mapping[str, Metric] = {
    name: _metric(name, "", text)
    for name, text in (
        ("recorders", "Processes that record in the folder now."),
        ("refused_series", "Series in the folder's files that the contract does not allow; not shown."),
    )
}
"""Of an exporter that shows what sessions record."""

LABEL_VALUES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("lines_total", "outcome"): LINE_OUTCOMES,
    ("skipped_bytes_total", "kind"): ("filler", "too_long"),
    ("refused_values_total", "reason"): ("mistyped", "unknown_value", "out_of_range", "future"),
    ("parts_total", "outcome"): ("applied", "ignored", "unmatched", "mistyped", "bad_json"),
    ("pair_edges_total", "outcome"): ("joined", "orphan", "repeated", "negative", "evicted"),
    ("pairs_forgotten_total", "reason"): ("expired", "evicted"),
    ("recoveries_total", "outcome"): ("resumed", "moved", "copied", "unpacked", "missing", "unseen"),
    ("state_resets_total", "reason"): ("corrupt", "contract"),
}
"""(key of STORED, label) -> every value it can show; labels not listed take names from the contract."""
