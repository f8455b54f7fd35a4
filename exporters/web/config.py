"""A web configuration file -> what it asks for, or every fault of it.

In: a YAML file in the format of Prometheus' exporter-toolkit. Out: `WebConfig`, or WebConfigError. Unknown keys are
refused, and so is what cannot be done here, with the reason; nothing is read but this one file. Relative paths begin in
its folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from contracts.compiler.document import ContractError, Faults, Spot, quote
from contracts.load import read_document

__all__ = ["Tls", "WebConfig", "WebConfigError", "read_web_config"]

_HASH = re.compile(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")
_CLIENT_AUTH = {
    "": "none",
    "NoClientCert": "none",
    "VerifyClientCertIfGiven": "if_given",
    "RequireAndVerifyClientCert": "required",
}
_CANNOT_ASK = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
_VERSIONS = ("TLS12", "TLS13")
_TOO_OLD = ("TLS10", "TLS11")
_HEADERS: Mapping[str, tuple[str, ...]] = {
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
    "Content-Security-Policy": (),
}
"""Header -> the values it may have, any if there are none. Source: the exporter-toolkit's documentation."""

_TLS_KEYS = (
    "cert_file",
    "key_file",
    "client_auth_type",
    "client_ca_file",
    "min_version",
    "max_version",
    "prefer_server_cipher_suites",
    "cipher_suites",
    "curve_preferences",
)
_NOT_HERE = {
    "cipher_suites": "which ciphers are used is up to OpenSSL here; leave it out, or write min_version: TLS13",
    "curve_preferences": "which curves are used is up to OpenSSL here; leave it out",
    "cert": "a certificate stands in a file here; write cert_file",
    "key": "a key stands in a file here; write key_file",
    "client_ca": "certificates stand in a file here; write client_ca_file",
    "client_allowed_sans": "names in clients' certificates are not compared here; give those clients a CA of their own",
    "rate_limit": "requests are not limited by rate here; connections are, in number and time, whatever is set",
}


class WebConfigError(Exception):
    """A web configuration that cannot be used; every fault is a line `file:line: key: what is wrong; what to do`."""


class Tls(Struct, frozen=True):
    """What is spoken, and with which certificate; paths are absolute or begin in the working directory.

    Attributes:
        client_auth: `none`, `if_given` or `required`.
        min_version, max_version: `TLS12` or `TLS13`.
    """

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None
    client_auth: str
    min_version: str
    max_version: str
    prefers_own_ciphers: bool


class WebConfig(Struct, frozen=True):
    """What a file asks for: TLS or none, user -> bcrypt hash, header -> value."""

    path: Path
    tls: Tls | None
    users: Mapping[str, str]
    headers: Mapping[str, str]


def read_web_config(path: Path) -> WebConfig:
    """Read one file.

    Raises:
        WebConfigError: with every fault, if it cannot be read, is not YAML, or asks for what is unknown or impossible.
    """
    try:
        if path.is_file() and not re.sub(rb"(?m)#.*$|^---\s*$", b"", path.read_bytes()).strip():
            raise WebConfigError(f"{path}:1: (document): asks for nothing; write tls_server_config or basic_auth_users")
        root, faults, _ = read_document(path)
        reader = _Reader(faults)
        reader.keys(root, ("tls_server_config", "http_server_config", "basic_auth_users"))
        config = WebConfig(
            path,
            reader.tls(root.get("tls_server_config"), path.parent),
            reader.users(root.at("basic_auth_users")),
            reader.headers(root.at("http_server_config")),
        )
        faults.raise_if_any()
    except ContractError as error:
        raise WebConfigError(str(error)) from error
    except OSError as error:
        raise WebConfigError(
            f"{path}:1: (document): cannot be read ({error.strerror}); check its permissions"
        ) from error
    return config


