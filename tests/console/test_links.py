"""Links both ways: Grafana's and the runbooks' lead to pages of the console, the console's to boards that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from console.app import Console, build_app
from grafana.build.uids import CONSOLE
from tests.console.client import Client
from tests.console.test_api import NOW
from tests.console.test_pages import ADDRESSES, fill
from tests.console.world import RUN, World, execution_event

ROOT = Path(__file__).parents[2]
BOARDS = [json.loads(path.read_text()) for path in sorted((ROOT / "grafana/dashboards").rglob("*.json"))]
RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    client = Client(build_app(Console(world.settings, world.index(), lambda: NOW)))
    yield client
    client.close()


def links_of(board: Any) -> list[str]:
    """Return the links of a board and its panels that lead to the console."""
    panels = [*board["panels"], *(inner for panel in board["panels"] for inner in panel.get("panels", []))]
    links = [*board["links"], *(link for panel in panels for link in panel.get("links") or [])]
    return [link["url"] for link in links if "${console" in link["url"]]


def test_every_link_of_a_board_to_the_console_leads_to_a_page(client: Client) -> None:
    for board in BOARDS:
        variables = {one["name"]: one for one in board["templating"]["list"]}
        links = links_of(board)
        assert len(links) > 1, board["uid"]
        assert variables["console"]["query"] == CONSOLE
        for link in sorted(set(links)):
            assert link.startswith("${console:raw}/"), link
            used = set(re.findall(r"\$\{(\w+)", link))
            assert used <= variables.keys(), (board["uid"], link)
            address = re.sub(r"\$\{(\w+):text\}", "All", link.removeprefix("${console:raw}"))
            answer = client.get(address)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8"), link


def test_a_run_chosen_in_grafana_is_the_run_that_is_shown(world: World, client: Client) -> None:
    world.meta()
    world.executions(execution_event(RUN, "2026-01-15T18:00:00Z", "created", order_id="o1"))
    (link,) = {link for board in BOARDS for link in links_of(board) if "run_id" in link}
    address = link.removeprefix("${console:raw}").replace("${run_id:text}", RUN)
    page = client.get(address).text
    assert "<strong>o1</strong>" in page
    assert f'<a href="/watch/runs/{RUN}">Run</a>' in page
    assert "<strong>o1</strong>" not in client.get("/execution_watch?run_id=All").text


def test_every_link_of_the_console_to_grafana_leads_to_a_board_and_sets_its_variables(
    world: World, client: Client
) -> None:
    fill(world)
    boards = {board["uid"]: {one["name"] for one in board["templating"]["list"]} for board in BOARDS}
    found: set[str] = set()
    for address in ADDRESSES:
        for link in re.findall(rf'href="{re.escape(world.settings.grafana_url)}([^"]*)"', client.get(address).text):
            parts = urlsplit(link.replace("&amp;", "&"))
            uid = parts.path.removeprefix("/d/")
            named = {name.removeprefix("var-") for name in parse_qs(parts.query) if name.startswith("var-")}
            assert named <= boards[uid], (address, link)
            found.add(uid)
    assert found == {"peaktrade-execution-watch-overview", "peaktrade-exporter-health"}


def test_every_address_of_the_console_in_a_runbook_leads_to_a_page(client: Client) -> None:
    found = {
        address
        for path in RUNBOOKS
        for address in re.findall(rf"{re.escape(CONSOLE)}(/[^\s>)`\"']*)", path.read_text(encoding="utf-8"))
    }
    assert len(found) >= 3
    for address in sorted(found):
        assert client.get(address).status_code == 200, address
