"""A place with artefacts as runs, sessions and exporters leave them, for the console to look at."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from console.index.index import Index
from console.settings import Settings

__all__ = ["RUN", "World", "execution_event", "step"]

RUN = "20260115_180000_shadow_ma_cross_BTC-EUR_1m"


def step(number: int, **columns: object) -> dict[str, object]:
    """Return a step as runs write them."""
    return {
        "step": number,
        "ts_bar": f"2026-01-15T18:{number // 60:02d}:{number % 60:02d}+00:00",
        "ts_event": f"2026-01-15T18:{number // 60:02d}:{number % 60:02d}+00:00",
        "price": 100.0 + number,
        "position_size": 0.1,
        "cash": 995.0,
        "equity": 1000.0 + number,
        "realized_pnl": float(number),
        "unrealized_pnl": -3.0,
        "signal": 1,
        "signal_changed": False,
        "orders_generated": 1,
        "orders_filled": 0,
        "orders_rejected": 0,
        "orders_blocked": 0,
        "risk_allowed": True,
        "risk_reasons": "",
        **columns,
    }


def execution_event(run_id: str, ts: str, event_type: str, **fields: object) -> dict[str, object]:
    """Return an event of schema execution_event_v0."""
    return {
        "schema": "execution_event_v0",
        "ts": ts,
        "run_id": run_id,
        "correlation_id": f"corr_{run_id}",
        "event_type": event_type,
        "order_id": None,
        "idempotency_key": None,
        "payload": {},
        **fields,
    }


class World:
    """The folders of one console."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings = Settings(
            base_runs_dir=root / "live_runs",
            sessions_dir=root / "reports/experiments/live_sessions",
            execution_dir=root / "logs/execution",
            ledger=root / "logs/shadow/ledger.jsonl",
            ai_events=root / "logs/ai/ai_events.jsonl",
        )
        self.pipeline = self.settings.execution_dir / "execution_pipeline_events_v0.jsonl"

    def index(self, **changes: object) -> Index:
        """Return an index of what is there, brought up to date."""
        index = Index(replace(self.settings, **changes))  # type: ignore[arg-type]
        index.catch_up(30.0)
        return index

    def run_folder(self, run_id: str = RUN) -> Path:
        """Return the folder of a run."""
        return self.settings.base_runs_dir / run_id

    def meta(self, run_id: str = RUN, **fields: object) -> Path:
        """Write a run's meta.json."""
        body = {
            "run_id": run_id,
            "mode": "shadow",
            "strategy_name": "ma_cross",
            "symbol": "BTC/EUR",
            "timeframe": "1m",
            "started_at": "2026-01-15T18:00:00+00:00",
            "ended_at": None,
            "config_snapshot": {"tags": ["sample"]},
            "notes": "",
            **fields,
        }
        return self.write(self.run_folder(run_id) / "meta.json", json.dumps(body))

    def steps(self, rows: Iterable[Mapping[str, object]], run_id: str = RUN) -> Path:
        """Append steps to a run's events.jsonl."""
        return self.append(self.run_folder(run_id) / "events.jsonl", *rows)

    def session(self, session_id: str, **fields: object) -> Path:
        """Write one entry of the session registry."""
        body = {
            "session_id": session_id,
            "run_id": None,
            "run_type": "live_session_shadow",
            "mode": "shadow",
            "env_name": "sim",
            "symbol": "BTC/EUR",
            "status": "completed",
            "started_at": "2026-01-15T18:00:00+00:00",
            "finished_at": "2026-01-15T19:00:00+00:00",
            "config": {"strategy_name": "ma_cross"},
            "metrics": {"realized_pnl": 12.5, "max_drawdown": -0.02, "num_orders": 3},
            "cli_args": ["--mode", "shadow"],
            "error": None,
            "created_at": "2026-01-15T18:00:00+00:00",
            "strategy_tier": "core",
            **fields,
        }
        return self.write(self.settings.sessions_dir / f"{session_id}.json", json.dumps(body, indent=2))

    def executions(self, *events: Mapping[str, object]) -> Path:
        """Append events to the execution pipeline's file."""
        return self.append(self.pipeline, *events)

    def append(self, path: Path, *lines: Mapping[str, object] | str | bytes) -> Path:
        """Append lines to a file: objects as JSON, texts and bytes as they are, each with its newline."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            for line in lines:
                text = json.dumps(line) if isinstance(line, Mapping) else line
                file.write((text.encode() if isinstance(text, str) else text) + b"\n")
        return path

    def write(self, path: Path, text: str) -> Path:
        """Write a whole file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path
