"""Sessions: the registry's entries as lists, sums and details.

In: a view. Out: one `Entry` per session, newest first. Times are compared as times, so one written without an offset
among others spoils no list; a session that crashed and stays `started` is said to be silent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from console.documents import Session
from console.index import queries
from console.times import read_time, show
from console.view import ACTIVE_S, DOCUMENTS, View

__all__ = ["Entry", "all_limits", "find_session", "list_sessions", "newest_update", "stats", "stats_of"]

_SOURCES = (DOCUMENTS, "telemetry")
"""What sessions come from: the registry, and when they were heard of."""

_GRAVE = {"ok": "green", "warning": "yellow", "breach": "red"}
_SPELT = {"warn": "warning", "critical": "breach", "error": "breach", "info": "ok"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One session.

    Attributes:
        path: of its report.
        started_at: when it started (nanoseconds); `ended_at`, when it ended.
        heard_at: when its telemetry last said something.
        now: UTC epoch seconds.
    """

    session: Session
    path: str
    started_at: int | None
    ended_at: int | None
    heard_at: int | None
    now: float

    @property
    def updated_at(self) -> int:
        """The newest time there is of it; 0 if there is none."""
        return max(self.started_at or 0, self.ended_at or 0, self.heard_at or 0)

    @property
    def liveness(self) -> Literal["ended", "running", "silent"]:
        """Whether it has ended, is heard of, or says it runs and has not been heard of for ten minutes."""
        if self.session.status != "started":
            return "ended"
        return "running" if self.now - self.updated_at / 1e9 < ACTIVE_S else "silent"

    @property
    def severity(self) -> Literal["ok", "warning", "breach"]:
        """How grave its risk is."""
        metrics = self.session.metrics
        check = metrics.get("risk_check")
        said = metrics.get("risk_severity") or (check.get("severity") if isinstance(check, dict) else None)
        word = str(said or "ok").lower()
        word = _SPELT.get(word, word)
        return word if word in _GRAVE else "warning"  # type: ignore[return-value]  # one of the three

    def number(self, *names: str) -> float | None:
        """Return the first of some metrics that is a number."""
        found = (self.session.metrics.get(name) for name in names)
        return next((value for value in found if isinstance(value, int | float) and not isinstance(value, bool)), None)

    def row(self) -> dict[str, object]:
        """Return it as a row of the list of sessions."""
        session, end = self.session, self.ended_at
        since = self.started_at
        return {
            "session_id": session.session_id,
            "started_at": show(since),
            "ended_at": show(end),
            "mode": session.mode,
            "environment": f"{session.env_name} / {session.symbol}",
            "status": session.status,
            "realized_pnl": self.number("realized_pnl"),
            "max_drawdown": self.number("max_drawdown"),
            "num_orders": self.number("num_orders", "num_trades"),
            "report_path": self.path.rpartition("/")[2],
            "notes": session.error,
            "duration_seconds": None if end is None or since is None else (end - since) / 1e9,
            "is_live_warning": session.mode == "live",
            "risk_status": _GRAVE[self.severity],
            "risk_severity": self.severity,
            "liveness": self.liveness,
        }

    def detail(self) -> dict[str, object]:
        """Return all there is of it."""
        session = self.session
        return {
            **self.row(),
            "run_id": session.run_id,
            "run_type": session.run_type,
            "env_name": session.env_name,
            "symbol": session.symbol,
            "config": session.config,
            "metrics": session.metrics,
            "cli_args": session.cli_args,
            "created_at": show(read_time(session.created_at)),
            "strategy_tier": session.strategy_tier,
            "risk_limit_details": limit_details(session),
        }

    def update(self) -> dict[str, object]:
        """Return it as the execution watch lists sessions."""
        return {
            "session_id": self.session.session_id,
            "status": self.session.status,
            "mode": self.session.mode,
            "environment": self.session.env_name,
            "started_at_utc": show(self.started_at),
            "ended_at_utc": show(self.ended_at),
            "last_update_utc": show(self.updated_at or None),
        }


def limit_details(session: Session) -> list[dict[str, Any]]:
    """Return the limits of a session's risk check, each with name, value, limit, ratio and severity."""
    check = session.metrics.get("risk_check")
    details = check.get("limit_details") if isinstance(check, dict) else None
    names = ("name", "value", "limit", "ratio", "severity")
    found = [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    return [{name: one.get(name) for name in names} for one in found]


_Row = tuple[Session, str, int | None, int | None, int | None]


def list_sessions(
    view: View, mode: str | None = None, status: str | None = None, limit: int | None = None
) -> list[Entry]:
    """Return the sessions of a mode and a status, newest first by their end, or else their start."""
    fitting = (row for row in _rows(view) if mode in (None, row[0].mode) and status in (None, row[0].status))
    return [Entry(*row, view.now) for row in islice(fitting, limit)]


def _rows(view: View) -> list[_Row]:
    """Return of each session what does not depend on the moment, as Entry has it, in order."""
    return view.hold("sessions", lambda: _made(view), *_SOURCES)


def _made(view: View) -> list[_Row]:
    heard = {one.subject: one.last_at for one in view.streams("telemetry")}
    documents = view.hold("registry", lambda: queries.sessions(view.database), DOCUMENTS)
    rows = [
        (one, path, read_time(one.started_at), read_time(one.finished_at), heard.get(one.session_id))
        for one, path in documents
    ]
    return sorted(rows, key=lambda row: (row[3] or row[2] or 0, row[0].session_id), reverse=True)


def find_session(view: View, session_id: str) -> Entry | None:
    """Return one session, the one updated last if there are several of the name."""
    found = [Entry(*row, view.now) for row in _rows(view) if row[0].session_id == session_id]
    return max(found, key=lambda one: one.updated_at) if found else None


def newest_update(view: View) -> int:
    """Return the newest time there is of any session; 0 if there is none."""

    def read() -> int:
        return max((one.updated_at for one in list_sessions(view)), default=0)

    return view.hold("newest update", read, *_SOURCES)


def all_limits(view: View) -> list[dict[str, Any]]:
    """Return the limits of all risk checks, each with its session, in the order of the sessions."""

    def read() -> list[dict[str, Any]]:
        sessions = [one.session for one in list_sessions(view)]
        return [{"session_id": one.session_id, **limit} for one in sessions for limit in limit_details(one)]

    return view.hold("limits", read, *_SOURCES)


def stats_of(view: View, mode: str | None = None, status: str | None = None) -> dict[str, object]:
    """Return the sums over the sessions of a mode and a status; nothing in them depends on the moment."""
    name = f"sums of {mode} and {status}"
    return view.hold(name, lambda: stats(list_sessions(view, mode, status)), *_SOURCES)


def stats(entries: Sequence[Entry]) -> dict[str, object]:
    """Return the sums over some sessions."""
    falls = [fall for one in entries if (fall := one.number("max_drawdown")) is not None]
    return {
        "total_sessions": len(entries),
        "by_mode": dict(sorted(Counter(one.session.mode for one in entries).items())),
        "by_status": dict(sorted(Counter(one.session.status for one in entries).items())),
        "total_pnl": sum(one.number("realized_pnl") or 0.0 for one in entries),
        "avg_drawdown": sum(falls) / len(falls) if falls else None,
    }
