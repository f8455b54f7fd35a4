"""`peaktrade assets`: writes what Prometheus, Alertmanager, Grafana, systemd and people read, for the user's machines.

In: flags. Out: files below a folder; nothing that is there is overwritten. The texts are those of the package, with
targets, the base of runbook links, and the paths and the user of the units replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from contracts.compiler.document import ContractError
from contracts.load import load_contracts
from contracts.model import Contract
from exporters.commands.export import CONTRACTS
from exporters.commands.places import ASSETS, SHIPPED

__all__ = ["assets", "ports_of"]

_PROMETHEUS = ("prometheus/prometheus.yml", "prometheus/prometheus.host.yml")
_RUNBOOKS = re.compile(r"(?m)^(\s+runbooks: )\S+$")
_NO_RUNBOOKS = b"https://runbooks.example.net"
"""What boards say where nobody has said where the runbooks are."""

_BOARDS = "grafana/dashboards/"
_UNITS = "deploy/systemd/"

_PROGRAM = "/opt/peaktrade/bin/peaktrade"
_WORK_DIR = "/srv/peak_trade"
_USER = "peaktrade"
"""What the units of the package say."""


@click.command(short_help="Write scrape configs, rules, boards and runbooks to a folder.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="The folder to write to.",
)
@click.option("--host", "hosts", multiple=True, metavar="HOST", help="A host that runs the exporters; repeatable.")
@click.option("--port", "ports", multiple=True, metavar="NAME=PORT", help="Another port of an exporter; repeatable.")
@click.option("--runbooks", metavar="URL", help="Where the pages of docs/runbooks are served; links begin with it.")
@click.option("--program", default=_PROGRAM, show_default=True, metavar="PATH", help="The peaktrade that units start.")
@click.option("--work-dir", default=_WORK_DIR, show_default=True, metavar="DIR", help="Where units look for logs/.")
@click.option("--user", default=_USER, show_default=True, metavar="NAME", help="Who units run as.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
def assets(
    out: Path, hosts: tuple[str, ...], ports: tuple[str, ...], runbooks: str | None, force: bool, **units: str
) -> None:
    """Write prometheus/, grafana/, deploy/, docs/runbooks/, contracts/ and compose.yaml below DIR, as in this version.

    \b
    peaktrade assets --out stack
    peaktrade assets --out stack --host one --host two --port ai_live=9210 --runbooks https://wiki.example.net/runbooks
    """
    try:
        contracts = load_contracts(CONTRACTS)
        own = ports_of(contracts, ports)
        unit_texts = _unit_texts(**units)
    except (ContractError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    files = {
        name: _with_texts(data, unit_texts)
        if name.startswith(_UNITS)
        else _adapted(name, data, contracts, hosts, own, runbooks)
        for name, data in _files()
    }
    there = [name for name in files if (out / name).exists()]
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise click.UsageError(f"{out / there[0]}{more} is there already; give another folder, or --force")
    for name, data in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)
    click.echo(f"{len(files)} files in {out}; next: docker compose up, or docs/runbooks/stack.md without containers")


def _files() -> Iterator[tuple[str, bytes]]:
    """Yield (path below the folder, content) of everything that is shipped, and of the contracts."""
    for shipped in SHIPPED:
        place = ASSETS / shipped
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file():
                yield path.relative_to(ASSETS).as_posix(), path.read_bytes()
    for path in sorted(CONTRACTS.glob("*.yaml")):
        yield f"contracts/{path.name}", path.read_bytes()


def ports_of(contracts: Sequence[Contract], given: Sequence[str]) -> Mapping[str, int]:
    """Return name -> port.

    Raises:
        ValueError: if a flag names no exporter or no port.
    """
    ports = {contract.name: contract.port for contract in contracts}
    for text in given:
        name, _, port = text.partition("=")
        if name not in ports or not port.isdigit() or not 1 <= int(port) <= 65535:
            raise ValueError(f"--port {text}: write NAME=PORT with one of {', '.join(ports)}")
        ports[name] = int(port)
    return ports


def _unit_texts(program: str, work_dir: str, user: str) -> Mapping[str, str]:
    """Return what units say -> what they shall say.

    Raises:
        ValueError: if systemd would read something else in it than it says.
    """
    for flag, text in (("--program", program), ("--work-dir", work_dir)):
        if not re.fullmatch(r"/[\w./@+-]+", text):
            raise ValueError(f"{flag} {text}: write an absolute path of letters, digits and . _ - + @ /")
    if not re.fullmatch(r"[A-Za-z_][\w.-]*", user):
        raise ValueError(f"--user {user}: write the name of a user")
    texts = {_PROGRAM: program, _WORK_DIR: work_dir.rstrip("/"), f"User={_USER}\n": f"User={user}\n"}
    if any(text.startswith(("/home/", "/root/")) for text in (program, work_dir)):
        texts["ProtectHome=yes"] = "ProtectHome=read-only"
    return texts | {f"\nu {_USER} ": f"\nu {user} "}


def _with_texts(data: bytes, texts: Mapping[str, str]) -> bytes:
    return re.sub("|".join(map(re.escape, texts)), lambda found: texts[found[0]], data.decode()).encode()


def _adapted(
    name: str,
    data: bytes,
    contracts: Sequence[Contract],
    hosts: Sequence[str],
    ports: Mapping[str, int],
    runbooks: str | None,
) -> bytes:
    """Return a scrape config for these hosts and ports, and boards that lead to these runbooks; else what is there."""
    if runbooks and name.startswith(_BOARDS):
        return data.replace(_NO_RUNBOOKS, runbooks.rstrip("/").encode())
    if name not in _PROMETHEUS:
        return data
    text = data.decode()
    if runbooks:
        text = _RUNBOOKS.sub(lambda found: found[1] + runbooks.rstrip("/"), text)
    for contract in contracts:
        pattern = rf'targets: \["([\w.]+):{contract.port}"\]'
        text = re.sub(pattern, lambda found, one=contract: _targets(hosts or (found[1],), ports[one.name]), text)  # type: ignore[misc]
    return text.encode()


def _targets(hosts: Sequence[str], port: int) -> str:
    return "targets: [" + ", ".join(f'"{host}:{port}"' for host in hosts) + "]"
