"""`python -m tests.bench`: everything measured in one run, on one machine.

In: flags. Out: tables on standard output, progress on standard error, JSON and the README's tables on request. Exit
code 1 if totals differ or something fails, with --strict also if a bar is missed.
"""

from __future__ import annotations

import compileall
import json
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from tests.bench.bars import throughput_readings
from tests.bench.contestants import CONTESTANTS
from tests.bench.inputs import SCENARIOS
from tests.bench.measure import FailedError, Scenario, disagreements, openings, prepare, race
from tests.bench.reading import Reading
from tests.bench.report import Report, machine, renew

__all__ = ["main"]

_ROOT = Path(__file__).parents[2]
_README = Path(__file__).with_name("README.md")
_BIG_MB = 5_000


def _say(text: str) -> None:
    click.echo(text, err=True)


def _read_keys(ctx: click.Context, param: click.Parameter, text: str) -> tuple[str, ...]:
    keys = tuple(dict.fromkeys(key.strip() for key in text.split(",") if key.strip()))
    unknown = [key for key in keys if key not in SCENARIOS]
    if unknown:
        raise click.BadParameter(f"there is no scenario {unknown[0]!r}; there are {', '.join(SCENARIOS)}.")
    return keys


def _read_events(ctx: click.Context, param: click.Parameter, number: int) -> int:
    if number < 1000 or number % 1000:
        raise click.BadParameter(f"{number} cannot be divided among 1,000 files; give a multiple of 1000.")
    return number


@click.command()
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True, help="Runs of each contestant.")
@click.option("--events", callback=_read_events, type=int, default=500_000, show_default=True, help="Lines a scenario.")
@click.option("--scenario", "keys", callback=_read_keys, default=",".join(SCENARIOS), help="Which ones. Default: all.")
@click.option("--matrix/--no-matrix", default=None, help="Only the matrix of shapes, or all but it. Default: all.")
@click.option("--lines", type=click.IntRange(min=1000), default=200_000, show_default=True, help="Lines of a shape.")
@click.option("--live/--no-live", default=True, show_default=True, help="Whether a running exporter is measured too.")
@click.option("--trials", type=click.IntRange(min=1), default=10_000, show_default=True, help="Lines scraped at once.")
@click.option("--idle", type=float, default=30, show_default=True, help="Seconds an idle exporter is watched.")
@click.option("--load", type=float, default=20, show_default=True, help="Seconds of 50,000 events per second.")
@click.option("--input-mb", type=click.IntRange(min=1), default=2_000, show_default=True, help="Input for the memory.")
@click.option(
    "--console-events",
    type=click.IntRange(min=0),
    default=5_000_000,
    show_default=True,
    help="0 leaves the console out.",
)
@click.option("--big", is_flag=True, help=f"Let the file of the restart grow to {_BIG_MB:,} MB.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write everything to this file.")
@click.option("--write-readme", is_flag=True, help="Renew the tables in the benchmark's README.md.")
@click.option("--strict", is_flag=True, help="Exit 1 also if a bar is missed.")
def main(rounds: int, events: int, keys: Sequence[str], json_path: Path | None, **flags: Any) -> None:
    """Measure `--once` against the others, and an exporter that runs."""
    began, where = datetime.now(UTC), machine()
    for package in ("contracts", "exporters", "tests/bench"):  # as pip does when it installs
        compileall.compile_dir(_ROOT / package, quiet=1)
    with tempfile.TemporaryDirectory(prefix="peaktrade-bench-") as folder:
        try:
            only_matrix = flags["matrix"] is True
            scenarios, readings = _throughput(() if only_matrix else keys, events, rounds, Path(folder))
            more, odd = _matrix(Path(folder), flags["lines"], rounds) if flags["matrix"] is not False else ([], [])
        except (FailedError, OSError) as error:
            raise click.ClickException(str(error)) from error
        faults = [each for scenario in scenarios for each in disagreements(scenario, CONTESTANTS)]
        live, failed = _live(Path(folder), flags) if flags["live"] and not only_matrix else ([], [])
        watched = _console(Path(folder), flags["console_events"]) if not only_matrix else []
    report = Report(where, began, rounds, scenarios, [*readings, *more, *live, *watched], [*faults, *odd, *failed])
    _publish(report, json_path, flags["write_readme"])
    sys.exit(_exit_code(report, flags["strict"]))


def _throughput(keys: Sequence[str], events: int, rounds: int, folder: Path) -> tuple[list[Scenario], list[Reading]]:
    if not keys:
        return [], []
    scenarios = []
    for key in keys:
        _say(f"writing ({key}) {SCENARIOS[key][0]}")
        scenarios.append(prepare(key, folder / key, events))
    many, one = openings(folder)
    race(scenarios, CONTESTANTS, (many, one) if "e" in keys else (), rounds, _say)
    return scenarios, throughput_readings({each.key: each for each in scenarios}, many, one)


def _matrix(folder: Path, lines: int, rounds: int) -> tuple[list[Reading], list[str]]:
    """Measure every shape, and compare the first lines of each with a per-event reading."""
    from tests.bench import matrix, shapes

    place = folder / "matrix"
    place.mkdir()
    costs = matrix.shape_costs(list(shapes.SHAPES), lines, rounds, place, _say)
    rivals, faults = matrix.rival_readings(lines * 3 // 2, lines * 15, min(rounds, 3), place)
    faults += [found for key in shapes.SHAPES if (found := matrix.disagreement(key, place))]
    return [*matrix.matrix_readings(costs), *rivals], faults


def _console(folder: Path, events: int) -> list[Reading]:
    from tests.bench.console import console_readings

    if not events:
        return []
    _say(f"the console over {events:,} events")
    place = folder / "console"
    place.mkdir()
    return console_readings(events, place)


def _live(folder: Path, flags: dict[str, Any]) -> tuple[list[Reading], list[str]]:
    from tests.bench.live import Effort, live_readings  # the engine: not needed, nor paid for, by the processes above

    effort = Effort(
        trials=flags["trials"],
        idle_s=flags["idle"],
        load_s=flags["load"],
        after_mb=flags["input_mb"],
        before_mb=min(50, flags["input_mb"]),
        restart_mb=_BIG_MB if flags["big"] else None,
    )
    place = folder / "live"
    place.mkdir()
    return live_readings(effort, place, _say)


def _publish(report: Report, json_path: Path | None, write_readme: bool) -> None:
    click.echo(report.text())
    if json_path:
        json_path.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    if write_readme:
        renew(_README, report.text())


def _exit_code(report: Report, strict: bool) -> int:
    for fault in report.faults:
        _say(fault)
    for reading in report.missed:
        _say(f"missed: {reading.what}: {reading.value:g}, {reading.bar}")
    return 1 if report.faults or (strict and report.missed) else 0


if __name__ == "__main__":
    main()
