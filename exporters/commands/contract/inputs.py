"""Events that are read once, for commands that look at them.

In: paths, globs, `-`. Out: batches of whole lines. What cannot be read ends the command with exit code 2.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import click
import msgspec

from exporters.engine.tail.one_shot import OneShot
from exporters.engine.values import Batch

__all__ = ["batches_of", "event_of"]


def batches_of(events: Sequence[str], longest: int) -> Iterator[Batch]:
    """Yield all there is to read, lines up to `longest` bytes."""
    shot = OneShot(events, longest)
    yield from shot.drain(0.0, 0.0)
    for path in shot.missing:
        raise click.UsageError(f"{path}: no such file; give the path of events, or - for standard input")
    for path, problem in shot.unreadable.items():
        raise click.UsageError(f"{path}: cannot be read ({problem.lower()}); give a readable file")


def event_of(line: bytes) -> dict[str, object] | None:
    """Return the object a line holds, None if it holds none; NaN and Infinity are taken, as decoding does."""
    try:
        event = msgspec.json.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        try:
            event = json.loads(line) if b"NaN" in line or b"Infinity" in line else None
        except (ValueError, RecursionError):
            return None
    return event if isinstance(event, dict) else None
