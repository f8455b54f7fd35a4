"""Puts the facts together and judges them.

In: contracts, pages, file facts, an environment. Out: one object, as `--json` prints it, with `problems` (what is
wrong) and `unknown` (what could not be found out). Whatever is missing is None, never a healthy number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.model import Contract
from contracts.no_live import NoLiveError, live_trading_enabled
from contracts.self_metrics import LIVE, LIVE_TRADING, RESERVED_PREFIX
from exporters.commands.settings import SettingsError, resolve_settings
from exporters.commands.status.files import file_facts, time_paths
from exporters.commands.status.pages import Page, fetch
from exporters.commands.verify.client import HttpClient, NoAnswerError

__all__ = ["collect", "exit_code"]

Facts = dict[str, Any]

_BAD_STATES = {"peak_trade_orchestrator_state": {"FAILED", "REJECTED"}, "peak_trade_run_state": {"error", "degraded"}}
_TRANSITIONS = "peak_trade_order_state_transitions_total"
_OPEN = ("ACK", "PARTIAL")


def collect(
    contracts: Sequence[Contract],
    clients: Sequence[HttpClient],
    prometheus: HttpClient | None,
    environment: Mapping[str, str],
    now: float,
) -> Facts:
    """Return everything there is to say. `clients` are the metrics pages, in the order of `contracts`."""
    pages = {contract.name: fetch(client) for contract, client in zip(contracts, clients, strict=True)}
    answered = {name: page for name, page in pages.items() if isinstance(page, Page)}
    facts: Facts = {
        "gates": _gates(answered, environment),
        "exporters": {
            contract.name: _exporter(contract, client, pages[contract.name], environment, now)
            for contract, client in zip(contracts, clients, strict=True)
        },
        "orchestrator_state": _state(answered.values(), "peak_trade_orchestrator_state"),
        "run_state": _state(answered.values(), "peak_trade_run_state"),
        "open_orders": _open_orders(answered.values()),
        "reconciliation": _reconciliation(answered.values(), now),
        "alerts": _alerts(prometheus),
    }
    facts["problems"] = _problems(facts)
    facts["unknown"] = _unknown(facts)
    return facts


def exit_code(facts: Facts) -> int:
    """Return 1 if anything is wrong, else 2 if something could not be found out, else 0."""
    if facts["problems"]:
        return 1
    return 2 if facts["unknown"] else 0


def _gates(pages: Mapping[str, Page], environment: Mapping[str, str]) -> Facts:
    try:
        here: bool | None = live_trading_enabled(environment)
    except NoLiveError:
        here = None
    return {
        "live_trading_enabled_here": here,
        "live_trading_enabled": {name: _flag(page.value(LIVE_TRADING)) for name, page in pages.items()},
    }


def _flag(value: float | None) -> bool | None:
    return None if value is None else value != 0


def _exporter(
    contract: Contract, client: HttpClient, page: Page | str, environment: Mapping[str, str], now: float
) -> Facts:
    facts: Facts = {"address": client.base, "up": isinstance(page, Page), "problem": None, "lines": None}
    facts |= {"lag_bytes": None, "state_ok": None}
    try:
        files = () if contract.is_recorded else resolve_settings(contract, environment).files
        facts["files"] = file_facts(files, time_paths(contract), now)
    except SettingsError as error:
        facts["files"], facts["problem"] = [], str(error)
    if isinstance(page, str):
        return {**facts, "problem": page}
    outcomes = page.by_label(f"{RESERVED_PREFIX}lines_total", "outcome")
    return {
        **facts,
        "lines": {outcome: int(number) for outcome, number in outcomes.items() if number},
        "lag_bytes": _whole(page.value(LIVE["lag_bytes"].name)),
        "state_ok": _flag(page.value(LIVE["state_ok"].name)),
    }


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _state(pages: Any, metric: str) -> str | None:
    """Return the state some page says is the present one."""
    states = [labels["state"] for page in pages for labels, value in page.series(metric) if value == 1]
    return states[0] if states else None


def _open_orders(pages: Any) -> int | None:
    """Return how many orders came to be open and did not end, as far as the counters go back."""
    moves = [(labels, value) for page in pages for labels, value in page.series(_TRANSITIONS)]
    if not moves:
        return None
    opened = sum(value for move, value in moves if move["from_state"] == "NEW" and move["to_state"] in _OPEN)
    ended = sum(value for move, value in moves if move["from_state"] in _OPEN and move["to_state"] not in _OPEN)
    return max(0, int(opened - ended))


def _reconciliation(pages: Any, now: float) -> Facts:
    facts: Facts = {"last_ok_age_s": None, "mismatches": None, "lag_s": None}
    for page in pages:
        last_ok = page.value("peak_trade_reconciler_last_ok_timestamp_seconds")
        mismatches = page.by_label("peak_trade_reconcile_mismatches_total", "code")
        lags = page.by_label("peak_trade_reconcile_lag_seconds", "side")
        facts["last_ok_age_s"] = facts["last_ok_age_s"] if last_ok is None else round(now - last_ok, 3)
        facts["mismatches"] = {code: int(number) for code, number in mismatches.items()} or facts["mismatches"]
        facts["lag_s"] = lags or facts["lag_s"]
    return facts


def _alerts(prometheus: HttpClient | None) -> Facts:
    """Return the names of what fires, by severity; None if nobody was asked or nobody answers."""
    if prometheus is None:
        return {"asked": False, "firing": None, "problem": None}
    try:
        answer = prometheus.read_json("/api/v1/alerts")
        alerts = answer["data"]["alerts"]
        firing = {
            f"{one['labels']['alertname']} ({one['labels'].get('severity', 'no severity')})"
            for one in alerts
            if one["state"] == "firing"
        }
    except NoAnswerError as error:
        return {"asked": True, "firing": None, "problem": str(error)}
    except (KeyError, TypeError):
        return {"asked": True, "firing": None, "problem": f"{prometheus.base}: answered no alerts; is it a Prometheus?"}
    return {"asked": True, "firing": sorted(firing), "problem": None}


def _problems(facts: Facts) -> list[str]:
    found = [f"live trading is enabled {where}" for where in _where_live(facts["gates"])]
    any_up = any(one["up"] for one in facts["exporters"].values())
    for name, one in facts["exporters"].items():
        if not one["up"] and any_up:
            found.append(f"{name} is down: {one['problem']}")
        if one["state_ok"] is False:
            found.append(f"{name} cannot write its state; its log says why")
        if one["up"] and one["files"] and not any(file["present"] for file in one["files"]):
            found.append(f"{name} has no event file: {', '.join(file['path'] for file in one['files'])}")
        found += [f"{file['path']}: {file['problem']}" for file in one["files"] if file["problem"]]
    for key, metric in (("orchestrator_state", "peak_trade_orchestrator_state"), ("run_state", "peak_trade_run_state")):
        if facts[key] in _BAD_STATES[metric]:
            found.append(f"{key} is {facts[key]}")
    serious = [one for one in facts["alerts"]["firing"] or () if not one.endswith("(info)")]
    return found + [f"firing: {one}" for one in serious]


def _where_live(gates: Facts) -> list[str]:
    places = [f"where {name} runs" for name, on in gates["live_trading_enabled"].items() if on]
    return [*(["here"] if gates["live_trading_enabled_here"] else []), *places]


def _unknown(facts: Facts) -> list[str]:
    found = []
    if facts["gates"]["live_trading_enabled_here"] is None:
        found.append("LIVE_TRADING_ENABLED is neither a clear yes nor a clear no here")
    found += [
        f"{name} does not say whether live trading is enabled"
        for name, on in facts["gates"]["live_trading_enabled"].items()
        if on is None
    ]
    if not any(one["up"] for one in facts["exporters"].values()):
        found.append("no exporter answers")
    if facts["alerts"]["problem"]:
        found.append(f"alerts: {facts['alerts']['problem']}")
    return found
