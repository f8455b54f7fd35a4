"""Names and passwords against bcrypt hashes, taking as long for a name that is not known as for the slowest that is.

In: name -> hash, and the Authorization header of a request. Out: whether it is let in. A comparison costs 50 ms and
more, so the password a name came with last and rightly is remembered as a keyed digest; wrong ones are not, so guessing
stays as slow as it is and fills no memory. One is compared at a time: guesses take one core at most.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping

import bcrypt
from starlette.concurrency import run_in_threadpool

__all__ = ["Passwords"]

_MOST_BYTES = 72
"""Bytes of a password that bcrypt looks at."""


class Passwords:
    """Who may come in. Not thread-safe: for one event loop.

    Args:
        users: name -> bcrypt hash; at least one.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        self._hashes = {name.encode(): hashed.encode() for name, hashed in users.items()}
        self._slowest = max(self._hashes.values(), key=lambda hashed: hashed[4:6])
        self._key = secrets.token_bytes(32)
        self._right: dict[bytes, bytes] = {}
        self._turn = asyncio.Lock()
        self.compared = 0

    async def admit(self, authorization: str) -> bool:
        """Whether an Authorization header holds a name with its password."""
        found = _read(authorization)
        if found is None:
            return False
        name, password = found
        digest = hashlib.blake2b(password, key=self._key).digest()
        if hmac.compare_digest(self._right.get(name, b""), digest):
            return True
        hashed = self._hashes.get(name)
        async with self._turn:
            self.compared += 1
            is_right = await run_in_threadpool(bcrypt.checkpw, password[:_MOST_BYTES], hashed or self._slowest)
        if hashed is None or not is_right:
            return False
        self._right[name] = digest
        return True


def _read(authorization: str) -> tuple[bytes, bytes] | None:
    """Return name and password of a header of the scheme Basic; None for any other."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (name, password) if colon and b"\0" not in password else None
