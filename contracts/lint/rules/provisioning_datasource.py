"""A provisioned datasource is the one boards and people ask for: one uid each, one default, at a port something has.

A board that pins a uid which is provisioned under another one shows "datasource not found". An address of the compose
network has to name a service and its port.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.compiler.document import Spot, quote
from contracts.lint.finding import Claim, Place, Severity
from contracts.lint.inputs.compose_files import Service, read_services
from contracts.lint.inputs.located_json import Node, nodes_in
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_URL = re.compile(r"https?://([\w.-]+):(\d{1,5})(?:/.*)?")
_PORTS = {"prometheus": 9090, "alertmanager": 9093}
_BUILT_IN = ("grafana", "-- Grafana --", "-- Mixed --", "-- Dashboard --")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield datasources that stand twice, lead nowhere, or are asked for and not there."""
    services = {found.name: found for file, document in tree.compose for found in read_services(file, document)}
    uids: dict[str, Place] = {}
    default: Place | None = None
    for file, document in tree.provisioning:
        for source in document.at("datasources").elements():
            name, uid = source.text_of("name"), source.text_of("uid")
            place = Place(file, source.at("uid").line if uid else source.line)
            if uid and uid in uids:
                yield place, f"the uid {quote(uid)} belongs to another datasource already; choose another"
            uids[uid or name] = place
            if source.at("isDefault").is_true and default is not None:
                yield (
                    Place(file, source.at("isDefault").line),
                    f"{quote(name)} is a second default; delete one isDefault",
                )
            default = place if source.at("isDefault").is_true else default
            yield from _wrong_address(source, file, services)
    yield from _asked(tree, uids)


def _wrong_address(source: Spot, file: str, services: dict[str, Service]) -> Iterator[Claim]:
    url = source.at("url")
    found = _URL.fullmatch(url.text)
    if found is None or not services:
        return
    host, port = found[1], int(found[2])
    place, name = Place(file, url.line), quote(source.text_of("name"))
    if "." not in host and host != "localhost" and host not in services:
        problem = f"the datasource {name} is at {quote(host)}, which is no service"
        yield place, f"{problem} (expected one of {', '.join(sorted(services))}); correct its url"
    elif host in services:
        service = services[host]
        stated = [word.rpartition(":")[2] for word in service.words_after("--web.listen-address")]
        wanted = int(stated[-1]) if stated and stated[-1].isdecimal() else _PORTS.get(service.image, port)
        if wanted != port:
            problem = f"the datasource {name} asks port {port} of {quote(host)} (expected {wanted})"
            yield place, f"{problem}; correct its url"


def _asked(tree: Tree, uids: dict[str, Place]) -> Iterator[Claim]:
    """Yield uids that boards pin or begin with, and nothing provides."""
    for board in tree.dashboards if uids else ():
        for node in nodes_in(board.node):
            stated = node.get("datasource")
            uid = stated.get("uid") if isinstance(stated, Node) else None
            place = Place(board.file, node.line_of("datasource"), node.line, node.last)
            if isinstance(uid, str) and uid not in uids and "$" not in uid and uid not in _BUILT_IN:
                yield place, f"no datasource is provisioned as {quote(uid)} (expected {_one_of(uids)}); correct it"
        for entry in board.node.get("templating", {}).get("list", []):
            chosen = entry.get("current")
            uid = chosen.get("value") if isinstance(chosen, Node) and entry.get("type") == "datasource" else None
            if isinstance(uid, str) and uid not in (*uids, "", "default") and "$" not in uid:
                problem = f"the choice of a datasource begins with {quote(uid)}, which is not provisioned"
                yield Place(board.file, entry.line_of("current")), f"{problem} (expected {_one_of(uids)}); correct it"


def _one_of(uids: dict[str, Place]) -> str:
    return " or ".join(quote(uid) for uid in sorted(uids))
