"""Small JSON files that are written whole: a run's meta.json, and the session registry. Bytes in, fields out.

A broken one costs itself; what is wrong with it is said. Fields of another kind than they should be count as absent.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from console.names import is_id

__all__ = ["MODES", "STATUSES", "Meta", "Session", "read_meta", "read_session"]

MODES = ("shadow", "paper", "testnet", "live")
STATUSES = ("started", "completed", "failed", "aborted")


class Meta(Struct):
    """What a run says of itself."""

    run_id: str
    mode: str = ""
    strategy_name: str = ""
    symbol: str = ""
    timeframe: str = ""
    started_at: str | None = None
    ended_at: str | None = None
    config_snapshot: dict[str, Any] = msgspec.field(default_factory=dict)
    notes: str = ""

    @property
    def tags(self) -> list[str]:
        """The run's tags, as its configuration has them."""
        tags = self.config_snapshot.get("tags")
        return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


class Session(Struct):
    """One entry of the session registry."""

    session_id: str
    run_id: str | None = None
    run_type: str = ""
    mode: str = ""
    env_name: str = ""
    symbol: str = ""
    status: str = ""
    started_at: str | None = None
    finished_at: str | None = None
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    metrics: dict[str, Any] = msgspec.field(default_factory=dict)
    cli_args: list[Any] = msgspec.field(default_factory=list)
    error: str | None = None
    created_at: str | None = None
    strategy_tier: str | None = None


@lru_cache(maxsize=8192)
def read_meta(body: bytes, run_id: str) -> Meta | str:
    """Return a run's meta.json, or what is wrong with it; the folder's name is the run's id."""
    read = _object(body)
    if isinstance(read, str):
        return read
    missing = [name for name in ("mode", "strategy_name", "symbol", "timeframe") if name not in read]
    if missing:
        return f"lacks {', '.join(missing)}"
    meta: Meta = _fitted(Meta, {**read, "run_id": run_id})
    return meta


@lru_cache(maxsize=8192)
def read_session(body: bytes) -> Session | str:
    """Return a session of the registry, or what is wrong with it."""
    read = _object(body)
    if isinstance(read, str):
        return read
    missing = [name for name in ("session_id", "run_type", "started_at") if not isinstance(read.get(name), str)]
    if missing:
        return f"lacks {', '.join(missing)}"
    if not is_id(read["session_id"]):
        return "session_id is no id"
    session: Session = _fitted(Session, read)
    if session.status not in STATUSES:
        session.status = "completed" if session.finished_at else "started"
    session.mode = session.mode or session.run_type.removeprefix("live_session_")
    return session


def _object(body: bytes) -> dict[str, Any] | str:
    try:
        read = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "is not JSON"
    return read if isinstance(read, dict) else "is no JSON object"


def _fitted(kind: Any, read: dict[str, Any]) -> Any:
    """Return a Struct of what fits; a field of another kind is left out."""
    try:
        return msgspec.convert(read, kind)
    except msgspec.ValidationError:
        pass
    fields = {}
    for field in msgspec.structs.fields(kind):
        if field.name in read:
            try:
                fields[field.name] = msgspec.convert(read[field.name], field.type)
            except msgspec.ValidationError:
                continue
    return kind(**fields)
