"""What is drawn into every plot of a board: when exporters began, and while alerts fired.

In: the jobs of the exporters. Out: Grafana annotations, asked of the data source chosen at the top of the board.
"""

from __future__ import annotations

from collections.abc import Iterable

from grafana.build.queries import HOST, HOST_OR_FLEET
from grafana.build.sdk import dashboard
from grafana.build.variables import DATASOURCE

__all__ = ["annotations_of_all"]

_JUST_BEGUN_S = 30


def annotations_of_all(jobs: Iterable[str]) -> list[dashboard.AnnotationQuery]:
    """Return starts of exporters, and firing alerts less the dead man's switch, which always fires."""
    started = f'time() - process_start_time_seconds{{job=~"{"|".join(jobs)}",{HOST}}} < {_JUST_BEGUN_S}'
    firing = f'ALERTS{{alertstate="firing",alertname!="PROMETHEUS_DeadMansSwitch",{HOST_OR_FLEET}}}'
    return [
        _annotation("Starts of exporters", started, "blue", "started", "{{job}} {{instance}}"),
        _annotation("Firing alerts", firing, "red", "{{alertname}}", "{{severity}} {{job}} {{instance}}"),
    ]


def _annotation(name: str, expr: str, color: str, title: str, text: str) -> dashboard.AnnotationQuery:
    return dashboard.AnnotationQuery(
        name=name,
        datasource=DATASOURCE,
        enable=True,
        icon_color=color,
        expr=expr,
        step="15s",
        title_format=title,
        text_format=text,
    )
