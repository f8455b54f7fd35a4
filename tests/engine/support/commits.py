"""One engine over one file and one state, stopped, killed and begun again at will, without threads or a wall clock.

In: a contract, events. Out: what was committed. A kill is what `tests.engine.support.stores.kill` plays.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from contracts.model import Contract
from exporters.engine.run import Engine
from exporters.engine.state.store import Store
from exporters.engine.tail.tail import Tail
from tests.engine.support import stores
from tests.engine.support.harness import NOW, Event, contract_of, line_of

__all__ = ["SHOP", "Plant", "Shown", "StandingClock", "failing_disk", "shop_event", "warnings"]

SHOP = """
vocabulary:
  kind: {values: [sold, lost], otherwise: other}
  run: {allow: a-z, max_length: 8, max_values: 2}
  size: {type: number, min: 0}
  stage: {values: [open, done]}
  edge: {values: [open_to_done]}
  id: {type: id}
  at: {type: time}
  latency: {type: number, unit: seconds, min: 0}
sources:
  all: {match: {}, read: {kind: kind, run: run, size: size, stage: stage, edge: edge, id: id, at: at, latency: latency}}
pairs:
  order: {id: id, stage: stage, at: at, edge: edge, latency: latency, edges: {open_to_done: [open, done]},
    timeout: 50, max_open: 3}
metrics:
  kinds_total: {type: counter, counts: kind, labels: [kind], help: Kinds., budget: 3}
  runs_total: {type: counter, counts: kind, labels: [run], help: Runs., budget: 3}
  size_total: {type: counter, counts: kind, amount: size, help: Sizes., budget: 1}
  open_seconds: {type: histogram, observes: latency, when: {edge: {present: true}}, labels: [edge], buckets: [1, 10],
    help: Edges., budget: 1}
  last_timestamp_seconds: {type: gauge, sets: at, help: Last., budget: 1}
"""

Shown = dict[tuple[str, ...], tuple[float, tuple[int, ...]]]
"""(metric, labels...) -> value and buckets."""


def shop_event(number: int) -> dict[str, object]:
    """Return one of a series of events that move every metric, join pairs, and go beyond the cap on runs."""
    identity = number // 2 if number % 3 else number % 7
    return {
        "kind": ("sold", "lost", "gone")[number % 3],
        "run": ("a", "b", "c", "d")[number % 4],
        "size": 0.25 * number,
        "stage": ("open", "done")[number % 2],
        "id": f"order-{identity}",
        "at": NOW - 10_000 + 7 * number,
    }


class StandingClock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return NOW + self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def wait(self, wake: threading.Event, seconds: float) -> None:
        self.seconds += seconds


class Plant:
    """Where an engine is begun and ended; at most one lives at a time."""

    def __init__(self, folder: Path, text: str = SHOP) -> None:
        self.folder = folder
        self.contract = contract_of(folder, text)
        self.events = folder / "sample.jsonl"
        self.state = folder / "state" / "sample.db"
        self.clock = StandingClock()
        self.store: Store | None = None
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The engine that lives now."""
        assert self._engine is not None
        return self._engine

    def change(self, text: str) -> None:
        """Put another contract in force, from the next begin()."""
        self.contract = contract_of(self.folder, text)

    def reload(self, text: str) -> None:
        """Put another contract in force now, as SIGHUP does."""
        self.change(text)
        self.engine.reload(self.contract)

    def write(self, *events: Event) -> None:
        """Append lines."""
        with self.events.open("ab") as file:
            file.write(b"".join(map(line_of, events)))

    def begin(self) -> Engine:
        """Begin an engine over what is there."""
        self.store = Store(self.state, self.contract.name)
        self._engine = None
        self._engine = self._made(self.contract, self.store)
        return self._engine

    def step(self, seconds: float = 0.2) -> None:
        """Let time pass and the engine look."""
        assert self._engine is not None
        self.clock.seconds += seconds
        self._engine.step()

    def stop(self) -> None:
        """End the engine in an orderly way."""
        if self._engine is not None:
            self._engine.run(lambda: False)
            self._engine.tail.close()
        self._forget(Store.close)

    def kill(self) -> None:
        """End the engine as kill -9 would, whatever it is in the middle of."""
        if self._engine is not None:
            self._engine.tail.close()
        self._forget(stores.kill)

    def shown(self) -> Shown:
        """Return what a scrape would show now, but for what counts restarts, or rotations seen between them."""
        assert self._engine is not None
        return _distinguished(self._engine)

    def kept(self) -> Shown:
        """Kill, take the events away, begin again and look: what is shown then, only the state can say.

        Over an intact event file an exporter that lost everything shows the same, as it reads everything again.
        """
        self.kill()
        self.events.unlink()
        self.begin()
        self.step()
        return self.shown()

    def created(self) -> dict[tuple[str, ...], float]:
        """Return when each series was created."""
        assert self._engine is not None
        samples = [(metric.name, sample) for metric, found in self._engine.publish()[0] for sample in found]
        return {(name, *sample.labels): sample.created for name, sample in samples}

    def own(self, name: str, *labels: str) -> float:
        """Return one of the exporter's values about itself, a gauge or a counter."""
        assert self._engine is not None
        snapshot, gauges = self._engine.publish()
        for metric, values in gauges:
            for found, value in values:
                if (metric.name, found) == (f"peak_trade_exporter_{name}", ("sample", *labels)):
                    return value
        for metric, samples in snapshot:
            for sample in samples:
                if (metric.name, sample.labels) == (f"peak_trade_exporter_{name}", ("sample", *labels)):
                    return sample.value
        raise KeyError(name, labels)

    def truth(self) -> Shown:
        """Return what an engine says that reads everything in one go and never ends."""
        engine = self._made(self.contract, None)
        engine.step()
        engine.publish()
        engine.tail.close()
        return _distinguished(engine)

    def _made(self, contract: Contract, store: Store | None) -> Engine:
        return Engine(contract, Tail([str(self.events)]), {}, self.clock, store).start()

    def _forget(self, end: object) -> None:
        assert callable(end)
        if self.store is not None:
            end(self.store)
        self.store = self._engine = None


@contextlib.contextmanager
def failing_disk() -> Iterator[None]:
    """Let no commit through."""
    with patch("exporters.engine.state.rows.Total.packed", side_effect=sqlite3.OperationalError("disk I/O error")):
        yield


def _distinguished(engine: Engine) -> Shown:
    return {
        (metric.name, *sample.labels): (sample.value, sample.buckets)
        for metric, samples in engine.publish()[0]
        for sample in samples
        if not metric.name.endswith(("recoveries_total", "rotations_total", "state_resets_total"))
    }


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was warned of."""
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
