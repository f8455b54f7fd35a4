"""Where links to Grafana lead: the board of a run's time, and that of the exporters.

In: settings, and of a run or session its time, mode and id. Out: addresses. The console itself asks Grafana nothing.
"""

from __future__ import annotations

from urllib.parse import urlencode

from console.settings import Settings

__all__ = ["EXPORTERS", "OVERVIEW", "board_of", "exporters_url"]

OVERVIEW = "peaktrade-execution-watch-overview"
EXPORTERS = "peaktrade-exporter-health"
"""The boards' uids; a test holds them against grafana/build/uids.py."""


def board_of(settings: Settings, start: int | None, end: int | None, mode: str, run_id: str) -> str:
    """Return the address of the board that shows a run's time (nanoseconds); without an end until now."""
    query = {
        "from": str(start // 1_000_000) if start is not None else "now-30m",
        "to": str(end // 1_000_000) if end is not None else "now",
        "var-mode": mode,
        "var-run_id": run_id,
    }
    return f"{_base(settings)}/d/{OVERVIEW}?{urlencode(query)}"


def exporters_url(settings: Settings) -> str:
    """Return the address of the board that says whether the exporters are up."""
    return f"{_base(settings)}/d/{EXPORTERS}"


def _base(settings: Settings) -> str:
    return settings.grafana_url.rstrip("/")
