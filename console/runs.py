"""Runs: what meta.json, steps, alerts and trades of a run come to.

In: a view. Out: one `Run` per folder with a meta.json in order; steps and events as the API names their fields. A run
without a step yet is a run; nothing of a run is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Literal

from console.documents import Meta
from console.index import queries, step_queries
from console.index.step_queries import StepAt
from console.index.streams import Stream
from console.index.tally import Tally
from console.times import read_time, show
from console.view import ACTIVE_S, DOCUMENTS, View

__all__ = [
    "Row",
    "Run",
    "Status",
    "active_runs",
    "find_run",
    "list_runs",
    "message_of",
    "newest_steps",
    "run_rows",
    "runs_of",
    "steps_from",
]

Status = Literal["active", "completed", "inactive", "unknown"]
_NOTHING = Tally()

Row = tuple[Meta, Stream | None, int]
"""Of a run what does not depend on the moment: what it says of itself, its steps, how many alerts it has."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what it says of itself, and its steps as a whole, if there are any.

    Attributes:
        problems: what is wrong with its files that cannot be read.
    """

    meta: Meta
    steps: Stream | None
    now: float
    alerts: int = 0
    problems: tuple[str, ...] = ()

    @property
    def tally(self) -> Tally:
        """The sums of its steps."""
        return self.steps.tally if self.steps else _NOTHING

    @property
    def last_at(self) -> int | None:
        """The time of its last step (nanoseconds)."""
        return self.steps.last_at if self.steps else None

    @property
    def started_at(self) -> int | None:
        """When it started, as it says itself, or else the time of its first step."""
        at = read_time(self.meta.started_at)
        return at if at is not None or self.steps is None else self.steps.first_at

    @property
    def ended_at(self) -> int | None:
        """When it ended, as it says itself."""
        return read_time(self.meta.ended_at)

    @property
    def is_active(self) -> bool:
        """Whether it has not ended, and its last step is less than ten minutes old."""
        return self.meta.ended_at is None and self.last_at is not None and self.now - self.last_at / 1e9 < ACTIVE_S

    @property
    def status(self) -> Status:
        """What can be said of it: `inactive` has not ended and is silent, `unknown` has no step."""
        if self.meta.ended_at is not None:
            return "completed"
        if self.last_at is None:
            return "unknown"
        return "active" if self.is_active else "inactive"

    @property
    def duration_s(self) -> float | None:
        """Seconds from its start to its end, or to its last step."""
        end = self.ended_at if self.ended_at is not None else self.last_at
        return None if end is None or self.started_at is None else (end - self.started_at) / 1e9

    def _names(self) -> dict[str, object]:
        meta = self.meta
        return {name: getattr(meta, name) for name in ("run_id", "mode", "strategy_name", "symbol", "timeframe")}

    def row(self) -> dict[str, object]:
        """Return it as a row of the list of runs."""
        return {
            **self._names(),
            "started_at": show(self.started_at),
            "ended_at": show(self.ended_at),
            "is_active": self.is_active,
            "last_event_time": show(self.last_at),
            **self._problems(),
        }

    def _problems(self) -> dict[str, object]:
        """Return what is wrong, if anything is: what is not read is never silently absent."""
        return {"problems": list(self.problems)} if self.problems else {}

    def snapshot(self) -> dict[str, object]:
        """Return where it stands."""
        tally = self.tally
        return {
            **self._names(),
            "total_steps": tally.steps,
            "total_orders": tally.orders,
            "total_blocked_orders": tally.blocked,
            "equity": tally.equity,
            "realized_pnl": tally.realized_pnl,
            "unrealized_pnl": tally.unrealized_pnl,
            "position_size": tally.position_size,
            "drawdown": tally.drawdown,
            "last_event_time": show(self.last_at),
            **self._problems(),
        }


def list_runs(view: View, limit: int | None = None) -> list[Run]:
    """Return the runs, the one with the newest step first, those without a step last."""
    return runs_of(view, islice(run_rows(view), limit))


def active_runs(view: View) -> list[Run]:
    """Return the runs that are active, the one with the newest step first."""
    recent = takewhile(lambda row: _last_at(row) > (view.now - ACTIVE_S) * 1e9, run_rows(view))
    return [run for run in runs_of(view, recent) if run.is_active]


def run_rows(view: View) -> list[Row]:
    """Return of all runs what does not depend on the moment, in the order of list_runs()."""
    return view.hold("runs", lambda: _rows(view), "step", "run_alert", DOCUMENTS)


def runs_of(view: View, rows: Iterable[Row]) -> list[Run]:
    """Return some rows as runs at this moment."""
    problems = _problems_of(view)
    return [Run(meta, steps, view.now, alerts, problems.get(meta.run_id, ())) for meta, steps, alerts in rows]


def _problems_of(view: View) -> dict[str, tuple[str, ...]]:
    return view.hold("unread tables", lambda: queries.unread_tables(view.database), DOCUMENTS)


def _rows(view: View) -> list[Row]:
    steps = {one.subject: one for one in view.streams("step")}
    alerts = {one.subject: one.next for one in view.streams("run_alert")}
    metas = view.hold("metas", lambda: queries.metas(view.database), DOCUMENTS)
    rows = [(one, steps.get(one.run_id), alerts.get(one.run_id, 0)) for one in metas]
    return sorted(rows, key=lambda row: (_last_at(row), row[0].run_id), reverse=True)


def _last_at(row: Row) -> int:
    """Return the time of a run's last step; -1 if it has none."""
    steps = row[1]
    return -1 if steps is None or steps.last_at is None else steps.last_at


def find_run(view: View, run_id: str) -> Run | None:
    """Return one run, or None if there is none."""
    meta = queries.meta(view.database, run_id)
    if meta is None:
        return None
    alerts = queries.stream(view.database, "run_alert", run_id)
    steps = queries.stream(view.database, "step", run_id)
    return Run(meta, steps, view.now, alerts.next if alerts else 0, _problems_of(view).get(run_id, ()))


def newest_steps(view: View, run: Run, limit: int) -> list[StepAt]:
    """Return a run's newest steps, in order."""
    return step_queries.steps_before(view.database, run.steps, limit) if run.steps else []


def steps_from(view: View, run: Run, seq: int, limit: int) -> list[StepAt]:
    """Return a run's steps from a position on, in order."""
    return step_queries.steps_after(view.database, run.steps, seq, limit) if run.steps else []


def message_of(one: StepAt) -> str:
    """Return a step in words.

    >>> from console.steps import Step
    >>> message_of(StepAt(0, Step(step=4, equity=1002.5, orders_blocked=1, risk_reasons="limit"), "", 0, b""))
    'step 4: equity 1002.5, 1 blocked (limit)'
    """
    step = one.step
    return (
        f"step {_number(step.step if step.step is not None else one.seq)}: {', '.join(_parts(one)) or 'nothing said'}"
    )


def _parts(one: StepAt) -> Iterator[str]:
    step = one.step
    if step.equity is not None:
        yield f"equity {_number(step.equity)}"
    if step.signal_changed:
        yield f"signal {_number(step.signal)}"
    named = {"filled": step.orders_filled, "rejected": step.orders_rejected, "blocked": step.orders_blocked}
    for name, number in named.items():
        if number:
            why = f" ({step.risk_reasons})" if name == "blocked" and step.risk_reasons else ""
            yield f"{number} {name}{why}"
    if step.risk_allowed is False and not step.orders_blocked:
        yield f"risk said no ({step.risk_reasons or 'no reason given'})"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.12g}"
