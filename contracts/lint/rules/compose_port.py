"""The ports of a compose file are those the programs have: of a contract, of Prometheus, Alertmanager and Grafana.

A container's port that nothing listens on is published in silence. Judged are images of known programs that are not
told another port, services that start an exporter, ports published twice, and targets of a mounted Prometheus
configuration that name a service.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from contracts.compiler.document import Spot, quote
from contracts.lint.finding import Claim, Place, Severity
from contracts.lint.inputs.compose_files import Service, read_services
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_KNOWN: Mapping[str, tuple[int, str]] = {
    "prometheus": (9090, "--web.listen-address"),
    "alertmanager": (9093, "--web.listen-address"),
    "grafana": (3000, ""),
    "grafana-oss": (3000, ""),
    "node-exporter": (9100, "--web.listen-address"),
}
"""Image -> the port it listens on, and the flag that says another."""


def check(tree: Tree) -> Iterator[Claim]:
    """Yield ports nothing listens on, ports with two owners, and targets that lead nowhere."""
    for file, document in tree.compose:
        services = list(read_services(file, document))
        owners: dict[int, str] = {}
        for service in services:
            wanted = _listens_on(service, tree)
            for port in service.ports:
                owner = owners.setdefault(port.host, service.name) if port.host else service.name
                if owner != service.name:
                    problem = f"publishes port {port.host}, as {quote(owner)} does"
                    yield port.place, f"the service {quote(service.name)} {problem}; choose another"
                if wanted and port.container != wanted:
                    problem = f"publishes port {port.container} of its container (expected {wanted})"
                    yield port.place, f"the service {quote(service.name)} {problem}; correct it"
        yield from _targets(tree, services)


def _listens_on(service: Service, tree: Tree) -> int:
    """Return the port a service is known to listen on; 0 if that cannot be told."""
    port, flag = _KNOWN.get(service.image, (0, ""))
    for contract in tree.contracts:
        starts = [word for word in service.command if word in (contract.name, f"exporters.{contract.name}")]
        port, flag = (contract.port, "--port") if starts and "export" in " ".join(service.command) else (port, flag)
    stated = [word.rpartition(":")[2] for word in service.words_after(flag)] if flag else []
    return int(stated[-1]) if stated and stated[-1].isdecimal() and len(stated[-1]) < 6 else port


def _targets(tree: Tree, services: list[Service]) -> Iterator[Claim]:
    names = {service.name: service for service in services}
    mounted = {mount.source.removeprefix("./") for service in services for mount in service.mounts}
    for scrape in tree.scrapes:
        for job in scrape.jobs if scrape.file in mounted else ():
            for target in job.targets:
                host, _, port = target.rpartition(":")
                if host in names and port.isdecimal() and _listens_on(names[host], tree) not in (0, int(port)):
                    wanted = _listens_on(names[host], tree)
                    problem = f"{quote(target)} is a service that listens on {wanted}"
                    yield job.place, f"the job {quote(job.name)}: {problem}; correct the target"
        for target, place in _alertmanagers(scrape.node, scrape.file) if scrape.file in mounted else ():
            host = target.rpartition(":")[0]
            if "." not in host and host not in ("localhost", "") and host not in names:
                problem = (
                    f"alerts go to {quote(target)}, which is no service (expected one of {', '.join(sorted(names))})"
                )
                yield place, f"{problem}; correct it"


def _alertmanagers(document: Spot, file: str) -> Iterator[tuple[str, Place]]:
    for manager in document.at("alerting", "alertmanagers").elements():
        for static in manager.at("static_configs").elements():
            for target in static.at("targets").elements():
                yield target.text, Place(file, target.line)
