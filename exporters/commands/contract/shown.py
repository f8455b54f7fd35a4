"""How values and names of somebody's own events are shown to them: short, and never a secret or an id as a whole.

In: a path and a value. Out: a few words. What a field is called, or what its text looks like, says whether it may hold
a secret or an id: of these only the beginning is shown, of what is called a secret nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

__all__ = ["is_identifying", "looks_random", "shown", "shown_name"]

_MOST = 32
_SECRET = re.compile(
    r"secret|passw|passphrase|token$|api_?key|apikey|access_?key|private|credential|cookie|authorization|signature|^auth$",
    re.IGNORECASE,
)
_ID = re.compile(
    r"(^|[_.\-])u?u?ids?$|[a-z]I[dD]$|account|e?mail|^user(name)?$|session|idempotency|correlation", re.IGNORECASE
)
_CAMEL_ID = re.compile(r"[a-z]I[dD]s?$")
_RUNS = re.compile(r"[A-Za-z0-9+/=_-]{16,}")


def is_identifying(name: str) -> bool:
    """Whether a field of this name holds an id, an account or a secret."""
    return bool(_SECRET.search(name) or _CAMEL_ID.search(name) or _ID.search(name))


def shown(path: Sequence[str], value: object) -> str:
    """Return what stands at a path, cut."""
    name = next((part for part in reversed(path) if part not in ("*", "[]", "{}", "<>")), "")
    match value:
        case None:
            return "absent"
        case bool():
            return str(value).lower()
        case str():
            return _shown_text(name, value)
        case list():
            return f"a list of {len(value)}"
        case dict():
            return f"an object of {len(value)}"
    digits = json.dumps(value, default=str)
    return f"{digits[:4]}... ({len(digits)} digits)" if is_identifying(name) and len(digits) > 4 else digits[:_MOST]


def _shown_text(name: str, text: str) -> str:
    characters = f"{len(text)} character{'' if len(text) == 1 else 's'}"
    if _SECRET.search(name):
        return f"a text of {characters}"
    if is_identifying(name) and len(text) > 4:
        return f"{_quoted(text[:4])}... ({characters})"
    veiled = _RUNS.sub(lambda run: run[0][:4] + "..." if _is_random(run[0]) else run[0], text)
    if len(veiled) > _MOST:
        return f"{_quoted(veiled[:_MOST])}... ({characters})"
    return _quoted(veiled)


def shown_name(name: str) -> str:
    """Return the name of a field, cut if it seems to be an id."""
    veiled = _RUNS.sub(lambda run: run[0][:4] + "..." if _is_random(run[0]) else run[0], name)
    return veiled if len(veiled) <= 2 * _MOST else f"{veiled[: 2 * _MOST]}..."


def looks_random(text: str) -> bool:
    """Whether a text holds what looks drawn rather than written, as ids and secrets do."""
    return any(_is_random(run) for run in _RUNS.findall(text))


def _is_random(run: str) -> bool:
    """Whether a run of characters looks drawn rather than written: hex digits, digits alone, or all kinds mixed."""
    kinds = [re.search(kind, run) is not None for kind in ("[a-z]", "[A-Z]", "[0-9]")]
    return re.fullmatch("[0-9a-fA-F-]*[0-9][0-9a-fA-F-]*", run) is not None or all(kinds)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
