"""`peaktrade contract`: all of `contracts.cli`, and what besides needs the engine: `test`, `check --on`, `new`.

In: the command line. Out: a report, and an exit code.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import click
import msgspec

from contracts.cli import check as check_alone
from contracts.cli import contract as of_contracts_alone
from exporters.commands.contract.cases import CaseError, find_cases, read_case
from exporters.commands.contract.findings import report_of
from exporters.commands.contract.inputs import batches_of
from exporters.commands.contract.junit import Outcome, junit_text
from exporters.commands.contract.new import new
from exporters.commands.contract.report import text_of
from exporters.commands.contract.run_case import Verdict, run_case
from exporters.commands.contract.survey import survey_of
from exporters.commands.export import read_contract
from exporters.engine.clock import SystemClock

__all__ = ["contract"]

_MOST_LINES = 40
"""Lines of a diff that are shown; --junit has all of them."""

contract = click.Group("contract", help=of_contracts_alone.help, commands=dict(of_contracts_alone.commands))
contract.add_command(new)


@contract.command("check", short_help="Show everything wrong with contracts, and what they make of events.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH...]")
@click.option("--on", "events", multiple=True, metavar="FILE", help="Events to try it on; repeatable; also .gz, `-`.")
@click.option("--json", "as_json", is_flag=True, help="With --on: print one JSON object instead of text.")
def check(paths: tuple[Path, ...], events: tuple[str, ...], as_json: bool) -> None:
    """Load contracts and show everything wrong with them; with --on, what one makes of events.

    PATH is a contract or a folder of contracts (*.yaml); without any, the shipped contracts are checked. Contracts
    checked together must not share a port, a job or a name.

    With --on the events are read once, nothing is served, and for each source and word it is said how many lines
    matched, filled it, lack it or hold what was refused, with the first line and what stands there; which fields are
    never read; which metrics nothing moved, and why. Values are shown cut, of ids and secrets only the beginning.

    \b
    peaktrade contract check
    peaktrade contract check my.yaml --on my.jsonl
    zcat old.gz | peaktrade contract check my.yaml --on - --json

    Exit code 0: all can be used. 1: a metric stays at nothing. 2: the faults shown on standard error must be corrected
    first, or a file cannot be read.
    """
    if not events:
        if as_json:
            raise click.UsageError("--json says what a contract makes of events; add --on FILE")
        click.get_current_context().invoke(check_alone, paths=paths)
        return
    if len(paths) != 1 or paths[0].is_dir():
        raise click.UsageError("--on tries one contract on events; give the path of one contract")
    found = read_contract(paths[0])
    if found.is_recorded:
        raise click.UsageError(f"{paths[0]}: records what sessions tell, and reads no events; leave --on out")
    survey = survey_of(found, batches_of(events, found.files.max_line_bytes), os.environ, SystemClock().now())
    report = report_of(found, survey, events, os.environ)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report)))
    else:
        click.echo("\n".join(text_of(report)))
    raise SystemExit(0 if report.ok else 1)


@contract.command("test", short_help="Run cases: folders with a contract, events, expected samples.")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--update", is_flag=True, help="Write what is found as what is expected; look at the change.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write JUnit XML.")
def test(folders: tuple[Path, ...], update: bool, junit: Path | None) -> None:
    """Run every case in or below the FOLDERS and show what differs, sample by sample.

    A case is a folder with events.jsonl, one contract (*.yaml) and expected.prom, the samples the events must come to.
    All series of the contract are compared; of the exporter's own only metrics that expected.prom speaks of. With a
    file refused.txt the refused lines are compared, too. A case.toml says what is elsewhere: contract, events (a path
    or a list of them), environment (a table), now.

    \b
    peaktrade contract test tests/metrics
    peaktrade contract test tests/metrics --update

    Exit code 0: all as expected. 1: something differs. 2: a case cannot be run.
    """
    try:
        found = list(find_cases(folders))
    except CaseError as error:
        raise click.UsageError(str(error)) from error
    outcomes = [_run(folder, update) for folder in found]
    if junit is not None:
        junit.write_text(junit_text(outcomes, "peaktrade contract test"), encoding="utf-8")
    differing = sum(bool(outcome.differences) for outcome in outcomes)
    unusable = sum(bool(outcome.problem) for outcome in outcomes)
    cases = "1 case" if len(outcomes) == 1 else f"{len(outcomes)} cases"
    cannot = f", {unusable} cannot be run" if unusable else ""
    click.echo(f"{cases}: {len(outcomes) - differing - unusable} as expected, {differing} not{cannot}")
    raise SystemExit(2 if unusable else 1 if differing else 0)


def _run(folder: Path, update: bool) -> Outcome:
    begun, verdict, problem = time.monotonic(), Verdict(), ""
    try:
        verdict = run_case(read_case(folder), update)
    except CaseError as error:
        problem = str(error)
    _show(folder, verdict, problem)
    return Outcome(folder.as_posix(), time.monotonic() - begun, tuple(verdict.differences), problem)


def _show(folder: Path, verdict: Verdict, problem: str) -> None:
    if problem:
        click.echo(f"{folder}: cannot be run")
        click.echo("\n".join(f"  {line}" for line in problem.splitlines()), err=True)
        return
    renewed = f", wrote {' and '.join(verdict.renewed)}" if verdict.renewed else ""
    if not verdict.differences:
        click.echo(f"{folder}: ok, {verdict.samples} samples{renewed}")
        return
    click.echo(f"{folder}: differs (- expected, + found)")
    lines = verdict.differences
    click.echo("\n".join(f"  {line}" for line in lines[:_MOST_LINES]))
    if len(lines) > _MOST_LINES:
        click.echo(f"  and {len(lines) - _MOST_LINES} more lines")
