"""Asks an exporter: does its page keep the promise of the contract, and is that the contract on disk.

In: a site and a contract. Out: a check.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.metrics_core import Metric as Family

from contracts.model import Contract
from contracts.no_live import VARIABLE
from contracts.self_metrics import LIVE_TRADING, RESERVED_PREFIX
from exporters.commands.verify.client import HttpClient, read_families
from exporters.commands.verify.conformity import contract_in_force, count_series, find_problems, is_known
from exporters.commands.verify.finding import Check, Depth, Finding, fail, passed
from exporters.commands.verify.health import find_ills

__all__ = ["check_exporter"]

_SHOWN = 10
_BUILD_INFO = f"{RESERVED_PREFIX}build_info"


def check_exporter(exporter: HttpClient, contract: Contract) -> Check:
    """Return the check of one exporter's metrics page; `exporter` is the address of the page itself."""
    return Check(
        f"{contract.name}_metrics",
        lambda: _page(exporter, contract),
        f"start it: python -m exporters.{contract.name}; or give its address: --exporter {contract.name}=URL",
        contract.name,
        Depth.PAGE,
    )


def _page(exporter: HttpClient, contract: Contract) -> Iterator[Finding]:
    name = f"{contract.name}_metrics"
    try:
        families = list(read_families(exporter.read(name=f"metrics/{contract.name}.prom")))
    except ValueError as error:
        yield fail(name, f"{exporter.base}: not a metrics page ({error})", "something else holds the port: ss -ltnp")
        return
    stranger = _stranger(contract, families)
    if stranger:
        yield fail(
            name, f"{exporter.base}: {stranger}", f"who holds the port: ss -ltnp; start exporters.{contract.name}"
        )
        return
    problems = list(find_problems(contract, families))
    for problem in problems[:_SHOWN]:
        watcher = f"restart the exporter with {contract.path}; if it stays, report it"
        yield Finding("FAIL", name, problem, watcher, contract.name)
    if len(problems) > _SHOWN:
        yield Finding("INFO", name, f"{len(problems) - _SHOWN} more problems are not shown")
    if not problems:
        series = sum(map(count_series, families))
        yield passed(name, f"{len(families)} families, {series} series, all as {_file(contract)} says")
    yield from find_ills(contract, families)
    yield _contract(contract, contract_in_force(families))
    yield _no_live(contract, [s.value for family in families if family.name == LIVE_TRADING for s in family.samples])


def _stranger(contract: Contract, families: Sequence[Family]) -> str:
    """Return who answers instead of the exporter, or "" if it is the exporter."""
    names = {s.labels.get("exporter", "") for f in families if f.name == _BUILD_INFO for s in f.samples}
    if not families:
        return "the page is empty"
    if not any(is_known(contract, family) for family in families):
        return f"this is no exporter of ours, but what shows {families[0].name}"
    if names and contract.name not in names:
        return f"this is {', '.join(sorted(names))}, not {contract.name}"
    return ""


def _contract(contract: Contract, running: str) -> Finding:
    name, file = f"{contract.name}_contract", _file(contract)
    if running == contract.sha256:
        return passed(name, f"runs {file} as it is on disk ({running[:12]})")
    if not running:
        watcher = f"something else holds port {contract.port}: ss -ltnp"
        return Finding("FAIL", name, "the page does not say which contract is in force", watcher, contract.name)
    text = f"runs another {file} ({running[:12]}) than the one on disk ({contract.sha256[:12]})"
    return Finding("FAIL", name, text, f"restart the exporter: python -m exporters.{contract.name}", contract.name)


def _no_live(contract: Contract, stated: Sequence[float]) -> Finding:
    name = f"{contract.name}_no_live"
    if not stated:
        watcher = "it is no exporter of ours, or an older one: restart it from this checkout"
        text = "the page does not say whether live trading is enabled"
        return Finding("FAIL", name, text, watcher, contract.name)
    if any(value != 0 for value in stated):
        text = f"{VARIABLE} is on where {contract.name} runs; this system only ever watches"
        watcher = f"unset {VARIABLE} there, restart, and find out who set it: docs/no_live.md"
        return Finding("FAIL", name, text, watcher, contract.name, Depth.SOURCE)
    return passed(name, f"{VARIABLE} is off where {contract.name} runs")


def _file(contract: Contract) -> str:
    return contract.path.rsplit("/", 1)[-1]
