"""How long a test waits for other processes.

In: something that becomes true. Out: nothing, once it is; a failure that says what did not happen. The time is not what
is tested: it is long, so that a busy machine fails nobody, and only a test that fails waits it out.
"""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["PATIENCE_S", "wait_until"]

PATIENCE_S = 120.0


def wait_until(holds: Callable[[], bool], what: str, patience_s: float = PATIENCE_S, *, pause_s: float = 0.1) -> None:
    """Ask again and again, until `holds` or the time is over."""
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline, f"after {patience_s:g} s still not: {what}"
        time.sleep(pause_s)
