"""A fuzzer over every route and parameter: no answer is a server error, none is without bounds.

60 requests in the ordinary run, 10,000 with PEAK_TRADE_CHAOS=1.
"""

from __future__ import annotations

import random
import re
from urllib.parse import quote

from console.api.endpoint import Endpoint
from console.api.parameters import PATHS
from console.api.routes import ENDPOINTS
from console.app import Console, build_app
from console.pages.pages import PAGES
from tests.budget import amount
from tests.console.client import Client
from tests.console.test_api import NOW
from tests.console.test_pages import NASTY, fill
from tests.console.world import RUN, World

NUMBER = amount(60, 10_000)
LARGEST = 16 << 20
STRANGE = (
    *NASTY,
    *(
        "",
        "0",
        "-1",
        "1",
        "99999999999999",
        "1e9",
        "NaN",
        "null",
        "true",
        "\0",
        "..",
        "../../etc/passwd",
        "/etc/passwd",
    ),
    *("%2e%2e", "\u2028", "\U0001f600", "csv", "json", "2026-01-15T18:00:00Z", "9999-12-31T23:59:59+14:00"),
    *("0001-01-01", "' OR 1=1 --", "*", "[", "x" * 5000),
)
IDS = (RUN, "s1", *STRANGE)
METHODS = ("GET",) * 8 + ("HEAD", "POST")


def address(choice: random.Random, endpoint: Endpoint) -> str:
    """Return an address of a route, with ids and parameters that make little sense."""
    path = re.sub(r"{\w+}", lambda _: quote(choice.choice(IDS), safe=choice.choice(("", "/.%"))), endpoint.path)
    names = [one.name for one in endpoint.parameters if one.name not in ("sse", "follow")]
    names += choice.sample(PATHS, choice.random() < 0.1)
    chosen = [name for name in names if choice.random() < 0.5]
    query = "&".join(f"{quote(name)}={quote(choice.choice(STRANGE), safe='')}" for name in chosen)
    return f"{path}?{query}"


def test_whatever_is_asked_there_is_an_answer(world: World) -> None:
    fill(world)
    client = Client(build_app(Console(world.settings, world.index(), lambda: NOW)))
    choice = random.Random(15)
    routes = (*ENDPOINTS, *PAGES)
    for _ in range(NUMBER):
        asked = address(choice, choice.choice(routes))
        answer = client.request(choice.choice(METHODS), asked[:60_000])
        assert answer.status_code in (200, 400, 404, 405, 422), (asked[:500], answer.text)
        assert len(answer.content) < LARGEST
        assert "Traceback" not in answer.text
        if answer.headers["content-type"] == "application/json" and answer.content:
            answer.json()
    client.close()
