"""What the engine says on standard error: a sentence, at most once a minute per reason.

In: a reason and a message. Out: a log line, or silence. Payloads are never logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from exporters.engine.values import Notice

__all__ = ["RateLimitedLog"]

_EVERY_S = 60.0
_log = logging.getLogger("peaktrade.exporter")


class RateLimitedLog:
    """Warns, without repeating itself. `monotonic` tells the seconds that never go back."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._said: dict[str, float] = {}

    def is_due(self, reason: str) -> bool:
        """Whether a warning with this reason would be logged."""
        return self._monotonic() - self._said.get(reason, float("-inf")) >= _EVERY_S

    def warn(self, reason: str, message: str, error: Exception | None = None) -> None:
        """Log a warning unless one with the same reason was logged within a minute."""
        if self.is_due(reason):
            self._said[reason] = self._monotonic()
            _log.warning(message, exc_info=error)

    def warn_of(self, notice: Notice) -> None:
        """Warn of what happened to a file, if something was or may be lost."""
        where = notice.path
        if notice.kind == "unreadable":
            self.warn(where, f"{where}: cannot be read ({notice.problem.lower()}); retrying every second")
        elif notice.kind == "absent":
            self.warn(where, f"{where}: leads to no file; positions are kept until it does")
        elif notice.lost_bytes:
            what = f"{where}: {notice.lost_bytes} bytes were destroyed before they could be read"
            self.warn(f"lost {where}", f"{what}; rotate by rename, not by truncating")
        elif notice.kind == "truncated":
            self.warn(f"truncated {where}", f"{where}: truncated or rewritten in place; reading what is new")
