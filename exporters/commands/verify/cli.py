"""`peaktrade verify`: asks the whole stack, for a bounded time, and says in one line each what is right or wrong.

In: flags and environment. Out: PASS, WARN and INFO lines on standard output, FAIL and NEXT lines on standard error, at
the end RESULT=; exit code 0 healthy, 1 not healthy, 2 the user must change something first.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from contracts.compiler.document import ContractError
from contracts.load import load_contracts
from exporters.commands.export import CONTRACTS
from exporters.commands.places import ASSETS
from exporters.commands.verify.client import HttpClient, NoAnswerError
from exporters.commands.verify.evidence import Evidence
from exporters.commands.verify.finding import Finding
from exporters.commands.verify.grafana import credentials, read_dashboards
from exporters.commands.verify.plan import Plan, carry_out
from exporters.commands.verify.rules import read_rule_names
from exporters.commands.verify.sites import metrics_pages

__all__ = ["verify"]

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

_OPTIONS = (
    click.Option(
        ["--prometheus-url"],
        envvar="PROM_URL",
        default="http://127.0.0.1:9092",
        show_default=True,
        show_envvar=True,
        metavar="URL",
        help="Prometheus.",
    ),
    click.Option(
        ["--grafana-url"],
        envvar="GRAFANA_URL",
        show_envvar=True,
        metavar="URL",
        help="Ask Grafana too, e.g. http://127.0.0.1:3000.",
    ),
    click.Option(
        ["--exporter", "addresses"],
        multiple=True,
        metavar="NAME=URL",
        help="Address of a metrics page, if it is not on this machine at the port of its contract; repeatable.",
    ),
    click.Option(
        ["--retries"],
        type=click.IntRange(0, 20),
        default=5,
        show_default=True,
        help="Times to ask again what fails; the first after 1 s, then 2 s, and so on.",
    ),
    click.Option(
        ["--evidence"],
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Keep every answer, summary, date, host, versions and checksums in a new folder below this one.",
    ),
    click.Option(["--contracts"], type=_FOLDER, default=CONTRACTS, metavar="DIR", help="The contracts to hold to."),
    click.Option(
        ["--rules"],
        type=_FOLDER,
        default=ASSETS / "prometheus" / "rules",
        metavar="DIR",
        help="The rule files Prometheus must have loaded.",
    ),
    click.Option(
        ["--dashboards"],
        type=click.Path(file_okay=False, path_type=Path),
        default=ASSETS / "grafana" / "dashboards",
        metavar="DIR",
        help="The dashboards Grafana must have.",
    ),
)


def _verify(
    prometheus_url: str,
    grafana_url: str | None,
    addresses: tuple[str, ...],
    retries: int,
    evidence: Path | None,
    contracts: Path,
    rules: Path,
    dashboards: Path,
) -> None:
    try:
        kept = Evidence(evidence)
        known = load_contracts(contracts)
        plan = Plan(
            prometheus=HttpClient(prometheus_url, keep=kept.keep),
            grafana=_grafana(grafana_url, os.environ, kept) if grafana_url else None,
            contracts=known,
            exporters=metrics_pages(known, addresses, os.environ, kept.keep),
            rules=read_rule_names(rules),
            dashboards=read_dashboards(dashboards),
        )
    except (ContractError, ValueError, OSError) as error:
        raise click.UsageError(str(error)) from error
    findings = carry_out(plan, retries, _pause)
    code = _report(findings, kept)
    kept.close({"prometheus": _version_of(plan.prometheus), "contracts": str(contracts)})
    raise SystemExit(code)


def _version_of(prometheus: HttpClient) -> str:
    """Return address and version of a Prometheus, as far as it says it."""
    try:
        answer = prometheus.read_json("/api/v1/status/buildinfo")
        return f"{prometheus.base} {answer['data']['version']}"
    except (NoAnswerError, KeyError, TypeError):
        return f"{prometheus.base} (version unknown)"


verify = click.Command(
    "verify",
    callback=_verify,
    params=list(_OPTIONS),
    help="""Check a running stack: Prometheus, its targets and rules, the golden queries, every exporter against its
    contract and, with --grafana-url, Grafana, its datasource and dashboards. It only asks. One cause is one FAIL, with
    the next step; what follows from it is a WARN that says so.

    For Grafana it needs GRAFANA_TOKEN, or GF_SECURITY_ADMIN_PASSWORD and, unless the user is admin,
    GF_SECURITY_ADMIN_USER. Exit code: 0 healthy, 1 not healthy, 2 wrong usage.

    \b
    peaktrade verify
    peaktrade verify --grafana-url http://127.0.0.1:3000 --evidence evidence
    """,
)
"""The command, ready to be mounted."""


def _grafana(url: str, environment: Mapping[str, str], kept: Evidence) -> HttpClient:
    headers = credentials(environment)
    if headers is None:
        raise ValueError("Grafana wants to know who asks; set GRAFANA_TOKEN or GF_SECURITY_ADMIN_PASSWORD")
    return HttpClient(url, headers, kept.keep)


def _pause(number: int, failing: int) -> None:
    click.echo(f"INFO|retry|{failing} not right yet; asking again in {number} s")
    time.sleep(number)


def _report(findings: Sequence[Finding], kept: Evidence) -> int:
    """Print every finding and the result; return the exit code."""
    for finding in findings:
        _say(str(finding), kept, is_bad=not finding.passed)
        if not finding.passed:
            _say(f"NEXT|{finding.watcher}", kept, is_bad=True)
    healthy = all(finding.passed for finding in findings)
    if kept.place is not None:
        _say(f"EVIDENCE|dir={kept.place}", kept, is_bad=False)
    _say(f"RESULT={'PASS' if healthy else 'FAIL'}", kept, is_bad=not healthy)
    return 0 if healthy else 1


def _say(line: str, kept: Evidence, is_bad: bool) -> None:
    click.echo(line, err=is_bad)
    kept.note(line)
