"""Questions over HTTP: what counts as an answer, and what is said when there is none."""

from __future__ import annotations

import math
import socket
import threading

import pytest

from contracts.load import load_contracts
from exporters.commands.export import CONTRACTS
from exporters.commands.verify.client import HttpClient, NoAnswerError, query, read_families
from exporters.commands.verify.sites import LOGIN_VARIABLE, metrics_pages
from tests.commands.verify.conftest import FakeSite
from tests.end_to_end.ports import free_port


def vector(*items: tuple[dict[str, str], str]) -> dict[str, object]:
    return {"status": "success", "data": {"result": [{"metric": labels, "value": [0, text]} for labels, text in items]}}


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:9092", "file:///etc/passwd", "ftp://host/", "http://", "http://host:port/", "http://host:0", ""],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValueError) as caught:
        HttpClient(address)
    assert str(caught.value) == f"{address!r} is no address to ask; write it like http://127.0.0.1:9092"


def test_a_password_in_an_address_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValueError) as caught:
        HttpClient("http://admin:secret@127.0.0.1:3000")
    assert str(caught.value) == "a password has no place in an address; use the environment variables for it"


def test_headers_do_not_show_when_a_site_is_printed() -> None:
    assert "secret" not in repr(HttpClient("http://127.0.0.1:3000", {"Authorization": "Bearer secret"}))


def test_an_answer_is_handed_to_whoever_keeps_it_under_the_name_of_the_question(fake: FakeSite) -> None:
    kept: dict[str, bytes] = {}
    fake.say("/a", b"one")
    site = HttpClient(fake.base + "/", {"X-Who": "me"}, kept.__setitem__)
    assert (site.read("/a", "first", q="1 2"), site.read("/a")) == (b"one", b"one")
    assert kept == {"first": b"one"}
    assert fake.asked == ["/a?q=1+2", "/a"]
    assert fake.headers[0]["X-Who"] == "me"


def test_another_status_than_200_is_no_answer(fake: FakeSite) -> None:
    with pytest.raises(NoAnswerError) as caught:
        fake.site.read("/nothing", query="secret")
    assert str(caught.value) == f"{fake.base}/nothing: answered 404"


def test_a_redirect_is_not_followed(fake: FakeSite) -> None:
    fake.say("/here", b"", 302)
    fake.say("/there", b"found")
    fake.location = fake.base + "/there"
    with pytest.raises(NoAnswerError) as caught:
        fake.site.read("/here")
    assert str(caught.value) == f"{fake.base}/here: answered 302"
    assert fake.asked == ["/here"]


def test_a_proxy_of_the_environment_is_not_asked(fake: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    fake.say("/a", b"direct")
    assert fake.site.read("/a") == b"direct"


def test_nobody_there_is_no_answer() -> None:
    base = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(NoAnswerError) as caught:
        HttpClient(base).read("/metrics")
    assert str(caught.value) == f"{base}/metrics: connection refused"


def test_a_silent_site_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporters.commands.verify.client._TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(NoAnswerError) as caught:
            HttpClient(base).read()
    assert str(caught.value) == f"{base}: no answer within 0.05 s"


def test_something_that_is_not_http_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def talk() -> None:
            with listener.accept()[0] as connection:
                connection.recv(4096)
                connection.sendall(b"220 mail ready\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        with pytest.raises(NoAnswerError) as caught:
            HttpClient(base).read()
        thread.join()
    assert str(caught.value) == f"{base}: answered something that is not HTTP"


def test_what_is_not_json_is_no_answer_where_json_was_asked_for(fake: FakeSite) -> None:
    fake.say("/api", b"<html>")
    with pytest.raises(NoAnswerError) as caught:
        fake.site.read_json("/api")
    assert str(caught.value) == f"{fake.base}/api: answered something that is not JSON"


def test_an_instant_query_gives_labels_and_values(fake: FakeSite) -> None:
    fake.say("/api/v1/query", vector(({"job": "a"}, "1.5"), ({}, "NaN")))
    answer = query(fake.site, 'up{job="a"}')
    assert answer[0] == ({"job": "a"}, 1.5)
    assert math.isnan(answer[1][1])
    assert fake.asked == ["/api/v1/query?query=up%7Bjob%3D%22a%22%7D"]


@pytest.mark.parametrize("answer", [{}, [], {"data": {"result": [{"metric": {}}]}}, {"data": {"result": [0, "1"]}}])
def test_an_answer_that_is_no_vector_is_no_answer(fake: FakeSite, answer: object) -> None:
    fake.say("/api/v1/query", answer)
    with pytest.raises(NoAnswerError) as caught:
        query(fake.site, "up")
    assert str(caught.value) == f"{fake.base}/api/v1/query: answered no vector to up"


def test_a_page_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError):
        read_families(b"<html>hello</html>\n")


def test_the_name_and_password_of_the_environment_are_sent_to_metrics_pages(fake: FakeSite) -> None:
    [contract] = [one for one in load_contracts(CONTRACTS) if one.name == "ai_live"]
    fake.say("/metrics", b"page")
    for login, sent in (("one:p:ä", "Basic b25lOnA6w6Q="), ("", None)):
        [page] = metrics_pages([contract], [f"ai_live={fake.base}/metrics"], {LOGIN_VARIABLE: login})
        assert page.read() == b"page"
        assert fake.headers[-1].get("Authorization") == sent
        assert "b25l" not in repr(page)
    with pytest.raises(ValueError) as caught:
        metrics_pages([contract], [], {LOGIN_VARIABLE: "secret"})
    assert str(caught.value) == ("PEAK_TRADE_WEB_LOGIN: holds no name and password; write NAME:PASSWORD, or unset it")
