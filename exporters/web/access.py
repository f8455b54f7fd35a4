"""A web configuration in force, read again when one of its files changes.

In: a path. Out: an SSLContext that is always the newest, and an application that asks for a password, also for
/-/healthy and /-/ready. A file that is broken at the start is refused; one that breaks later, or would open what was
closed, is said in the log, and what is in force goes on.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext, SSLObject
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporters.web.certificates import context_of
from exporters.web.config import WebConfig, WebConfigError, read_web_config

if TYPE_CHECKING:
    from exporters.web.passwords import Passwords

__all__ = ["Access", "WebConfigError", "access_by"]

_CHALLENGE = {"www-authenticate": 'Basic realm="peak_trade", charset="UTF-8"', "cache-control": "no-store"}
_log = logging.getLogger("peaktrade.web")


class _Newest(SSLContext):
    """Stands for whatever context is in force when a connection begins; asyncio wraps each by `wrap_bio`."""

    access: Access

    def wrap_bio(self, *args: Any, **kwargs: Any) -> SSLObject:
        """Return a connection in the context in force."""
        connection: SSLObject = self.access.newest().wrap_bio(*args, **kwargs)
        return connection


class Access:
    """Who may connect and ask. For one event loop; without a path everybody may.

    Args:
        path: a web configuration file, or None.

    Raises:
        WebConfigError: if it cannot be used.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._config = WebConfig(Path(), None, {}, {})
        self._context: SSLContext | None = None
        self._passwords: Passwords | None = None
        self._watched: tuple[Path, ...] = ()
        self._stamps: tuple[object, ...] = ()
        if path is not None:
            self._take(self._read(path))
            spoken, asked = ("https" if self._context else "http"), ("a password" if self._passwords else "no password")
            _log.info("web_config=%s speaks %s, asks for %s", path, spoken, asked)

    @property
    def tls(self) -> SSLContext | None:
        """The context to serve with, always the newest; None if no TLS is spoken."""
        if self._context is None:
            return None
        newest = _Newest(PROTOCOL_TLS_SERVER)
        newest.access = self
        return newest

    def newest(self) -> SSLContext:
        """Return the context for a connection that begins now."""
        self._look()
        assert self._context is not None, "what is closed is never opened"
        return self._context

    def guard(self, app: ASGIApp) -> ASGIApp:
        """Return an application that lets in who may ask, with the headers the file names."""
        if not self._config.path.name:
            return app

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            self._look()
            headers, passwords = self._config.headers, self._passwords

            async def send_on(message: Message) -> None:
                if message["type"] == "http.response.start":
                    own = MutableHeaders(scope=message)
                    for name, value in headers.items():
                        own[name] = value
                await send(message)

            stated = Headers(scope=scope).get("authorization", "")
            if passwords is None or await passwords.admit(stated):
                await app(scope, receive, send_on)
            else:
                await PlainTextResponse("unauthorized\n", 401, _CHALLENGE)(scope, receive, send_on)

        return guarded

    def _look(self) -> None:
        """Read everything again if a file is not what it was when it was looked at last."""
        if tuple(map(_stamp, self._watched)) == self._stamps:
            return
        path = self._config.path
        try:
            config = self._read(path)
            self._refuse_opening(config)
            self._take(config)
        except WebConfigError as error:
            for fault in str(error).splitlines():
                _log.error("%s", fault)
            _log.error("%s: not read again; what is in force goes on", path)
        else:
            _log.info("read again web_config=%s", path)

    def _read(self, path: Path) -> WebConfig:
        """Read a file; what it names is looked at from now on, each time as it was before it was read."""
        self._watched, self._stamps = (path,), (_stamp(path),)
        config = read_web_config(path)
        tls = config.tls
        named = (tls.cert_file, tls.key_file, tls.client_ca_file) if tls is not None else ()
        files = tuple(file for file in named if file is not None)
        self._watched, self._stamps = (path, *files), (*self._stamps, *map(_stamp, files))
        return config

    def _refuse_opening(self, config: WebConfig) -> None:
        """Refuse what asks for less: a file that is just being written looks like that."""
        if self._context is not None and config.tls is None:
            raise WebConfigError(f"{config.path}: has no tls_server_config any more; restart to speak without TLS")
        if self._context is None and config.tls is not None:
            raise WebConfigError(f"{config.path}: has a tls_server_config now; restart to speak TLS")
        if self._passwords is not None and not config.users:
            raise WebConfigError(f"{config.path}: has no basic_auth_users any more; restart to ask for no password")

    def _take(self, config: WebConfig) -> None:
        """Put a configuration in force, whole or not at all."""
        context, passwords = context_of(config), self._passwords
        if not config.users:
            passwords = None
        elif passwords is None or config.users != self._config.users:
            if find_spec("bcrypt") is None:
                remedy = "pip install 'peak-trade-exporters[web]'"
                raise WebConfigError(f"{config.path}: basic_auth_users: needs the package bcrypt; {remedy}")
            from exporters.web.passwords import Passwords  # only who asks for passwords needs bcrypt

            passwords = Passwords(config.users)
        self._config, self._context, self._passwords = config, context, passwords


def access_by(path: str | None) -> Access:
    """Return who may connect and ask, by the value of `--web.config.file`.

    Raises:
        WebConfigError: if the file cannot be used.
    """
    return Access(Path(path).absolute() if path else None)


def _stamp(path: Path) -> object:
    """Return what tells whether a file is still the same; None for one that cannot be looked at."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns
