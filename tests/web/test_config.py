"""What a web configuration may say: each fault with its whole message, and promtool's opinion of the same files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from exporters.web.certificates import context_of
from exporters.web.config import WebConfigError, read_web_config
from tests.web.conftest import hashed

pytestmark = pytest.mark.needs("openssl")

HASH = "$2y$04$" + "a" * 53
TLS = "tls_server_config: {cert_file: one.pem, key_file: one.key"

ACCEPTED = {
    "tls": TLS + "}",
    "tls_of_one_version": TLS + ", min_version: TLS13, max_version: TLS13}",
    "tls_up_to_12": TLS + ", min_version: TLS12, max_version: TLS12, prefer_server_cipher_suites: false}",
    "clients_vouched_for": TLS + ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: two.pem}",
    "clients_if_they_like": TLS + ", client_auth_type: VerifyClientCertIfGiven, client_ca_file: two.pem}",
    "clients_of_the_system": TLS + ", client_auth_type: RequireAndVerifyClientCert}",
    "no_clients": TLS + ", client_auth_type: NoClientCert}",
    "passwords": f"basic_auth_users: {{one: {HASH}, two: {HASH}}}",
    "both": f"{TLS}}}\nbasic_auth_users:\n  one: {HASH}\n",
    "nobody_yet": TLS + "}\nbasic_auth_users: {}",
    "empty_tls": f"tls_server_config: {{}}\nbasic_auth_users: {{one: {HASH}}}",
    "http1": "http_server_config: {http2: false}",
    "http2": TLS + "}\nhttp_server_config: {http2: true}",
    "headers": "http_server_config: {headers: {X-Frame-Options: deny, Content-Security-Policy: default-src 'none'}}",
}
"""What promtool accepts and we do."""

REFUSED = {
    "unknown": (
        "tls: {}",
        '1: tls: the key "tls" is unknown; there are tls_server_config, http_server_config, basic_auth_users',
    ),
    "unknown_tls": (
        TLS + ", foo: 1}",
        '1: tls_server_config.foo: the key "foo" is unknown; there are cert_file, key_file, client_auth_type,'
        " client_ca_file, min_version, max_version, prefer_server_cipher_suites",
    ),
    "twice": (
        f"basic_auth_users:\n  one: {HASH}\n  one: {HASH}",
        '3: basic_auth_users.one: the key "one" stands here twice (first in line 2); delete one',
    ),
    "no_key": (
        "tls_server_config: {cert_file: one.pem}",
        "1: tls_server_config: key_file is missing; TLS needs a certificate and its key",
    ),
    "no_certificate": (
        "tls_server_config: {key_file: one.key}",
        "1: tls_server_config: cert_file is missing; TLS needs a certificate and its key",
    ),
    "a_list": ("tls_server_config: [one.pem]", "1: tls_server_config: got a list, expected a mapping"),
    "a_text": ("secret", '1: (document): got "secret", expected a mapping'),
    "no_hash": (
        "basic_auth_users: {one: secret}",
        "1: basic_auth_users.one: is not a bcrypt hash; make one with `htpasswd -nBC 10 NAME`,"
        " all that follows the colon",
    ),
    "short_hash": (
        f"basic_auth_users: {{one: {HASH[:-2]}}}",
        "1: basic_auth_users.one: is not a bcrypt hash; make one with `htpasswd -nBC 10 NAME`,"
        " all that follows the colon",
    ),
    "no_mapping": (
        "basic_auth_users: [one]",
        "1: basic_auth_users: got a list, expected a mapping of names to bcrypt hashes",
    ),
    "client_auth": (
        TLS + ", client_auth_type: Always}",
        '1: tls_server_config.client_auth_type: got "Always", expected one of NoClientCert, VerifyClientCertIfGiven,'
        " RequireAndVerifyClientCert",
    ),
    "authorities_for_nothing": (
        TLS + ", client_ca_file: two.pem}",
        "1: tls_server_config.client_ca_file: says who vouches for clients, but client_auth_type does not ask for their"
        " certificates; write RequireAndVerifyClientCert",
    ),
    "version": (
        TLS + ", min_version: TLS14}",
        '1: tls_server_config.min_version: got "TLS14", expected TLS12 or TLS13',
    ),
    "header": (
        "http_server_config: {headers: {Server: x}}",
        '1: http_server_config.headers.Server: the key "Server" is unknown; there are Strict-Transport-Security,'
        " X-Content-Type-Options, X-Frame-Options, X-XSS-Protection, Content-Security-Policy",
    ),
    "header_value": (
        "http_server_config: {headers: {X-Frame-Options: allow}}",
        '1: http_server_config.headers.X-Frame-Options: got "allow", expected deny or sameorigin',
    ),
    "flag": (
        TLS + ", prefer_server_cipher_suites: 2}",
        '1: tls_server_config.prefer_server_cipher_suites: got "2", expected true or false',
    ),
    "no_yaml": ("a: [", "1: (document): cannot be read as YAML: "),
}
"""What promtool refuses and we do, with what we say."""

STRICTER = {
    "nothing": ("# later\n---\n", "1: (document): asks for nothing; write tls_server_config or basic_auth_users"),
    "old_version": (
        TLS + ", min_version: TLS10}",
        "1: tls_server_config.min_version: TLS10 is not spoken here any more; write TLS12 or TLS13",
    ),
    "upside_down": (
        TLS + ", min_version: TLS13, max_version: TLS12}",
        "1: tls_server_config.min_version: got TLS13, which is above max_version TLS12",
    ),
    "unverified": (
        TLS + ", client_auth_type: RequireAnyClientCert}",
        "1: tls_server_config.client_auth_type: a client's certificate is not asked for here without being verified;"
        " write VerifyClientCertIfGiven or RequireAndVerifyClientCert",
    ),
    "ciphers": (
        TLS + ", cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}",
        "1: tls_server_config.cipher_suites: which ciphers are used is up to OpenSSL here; leave it out, or write"
        " min_version: TLS13",
    ),
    "curves": (
        TLS + ", curve_preferences: [CurveP256]}",
        "1: tls_server_config.curve_preferences: which curves are used is up to OpenSSL here; leave it out",
    ),
    "colon": (
        f"basic_auth_users: {{'a:b': {HASH}}}",
        "1: basic_auth_users.a:b: a name with a colon cannot be sent; choose another",
    ),
}
"""What promtool lets through, and we refuse since Python, or anybody, cannot do it."""


def complaint(path: Path) -> str:
    """Return what is wrong with a file; "" if nothing is."""
    try:
        context_of(read_web_config(path))
    except WebConfigError as error:
        return str(error)
    return ""


def promtool(path: Path) -> bool:
    """Return whether promtool takes the same file."""
    command = ["promtool", "check", "web-config", str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def write(folder: Path, text: str) -> Path:
    path = folder / "web.yml"
    path.write_text(text)
    return path


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("name", ACCEPTED)
def test_what_promtool_accepts_and_can_be_done_is_accepted(folder: Path, name: str) -> None:
    path = write(folder, ACCEPTED[name])
    assert promtool(path)
    assert complaint(path) == ""


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("name", REFUSED)
def test_what_promtool_refuses_is_refused_with_line_key_and_remedy(folder: Path, name: str) -> None:
    path = write(folder, REFUSED[name][0])
    assert not promtool(path)
    said = complaint(path)
    assert said.startswith(f"{path}:{REFUSED[name][1]}")
    assert said == f"{path}:{REFUSED[name][1]}" or name == "no_yaml"


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("name", STRICTER)
def test_what_cannot_be_done_here_is_refused_with_the_reason(folder: Path, name: str) -> None:
    path = write(folder, STRICTER[name][0])
    assert promtool(path)
    assert complaint(path) == f"{path}:{STRICTER[name][1]}"


@pytest.mark.needs("promtool")
def test_tls_without_a_certificate_is_refused_where_promtool_would_speak_none(folder: Path) -> None:
    path = write(folder, "tls_server_config: {min_version: TLS13}")
    assert promtool(path)
    assert complaint(path).splitlines() == [
        f"{path}:1: tls_server_config: {key} is missing; TLS needs a certificate and its key"
        for key in ("cert_file", "key_file")
    ]


def test_all_faults_are_said_at_once_and_no_password_is_repeated(folder: Path) -> None:
    path = write(
        folder, "tls_server_config: {cert_file: one.pem}\nbasic_auth_users: {one: hunter2, two: hunter3}\nx: 1"
    )
    said = complaint(path)
    assert [line.split(": ")[1] for line in said.splitlines()] == [
        "tls_server_config",
        "basic_auth_users.one",
        "basic_auth_users.two",
        "x",
    ]
    assert "hunter" not in said


CLIENTS = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: none.pem"
UNREADABLE = "cannot be read (no such file or directory); check path and rights"
NO_CERTIFICATE = "holds no certificate in PEM; convert it with `openssl x509`"
NO_KEY = "holds no private key in PEM that needs no password; write it as such"
NOT_ITS_KEY = "is not the key of {folder}/one.pem; give the two that were made together"


@pytest.mark.needs("promtool")
@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("cert_file: none.pem, key_file: one.key", "cert_file", f"none.pem {UNREADABLE}"),
        ("cert_file: one.pem, key_file: none", "key_file", f"none {UNREADABLE}"),
        ("cert_file: one.key, key_file: one.key", "cert_file", f"one.key {NO_CERTIFICATE}"),
        ("cert_file: one.pem, key_file: one.pem", "key_file", f"one.pem {NO_KEY}"),
        ("cert_file: one.pem, key_file: locked", "key_file", f"locked {NO_KEY}"),
        ("cert_file: one.pem, key_file: two.key", "key_file", f"two.key {NOT_ITS_KEY}"),
        (f"cert_file: one.pem, key_file: one.key, {CLIENTS}", "client_ca_file", f"none.pem {UNREADABLE}"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(folder: Path, text: str, key: str, said: str) -> None:
    command = ["openssl", "pkey", "-aes256", "-passout", "pass:x", "-in", str(folder / "one.key")]
    (folder / "locked").write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
    path = write(folder, f"tls_server_config: {{{text}}}")
    assert not promtool(path)
    assert complaint(path) == f"{path}: tls_server_config.{key}: {folder}/{said.replace('{folder}', str(folder))}"


def test_a_configuration_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.yml"
    assert complaint(path) == (
        f"{path}:1: (document): cannot be read (No such file or directory); check the path and its permissions"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    [["exporters.ai_live", "--state-dir", "none"], ["exporters.metricsd", "--multiproc-dir", "m"], ["console"]],
    ids=["ai_live", "metricsd", "console"],
)
def test_a_broken_file_ends_each_program_with_two_before_it_takes_its_port(folder: Path, program: list[str]) -> None:
    path = write(folder, "basic_auth_users: {one: secret}")
    command = [sys.executable, "-m", *program, "--port", "1", "--web.config.file", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 2
    assert done.stderr == complaint(path) + "\n"
    assert not (folder / "m").exists()


@pytest.mark.needs("promtool")
def test_the_example_of_the_runbook_is_in_order(folder: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/runbooks/service.md").read_text()
    [text] = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "tls_server_config" in block]
    for old, new in (("one.pem", "server.pem"), ("one.key", "server.key"), ("two.pem", "clients.pem")):
        (folder / old).rename(folder / new)
    path = write(folder, text)
    assert promtool(path)
    assert complaint(path) == ""


def test_hashes_as_bcrypt_makes_them_are_accepted(tmp_path: Path) -> None:
    assert complaint(write(tmp_path, f"basic_auth_users: {{one: {hashed('secret')}}}")) == ""
