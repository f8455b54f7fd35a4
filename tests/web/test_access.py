"""Who is let in, over real connections; and what happens when the files change while clients come and go."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from exporters.engine.exposition import serve
from exporters.web.access import WebConfigError, access_by
from exporters.web.passwords import Passwords
from tests.web.conftest import Files, Site, basic, hashed

pytestmark = [pytest.mark.needs("openssl"), pytest.mark.thorough]

TLS = "tls_server_config: {cert_file: one.pem, key_file: one.key"


def write(path: Path, text: str) -> Path:
    """Write a file as another one, so that it is seen to have changed however quickly that went."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    os.replace(fresh, path)
    return path


def start(sites: list[Site], folder: Path, text: str) -> Site:
    sites.append(Site(write(folder / "web.yml", text)))
    return sites[-1]


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was said to be wrong."""
    return [one.getMessage() for one in caplog.records if one.name == "peaktrade.web" and one.levelname == "ERROR"]


def test_without_a_file_everybody_may_ask() -> None:
    access = access_by(None)
    app = object()
    assert access.tls is None
    assert access.guard(app) is app  # type: ignore[arg-type]


def test_only_a_name_with_its_password_is_let_in_whatever_is_asked_for(sites: list[Site], folder: Path) -> None:
    users = f"basic_auth_users: {{one: {hashed('right')}, two: {hashed('p:ä')}}}"
    site = start(sites, folder, users)
    assert site.ask(headers=basic("one", "right")) == (200, b"page http\n", "")
    assert site.ask(headers=basic("two", "p:ä"))[0] == 200
    refused = [
        {},
        basic("one", "wrong"),
        basic("one", "p:ä"),
        basic("nobody", "right"),
        basic("one", ""),
        basic("one", "right\0"),
        {"Authorization": "Basic !"},
        {"Authorization": "Basic b25l"},
        {"Authorization": "Bearer right"},
    ]
    for path in ("/metrics", "/-/healthy", "/-/ready", "/nowhere"):
        assert {site.ask(None, path, headers) for headers in refused} == {(401, b"unauthorized\n", "")}


def test_a_long_password_is_compared_as_far_as_bcrypt_looks(sites: list[Site], folder: Path) -> None:
    site = start(sites, folder, f"basic_auth_users: {{one: {hashed('x' * 72)}}}")
    assert site.ask(headers=basic("one", "x" * 100))[0] == 200
    assert site.ask(headers=basic("one", "x" * 71))[0] == 401


def test_a_right_password_is_compared_once_and_a_wrong_one_each_time() -> None:
    passwords = Passwords({"one": hashed("right"), "two": hashed("other")})

    async def admitted(name: str, password: str) -> bool:
        return await passwords.admit(basic(name, password)["Authorization"])

    async def all_of_it() -> list[int]:
        counts = []
        for name, password in [("one", "right")] * 3 + [("one", "wrong")] * 2 + [("none", "right"), ("two", "right")]:
            assert await admitted(name, password) == ((name, password) == ("one", "right"))
            counts.append(passwords.compared)
        assert await admitted("one", "right")
        return [*counts, passwords.compared]

    assert asyncio.run(all_of_it()) == [1, 1, 1, 2, 3, 4, 5, 5]


def test_headers_are_those_of_the_file(sites: list[Site], folder: Path) -> None:
    site = start(sites, folder, "http_server_config: {headers: {X-Frame-Options: deny}}")
    with urllib.request.urlopen(f"http://127.0.0.1:{site.port}/") as answer:
        assert answer.headers["X-Frame-Options"] == "deny"


def test_tls_is_spoken_in_the_versions_of_the_file(sites: list[Site], folder: Path) -> None:
    site = start(sites, folder, TLS + ", max_version: TLS12}")
    assert site.ask(site.context("one")) == (200, b"page https\n", "TLSv1.2")
    with pytest.raises(ssl.SSLCertVerificationError):
        site.ask(site.context("two"))
    newest = start(sites, folder, TLS + ", min_version: TLS13}")
    assert newest.ask(newest.context("one"))[2] == "TLSv1.3"
    old = newest.context("one")
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        newest.ask(old)


def test_who_speaks_no_tls_gets_no_answer(sites: list[Site], folder: Path) -> None:
    site = start(sites, folder, TLS + "}")
    with pytest.raises((ConnectionError, OSError)):
        site.ask()
    assert site.ask(site.context("one"))[0] == 200


@pytest.mark.parametrize(
    ("kind", "without"), [("RequireAndVerifyClientCert", False), ("VerifyClientCertIfGiven", True)]
)
def test_clients_show_a_certificate_somebody_vouches_for(
    sites: list[Site], folder: Path, kind: str, without: bool
) -> None:
    site = start(sites, folder, f"{TLS}, client_auth_type: {kind}, client_ca_file: two.pem}}")
    assert site.ask(site.context("one", client="two"))[0] == 200
    for context, is_let_in in ((site.context("one"), without), (site.context("one", client="one"), False)):
        if is_let_in:
            assert site.ask(context)[0] == 200
        else:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                site.ask(context)


def test_a_certificate_that_is_changed_is_the_next_connections_and_half_a_change_changes_nothing(
    sites: list[Site], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = start(sites, folder, TLS + "}")
    assert site.ask(site.context("one"))[0] == 200
    write(folder / "shown.pem", (folder / "one.pem").read_text())
    (folder / "two.pem").replace(folder / "one.pem")
    site.folder = folder
    old, new = folder / "old.pem", folder / "one.pem"
    old.write_text((folder / "shown.pem").read_text())
    assert site.ask(site.context("old"))[0] == 200
    assert errors(caplog) == [
        f"{folder}/web.yml: tls_server_config.key_file: {folder}/one.key is not the key of {new};"
        " give the two that were made together",
        f"{folder}/web.yml: not read again; what is in force goes on",
    ]
    assert site.ask(site.context("old"))[0] == 200
    (folder / "two.key").replace(folder / "one.key")
    assert site.ask(site.context("one"))[0] == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        site.ask(site.context("old"))


def test_whoever_is_taken_out_is_refused_at_once_and_who_is_new_is_let_in(sites: list[Site], folder: Path) -> None:
    first, second = hashed("first"), hashed("second")
    site = start(sites, folder, f"basic_auth_users: {{one: {first}}}")
    assert site.ask(headers=basic("one", "first"))[0] == 200
    write(folder / "web.yml", f"basic_auth_users: {{two: {second}}}")
    assert site.ask(headers=basic("one", "first"))[0] == 401
    assert site.ask(headers=basic("two", "second"))[0] == 200
    write(folder / "web.yml", f"basic_auth_users: {{two: {first}}}")
    assert [site.ask(headers=basic("two", password))[0] for password in ("second", "first")] == [401, 200]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ":1: (document): asks for nothing; write tls_server_config or basic_auth_users"),
        ("basic_auth_users: {one: $2}", ":1: basic_auth_users.one: is not a bcrypt hash; make one with"
         " `htpasswd -nBC 10 NAME`, all that follows the colon"),
        ("basic_auth_users: {one: HASH}", ": has no tls_server_config any more; restart to speak without TLS"),
        (TLS + "}", ": has no basic_auth_users any more; restart to ask for no password"),
    ],
)  # fmt: skip
def test_what_is_closed_is_never_opened_by_a_file_that_is_being_written(
    sites: list[Site], folder: Path, text: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    good = f"{TLS}}}\nbasic_auth_users: {{one: {hashed('right')}}}"
    site = start(sites, folder, good)
    write(folder / "web.yml", text.replace("HASH", hashed("other")))
    assert site.ask(site.context("one"))[0] == 401
    assert site.ask(site.context("one"), headers=basic("one", "right"))[0] == 200
    assert errors(caplog) == [
        f"{folder}/web.yml{said}",
        f"{folder}/web.yml: not read again; what is in force goes on",
    ]


def test_tls_begins_with_the_next_start_alone(
    sites: list[Site], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    users = f"basic_auth_users: {{one: {hashed('right')}}}"
    site = start(sites, folder, users)
    write(folder / "web.yml", f"{TLS}}}\n{users}")
    assert site.ask(headers=basic("one", "right"))[0] == 200
    assert errors(caplog)[0] == f"{folder}/web.yml: has a tls_server_config now; restart to speak TLS"


def test_a_client_that_takes_its_time_over_the_handshake_is_cut_off_and_keeps_nobody_out(
    sites: list[Site], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "_TICK_S", 0.01)
    monkeypatch.setattr(serve, "_PATIENCE_S", 0.3)
    monkeypatch.setattr(serve, "most_clients", lambda: 3)
    site = start(sites, folder, TLS + "}")
    silent = [site.connect() for _ in range(6)]
    assert site.ask(site.context("one"))[0] == 200
    began = time.monotonic()
    for one in silent:
        with closing(one):
            assert one.recv(1) == b""
    assert time.monotonic() - began < 15


def test_without_bcrypt_a_file_with_passwords_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "web.yml", f"basic_auth_users: {{one: {hashed('right')}}}")
    monkeypatch.setattr("exporters.web.access.find_spec", lambda _: None)
    with pytest.raises(WebConfigError) as caught:
        access_by(str(path))
    assert str(caught.value) == (
        f"{path}: basic_auth_users: needs the package bcrypt; pip install 'peak-trade-exporters[web]'"
    )


def test_pairs_are_made_anew_for_each_run(made: Files) -> None:
    assert (made.folder / "one.pem").read_text() != (made.folder / "two.pem").read_text()
