"""How an exporter behaves while it runs: how fresh, how fast, how quiet, how small.

In: how long and how often. Out: readings. Everything is seen from outside: pages, the state file, the kernel's books.
"""

from __future__ import annotations

import gzip
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from exporters.engine.state.keeper import records_of
from exporters.engine.state.readonly import read_rows
from tests.bench.inputs import ledger
from tests.bench.memory import memory_readings
from tests.bench.process import FORMATS, Exporter, bytes_read, lines_applied, lines_read, running, shadow, wait_until
from tests.bench.reading import Reading
from tests.bench.series import series_readings
from tests.bench.telemetry import telemetry_readings

__all__ = ["Effort", "live_readings"]

_ROOT = Path(__file__).parents[2]
_RATE = 50_000
_NAME = "shadow_mvs"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is done: trials and repetitions, seconds, megabytes of input (and, if `big`, of the restart)."""

    trials: int = 10_000
    repeats: int = 50
    starts: int = 5
    idle_s: float = 30.0
    load_s: float = 20.0
    series: tuple[int, ...] = (10, 1_000, 10_000)
    before_mb: int = 50
    after_mb: int = 2_000
    restart_mb: int | None = None
    calls: int = 100_000


def live_readings(effort: Effort, folder: Path, say: Say) -> tuple[list[Reading], list[str]]:
    """Measure all of it, one after the other; return also what failed, in words, which does not end the others."""
    found: list[Reading] = []
    faults: list[str] = []
    parts: tuple[tuple[str, Callable[[Path], list[Reading]]], ...] = (
        ("start", lambda place: start_readings(effort, place)),
        ("freshness", lambda place: freshness_readings(effort, place)),
        ("series", lambda place: series_readings(effort.series, effort.repeats, place)),
        ("idle", lambda place: idle_readings(effort, place)),
        ("sustained", lambda place: sustained_readings(effort, place)),
        ("telemetry", lambda place: telemetry_readings(effort.calls, place)),
        ("memory", lambda place: memory_readings(effort.before_mb, effort.after_mb, effort.restart_mb, place)),
    )
    for name, measure in parts:
        say(f"live: {name}")
        place = folder / name
        place.mkdir()
        try:
            found += measure(place)
        except (OSError, ValueError) as error:
            faults.append(f"live: {name} could not be measured: {error}")
    return found, faults


def start_readings(effort: Effort, folder: Path) -> list[Reading]:
    """Measure from the start of the process to its first page, on a small file and without a state."""
    seconds = []
    for number in range(effort.starts):
        place = folder / str(number)
        place.mkdir()
        _write_ledger(place, 100)
        exporter = Exporter(shadow(), place)
        began = time.perf_counter()
        exporter.start()
        wait_until(lambda one=exporter: one.answers("/metrics"), "the first page")  # type: ignore[misc]
        seconds.append(time.perf_counter() - began)
        exporter.stop()
    return [Reading("start", "start to first scrape", median(seconds), "s", at_most=0.5)]


def freshness_readings(effort: Effort, folder: Path) -> list[Reading]:
    """Append and scrape at once, scrape alone, and append without a scrape; all on the shadow exporter."""
    _write_ledger(folder, 10_000)
    with running(shadow(), folder) as exporter:
        found = _scrape_readings(exporter, effort.repeats)
        found += _visible_readings(exporter, effort.trials)
        found += _committed_readings(exporter, effort.repeats)
    return found


def _scrape_readings(exporter: Exporter, repeats: int) -> list[Reading]:
    found = []
    for name, accept in FORMATS.items():
        times = exporter.scrape_times(accept, repeats)
        what = f"scrape of the shadow exporter, {name}"
        found.append(Reading(f"scrape_shadow_{name}", what, median(times), "ms", at_most=10))
    return found


def _visible_readings(exporter: Exporter, trials: int) -> list[Reading]:
    """Append a line, scrape at once: the page must count it."""
    before, missed, times = lines_applied(exporter.page()), 0, []
    with _appending(exporter.file) as append:
        for number, line in enumerate(_lines(trials, seed=2), 1):
            append(line)
            began = time.perf_counter()
            seen = lines_applied(exporter.page())
            times.append((time.perf_counter() - began) * 1000)
            missed += seen != before + number
    return [
        Reading("missed", f"lines missing from the scrape begun after them, {trials:,} trials", missed, "", at_most=0),
        Reading("visible", "appended to visible, scraped at once, median", median(times), "ms"),
        Reading("visible_worst", "appended to visible, scraped at once, worst", max(times), "ms"),
    ]


def _committed_readings(exporter: Exporter, repeats: int) -> list[Reading]:
    """Append a line and watch the state file until the offset covers it; nobody scrapes."""
    times, chance = [], random.Random(3)
    with _appending(exporter.file) as append:
        for line in _lines(repeats, seed=4):
            time.sleep(chance.uniform(0.05, 0.35))
            append(line)
            began = time.perf_counter()
            wait_until(lambda: _unread(exporter) == 0, "the line is committed", seconds=60)
            times.append((time.perf_counter() - began) * 1000)
    return [
        Reading("committed", "appended to committed, without a scrape, median", median(times), "ms"),
        Reading("committed_worst", "appended to committed, without a scrape, worst", max(times), "ms"),
    ]


def idle_readings(effort: Effort, folder: Path) -> list[Reading]:
    """Measure the CPU of an exporter whose file does not move and that nobody scrapes."""
    _write_ledger(folder, 10_000)
    with running(shadow(), folder) as exporter:
        time.sleep(min(2.0, effort.idle_s))
        began, before = time.monotonic(), exporter.cpu_s
        time.sleep(effort.idle_s)
        share = (exporter.cpu_s - before) / (time.monotonic() - began) * 100
    return [Reading("idle_cpu", f"idle CPU over {effort.idle_s:g} s", share, "% of a core", at_most=0.5)]


def sustained_readings(effort: Effort, folder: Path) -> list[Reading]:
    """Write 50,000 events per second and scrape once a second: how far behind, at which price.

    Behind are the bytes in the file that the page just received, or the state file halfway between two scrapes, does
    not have; as time, they are divided by the writer's own speed. The worst look counts.
    """
    with running(shadow(), folder) as exporter, _emitting(exporter.file):
        wait_until(lambda: _size(exporter.file) > 0, "the emitter writes", seconds=60)
        time.sleep(min(2.0, effort.load_s))
        began, cpu, size, page = time.monotonic(), exporter.cpu_s, _size(exporter.file), exporter.page()
        behind = [_look_once(exporter, began + second) for second in range(1, 1 + round(effort.load_s))]
        last, seconds = exporter.page(), time.monotonic() - began
        cpu, size = exporter.cpu_s - cpu, _size(exporter.file) - size
    line_bytes = (bytes_read(last) - bytes_read(page)) / (lines_read(last) - lines_read(page))
    return _judge_sustained(
        effort.load_s, size / line_bytes / seconds, cpu / seconds * 100, max(behind) / size * seconds
    )


def _judge_sustained(load_s: float, rate: float, cpu: float, lag_s: float) -> list[Reading]:
    """Return the readings; CPU and lag at a rate the writer did not reach would say nothing of the rate asked for."""
    found = (
        Reading("sustained", f"written for {load_s:g} s, scraped every second", rate, "events/s"),
        Reading("sustained_cpu", "CPU at that rate", cpu, "% of a core", at_most=35),
        Reading("sustained_lag", "lag at that rate, worst", lag_s * 1000, "ms", at_most=250),
    )
    if rate >= _RATE * 0.99:
        return list(found)
    note = f"the writer reached {rate:,.0f} events/s only; there: CPU {cpu:.1f} %, lag {lag_s * 1000:.0f} ms"
    return [found[0], *(replace(one, value=None, note=note) for one in found[1:])]


def _look_once(exporter: Exporter, moment: float) -> float:
    """Look at the state half a second before `moment`, and at a page at `moment`; return the most bytes behind."""
    time.sleep(max(0.0, moment - 0.5 - time.monotonic()))
    uncommitted = _unread(exporter)
    time.sleep(max(0.0, moment - time.monotonic()))
    packed = exporter.scrape()
    size = _size(exporter.file)
    return max(uncommitted, size - bytes_read(gzip.decompress(packed)))


@contextmanager
def _emitting(file: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "emitters", _NAME, "--out", str(file), "--rate", str(_RATE), "--forever"]
    emitter = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=_ROOT)
    try:
        yield
    finally:
        emitter.terminate()
        emitter.wait()


@contextmanager
def _appending(file: Path) -> Iterator[Callable[[bytes], int]]:
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        yield lambda data: os.write(handle, data)
    finally:
        os.close(handle)


def _lines(number: int, seed: int) -> Iterator[bytes]:
    return (line.encode() for line in ledger(random.Random(seed), number))


def _write_ledger(folder: Path, number: int) -> None:
    (folder / "events.jsonl").write_bytes(b"".join(_lines(number, seed=1)))


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _unread(exporter: Exporter) -> int:
    """Return the bytes of the file, as large as it is now, that the state's offset does not cover."""
    size = _size(exporter.file)
    state = exporter.state / f"{_NAME}.db"
    checkpoints = records_of(state, read_rows(state, _NAME)).checkpoints
    return max(0, size - sum(checkpoint.offset for checkpoint in checkpoints if not checkpoint.done))
