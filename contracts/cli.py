"""`peaktrade contract`: look at contracts without running them.

In: contract files. Out: what is wrong with them, or what they promise. Nothing is served and no event file is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import click

from contracts.lint.cli import diff, lint
from contracts.lint.manual import rules_text
from contracts.load import load_all
from contracts.model import Contract
from contracts.pages.metrics import docs, metrics_text
from contracts.pages.reference import MarkerError, readme_text, schema_text
from contracts.pages.show import show

__all__ = ["GENERATED", "contract"]

_FOLDER = Path(__file__).parent

GENERATED: dict[str, Callable[[str], str]] = {
    "contract.schema.json": schema_text,
    "README.md": readme_text,
    "METRICS.md": metrics_text,
    "lint/rules.md": rules_text,
}
"""File of this folder -> its present text to what it should be."""


@click.group()
def contract() -> None:
    """Check, describe and document contracts.

    A contract is one YAML file that says which events an exporter reads and which metrics it serves;
    contracts/README.md explains every field.
    """


for _command in (lint, show, docs, diff):
    contract.add_command(_command)


@contract.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH...]")
def check(paths: tuple[Path, ...]) -> None:
    """Load contracts and show everything wrong with them.

    PATH is a contract or a folder of contracts (*.yaml); without any, the shipped contracts are checked. Contracts
    checked together must not share a port, a job or a name.

    \b
    peaktrade contract check
    peaktrade contract check my.yaml

    Exit code 0: all can be used. 2: the faults shown on standard error must be corrected first.
    """
    contracts, faults = load_all(_files(paths or (_FOLDER,)))
    broken = {fault.file for fault in faults}
    for found in contracts:
        if found.path not in broken:
            click.echo(f"{found.name}: ok, {_extent(found)}")
    for fault in faults:
        click.echo(str(fault), err=True)
    if faults:
        raise SystemExit(2)


def _files(paths: tuple[Path, ...]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(path.glob("*.yaml"))
        if not found:
            raise click.UsageError(f"{path}: holds no contract; give a *.yaml file or a folder with some")
        yield from found


def _extent(found: Contract) -> str:
    number, series = len(found.metrics), sum(map(found.worst_case_series, found.metrics))
    return f"{number} metric{'s' if number != 1 else ''}, {series} series at most"


@contract.command()
def schema() -> None:
    """Print the JSON Schema of contracts, for editors and other tools.

    \b
    peaktrade contract schema > contract.schema.json
    """
    click.echo(schema_text(""), nl=False)


@contract.command(short_help="Rewrite the generated files of the contracts folder.")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 if a file would change.")
def generate(only_check: bool) -> None:
    """Rewrite the generated files of the contracts folder (for those who work on this repository).

    These are contract.schema.json, the field tables of README.md, METRICS.md, and lint/rules.md.
    """
    stale = [name for name, render in GENERATED.items() if _is_stale(_FOLDER / name, render, only_check)]
    for name in stale:
        shown = f"{_FOLDER.name}/{name}"
        click.echo(f"{shown}: out of date; run peaktrade contract generate" if only_check else f"wrote {shown}")
    if only_check and stale:
        raise SystemExit(1)
    if not stale:
        click.echo("all generated files are up to date")


def _is_stale(path: Path, render: Callable[[str], str], only_check: bool) -> bool:
    """Return whether a file is not as it should be; unless only checking, make it so."""
    present = path.read_text(encoding="utf-8") if path.exists() else ""
    try:
        wanted = render(present)
    except MarkerError as error:
        raise click.ClickException(f"{path.parent.name}/{path.name}: {error}") from error
    if wanted != present and not only_check:
        path.parent.mkdir(exist_ok=True)
        path.write_text(wanted, encoding="utf-8", newline="\n")
    return wanted != present
