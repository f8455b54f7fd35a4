"""A wake-up when something stirs in the event files' directories. Only a hint: polling alone is exact.

In: directories. Out: a call of `wake`. Events are never trusted (order, identity and overflow are lost on the way);
whatever goes wrong here only costs latency, so every failure is answered by waiting and building a new watch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

__all__ = ["Watcher"]

_STEP_MS = 50
"""How often watchfiles looks whether more has come; each look costs, also when idle (20 ms: 0.4 % of a core)."""

_REST_S = 0.05
"""Shortest time between two wake-ups. A file written to without pause would wake the engine at every second look; to
read and commit that often costs 5 % of a core at 50,000 events a second."""

_RETRY_S = 5.0


class Watcher:
    """Watches directories in a thread of its own until stop().

    Args:
        directories: called for the directories to watch, each time the watch is built.
        wake: called when something happened in one of them.
    """

    def __init__(self, directories: Callable[[], Collection[str]], wake: Callable[[], None]) -> None:
        self._directories = directories
        self._wake = wake
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hint", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                watched = frozenset(self._directories())
                if watched:
                    self._watch(watched)
                else:
                    self._stop.wait(_RETRY_S)
            except Exception:  # noqa: BLE001  # any failure of a hint means: watch anew, polling goes on meanwhile
                self._stop.wait(_RETRY_S)

    def _watch(self, watched: frozenset[str]) -> None:
        """Wake on changes until the set of directories is another one."""
        from watchfiles import watch

        changes = watch(
            *watched,
            watch_filter=None,
            step=_STEP_MS,
            debounce=50,
            rust_timeout=5000,
            yield_on_timeout=True,
            stop_event=self._stop,
            force_polling=False,
            recursive=False,
            ignore_permission_denied=True,
        )
        for change in changes:
            if change:
                self._wake()
                self._stop.wait(_REST_S)
            if frozenset(self._directories()) != watched:
                return
