"""`dryrun`: from a command line to one finished run and its snapshots.

In: flags and environment. Out: events, snapshots, a line per result; exit code 0 completed and the counts agree, 1 not,
2 wrong usage, or live trading is on.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from contracts.no_live import NoLiveError, refuse_live
from emitters.dry_run.clock import StepClock
from emitters.dry_run.exporter import Difference, ExporterError, differences, run_exporter
from emitters.dry_run.journal import Journal, SinkError
from emitters.dry_run.orchestrator import Orchestrator
from emitters.dry_run.preflight import STRATEGIES, Plan
from emitters.dry_run.snapshots import write_broker, write_snapshots
from emitters.dry_run.tally import EXECUTION, LEDGER, Series

__all__ = ["dryrun"]

_FILES = {
    "execution": ("PEAK_TRADE_EXECUTION_EVENTS_JSONL", "logs/execution/execution_events.jsonl"),
    "ledger": ("PEAK_TRADE_SHADOW_EVENTS_JSONL", "logs/shadow/ledger.jsonl"),
}
_OWN_FILES = {"execution": "execution_events.jsonl", "ledger": "ledger.jsonl", "session": "session_events.jsonl"}
_BROKER_FILE = "mock_broker.jsonl"
_EXPORTERS = {"execution_watch": ("execution", EXECUTION), "shadow_mvs": ("ledger", LEDGER)}
_SPARE_STEPS = 30
"""Steps a run may take beyond those asked for, to come to an orderly end."""

_PATH = click.Path(path_type=Path)


def _file_option(name: str, kind: str) -> click.Option:
    variable, default = _FILES[kind]
    text = f"The {kind} events are appended here too. Default ${variable} or {default}."
    return click.Option([name], type=_PATH, metavar="FILE", help=text)


def _read_start(ctx: click.Context, param: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not an ISO 8601 time; write it like 2026-01-25T01:09:48Z.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_OPTIONS = (
    click.Option(["--steps"], type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many steps."),
    click.Option(["--seed"], type=int, default=7, show_default=True, help="Same seed, same run."),
    click.Option(["--run-id"], default="demo", show_default=True, help="The run_id field of every event."),
    click.Option(["--strategy-id"], default=STRATEGIES[0], show_default=True, help=f"One of {', '.join(STRATEGIES)}."),
    click.Option(
        ["--out"], type=_PATH, default="out/finish_c", show_default=True, metavar="DIR", help="Where the snapshots go."
    ),
    _file_option("--execution-file", "execution"),
    _file_option("--ledger-file", "ledger"),
    click.Option(
        ["--start"],
        callback=_read_start,
        metavar="ISO8601",
        help="Time of the first step; fixes the clock, so that the files are the same to the byte every time. "
        "Default: so that the run ends now.",
    ),
    click.Option(
        ["--step-ms"],
        type=click.IntRange(1, 60_000),
        default=1000,
        show_default=True,
        metavar="MS",
        help="Milliseconds from one step to the next, in the run's time.",
    ),
    click.Option(["--real-time"], is_flag=True, help="Begin now, and let a step take as long as it says."),
    click.Option(
        ["--attempts"],
        type=int,
        default=3,
        show_default=True,
        help="How often a broker's command is given at most, the first time included.",
    ),
)


def _dryrun(
    steps: int,
    seed: int,
    run_id: str,
    strategy_id: str,
    attempts: int,
    out: Path,
    execution_file: Path | None,
    ledger_file: Path | None,
    start: datetime | None,
    step_ms: int,
    real_time: bool,
) -> None:
    try:
        refuse_live(os.environ, "the dry run")
    except NoLiveError as error:
        raise click.UsageError(str(error)) from error
    plan = Plan(steps, seed, run_id, strategy_id, attempts)
    clock = _clock(steps, timedelta(milliseconds=step_ms), start, real_time)
    live = {"execution": execution_file, "ledger": ledger_file}
    live = {kind: path or _from_environment(kind, os.environ) for kind, path in live.items()}
    try:
        raise SystemExit(_carry_out(plan, clock, out, live))
    except (OSError, SinkError, ExporterError) as error:
        click.echo(f"dryrun: {_words_of(error)}", err=True)
        raise SystemExit(1) from error


def _clock(steps: int, step: timedelta, start: datetime | None, is_real_time: bool) -> StepClock:
    now, length = datetime.now(UTC), (steps + _SPARE_STEPS) * step
    if start is not None and start + length > now:
        raise click.UsageError(f"--start: the run would end in the future; begin it before {now - length:%FT%TZ}")
    if start is not None and is_real_time:
        raise click.UsageError("--real-time begins now; leave out --start")
    return StepClock(start or (now if is_real_time else now - length), step, is_real_time=is_real_time)


def _from_environment(kind: str, environment: Mapping[str, str]) -> Path:
    variable, default = _FILES[kind]
    stated = environment.get(variable, "").strip() or default
    if any(character in stated for character in ":*?["):
        raise click.UsageError(f"{variable} names more than one file; give --{kind}-file the one to append to")
    return Path(stated)


def _carry_out(plan: Plan, clock: StepClock, out: Path, live: Mapping[str, Path | None]) -> int:
    """Do the run and write everything about it; return the exit code."""
    out.mkdir(parents=True, exist_ok=True)
    own = {kind: out / name for kind, name in _OWN_FILES.items()}
    for path in (*own.values(), out / _BROKER_FILE):
        path.unlink(missing_ok=True)
    files = {kind: [path for path in (own[kind], live.get(kind)) if path is not None] for kind in own}
    with Journal(clock.now, plan.run_id, files) as journal:
        run = Orchestrator(plan, clock, journal)
        run.run()
    write_broker(out / _BROKER_FILE, run.broker.export(), clock.now())
    shown = {name: run_exporter(name, own[kind]) for name, (kind, _) in _EXPORTERS.items()}
    found = [one for name in shown for one in _compare(name, run, shown[name])]
    write_snapshots(out, run, journal, shown, found)
    _report(run, journal, out, found)
    return 0 if run.state == "COMPLETED" and not found else 1


def _compare(name: str, run: Orchestrator, shown: Mapping[Series, float]) -> list[Difference]:
    return list(differences(_EXPORTERS[name][1], run.tally.values, shown))


def _report(run: Orchestrator, journal: Journal, out: Path, found: list[Difference]) -> None:
    orders, trips = len(run.book.orders), int(run.tally.value("peak_trade_safety_rail_trips_total"))
    click.echo(f"{run.state}: {run.clock.steps} steps, {orders} orders, {trips} rail trips, {len(found)} differences")
    click.echo(f"wrote {sum(journal.lines.values())} events and the snapshots to {click.format_filename(out)}")
    for series, own, theirs in found:
        click.echo(f"{series}: the run counted {own}, the exporter shows {theirs}", err=True)


def _words_of(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {(error.strerror or str(error)).lower()}; give a path this user can write"
    return str(error)


dryrun = click.Command(
    "dryrun",
    callback=_dryrun,
    params=list(_OPTIONS),
    help="""Run a trading session against a mock broker: n steps from a seed, then an end, snapshots and proof.

    Events go to the execution and the ledger file, where the exporters show them live. At the end the real exporters
    read the same events once more; their metrics are in the snapshot, and must be what the run counted itself. It never
    reaches an exchange, and does not start where LIVE_TRADING_ENABLED is on. Exit code: 0 completed and the counts
    agree, 1 not, 2 wrong usage.

    \b
    peaktrade dryrun --steps 50 --seed 7 --run-id demo --out out/finish_c
    peaktrade dryrun --real-time --steps 300
    """,
)
"""The command, ready to be mounted."""
