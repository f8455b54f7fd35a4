"""What an exporter's own page says is ill: no file, a file that may not be read, a backlog, a state that is not kept.

In: a contract and the families of its page. Out: a finding per ill, each with the next step; nothing when all is well.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from prometheus_client.metrics_core import Metric as Family

from contracts.model import Contract
from contracts.self_metrics import RESERVED_PREFIX
from exporters.commands.verify.finding import Depth, Finding

__all__ = ["find_ills"]

_MAX_LAG_BYTES = 1024 * 1024
"""As EXPORTER_LagHigh has it."""

_MAX_COMMIT_AGE_S = 60.0
"""As EXPORTER_CommitStale has it."""


def find_ills(contract: Contract, families: Sequence[Family], now: float | None = None) -> Iterator[Finding]:
    """Yield what is ill; `now` in Unix seconds, by default the clock's."""
    said = {
        family.name.removeprefix(RESERVED_PREFIX): sum(sample.value for sample in family.samples)
        for family in families
        if family.name.startswith(RESERVED_PREFIX)
    }
    paths = f"the paths stand in its log; give the right ones: --file, or {contract.files.env}"
    if said.get("file_present") == 0 and not contract.is_recorded:
        yield _ill(contract, "file", "none of its event files exists", paths)
    unreadable = said.get("files_unreadable", 0)
    if unreadable:
        yield _ill(contract, "file", f"it may not read {unreadable:.0f} of its event files", "namei -l PATH; chmod")
    lag = said.get("lag_bytes", 0)
    if lag > _MAX_LAG_BYTES:
        text = f"it is {lag:.0f} bytes behind its event files (at most {_MAX_LAG_BYTES} are well)"
        yield _ill(contract, "lag", text, "is it catching up: ask twice; then the load of the machine: uptime")
    if said.get("state_ok") == 0:
        yield _ill(contract, "state", "it cannot keep its state; what it shows is what it kept last", "df -h; its log")
    else:
        age = (time.time() if now is None else now) - said.get("last_commit_timestamp_seconds", float("inf"))
        if age > _MAX_COMMIT_AGE_S:
            text = f"it kept its state {age:.0f} s ago (at most {_MAX_COMMIT_AGE_S:.0f} s are well)"
            yield _ill(contract, "state", text, "do the clocks agree: date -u; else keep its log and restart it")


def _ill(contract: Contract, what: str, text: str, watcher: str) -> Finding:
    return Finding("FAIL", f"{contract.name}_{what}", text, watcher, contract.name, Depth.SOURCE)
