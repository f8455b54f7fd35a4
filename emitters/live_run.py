"""`emit live_run`: runs, sessions, telemetry and alerts in a folder, as a trading system leaves them there.

In: a folder, a seed, a pace. Out: the artefacts of one run after the other, or of several at a time. On request the
files meet what such files meet: half lines, sessions that crash, times without offset, NaN, empty columns.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import click

from contracts.no_live import NoLiveError, refuse_live
from emitters.artefacts import Artefact, Run
from emitters.pacing import Pace, stop_on_signals

__all__ = ["FAULTS", "Folder", "live_run", "turns"]

_COLUMNS = (
    "step", "ts_event", "equity", "cash", "realized_pnl", "unrealized_pnl", "signal", "signal_changed",
    "orders_generated", "orders_filled", "orders_rejected", "orders_blocked", "risk_allowed", "risk_reasons",
    "position_size",
)  # fmt: skip
"""Columns of events.csv, in the order runs write them."""

_EVERY = 10
"""Steps from one fault to the next."""


def _without_offset(body: Mapping[str, object]) -> dict[str, object]:
    return {name: str(text).removesuffix("Z") if name.startswith("ts") else text for name, text in body.items()}


def _with_nan(body: Mapping[str, object]) -> dict[str, object]:
    return {**body, "equity": float("nan"), "risk_reasons": float("nan")} if "equity" in body else dict(body)


def _emptied(body: Mapping[str, object]) -> dict[str, object]:
    return {**body, "equity": "", "risk_reasons": "", "position_size": ""} if "equity" in body else dict(body)


FAULTS: Mapping[str, Callable[[Mapping[str, object]], dict[str, object]]] = {
    "half-line": dict,
    "crashed-session": dict,
    "naive-times": _without_offset,
    "nan": _with_nan,
    "empty-columns": _emptied,
}
"""Kind of misbehaviour -> what it makes of a line; the first two are no matter of a line."""


class Folder:
    """The folder artefacts are written to. Lines are appended whole, documents replaced whole."""

    def __init__(self, root: Path, as_csv: bool = False) -> None:
        self._root = root
        self._as_csv = as_csv

    def write(self, artefact: Artefact, body: Mapping[str, object], part: int = 0) -> None:
        """Write one artefact; with `part` only so many bytes of its line, without a newline.

        Raises:
            OSError: it cannot be written.
        """
        path = self._root / artefact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if artefact.is_document:
            draft = path.with_name(f".{path.name}.new")
            draft.write_text(json.dumps(body, indent=2), encoding="utf-8")
            draft.replace(path)
            return
        line = json.dumps(body, separators=(",", ":"))
        if self._as_csv and path.name == "events.jsonl":
            path = path.with_suffix(".csv")
            line = ",".join(str(body[name]) for name in _COLUMNS)
            if not path.exists():
                _append(path, ",".join(_COLUMNS).encode() + b"\n")
        data = line.encode() + b"\n"
        _append(path, data[:part] if part else data)


def _append(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        while data:
            data = data[os.write(handle, data) :]
    finally:
        os.close(handle)


def turns(
    seed: int, start: datetime, interval: timedelta, steps: int, runs: int | None, mode: str, crashes: bool = False
) -> Iterator[list[Artefact]]:
    """Yield what each step of one run after the other writes; the same arguments give the same.

    Args:
        runs: how many; None is endless.
        crashes: whether every second run ends without a word.
    """
    for number in count() if runs is None else range(runs):
        run = Run(seed, number, start + number * steps * interval, interval, mode)
        for step in range(steps):
            begun = list(run.begin()) if step == 0 else []
            told = list(run.step(step))
            is_last = step == steps - 1 and not (crashes and number % 2)
            yield [*begun, *told, *(run.end(step) if is_last else ())]


def _play(folder: Folder, batches: Iterable[list[Artefact]], pace: Pace, faults: tuple[str, ...]) -> int:
    """Write each batch when it is due; return how many were written."""
    written = 0
    for number, batch in enumerate(batches):
        pace.wait(number)
        if pace.is_stopped:
            break
        kind = faults[number // _EVERY % len(faults)] if faults and number % _EVERY == _EVERY - 1 else ""
        for artefact in batch:
            is_line = bool(kind) and not artefact.is_document
            folder.write(artefact, FAULTS[kind](artefact.body) if is_line else artefact.body)
        if kind == "half-line":
            folder.write(batch[0], {"step": -1, "broken": True}, part=9)
            folder.write(batch[0], batch[0].body)
        written += 1
    return written


def _moment(ctx: click.Context, param: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not an ISO 8601 time; write it like 2026-01-25T01:09:48Z.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command("live_run")
@click.option("--out", type=click.Path(path_type=Path), default=Path(), metavar="DIR", help="Folder; default: here.")
@click.option("--steps", type=click.IntRange(1, 1_000_000), default=120, show_default=True, help="Steps of one run.")
@click.option("--runs", type=click.IntRange(min=1), default=1, show_default=True, help="How many, one by one.")
@click.option(
    "--interval-ms", type=click.FloatRange(0, 86_400_000), default=500.0, show_default=True, help="Of a step."
)
@click.option("--seed", type=int, default=7, show_default=True, help="Same seed, same runs.")
@click.option("--start", callback=_moment, metavar="ISO8601", help="Time of the first step. Default: now.")
@click.option(
    "--mode",
    type=click.Choice(["shadow", "paper", "testnet"]),
    default="shadow",
    show_default=True,
    help="Only a word.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
    help="Of a run's steps.",
)
@click.option("--forever", is_flag=True, help="Run after run until Ctrl-C or SIGTERM, whatever --runs says.")
@click.option(
    "--misbehave", type=click.Choice(list(FAULTS)), multiple=True, help="What such files meet; kinds take turns."
)
def live_run(
    out: Path, steps: int, runs: int, interval_ms: float, seed: int, start: datetime | None, mode: str, form: str,
    forever: bool, misbehave: tuple[str, ...],
) -> None:  # fmt: skip
    """Write runs, sessions, telemetry and alerts, for the console to read. Nothing is traded.

    \b
    peaktrade emit live_run --out . --forever
    peaktrade emit live_run --runs 3 --interval-ms 0 --start 2026-01-15T18:00:00Z --misbehave nan --misbehave half-line
    """
    try:
        refuse_live(os.environ, "a sample run")
    except NoLiveError as error:
        raise click.UsageError(str(error)) from error
    pace = Pace(timedelta(milliseconds=interval_ms))
    step_s = timedelta(milliseconds=interval_ms or 1000)
    crashes = "crashed-session" in misbehave
    batches = turns(seed, start or datetime.now(UTC), step_s, steps, None if forever else runs, mode, crashes)
    with stop_on_signals(pace):
        try:
            written = _play(Folder(out, form == "csv"), batches, pace, misbehave)
        except OSError as error:
            raise click.ClickException(
                f"emit: cannot write {str(error.filename or out)!r}: {error.strerror}"
            ) from error
    click.echo(f"wrote {written} steps to {click.format_filename(out)}")
