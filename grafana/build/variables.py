"""The choices at the top of a board: data source, host, mode, exchange, run, exporter.

In: the catalogue. Out: Grafana variables. Closed choices come from the contracts; runs are asked of Prometheus, which
knows at most as many as the contract allows.
"""

from __future__ import annotations

from collections.abc import Iterable

from grafana.build.catalogue import Catalogue, DashboardError
from grafana.build.render import DATASOURCE
from grafana.build.sdk import dashboard
from grafana.build.uids import CONSOLE, RUNBOOKS

__all__ = ["DATASOURCE", "DEFAULT_DATASOURCE", "variables_of"]

DEFAULT_DATASOURCE = "prometheus"
"""Name and uid of the provisioned data source. Source: seed 003 looks it up by this name."""


def variables_of(names: Iterable[str], catalogue: Catalogue) -> list[dashboard.VariableModel]:
    """Return data source, host, those called `names` in this order, and two hidden addresses."""
    pipeline, decisions = "peak_trade_pipeline_events_total", "peaktrade_ai_decisions_total"
    catalogue.family(decisions).check_label("run_id")
    known = {
        "mode": lambda: _closed("mode", "Mode", catalogue.values(pipeline, "mode")),
        "exchange": lambda: _closed("exchange", "Exchange", catalogue.values(pipeline, "exchange")),
        "run_id": lambda: _asked("run_id", "AI run", f"label_values({decisions}, run_id)"),
        "job": lambda: _closed("job", "Exporter", [contract.job for contract in catalogue.contracts]),
    }
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise DashboardError(f"no variable is called {', '.join(unknown)}; there are {', '.join(known)}")
    hidden = (
        _hidden("console", "Address of the console", CONSOLE),
        _hidden("runbooks", "Address of runbooks", RUNBOOKS),
    )
    return [_datasource(), _hosts(), *(known[name]() for name in names), *hidden]


def _datasource() -> dashboard.VariableModel:
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.DATASOURCE,
        name="datasource",
        label="Data source",
        query="prometheus",
        current=dashboard.VariableOption(selected=True, text=DEFAULT_DATASOURCE, value=DEFAULT_DATASOURCE),
        refresh=dashboard.VariableRefresh.ON_DASHBOARD_LOAD,
        regex="",
    )


def _hidden(name: str, label: str, text: str) -> dashboard.VariableModel:
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.CONSTANT,
        name=name,
        label=label,
        hide=dashboard.VariableHide.HIDE_VARIABLE,
        skip_url_sync=True,
        query=text,
        current=dashboard.VariableOption(selected=True, text=text, value=text),
    )


def _hosts() -> dashboard.VariableModel:
    """Return the choice of a host: instances less their ports, as each exporter of a host has its own."""
    found = _asked("instance", "Host", "label_values(up, instance)")
    found.regex = "/^(.+?)(?::[0-9]+)?$/"
    return found


def _closed(name: str, label: str, values: Iterable[str]) -> dashboard.VariableModel:
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.CUSTOM,
        name=name,
        label=label,
        query=",".join(values),
        current=_all(),
        multi=True,
        include_all=True,
        all_value=".*",
        allow_custom_value=False,
    )


def _asked(name: str, label: str, query: str) -> dashboard.VariableModel:
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.QUERY,
        name=name,
        label=label,
        query=query,
        definition=query,
        datasource=DATASOURCE,
        current=_all(),
        multi=True,
        include_all=True,
        all_value=".*",
        refresh=dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=dashboard.VariableSort.ALPHABETICAL_ASC,
        allow_custom_value=False,
    )


def _all() -> dashboard.VariableOption:
    return dashboard.VariableOption(selected=True, text=["All"], value=["$__all"])
