"""`peaktrade status`: asks once, prints once, changes nothing.

In: flags and environment. Out: a report on standard output; exit code 0 healthy, 1 not healthy, 2 cannot tell.
"""

from __future__ import annotations

import json
import os

import click

from contracts.load import load_contracts
from exporters.commands.export import CONTRACTS
from exporters.commands.status.collect import collect, exit_code
from exporters.commands.status.report import lines_of
from exporters.commands.verify.client import HttpClient
from exporters.commands.verify.sites import metrics_pages
from exporters.engine.clock import SystemClock

__all__ = ["status"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
@click.option("--prometheus-url", envvar="PROM_URL", show_envvar=True, metavar="URL", help="Ask for alerts too.")
@click.option(
    "--exporter",
    "addresses",
    multiple=True,
    metavar="NAME=URL",
    help="Address of a metrics page, if it is not on this machine at the port of its contract; repeatable.",
)
def status(as_json: bool, prometheus_url: str | None, addresses: tuple[str, ...]) -> None:
    """Say once how things stand: gates, exporters, files and their newest events, run, orders, reconciliation, alerts.

    It only reads and asks. Exit code: 0 healthy, 1 not healthy, 2 cannot tell.

    \b
    peaktrade status
    peaktrade status --json --prometheus-url http://127.0.0.1:9092
    """
    contracts = load_contracts(CONTRACTS)
    try:
        clients = metrics_pages(contracts, addresses, os.environ)
        prometheus = HttpClient(prometheus_url) if prometheus_url else None
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    facts = collect(contracts, clients, prometheus, os.environ, SystemClock().now())
    click.echo(json.dumps(facts, indent=2) if as_json else "\n".join(lines_of(facts)))
    raise SystemExit(exit_code(facts))
