"""Where the numbers stand: in files of the shared folder, or in this process's memory. The client library keeps them.

In: a metric and label values. Out: a `Cell`. The class of values is chosen here, so it does not matter when, and under
which variables, anyone imported the client library.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Protocol

from contracts.model import Contract, Metric
from exporters.multiprocess.admission import RECORDED
from exporters.multiprocess.claims import stake

__all__ = ["Cell", "OwnCells", "SharedCells"]

_MODE = "livemax"
"""Of gauges, the greatest of the processes that live counts. Source: the predecessor."""

_PAGE_BYTES = 4096
_ROOM = 160
"""Bytes an entry takes beside its names: label values, padding and numbers, generously."""


class Cell(Protocol):
    """One number, safe to be moved from several threads."""

    def inc(self, amount: float) -> None:
        """Add to it."""

    def set(self, value: float) -> None:
        """Replace it."""

    def get(self) -> float:
        """Return it."""


class OwnCells:
    """Numbers in memory."""

    def __init__(self) -> None:
        from prometheus_client.values import MutexValue

        self._value = MutexValue

    def make(self, metric: Metric, labels: tuple[str, ...]) -> Cell:
        """Return the number of one series, at 0."""
        cell: Cell = self._value(*_arguments(metric, labels))  # type: ignore[no-untyped-call]
        return cell


class SharedCells:
    """Numbers in files that outlive this process; `let_go` closes what the child of a fork has of its parent's."""

    def __init__(self, contract: Contract, folder: Path) -> None:
        from prometheus_client.values import MultiProcessValue

        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # the only way to tell the client library
        claim = stake(folder)
        self.let_go = claim.let_go
        self._value = MultiProcessValue(lambda: claim.token)  # type: ignore[no-untyped-call]
        for kind, of_type in ((f"gauge_{_MODE}", "gauge"), ("counter", "counter")):
            metrics = [metric for metric in (*contract.metrics, *RECORDED) if metric.type == of_type]
            if metrics:
                _reserve(folder / f"{kind}_{claim.token}.db", sum(map(_most_bytes, metrics)))

    def make(self, metric: Metric, labels: tuple[str, ...]) -> Cell:
        """Return the number of one series, at 0."""
        cell: Cell = self._value(*_arguments(metric, labels), multiprocess_mode=_MODE)
        return cell


def _arguments(metric: Metric, labels: tuple[str, ...]) -> tuple[object, ...]:
    family = metric.name.removesuffix("_total") if metric.type == "counter" else metric.name
    return metric.type, family, metric.name, tuple(metric.labels), labels, metric.help


def _most_bytes(metric: Metric) -> int:
    budget = metric.budget if metric not in RECORDED else 200
    names = json.dumps([metric.name, metric.name, list(metric.labels), metric.help])
    return budget * (len(names) + _ROOM)


def _reserve(path: Path, size: int) -> None:
    """Make a file of zeros with all the room it can need: a full disk is an error now, not a killed session later.

    A file that is mapped into memory and grows is not given its blocks before they are written, and the process that
    writes where there is none left gets a SIGBUS.
    """
    rounded = -(-size // _PAGE_BYTES) * _PAGE_BYTES
    try:
        with path.open("xb") as file:
            file.write(bytes(rounded))
            file.flush()
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, rounded)
    except OSError:
        path.unlink(missing_ok=True)
        raise
