"""`peaktrade`: one command, one group per package, each loaded only when it is used.

In: the command line. Out: an exit code. The groups of the other packages are found by their entry points, so that no
package imports another for the command line's sake.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from exporters.commands.export import CONTRACTS, export, export_options, read_contract

__all__ = ["export_command", "main"]

_GROUP = "peaktrade.commands"


class _Commands(click.Group):
    """Finds its commands among the installed entry points."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from importlib.metadata import entry_points

        return sorted(point.name for point in entry_points(group=_GROUP))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == export_command.name:  # our own, without the 30 ms that looking for entry points takes
            return export_command
        from importlib.metadata import entry_points

        for point in entry_points(group=_GROUP, name=cmd_name):
            command = point.load()
            assert isinstance(command, click.Command)
            return command
        return None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="peak-trade-exporters", prog_name="peaktrade")
def main() -> None:
    """Turn JSONL event files into Prometheus metrics, by contract. Watch-only: nothing here can trade.

    \b
    peaktrade export ai_live                              serve a shipped exporter
    peaktrade export --contract my.yaml --file my.jsonl   serve your own
    peaktrade emit ai_live --out logs/ai/ai_events.jsonl  write sample events
    peaktrade demo                                        all of it, with Prometheus
    """


def _names() -> list[str]:
    return sorted(path.stem for path in CONTRACTS.glob("*.yaml"))


@click.command("export")
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--contract", "path", type=click.Path(path_type=Path), help="A contract of your own instead of NAME.")
@export_options
def export_command(name: str | None, path: Path | None, **flags: Any) -> None:
    """Serve the exporter NAME, or any contract with --contract.

    \b
    peaktrade export ai_live
    peaktrade export ai_live --once --file events.jsonl   print the metrics and exit
    peaktrade export --contract my.yaml --file 'logs/*.jsonl' --port 9200
    """
    if (name is None) == (path is None):
        raise click.UsageError(f"give either a NAME ({', '.join(_names())}) or --contract FILE")
    if name is not None and name not in _names():
        raise click.UsageError(f"no exporter named {name!r}; there are {', '.join(_names())}, or give --contract FILE")
    export(read_contract(path or CONTRACTS / f"{name}.yaml"), **flags)
