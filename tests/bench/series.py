"""What many series cost: a scrape, and a commit when few of them changed.

In: how many series. Out: readings. The contract is made here: one counter with a capped label of that many values.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from contracts.load import load_contract
from exporters.engine.clock import SystemClock
from exporters.engine.run import Engine
from exporters.engine.state.store import Store
from exporters.engine.tail.tail import Tail
from tests.bench.process import FORMATS, peaktrade, running
from tests.bench.reading import Reading

__all__ = ["series_readings"]

_CHANGED = 10
_CONTRACT = """\
exporter: {{name: wide, help: Many series., port: 9200, job: wide}}
files: {{default: events.jsonl}}
vocabulary:
  mode: {{values: [shadow, live]}}
  stage: {{values: [signal, intent, submit, ack, fill, cancel, risk_block, error]}}
  order: {{allow: "a-z0-9", max_length: 16, max_values: {number}, default: na}}
sources:
  wide:
    match: {{mode: shadow}}
    read: {{mode: mode, stage: {{path: stage, required: true}}, order: order}}
metrics:
  wide_events_total: {{type: counter, help: Events., counts: stage, labels: [mode, stage, order], budget: {budget}}}
"""


def series_readings(sizes: tuple[int, ...], repeats: int, folder: Path) -> list[Reading]:
    """Measure scrapes at each size, and commits at the largest."""
    found = [reading for size in sizes for reading in _scrape_queue(size, repeats, _prepare(folder / str(size), size))]
    return [*found, _commits(max(sizes), repeats, _prepare(folder / "commit", max(sizes)))]


def _lines(number: int) -> Iterator[bytes]:
    for index in range(number):
        yield b'{"mode":"shadow","stage":"fill","order":"order%06d"}\n' % index


def _prepare(folder: Path, number: int) -> Path:
    """Write a contract and one event for each series."""
    folder.mkdir()
    (folder / "wide.yaml").write_text(_CONTRACT.format(number=number, budget=16 * (number + 1)))
    (folder / "events.jsonl").write_bytes(b"".join(_lines(number)))
    return folder


def _scrape_queue(number: int, repeats: int, folder: Path) -> list[Reading]:
    found = []
    limit = 150 if number == 10_000 else None
    with running(peaktrade(folder / "wide.yaml"), folder) as exporter:
        if b"order%06d" % (number - 1) not in exporter.page():
            raise ValueError(f"not all {number} series are on the page")
        for name, accept in FORMATS.items():
            taken = median(exporter.scrape_times(accept, repeats))
            what = f"scrape of {number:,} series, {name}"
            found.append(Reading(f"scrape_{number}_{name}", what, taken, "ms", at_most=limit))
    return found


def _commits(number: int, repeats: int, folder: Path) -> Reading:
    """Measure one step of the engine, in this process: ten lines read, ten series changed, one transaction."""
    contract = load_contract(folder / "wide.yaml")
    file, store = folder / "events.jsonl", Store(folder / "wide.db", contract.name)
    tail = Tail((str(file),), contract.files.max_line_bytes)
    engine = Engine(contract, tail, {}, SystemClock(), store).start()
    times = []
    try:
        engine.step()
        for _ in range(repeats):
            with file.open("ab") as out:
                out.write(b"".join(_lines(_CHANGED)))
            began = time.perf_counter()
            engine.step()
            times.append((time.perf_counter() - began) * 1000)
    finally:
        tail.close()
        store.close()
    return Reading("commit", f"commit at {number:,} series, {_CHANGED} changed", median(times), "ms")
