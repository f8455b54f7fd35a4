"""Asks Prometheus whether what flows is well: refused lines, lost bytes, stale events, overdue reconciliation.

In: a site and contracts. Out: checks. Each is a query that answers with what is ill, and with nothing when all is well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contracts.model import Contract
from exporters.commands.verify.client import HttpClient, query
from exporters.commands.verify.finding import Check, Depth, Finding

__all__ = ["ILLS", "Ill", "check_flow"]


@dataclass(frozen=True, slots=True)
class Ill:
    """What may be ill with an exporter: `text` and `watcher` are said of each series `query` answers with.

    Attributes:
        exporter: the one it is asked of; "" for each that reads files, with `{job}` in the query for its job.
        text: `{value}` is the value, `{instance}` the target.
    """

    exporter: str
    id: str
    query: str
    text: str
    watcher: str
    depth: Depth


ILLS = (
    Ill(
        "",
        "refused",
        "sum by (instance)"
        ' (increase(peak_trade_exporter_lines_total{job="{job}",outcome!~"applied|ignored|blank"}[5m]))'
        ' / (sum by (instance) (increase(peak_trade_exporter_lines_total{job="{job}",outcome!="blank"}[5m])) > 0)'
        " > 0.01",
        "{value:.0%} of the lines of the last 5 minutes were refused at {instance} (at most 1% is well)",
        "its log names file, offset and reason of a refused line; docs/runbooks/error-spike.md",
        Depth.LOSS,
    ),
    Ill(
        "",
        "lost",
        'increase(peak_trade_exporter_lost_bytes_total{job="{job}"}[1h]) > 0',
        "{value:.0f} bytes of events were destroyed within the last hour before {instance} could read them",
        "rotate by rename, not by truncating: no copytruncate; its log names the file",
        Depth.LOSS,
    ),
    Ill(
        "shadow_mvs",
        "stale",
        "time() - max by (job, instance, mode) (peak_trade_pipeline_last_event_timestamp_seconds) > 60"
        ' and on (job, instance, mode) peak_trade_run_state{state=~"running|degraded"} == 1',
        "the run at {instance} says it is alive, and its newest event is {value:.0f} s old",
        "is the run's own process alive; docs/runbooks/shadow-stop.md",
        Depth.STALE,
    ),
    Ill(
        "ai_live",
        "stale",
        'ALERTS{alertname="AI_LIVE_StaleEvents"}',
        "a run is alive, and the AI layer at {instance} has been silent for more than a minute",
        "is the process that decides alive; docs/runbooks/shadow-stop.md",
        Depth.STALE,
    ),
    Ill(
        "execution_watch",
        "reconciliation",
        "time() - peak_trade_reconciler_last_ok_timestamp_seconds > 600"
        ' and on (job, instance) peak_trade_orchestrator_state{state="RUNNING"} == 1',
        "the orchestrator at {instance} runs, and last reconciled {value:.0f} s ago (at most 600 s are well)",
        "is the reconciler alive; docs/runbooks/reconciliation.md",
        Depth.STALE,
    ),
)


def check_flow(prometheus: HttpClient, contracts: Sequence[Contract]) -> Iterator[Check]:
    """Yield a check per ill and exporter."""
    for contract in contracts:
        for ill in ILLS:
            if ill.exporter == contract.name or (not ill.exporter and not contract.is_recorded):
                yield _check(prometheus, contract, ill)


def _check(prometheus: HttpClient, contract: Contract, ill: Ill) -> Check:
    name = f"{contract.name}_{ill.id}"

    def ask() -> Iterator[Finding]:
        for labels, value in query(prometheus, ill.query.replace("{job}", contract.job), f"queries/{name}.json"):
            text = ill.text.format(value=value, instance=labels.get("instance", "?"))
            yield Finding("FAIL", name, text, ill.watcher)

    return Check(name, ask, "is this a Prometheus?", contract.name, ill.depth)
