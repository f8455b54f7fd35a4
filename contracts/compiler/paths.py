"""Paths of a checked document -> tuples of keys, and back to how they are written.

In: a dotted text, or a list of exact keys, already of the right shape. Out: the keys, from the outside in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from contracts.compiler.document import Spot
from contracts.model import WHOLE

__all__ = ["build_path", "show_path"]

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
