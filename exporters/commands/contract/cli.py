"""`peaktrade contract`: all of `contracts.cli`, and what besides needs the engine: `test`, `check --on`, `new`.

In: the command line. Out: a report, and an exit code.
"""

from __future__ import annotations

import time
from pathlib import Path

import click

from contracts.cli import contract as of_contracts_alone
from exporters.commands.contract.cases import CaseError, find_cases, read_case
from exporters.commands.contract.junit import Outcome, junit_text
from exporters.commands.contract.run_case import Verdict, run_case

__all__ = ["contract"]

_MOST_LINES = 40
"""Lines of a diff that are shown; --junit has all of them."""

contract = click.Group("contract", help=of_contracts_alone.help, commands=dict(of_contracts_alone.commands))


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
