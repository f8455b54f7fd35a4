"""`peaktrade contract new`: a first contract for somebody's events.

In: event files. Out: YAML on standard output or in a file that was not there before. What it writes can be loaded: that
is tried before it is shown.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from contracts.load import load_contract
from exporters.commands.contract.draft import draft
from exporters.commands.contract.fields import Fields
from exporters.commands.contract.guess import guesses_of, snake
from exporters.commands.contract.inputs import batches_of, event_of

__all__ = ["new"]

_MOST_LINES = 100_000


@click.command("new", short_help="Write a first contract for events.")
@click.argument("events", nargs=-1, required=True, metavar="FILE...")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it here; never over another file.")
@click.option("--name", help="Name of the exporter. Default: that of --out, else of the first FILE.")
@click.option(
    "--lines", type=click.IntRange(1), default=_MOST_LINES, show_default=True, help="Lines looked at, at most."
)
def new(events: tuple[str, ...], out: Path | None, name: str | None, lines: int) -> None:
    """Write a first contract for the events in FILE (also .gz, or `-` for standard input).

    Texts with few values become closed lists, those with more become capped names; numbers become histograms, their
    unit guessed from how they are called, their buckets from where they lie; times become freshness. Ids, secrets and
    free texts are left out. Every guess has its evidence beside it; read them all before you believe them.

    \b
    peaktrade contract new my.jsonl --out my.yaml
    peaktrade contract check my.yaml --on my.jsonl

    Exit code 0: written. 2: a file cannot be read, or holds no event.
    """
    if out is not None and out.exists():
        raise click.UsageError(f"{out}: is there already; give --out a path where nothing is")
    fields, seen = _fields_of(events, lines)
    if not fields.events:
        raise click.UsageError(f"{events[0]}: holds no event in {seen} lines; events are JSON objects, one per line")
    named = _name_of(name, out, events[0])
    text = draft(
        named, events[0] if events[0] != "-" else f"{named}.jsonl", tuple(guesses_of(fields)), fields.events, seen
    )
    _try_out(named, text)
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8", newline="\n")
        click.echo(f"wrote {out}; next: peaktrade contract check {out} --on {events[0]}")


def _fields_of(events: Sequence[str], most: int) -> tuple[Fields, int]:
    fields, seen = Fields(), 0
    for batch in batches_of(events, 1 << 20):
        for line in batch.data.split(b"\n")[:-1]:
            seen += 1
            event = event_of(line)
            if event is not None:
                fields.add(event, seen)
            if seen >= most:
                return fields, seen
    return fields, seen


def _name_of(name: str | None, out: Path | None, first: str) -> str:
    """Return the exporter's name, which has to be that of its file."""
    if out is not None:
        stem = snake(out.stem)
        if name is not None and name != stem:
            raise click.UsageError(f"--name {name} is not the name of {out}; a contract is named as its file is")
        return stem
    found = snake(name if name is not None else Path(first).name.partition(".")[0])
    return found if re.fullmatch("[a-z][a-z0-9_]*", found) and found not in ("x", "engine", "lint", "console") else "my"


def _try_out(name: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        load_contract(path)
