"""The recording state of one process: nothing until the first call, then a recorder, or silence.

In: calls from any thread, at any time, before and after a fork. Out: recorded values. The session is safe behind this
wall: whatever goes wrong inside becomes one warning, and then nothing is recorded.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporters.telemetry.start import Recording

__all__ = ["Session"]

_log = logging.getLogger("peaktrade.telemetry")


class Session:
    """What one process records with. It begins at the first call, and anew in the child of a fork."""

    def __init__(self) -> None:
        self._recording: Recording | None = None
        self._is_silent = False
        self._lock = threading.Lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin_anew)

    def ensure(self) -> bool:
        """Begin to record, unless that was done or has failed; return whether calls are recorded."""
        return self._current() is not None

    def count(self, metric: str, *labels: object) -> None:
        """Add one to a counter."""
        try:
            recording = self._recording or self._current()
            if recording is not None:
                recording.recorder.count(metric, labels)
        except Exception as error:  # noqa: BLE001  # telemetry never stops a session
            self._give_up(error)

    def show(self, metric: str, bound: Callable[[float], float], number: object, *labels: object) -> None:
        """Set a gauge to a number, brought within bounds first."""
        try:
            recording = self._recording or self._current()
            if recording is not None:
                recording.recorder.show(metric, bound, number, labels)
        except Exception as error:  # noqa: BLE001  # telemetry never stops a session
            self._give_up(error)

    def _current(self) -> Recording | None:
        if self._recording is None and not self._is_silent:
            with self._lock:
                if self._recording is None and not self._is_silent:
                    self._begin()
        return self._recording

    def _begin(self) -> None:
        try:
            from exporters.telemetry.start import start

            self._recording = start(os.environ)
        except Exception as error:  # noqa: BLE001  # telemetry never stops a session
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Say once what is wrong, then be silent."""
        self._recording = None
        if not self._is_silent:
            self._is_silent = True
            _log.warning("telemetry is off, the session goes on without it: %s", _reason(error))

    def _begin_anew(self) -> None:
        """Forget what belongs to the parent of a fork."""
        left, self._recording = self._recording, None
        self._is_silent = False
        self._lock = threading.Lock()
        if left is not None:
            left.let_go()


def _reason(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is missing; pip install peak-trade-exporters"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror.lower()}" if error.filename else error.strerror.lower()
    return str(error) or type(error).__name__
