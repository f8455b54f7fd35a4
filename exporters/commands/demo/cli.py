"""`peaktrade demo`: everything at once, until Ctrl-C or for a number of seconds.

In: flags. Out: a live table, and exit code 0, or 1 with the failing line.
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import click

from contracts.load import load_contracts
from exporters.commands.demo.check import check, is_steady
from exporters.commands.demo.ports import ALERTMANAGER, CONSOLE, PROMETHEUS, STACK_PORTS, TOLD, ports_of
from exporters.commands.demo.processes import Processes, StageError, find_program
from exporters.commands.demo.table import Table
from exporters.commands.demo.told import Told
from exporters.commands.demo.web import answers
from exporters.commands.export import CONTRACTS

__all__ = ["demo"]

_READY_WITHIN_S = 10.0
"""Longest time Prometheus is given to show its pages."""

_STEADY_WITHIN_S = 15.0
"""Longest time Prometheus is given to scrape the last events: two scrape intervals and some."""

_TOLD_LINES = 6
"""How many of the newest messages stand below the table."""

_TARGETS = ("/classic/targets", "/targets")
"""Debian builds Prometheus with its old pages only, everybody else with its new ones only."""


class _Interrupted(Exception):  # noqa: N818  # not an error: Ctrl-C or SIGTERM
    """The user wants to stop."""


@click.command()
@click.option("--seconds", type=click.IntRange(min=1), help="Stop by itself after this many seconds.")
@click.option("--check", "checked", is_flag=True, help="At the end verify targets, queries, counts; exit 1 if wrong.")
@click.option(
    "--ports-from",
    "first",
    type=click.IntRange(1024, 65000),
    metavar="N",
    help="Exporters, in their contracts' order, Prometheus, Alertmanager, whom that tells and console use N, N+1, ...; "
    f"default: as the contracts say, and {', '.join(map(str, STACK_PORTS.values()))}.",
)
@click.option("--trouble", is_flag=True, help="Sample events with errors, gaps, mismatches and tripped rails.")
def demo(seconds: int | None, checked: bool, first: int | None, trouble: bool) -> None:
    """Start all exporters, their emitters, Prometheus, Alertmanager and the console, and watch them.

    Writes sample events only.

    All is well until something is stopped; with --trouble it is not. Prometheus and Alertmanager are started where they
    are installed; what Alertmanager tells is shown below the table. Ctrl-C stops everything that was started.
    """
    _on_interrupt(_interrupt)
    contracts = load_contracts(CONTRACTS)
    ports = _without_missing(ports_of(contracts, first), checked)
    folder = Path(tempfile.mkdtemp(prefix="peaktrade-demo-"))
    stage = Processes(contracts, ports, folder, trouble)
    code = 1
    try:
        code = _play(stage, seconds or (30 if checked else None), checked)
    except StageError as error:
        click.echo("\n".join(f"demo: {line}" for line in str(error).splitlines()), err=True)
    except _Interrupted:
        _on_interrupt(signal.SIG_IGN)  # stopping takes seconds; impatience must leave nothing behind
        click.echo("\nstopping")
        code = 0
    finally:
        stage.stop()
    if code:
        click.echo(f"logs and events are kept in {folder}", err=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(code)


def _without_missing(ports: dict[str, int], checked: bool) -> dict[str, int]:
    """Return the ports of what can be started; say what is missing, and how to get it."""
    for name, package in ((PROMETHEUS, "prometheus"), (ALERTMANAGER, "prometheus-alertmanager")):
        if find_program(name) is None:
            click.echo(f"no {name} on PATH, so there is none in this demo; on Debian: apt-get install {package}")
            del ports[name]
    if checked and PROMETHEUS not in ports:
        raise click.UsageError("--check asks Prometheus, and there is none; install it first")
    if ALERTMANAGER not in ports:
        del ports[TOLD]
    return ports


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise _Interrupted


def _on_interrupt(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Say what Ctrl-C does, also in a background job, where the shell has it ignored, and what SIGTERM does."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _play(stage: Processes, seconds: int | None, checked: bool) -> int:
    stage.start()
    told = _listen(stage)
    try:
        return _watch(stage, told, seconds, checked)
    finally:
        if told is not None:
            told.stop()


def _listen(stage: Processes) -> Told | None:
    """Take what Alertmanager tells, where there is one."""
    if TOLD not in stage.ports:
        return None
    told = Told(stage.ports[TOLD])
    told.start()
    return told


def _watch(stage: Processes, told: Told | None, seconds: int | None, checked: bool) -> int:
    _print_addresses(stage)
    table = Table(stage.contracts, stage.ports)
    began = time.monotonic()
    every = 1.0 if sys.stdout.isatty() else 5.0
    while seconds is None or time.monotonic() - began < seconds:
        time.sleep(min(every, 1.0) if seconds is None else min(every, max(0.1, began + seconds - time.monotonic())))
        stage.require_alive()
        table.draw(time.monotonic(), told.lines[-_TOLD_LINES:] if told else ())
    return _verify(stage) if checked else 0


def _print_addresses(stage: Processes) -> None:
    click.echo(f"events      {stage.folder}")
    for contract in stage.contracts:
        click.echo(f"{contract.name:<18}http://127.0.0.1:{stage.ports[contract.name]}/metrics")
    click.echo(f"{CONSOLE:<18}http://127.0.0.1:{stage.ports[CONSOLE]}/")
    if PROMETHEUS in stage.ports:
        click.echo(f"{PROMETHEUS:<18}http://127.0.0.1:{stage.ports[PROMETHEUS]}{_targets_page(stage)}")
    if ALERTMANAGER in stage.ports:
        click.echo(f"{ALERTMANAGER:<18}http://127.0.0.1:{stage.ports[ALERTMANAGER]}")
    click.echo("Ctrl-C stops everything\n")


def _targets_page(stage: Processes) -> str:
    """Return the page of this Prometheus that lists its targets, once there is one."""
    port, found = stage.ports[PROMETHEUS], ""

    def has_it() -> bool:
        nonlocal found
        stage.require_alive()
        found = next((path for path in _TARGETS if answers(port, path)), "")
        return found != ""

    _wait_until(has_it, _READY_WITHIN_S)
    return found


def _verify(stage: Processes) -> int:
    stage.stop("emitter")
    port = stage.ports[PROMETHEUS]
    for contract in stage.contracts:
        file = stage.file_of(contract)
        _wait_until(lambda one=contract, file=file: is_steady(port, one, file), _STEADY_WITHIN_S)  # type: ignore[misc]
    findings = list(check(port, stage.contracts, stage.folder))
    for finding in findings:
        click.echo(str(finding), err=not finding.passed)
    passed = all(finding.passed for finding in findings)
    click.echo(f"RESULT={'PASS' if passed else 'FAIL'}", err=not passed)
    return 0 if passed else 1


def _wait_until(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.2)
