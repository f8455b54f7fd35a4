import asyncio
import re
import subprocess
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

import contracts
from contracts.load import load_contract
from contracts.model import Contract
from exporters.engine.accounting import LIVE, Accounting
from exporters.engine.exposition.app import build_app
from exporters.engine.exposition.render import render
from exporters.engine.values import Checkpoint, FileKey, Refusal, Status
from tests.engine.support.harness import Bench, vitals

CONTRACTS = sorted(Path(contracts.__path__[0]).glob("*.yaml"))
OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;q=0.5"
TEXT = """
vocabulary: {kind: {values: [a, b]}}
sources: {all: {match: {}, read: {kind: kind}}}
metrics: {kinds_total: {type: counter, counts: kind, labels: [kind], help: Kinds., budget: 2}}
"""


class HttpClient:
    """An application over fixed values that notes how long each scraper waits."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.is_ready = False
        self.timeouts: list[float] = []
        self._bench = Bench(contract)
        gauges = Accounting(contract).gauges(vitals(open_pairs=self._bench.pairs.sizes()))
        self._gauges = [(LIVE[name], found) for name, found in gauges.items() if found]
        self.app = build_app(lambda: contract, self._join, self._render, lambda: self.is_ready)

    def ask(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        """Send one request, straight to the application; `accept_encoding` is the header Accept-Encoding."""
        sent = {"accept-encoding": "identity", **{name.replace("_", "-"): value for name, value in headers.items()}}

        async def answer() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app)) as client:
                return await client.request(method, f"http://exporter{path}", headers=sent)

        return asyncio.run(answer())

    def _join(self, timeout_s: float) -> Future[None]:
        self.timeouts.append(timeout_s)
        turn: Future[None] = Future()
        turn.set_result(None)
        return turn

    def _render(self, accept: str) -> tuple[bytes, str]:
        return render(self._bench.snapshot(), self._gauges, accept)


@pytest.fixture
def site(contract: Callable[[str], Contract]) -> HttpClient:
    return HttpClient(replace(contract(TEXT), name="a<b", help="Fish & chips."))


def test_the_landing_page_says_who_this_is_and_where_to_go(site: HttpClient) -> None:
    page = site.ask("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<h1>a&lt;b</h1><p>Fish &amp; chips.</p>" in page.text
    assert f"<code>sample.yaml</code>, sha256 <code>{site.contract.sha256}</code>" in page.text
    assert re.findall('href="([^"]+)"', page.text) == ["/metrics", "/-/healthy", "/-/ready"]


@pytest.mark.parametrize("path", ["/metrics", "/metrics?x", "/metrics?name[]=up&x=%00"])
def test_metrics_come_as_text_whatever_the_query(site: HttpClient, path: str) -> None:
    answer = site.ask(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert answer.headers["vary"] == "accept, accept-encoding"
    assert 'kinds_total{kind="a"} 0.0\n' in answer.text


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.stem)
def test_both_formats_of_every_exporter_are_understood_by_the_client_library(path: Path) -> None:
    site = HttpClient(load_contract(path))
    plain = [family.name for family in parse_text(site.ask("/metrics").text)]
    answer = site.ask("/metrics", accept=OPENMETRICS)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    parsed = parse_openmetrics(answer.text)  # type: ignore[no-untyped-call]
    assert sorted(family.name for family in parsed) == sorted(plain)
    assert len(plain) == len(set(plain)) > 10


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.stem)
def test_promtool_has_nothing_to_say_about_any_exporter(path: Path) -> None:
    body = HttpClient(load_contract(path)).ask("/metrics").content
    done = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, check=False)
    assert (done.returncode, done.stdout.decode(), done.stderr.decode()) == (0, "", "")


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5, br", True),
        ("gzip;q=1.0", True),
        ("gzip;q=0", False),
        ("gzip; q=0.00", False),
        ("identity", False),
        ("x-gzip-like", False),
        ("", False),
    ],
)
def test_metrics_are_packed_for_whoever_takes_gzip(site: HttpClient, accepted: str, is_packed: bool) -> None:
    answer = site.ask("/metrics", accept_encoding=accepted)
    assert answer.headers.get("content-encoding") == ("gzip" if is_packed else None)
    assert 'kinds_total{kind="a"} 0.0\n' in answer.text


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy"])
def test_head_answers_like_get_without_a_body(site: HttpClient, path: str) -> None:
    head = site.ask(path, "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == site.ask(path).headers["content-type"]


@pytest.mark.parametrize("path", ["/metric", "/metrics/", "/-/", "/-/ready/", "/favicon.ico", "//metrics", "/docs"])
def test_anything_else_is_not_found(site: HttpClient, path: str) -> None:
    answer = site.ask(path)
    assert (answer.status_code, answer.text) == (404, "Not Found")


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_sent_here(site: HttpClient, method: str, path: str) -> None:
    answer = site.ask(path, method)
    assert answer.status_code == 405
    assert sorted(answer.headers["allow"].split(", ")) == ["GET", "HEAD"]


def test_ready_follows_the_engine_and_healthy_does_not(site: HttpClient) -> None:
    answer = site.ask("/-/ready")
    assert (answer.status_code, answer.text) == (503, "reading the event files for the first time\n")
    site.is_ready = True
    answer = site.ask("/-/ready")
    assert (answer.status_code, answer.text) == (200, "ready\n")
    assert site.ask("/-/healthy").text == "healthy\n"


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (None, 10.0),
        ("4", 4.0),
        ("0.5", 0.5),
        ("0.001", 0.1),
        ("3600", 60.0),
        ("0", 10.0),
        ("-1", 10.0),
        ("nan", 10.0),
        ("inf", 10.0),
        ("soon", 10.0),
        ("", 10.0),
    ],
)
def test_the_scrapers_own_timeout_is_kept_and_nonsense_is_ignored(
    site: HttpClient, stated: str | None, expected: float
) -> None:
    name = "x_prometheus_scrape_timeout_seconds"
    assert site.ask("/metrics", **({name: stated} if stated is not None else {})).status_code == 200
    assert site.timeouts == [expected]


def test_the_landing_page_shows_files_lines_and_the_last_refusals(site: HttpClient) -> None:
    key = FileKey(1, 2)
    files = [Checkpoint(n, f"logs/<{n}>.jsonl", key, 1000, 1500, 0, 0, "", 0, "") for n in range(22)]
    refusals = [Refusal("bad_json", "logs/a.jsonl", 1234, 1_769_300_000.0, 'v is "<b>", wanted 1')]
    status = Status(files, {"applied": 12345.0, "bad_json": 1.0}, refusals)
    site.app = build_app(lambda: site.contract, site._join, site._render, lambda: True, lambda: status)
    page = site.ask("/").text
    assert "<td>logs/&lt;0&gt;.jsonl</td><td>1,000</td><td>500</td>" in page
    assert page.count("&gt;.jsonl") == 20 and "and 2 more files" in page
    assert "<td>applied</td><td>12,345</td>" in page
    cells = "<td>bad_json</td><td>2026-01-25T00:13:20+00:00</td><td>logs/a.jsonl@1234</td>"
    assert f"{cells}<td>v is &quot;&lt;b&gt;&quot;, wanted 1</td>" in page
    assert site.timeouts == [1.0]


@pytest.mark.parametrize(("number", "more"), [(0, ""), (19, ""), (20, ""), (21, "<p>and 1 more files</p>")])
def test_the_landing_page_shows_twenty_files_and_says_how_many_more_there_are(
    site: HttpClient, number: int, more: str
) -> None:
    files = [Checkpoint(n, f"{n}.jsonl", FileKey(1, 2), 7, 5, 0, 0, "", 0, "") for n in range(number)]
    site.app = build_app(lambda: site.contract, site._join, site._render, lambda: True, lambda: Status(files))
    page = site.ask("/").text
    assert page.count(".jsonl</td><td>7</td><td>0</td>") == min(20, number)
    assert page.count("more files") == bool(more)
    assert more in page
    assert page.count("<table>") == bool(number)


@pytest.mark.parametrize(("path", "expected"), [("/metrics", 3.6), ("/", 1.0)])
def test_a_scraper_gets_what_there_is_before_its_own_time_is_up(
    site: HttpClient, monkeypatch: pytest.MonkeyPatch, path: str, expected: float
) -> None:
    waited: list[float] = []

    async def give_up(awaited: object, seconds: float) -> None:
        waited.append(seconds)
        raise TimeoutError

    monkeypatch.setattr("exporters.engine.exposition.app.asyncio.wait_for", give_up)
    answer = site.ask(path, x_prometheus_scrape_timeout_seconds="4")
    assert answer.status_code == 200
    assert waited == [pytest.approx(expected)]
