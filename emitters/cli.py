"""`emit`: from a command line to a growing JSONL file, one subcommand per emitter found in this package.

An emitter is a module here that declares `events`, `OPTIONS` and `SUMMARY`; a new file is a new subcommand.
It refuses to know any emitter by name and what an event holds.
"""

import errno
import math
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import click
from click.core import ParameterSource

import emitters
from emitters.live_run import live_run
from emitters.misbehaviour import KINDS, plan_faults
from emitters.pacing import Pace, stop_on_signals, write_events
from emitters.session import session
from emitters.writer import Writer

__all__ = ["Emitter", "build_group", "discover", "emit", "main"]

_DAY_MS = 86_400_000
_INTERVAL_MS = 200
_YEARS = (1970, 8999)  # leaves room for the last event of any run
_MIN_RATE = 0.001  # events per second
_MAX_RATE = 1_000_000  # events per second: one per microsecond, the finest step an event time has
_REMEDIES = {
    errno.EISDIR: "give --out a file path",
    errno.EINVAL: "give --out a file path",
    errno.ENOTDIR: "give --out a path below directories only",
    errno.ENOSPC: "free some space there",
}

Events = Callable[..., Iterator[dict[str, object]]]


@dataclass(frozen=True)
class Emitter:
    """One emitter module: its name, one sentence for operators, its own options, and its events."""

    name: str
    summary: str
    options: tuple[click.Option, ...]
    events: Events


def discover() -> dict[str, Emitter]:
    """Find the emitters of this package.

    Returns:
        Name -> emitter, by name: every module that declares `events`, `OPTIONS` and `SUMMARY`.
    """
    found: dict[str, Emitter] = {}
    for name in sorted(each.name for each in pkgutil.iter_modules(emitters.__path__)):
        full_name = f"{emitters.__name__}.{name}"
        if name.startswith("_") or full_name == __name__:
            continue
        declared = vars(import_module(full_name))
        if {"events", "OPTIONS", "SUMMARY"} <= declared.keys():
            found[name] = Emitter(name, declared["SUMMARY"], tuple(declared["OPTIONS"]), declared["events"])
    return found


def build_group(found: Iterable[Emitter]) -> click.Group:
    """Make the command `emit` with a subcommand for each emitter."""
    group = click.Group(
        "emit",
        help="Write sample events to a JSONL file, for an exporter to read.\n\n"
        "An emitter only ever writes to the file given with --out, and `session` tells the telemetry; nothing here can "
        "reach an exchange.",
        epilog="\b\nExamples:\n"
        "  peaktrade emit EMITTER --help\n"
        "  peaktrade emit EMITTER --out logs/sample.jsonl --n 50\n"
        "  peaktrade emit EMITTER --out logs/sample.jsonl --forever --rate 20",
        commands=[_command(emitter) for emitter in found],
    )
    return click.version_option(package_name="peak-trade-exporters", message="%(package)s %(version)s")(group)


def main() -> None:
    """Run `emit` as a program: exit 0 when done or stopped, 1 if FILE cannot be written, 2 on bad usage."""
    emit.main(prog_name="python -m emitters")


class _CannotWrite(click.ClickException):
    exit_code = 1

    def __init__(self, path: Path, error: OSError) -> None:
        at_fault = str(error.filename or path)
        where = "" if at_fault == str(path) else f": {at_fault!r}"
        what = error.strerror or str(error)
        super().__init__(f"emit: cannot write {str(path)!r}{where}: {what}; {_remedy(error)}")

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, file=file, err=True)


def _remedy(error: OSError) -> str:
    return _REMEDIES.get(error.errno or 0, "give --out a path this user can write")


