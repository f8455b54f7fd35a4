"""What the console is told: folders, where to listen, where to link to.

In: flags and variables. Out: one frozen value, read by everything else. Flag > variable > default.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["PORT", "Settings"]

PORT = 8000
"""Source: seed 002."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The folders that are read and nothing outside them; names as the operator gave them.

    Attributes:
        state_dir: where the index is kept; None keeps it in memory.
        requests_file: where one line per API request is appended; None appends none.
        fixed_time: what every snapshot says of its time, to the letter; None says the newest data's.
    """

    base_runs_dir: Path = Path("live_runs")
    sessions_dir: Path = Path("reports/experiments/live_sessions")
    execution_dir: Path = Path("logs/execution")
    ledger: Path = Path("logs/shadow/ledger.jsonl")
    ai_events: Path = Path("logs/ai/ai_events.jsonl")
    state_dir: Path | None = None
    requests_file: Path | None = None
    refresh_seconds: int = 5
    grafana_url: str = "http://127.0.0.1:3000"
    counts_requests: bool = False
    needs_client: bool = False
    runtime_metrics: bool = False
    fixed_time: str | None = None
