"""What TLS is spoken -> a context of Python's ssl, made from the files as they are now.

In: `Tls`. Out: an SSLContext, or WebConfigError naming the file that cannot be used. No password of a key is ever asked
for on a terminal.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from exporters.web.config import Tls, WebConfig, WebConfigError

__all__ = ["context_of"]

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENT_AUTH = {"none": ssl.CERT_NONE, "if_given": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


def context_of(config: WebConfig) -> ssl.SSLContext | None:
    """Return the context of a server; None if the file asks for no TLS.

    Raises:
        WebConfigError: if a certificate, its key or a client's authority cannot be used.
    """
    tls = config.tls
    if tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = _VERSIONS[tls.min_version], _VERSIONS[tls.max_version]
    context.set_alpn_protocols(["http/1.1"])
    if not tls.prefers_own_ciphers:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    _load_certificate(context, tls, config.path)
    context.verify_mode = _CLIENT_AUTH[tls.client_auth]
    if tls.client_ca_file is not None:
        _trust(context, tls.client_ca_file, "client_ca_file", config.path)
    elif tls.client_auth != "none":
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
    return context


def _load_certificate(context: ssl.SSLContext, tls: Tls, path: Path) -> None:
    _trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), tls.cert_file, "cert_file", path)
    where = f"{path}: tls_server_config.key_file: {tls.key_file}"
    try:
        context.load_cert_chain(tls.cert_file, tls.key_file, password=lambda: b"")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise WebConfigError(
                f"{where} is not the key of {tls.cert_file}; give the two that were made together"
            ) from error
        raise WebConfigError(f"{where} holds no private key in PEM that needs no password; write it as such") from error
    except OSError as error:
        raise WebConfigError(
            f"{where} cannot be read ({(error.strerror or '').lower()}); check path and rights"
        ) from error


def _trust(context: ssl.SSLContext, file: Path, key: str, path: Path) -> None:
    """Have a context trust the certificates of a file, which shows that there are some."""
    where = f"{path}: tls_server_config.{key}: {file}"
    try:
        context.load_verify_locations(file)
    except ssl.SSLError as error:
        raise WebConfigError(f"{where} holds no certificate in PEM; convert it with `openssl x509`") from error
    except OSError as error:
        raise WebConfigError(
            f"{where} cannot be read ({(error.strerror or '').lower()}); check path and rights"
        ) from error
