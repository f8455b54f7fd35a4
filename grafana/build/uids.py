"""The boards' uids: what links, bookmarks and `peaktrade verify` know them by. They never change."""

from __future__ import annotations

__all__ = ["EXPORTERS", "OVERVIEW", "SHADOW", "STRATEGY"]

OVERVIEW = "peaktrade-execution-watch-overview"
SHADOW = "peaktrade-shadow-pipeline-mvs"
EXPORTERS = "peaktrade-exporter-health"
STRATEGY = "peaktrade-strategy-risk"