class _Reader:
    """Takes a document apart; what is wrong is added to the faults, and something harmless is returned for it."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def keys(self, spot: Spot, known: tuple[str, ...]) -> None:
        """Refuse every key that is not known."""
        if spot.value is not None and not isinstance(spot.value, dict) and spot.tag != "null":
            self._faults.add(spot, f"got {spot.describe()}, expected a mapping")
        for key, found in spot.items():
            if key in _NOT_HERE:
                self._faults.add(found, _NOT_HERE[key])
            elif key not in known:
                self._faults.add(found, f"the key {quote(key)} is unknown; there are {', '.join(known)}")

    def tls(self, spot: Spot | None, folder: Path) -> Tls | None:
        """Return what a tls_server_config says; None if there is none or it is empty."""
        if spot is None:
            return None
        self.keys(spot, tuple(key for key in _TLS_KEYS if key not in _NOT_HERE))
        if not any(True for _ in spot.items()):
            return None
        paths = {key: self._path(spot.get(key), folder) for key in ("cert_file", "key_file", "client_ca_file")}
        for key in ("cert_file", "key_file"):
            if paths[key] is None:
                self._faults.add(spot, f"{key} is missing; TLS needs a certificate and its key")
        client_auth = self._client_auth(spot, paths["client_ca_file"])
        lowest, highest = self._version(spot, "min_version", "TLS12"), self._version(spot, "max_version", "TLS13")
        if lowest > highest:
            self._faults.add(spot.at("min_version"), f"got {lowest}, which is above max_version {highest}")
        own = self._flag(spot.get("prefer_server_cipher_suites"), True)
        cert_file, key_file = paths["cert_file"] or Path(), paths["key_file"] or Path()
        return Tls(cert_file, key_file, paths["client_ca_file"], client_auth, lowest, highest, own)

    def _client_auth(self, spot: Spot, authorities: Path | None) -> str:
        here, stated = spot.at("client_auth_type"), spot.text_of("client_auth_type")
        if stated in _CANNOT_ASK:
            problem = "a client's certificate is not asked for here without being verified"
            self._faults.add(here, f"{problem}; write VerifyClientCertIfGiven or RequireAndVerifyClientCert")
        elif stated not in _CLIENT_AUTH:
            known = ", ".join(name for name in _CLIENT_AUTH if name)
            self._faults.add(here, f"got {here.describe()}, expected one of {known}")
        elif authorities is not None and _CLIENT_AUTH[stated] == "none":
            problem = "says who vouches for clients, but client_auth_type does not ask for their certificates"
            self._faults.add(spot.at("client_ca_file"), f"{problem}; write RequireAndVerifyClientCert")
        return _CLIENT_AUTH.get(stated, "none")

    def _version(self, spot: Spot, key: str, default: str) -> str:
        stated = spot.text_of(key, default)
        if stated in _TOO_OLD:
            problem = f"{stated} is not spoken here any more; write TLS12 or TLS13"
        elif stated not in _VERSIONS:
            problem = f"got {spot.at(key).describe()}, expected TLS12 or TLS13"
        else:
            return stated
        self._faults.add(spot.at(key), problem)
        return default

    def _path(self, spot: Spot | None, folder: Path) -> Path | None:
        if spot is None or spot.tag == "null" or spot.value == "":
            return None
        if not isinstance(spot.value, str):
            self._faults.add(spot, f"got {spot.describe()}, expected a path")
            return None
        return folder / spot.text

    def _flag(self, spot: Spot | None, default: bool) -> bool:
        if spot is None:
            return default
        if spot.tag != "bool":
            self._faults.add(spot, f"got {spot.describe()}, expected true or false")
        return spot.is_true

    def users(self, spot: Spot) -> Mapping[str, str]:
        """Return user -> bcrypt hash."""
        if spot.value is not None and not isinstance(spot.value, dict) and spot.tag != "null":
            self._faults.add(spot, f"got {spot.describe()}, expected a mapping of names to bcrypt hashes")
        users = {}
        for name, hashed in spot.items():
            if not _HASH.fullmatch(hashed.text):  # never shown: it may be the password itself
                problem = "is not a bcrypt hash; make one with `htpasswd -nBC 10 NAME`, all that follows the colon"
                self._faults.add(hashed, problem)
            if ":" in name:
                self._faults.add(hashed, "a name with a colon cannot be sent; choose another")
            users[name] = hashed.text
        return users

    def headers(self, spot: Spot) -> Mapping[str, str]:
        """Return header -> value of a http_server_config; `http2` says what may be spoken, which is HTTP/1.1."""
        self.keys(spot, ("http2", "headers"))
        self._flag(spot.get("http2"), True)
        headers = spot.at("headers")
        self.keys(headers, tuple(_HEADERS))
        for name, value in headers.items():
            allowed = _HEADERS.get(name, ())
            if allowed and value.text not in allowed:
                self._faults.add(value, f"got {value.describe()}, expected {' or '.join(allowed)}")
            elif not isinstance(value.value, str) or not value.text.isprintable() or not value.text.isascii():
                self._faults.add(value, f"got {value.describe()}, expected a text in ASCII on one line")
        return {name: value.text for name, value in headers.items()}
