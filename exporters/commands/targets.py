"""`peaktrade targets`: which addresses a Prometheus shall scrape, from contracts and hosts, as a file it watches.

In: hosts, contracts, ports. Out: a file for `file_sd_configs`, JSON or YAML, the same bytes for the same input whatever
the order; it is there whole or not at all, whenever Prometheus looks. A host that cannot be one is refused.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv6Address, ip_address
from pathlib import Path

import click

from contracts.compiler.document import ContractError
from contracts.load import load_all
from contracts.model import Contract
from exporters.commands.assets import ports_of
from exporters.commands.export import CONTRACTS

__all__ = ["targets"]

_ENDINGS = (".json", ".yml", ".yaml")
"""Source: Prometheus reads no other file."""

_NAME = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*"
)
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS = ("job", "host", "instance")

Group = Mapping[str, object]
"""`targets`: one address with port; `labels`: its job, host and whatever was asked for."""


@click.command(short_help="Write which addresses Prometheus scrapes, from contracts and hosts.")
@click.option("--host", "hosts", multiple=True, metavar="HOST", help="NAME, ADDRESS or NAME=ADDRESS; repeatable.")
@click.option(
    "--hosts",
    "lists",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A file with a host a line; # begins a comment; repeatable.",
)
@click.option(
    "--contract",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A contract whose exporter each host runs, instead of those that are shipped; repeatable.",
)
@click.option("--port", "ports", multiple=True, metavar="NAME=PORT", help="Another port of an exporter; repeatable.")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="A label of every target; repeatable.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write to; else to standard output.",
)
def targets(
    hosts: tuple[str, ...],
    lists: tuple[Path, ...],
    paths: tuple[Path, ...],
    ports: tuple[str, ...],
    labels: tuple[str, ...],
    out: Path | None,
) -> None:
    """Write which addresses Prometheus scrapes: each exporter on each host, with the labels job and host.

    \b
    peaktrade targets --host trader-1 --host trader-2=10.0.0.12 --out targets/peak_trade.json
    peaktrade targets --hosts hosts.txt --contract my.yaml --label site=fra --out targets/peak_trade.yml
    """
    try:
        contracts = _contracts(paths)
        addresses = _addresses(
            [*(("--host", text) for text in hosts), *(one for path in lists for one in _lines(path))]
        )
        groups = _groups(contracts, addresses, ports_of(contracts, ports), _labels(labels))
        text = _text(groups, out.suffix if out else ".json")
    except (ContractError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        is_new = _write(out, text)
    except OSError as error:
        raise click.ClickException(f"{out}: cannot be written ({(error.strerror or str(error)).lower()})") from error
    click.echo(f"{len(groups)} targets on {len(addresses)} hosts in {out}" + ("" if is_new else ", as before"))


def _contracts(paths: Sequence[Path]) -> Sequence[Contract]:
    found, faults = load_all(paths or sorted(CONTRACTS.glob("*.yaml")))
    if faults:
        raise ContractError(faults)
    return found


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield place and text of each host in a file."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not UTF-8; save it as UTF-8") from error
    for number, line in enumerate(text.splitlines(), 1):
        host = line.partition("#")[0].strip()
        if host:
            yield f"{path}:{number}:", host


def _addresses(stated: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Return host -> address as it stands before a port.

    Raises:
        ValueError: if there is none, one is no host, or two are the same.
    """
    if not stated:
        raise ValueError("no host is named; give --host, or --hosts with a file")
    found: dict[str, str] = {}
    places: dict[str, str] = {}
    for place, text in stated:
        name, equals, address = text.partition("=")
        shown = _address(address if equals else name, place, text)
        name = name.strip("[]")
        if equals and not _NAME.fullmatch(name):
            raise ValueError(f"{place} {text!r}: {name!r} is no name of a host; write NAME=ADDRESS")
        for what in (name, f"{shown} "):
            if what in places:
                raise ValueError(f"{place} {text!r}: {what.strip()} was named before, by {places[what]}; name it once")
            places[what] = f"{place} {text!r}"
        found[name] = shown
    return found


def _address(address: str, place: str, text: str) -> str:
    """Return an address as it stands before a port, an IPv6 one in brackets."""
    remedy = "write a name or an address alone, like trader-1, 10.0.0.12 or [2001:db8::1]"
    if "/" in address:
        raise ValueError(f"{place} {text!r}: has a scheme or a path; {remedy}")
    try:
        found = ip_address(address.removeprefix("[").removesuffix("]"))
    except ValueError:
        found = None
    if found is not None:
        return f"[{found}]" if isinstance(found, IPv6Address) else str(found)
    if re.fullmatch(r"\[?[^\]]*\]?:\d+", address):
        raise ValueError(f"{place} {text!r}: has a port; {remedy}, and the port as --port NAME=PORT")
    if not _NAME.fullmatch(address) or re.fullmatch(r"[\d.]+", address):
        raise ValueError(f"{place} {text!r}: {address!r} is no host; {remedy}")
    return address


def _labels(stated: Sequence[str]) -> Mapping[str, str]:
    found = {}
    for text in stated:
        name, equals, value = text.partition("=")
        if not equals or not value or not _LABEL.fullmatch(name) or name.startswith("__"):
            raise ValueError(f"--label {text}: write NAME=VALUE, the name of letters, digits and _")
        if name in _OURS or name in found:
            raise ValueError(f"--label {text}: {name} is set already; choose another name")
        found[name] = value
    return found


def _groups(
    contracts: Sequence[Contract], addresses: Mapping[str, str], ports: Mapping[str, int], labels: Mapping[str, str]
) -> list[Group]:
    """Return a group for each exporter on each host, by job and host."""
    return [
        {
            "targets": [f"{addresses[host]}:{ports[contract.name]}"],
            "labels": {"job": contract.job, "host": host, **dict(sorted(labels.items()))},
        }
        for contract in sorted(contracts, key=lambda one: one.job)
        for host in sorted(addresses)
    ]


def _text(groups: Sequence[Group], ending: str) -> str:
    """Return the file; in YAML, each group is a line, and what stands there is JSON, which YAML holds."""
    if ending not in _ENDINGS:
        raise ValueError(
            f"--out: Prometheus reads no file that ends in {ending or 'nothing'}; end it in .json, .yml or .yaml"
        )
    if ending == ".json":
        return json.dumps(groups, indent=2, ensure_ascii=False) + "\n"
    return "".join(f"- {json.dumps(group, ensure_ascii=False)}\n" for group in groups)


def _write(out: Path, text: str) -> bool:
    """Put a file in place at once, under a name nobody watches until then; whether it says something new.

    Raises:
        OSError: if that cannot be done; then what was there before is there still.
    """
    place = out.resolve()
    data = text.encode()
    if place.is_file() and place.read_bytes() == data:
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{place.name}.", suffix=".part", dir=place.parent)
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.chmod(0o644)
        fresh.replace(place)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return True
