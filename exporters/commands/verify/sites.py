"""Where each exporter's metrics page is, and who asks for it.

In: contracts, flags, environment. Out: addresses, in the order of the contracts: a flag, then the variable of the port,
then the contract.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence

from contracts.model import Contract
from exporters.commands.verify.client import HttpClient

__all__ = ["LOGIN_VARIABLE", "metrics_pages"]

LOGIN_VARIABLE = "PEAK_TRADE_WEB_LOGIN"
"""Name and password for pages whose web configuration asks for one."""


def metrics_pages(
    contracts: Sequence[Contract],
    addresses: Sequence[str],
    environment: Mapping[str, str],
    keep: Callable[[str, bytes], None] = lambda name, answer: None,
) -> list[HttpClient]:
    """Return the address of each metrics page.

    Args:
        addresses: NAME=URL each.
        keep: handed every answer.

    Raises:
        ValueError: if a name is unknown, an address is none, or the variable of the password holds none.
    """
    given = {name: url for name, _, url in (address.partition("=") for address in addresses)}
    strangers = given.keys() - {contract.name for contract in contracts}
    if strangers:
        names = ", ".join(contract.name for contract in contracts)
        raise ValueError(f"--exporter {min(strangers)}: no such exporter; write NAME=URL with one of {names}")
    login = environment.get(LOGIN_VARIABLE, "")
    if login and ":" not in login:
        raise ValueError(f"{LOGIN_VARIABLE}: holds no name and password; write NAME:PASSWORD, or unset it")
    headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()} if login else {}
    found = []
    for contract in contracts:
        port = environment.get(contract.port_env or "", "").strip() or contract.port
        found.append(HttpClient(given.get(contract.name, f"http://127.0.0.1:{port}/metrics"), headers, keep))
    return found
