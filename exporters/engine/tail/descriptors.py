"""How many files may be open at once. Part of the tail stage.

In: the process's limits. Out: a number. Files beyond it are read in turns, so a low limit costs time, not lines.
"""

from __future__ import annotations

import contextlib
import resource

__all__ = ["open_files_allowed", "raise_limit"]

_ASIDE = 64
"""Descriptors for the state, its logs, the watcher, unpacked texts and the process itself."""

_FEWEST = 8


def raise_limit() -> None:
    """Raise the soft limit of descriptors to the hard one, as far as that is allowed."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def open_files_allowed() -> int:
    """Return how many event files may be open: a third of the descriptors is kept aside for accepting scrapes."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_FEWEST, soft * 2 // 3 - _ASIDE) if soft != resource.RLIM_INFINITY else 1 << 30
