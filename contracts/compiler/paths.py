"""Paths of a checked document -> tuples of keys, and back to how they are written.

In: a dotted text, or a list of exact keys, already of the right shape. Out: the keys, from the outside in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from contracts.compiler.document import Spot
from contracts.model import WHOLE, Step
from contracts.sources import Opens

__all__ = ["build_path", "build_steps", "show_path", "show_steps"]

_OPENS: Mapping[str, Opens] = {"[]": "[]", "{}": "{}", "<>": "<>"}

_PLAIN = re.compile(r"[^.\s\x00-\x1f\[\]{}<>*$\\\"]+")
"""A key that can stand in a dotted path."""


def build_path(spot: Spot | None) -> tuple[str, ...]:
    """Return the keys of a path; none if there is no path."""
    if spot is None:
        return ()
    return tuple(spot.text.split(".")) if isinstance(spot.value, str) else tuple(i.text for i in spot.elements())


def show_path(path: Sequence[str]) -> str:
    """Return a path as a contract says it: dotted, or as a list where a key would not be what it is.

    >>> show_path(("payload", "code")), show_path(("annotations", "k8s.io/decision"))
    ('payload.code', '[annotations, k8s.io/decision]')
    """
    keys = [key for key in path if key != WHOLE]
    return ".".join(keys) if all(map(_PLAIN.fullmatch, keys)) else f"[{', '.join(keys)}]"


def build_steps(spot: Spot) -> tuple[Step, ...]:
    """Return the steps to parts, from a text such as `a.b[].c{}` or a list of exact keys, [], {} and <>.

    >>> build_steps(Spot("a.b[].c{}", 1, ""))
    (Step(path=('a', 'b'), opens='[]'), Step(path=('c',), opens='{}'))
    """
    if isinstance(spot.value, str):
        keys = re.findall(r"\[\]|{}|<>|[^.\[\]{}<>]+", spot.text)
    else:
        keys = [item.text for item in spot.elements()]
    steps: list[Step] = []
    path: list[str] = []
    for key in keys:
        if key in _OPENS:
            steps.append(Step(tuple(path), _OPENS[key]))
            path = []
        else:
            path.append(key)
    return tuple(steps) if not path else ()


def show_steps(steps: Sequence[Step]) -> str:
    """Return the steps to parts as a contract says them."""
    return "".join(
        f"{'.' * (number > 0 and bool(s.path))}{show_path(s.path)}{s.opens}" for number, s in enumerate(steps)
    )