def _refuse_nan(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is not a number to work with; give a finite one.")
    return value


def _read_moment(ctx: click.Context, param: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is not an ISO 8601 time; write it like 2026-01-25T01:09:48Z."
        raise click.BadParameter(message) from None
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise click.BadParameter(f"{text!r} is out of range; give a year from {_YEARS[0]} to {_YEARS[1]}.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_COMMON_OPTIONS = (
    click.Option(
        ["--out"],
        type=click.Path(path_type=Path),
        required=True,
        metavar="FILE",
        help="The JSONL file to append to; created with its directories if absent.",
    ),
    click.Option(["--n"], type=click.IntRange(min=0), default=50, show_default=True, help="How many events."),
    click.Option(
        ["--interval-ms"],
        type=click.FloatRange(min=0, max=_DAY_MS),
        callback=_refuse_nan,
        default=_INTERVAL_MS,
        show_default=True,
        metavar="MS",
        help="Milliseconds from one event to the next, in the file's times and in real time; 0: no wait.",
    ),
    click.Option(
        ["--rate"],
        type=click.FloatRange(min=_MIN_RATE, max=_MAX_RATE),
        callback=_refuse_nan,
        metavar="EVENTS_PER_SECOND",
        help="Instead of --interval-ms.",
    ),
    click.Option(
        ["--forever"],
        is_flag=True,
        help="Go on until Ctrl-C or SIGTERM, whatever --n says. FILE grows without bound.",
    ),
    click.Option(
        ["--start"],
        callback=_read_moment,
        metavar="ISO8601",
        help="Time of the first event; UTC unless it has an offset. Event i is then at this time plus i "
        "intervals, and the file the same to the byte every time. Default: now.",
    ),
    click.Option(["--run-id"], default="demo", show_default=True, help="The run_id field."),
)

_MISBEHAVIOUR_OPTIONS = (
    click.Option(
        ["--misbehave"],
        type=click.Choice(list(KINDS)),
        multiple=True,
        help="Do what log files meet in practice; repeat it to let kinds take turns. rotate: rename "
        "FILE to FILE.1, older ones counting up, and sometimes write one more line there. truncate: cut "
        "FILE to zero in place. half-line: write a line in two parts.",
    ),
    click.Option(
        ["--misbehave-every"],
        type=click.IntRange(min=1),
        default=10,
        show_default=True,
        metavar="EVENTS",
        help="Events from one misbehaviour to the next.",
    ),
    click.Option(
        ["--settle-ms"],
        type=click.FloatRange(min=0, max=_DAY_MS),
        callback=_refuse_nan,
        default=1000,
        show_default=True,
        metavar="MS",
        help="Milliseconds FILE rests before it is truncated, for a reader to catch up.",
    ),
)


def _command(emitter: Emitter) -> click.Command:
    name = emitter.name
    return click.Command(
        name,
        callback=partial(_run, emitter),
        params=[*_COMMON_OPTIONS, *emitter.options, *_MISBEHAVIOUR_OPTIONS],
        help=emitter.summary,
        short_help=emitter.summary.partition(":")[0].removesuffix("."),
        epilog="\b\nExamples:\n"
        f"  peaktrade emit {name} --out logs/{name}.jsonl\n"
        f"  peaktrade emit {name} --out logs/{name}.jsonl --forever --rate 20\n"
        f"  peaktrade emit {name} --out logs/{name}.jsonl --start 2026-01-25T00:00:00Z --interval-ms 0\n"
        f"  peaktrade emit {name} --out logs/{name}.jsonl --n 500 --misbehave rotate --misbehave half-line",
    )


def _run(
    emitter: Emitter,
    *,
    out: Path,
    n: int,
    interval_ms: float,
    rate: float | None,
    forever: bool,
    start: datetime | None,
    misbehave: tuple[str, ...],
    misbehave_every: int,
    settle_ms: float,
    **fields: object,
) -> None:
    interval = _interval(interval_ms, rate)
    count = None if forever else n
    events = emitter.events(start or datetime.now(UTC), count, interval=interval, **fields)
    faults = plan_faults(misbehave, misbehave_every, settle_ms / 1000)
    pace = Pace(interval)
    with stop_on_signals(pace):
        try:
            with Writer(out) as writer:
                written = write_events(events, writer, pace, faults)
        except OSError as error:
            raise _CannotWrite(out, error) from error
        click.echo(f"wrote {written} events to {click.format_filename(out)}")


def _interval(interval_ms: float, rate: float | None) -> timedelta:
    if rate is None:
        return timedelta(milliseconds=interval_ms)
    source = click.get_current_context().get_parameter_source("interval_ms")
    if source is not ParameterSource.DEFAULT:
        raise click.UsageError("--interval-ms and --rate say the same thing; give only one of them.")
    return timedelta(seconds=1 / rate)


emit = build_group(discover().values())
emit.add_command(live_run)
emit.add_command(session)
"""The click group, ready to be run or to be mounted in another one."""
