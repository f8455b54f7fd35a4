"""Sessions inside this process, and what a folder shows of them: for tests that need many, and need them step by step.

In: a folder. Out: values by series. A session here is what the telemetry makes in a process of its own: a claim, files
and a recorder; its death is the end of its claim.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from contracts.load import load_contract
from contracts.model import Contract
from exporters.multiprocess.collector import Collector
from exporters.multiprocess.exposed import first_series
from exporters.telemetry.cells import SharedCells
from exporters.telemetry.recorder import Recorder
from tests.conftest import FakeClock

__all__ = ["BLOCKS", "DECISIONS", "InnerSession", "open_collector", "the_contract", "total"]


@cache
def the_contract() -> Contract:
    """Return the contract of metricsd."""
    return load_contract(Path(__file__).parents[2] / "contracts" / "metricsd.yaml")


BLOCKS = "peaktrade_risk_blocks_total"
DECISIONS = "peaktrade_strategy_decisions_total"


class InnerSession:
    """One recording session."""

    def __init__(self, folder: Path, contract: Contract | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        contract = contract or the_contract()
        cells = SharedCells(contract, folder)
        self.recorder = Recorder(contract, cells.make)
        self.recorder.begin(first_series(contract, {}))
        self.die = cells.let_go

    def block(self, number: int = 1, reason: str = "runtime:halt") -> None:
        """Record so many blocks."""
        for _ in range(number):
            self.recorder.count(BLOCKS, (reason,))


def open_collector(folder: Path, contract: Contract | None = None, clock: FakeClock | None = None) -> Collector:
    """Return a collector that has the folder."""
    return Collector(contract or the_contract(), folder, clock or FakeClock()).open()


def total(collector: Collector, metric: str = BLOCKS) -> float:
    """Return the sum of a metric over all its series."""
    return sum(value for (name, _), value in collector.collect().items() if name == metric)
