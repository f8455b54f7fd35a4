"""The one door to the official grafana-foundation-sdk: the models and the codec of the classic dashboard.

In: nothing. Out: the SDK's modules under one roof, its plug-ins registered, so that JSON decodes into typed models. The
SDK warns on import that Grafana 13 prefers the v2 schema; the classic one is meant here, as Grafana 10 to 13 read it.
"""

from __future__ import annotations

import json
import warnings
from typing import Any

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="Prefer using", category=DeprecationWarning)
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models import (
        bargauge,
        common,
        dashboard,
        prometheus,
        stat,
        statetimeline,
        table,
        timeseries,
    )

__all__ = [
    "bargauge",
    "common",
    "dashboard",
    "decode",
    "encode",
    "prometheus",
    "stat",
    "statetimeline",
    "table",
    "timeseries",
]

register_default_plugins()


class _Encoder(JSONEncoder):
    """The SDK's encoder less one constant: it puts every link into a menu, where nobody sees that there is one."""

    def default(self, obj: Any) -> Any:
        """Return what JSON can hold."""
        payload = super().default(obj)
        if isinstance(obj, dashboard.DashboardLink):
            del payload["placement"]
        return payload


def encode(board: dashboard.Dashboard) -> str:
    """Return the JSON of a dashboard, keys sorted, ready to be committed."""
    return json.dumps(board, cls=_Encoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def decode(text: str) -> dashboard.Dashboard:
    """Return the dashboard JSON describes, as the SDK understands it; keys it does not know are lost."""
    return dashboard.Dashboard.from_json(json.loads(text))
