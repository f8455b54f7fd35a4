"""All routes of the API in one list, those with fixed parts before those with ids.

In: the routes of each document. Out: the list the application, its description and its tests are made from.
"""

from __future__ import annotations

from console.api import execution, execution_v0, live, runs_v0, sessions
from console.api.endpoint import Endpoint
from console.snapshot import ENDPOINT

__all__ = ["ENDPOINTS"]

ENDPOINTS: tuple[Endpoint, ...] = tuple(
    sorted(
        (
            *live.ENDPOINTS,
            *runs_v0.ENDPOINTS,
            *sessions.ENDPOINTS,
            *execution_v0.ENDPOINTS,
            *execution.ENDPOINTS,
            ENDPOINT,
        ),
        key=lambda one: (one.path.count("/"), "{" in one.path, one.path),
    )
)
