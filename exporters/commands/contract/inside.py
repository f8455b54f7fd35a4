"""The parts inside somebody's events, as plain values: what stands where a contract opens lists, objects and texts.

In: a part of a contract and a decoded JSON object. Out: decoded objects. Which of them a part takes is the engine's
affair; here only what there is to look at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from contracts.sources import Part, Step
from exporters.engine.refusals.explain import value_at

__all__ = ["elements_of"]

_MOST = 64
"""Elements looked at in one place."""


def elements_of(part: Part, event: dict[str, object]) -> Iterator[dict[str, object]]:
    """Yield what a part may take of an event; what is no object stands at `value`."""
    for value in _opened(part.of, event):
        yield value if isinstance(value, dict) else {"value": value}


def _opened(steps: Sequence[Step], value: object) -> Iterator[object]:
    if not steps:
        yield value
        return
    there = value_at(steps[0].path, value)
    found: list[object] = []
    if steps[0].opens == "[]" and isinstance(there, list):
        found = there[:_MOST]
    elif steps[0].opens == "{}" and isinstance(there, dict):
        found = [{"key": key, "value": inner} for key, inner in list(there.items())[:_MOST]]
    elif steps[0].opens == "<>" and isinstance(there, str):
        try:
            found = [json.loads(there)]
        except (ValueError, RecursionError):
            found = []
    for inner in found:
        yield from _opened(steps[1:], inner)
