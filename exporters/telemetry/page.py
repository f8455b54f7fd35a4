"""Mode A: the session's own metrics page, for as long as it lives.

In: the values now. Out: HTTP, in a thread of its own. A port that is taken is the caller's to report.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping

from contracts.model import Contract
from exporters.multiprocess.admission import Series
from exporters.multiprocess.exposed import about, snapshot_of

__all__ = ["OwnPage"]


class OwnPage:
    """Serves what this process recorded; `values` returns it, `created` is when that began (UTC epoch seconds).

    When that was is told to nobody unless `with_created` is set before it serves.
    """

    with_created = False

    def __init__(self, contract: Contract, values: Callable[[], Mapping[Series, float]], created: float) -> None:
        self._contract = contract
        self._values = values
        self._created = created
        self._close: Callable[[], None] = lambda: None

    def serve(self, host: str, port: int) -> None:
        """Take the port and begin.

        Raises:
            OSError: if the port cannot be had.
            ModuleNotFoundError: if the server's libraries are missing.
        """
        from exporters.engine.exposition.app import build_app
        from exporters.engine.exposition.serve import ServeError, Server, bind
        from exporters.multiprocess.service import at_once

        try:
            listener = bind(host, port, "the session")
        except ServeError as error:
            raise OSError(str(error)) from error
        self._close = listener.close
        Server(build_app(lambda: self._contract, at_once, self._render, lambda: True), listener).start()

    def let_go(self) -> None:
        """Close, in the child of a fork, what belongs to its parent."""
        with contextlib.suppress(OSError):
            self._close()

    def _render(self, accept: str) -> tuple[bytes, str]:
        from exporters.engine.exposition.render import render

        snapshot = snapshot_of(self._contract, self._values(), self._created)
        gauges = about(self._contract, snapshot, os.environ, {})
        return render(snapshot, gauges, accept, with_created=self.with_created)
