"""What each shape of events costs: CPU per line of `--once`, in times of the plain shape and of decoding alone.

In: a number of lines and of rounds. Out: readings with their bars. What a process costs without any line is taken off.
The pages are compared, series by series, with what an independent per-event reading of the contract makes of the first
lines of each shape.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench.measure import Run, run_once
from tests.bench.reading import Reading
from tests.bench.shapes import PLAIN, SHAPES, write_shape
from tests.engine.support.reference import Reference

__all__ = ["Cost", "disagreement", "matrix_readings", "rival_readings", "shape_costs"]

_PEAKTRADE = str(Path(sys.executable).with_name("peaktrade"))
_DECODE_ONLY = str(Path(__file__).with_name("decode_only.py"))
_COMPARED = 3000
_MTAIL_PROGRAM = str(Path(__file__).with_name("mixed_ledger.mtail"))
_COUNTING = Path(__file__).with_name("mixed_ledger.yaml")
_RSS_MIB = 64
_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:]\w*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Say = Callable[[str], None]


class Cost(NamedTuple):
    """What a shape costs: microseconds of CPU per line, of ours and of decoding alone, and our peak memory in MiB.

    `in_plain`: in times of the plain shape, the median of the ratios of neighbouring runs.
    """

    line_us: float
    decode_us: float
    rss_mib: float
    in_plain: float


class _Runs(NamedTuple):
    """Runs of a shape: ours and the decoder's, of all lines and of none, and those of the plain shape beside ours."""

    ours: list[Run]
    decode: list[Run]
    ours_empty: list[Run]
    decode_empty: list[Run]
    plain: list[Run]


def shape_costs(keys: Sequence[str], lines: int, rounds: int, folder: Path, say: Say) -> dict[str, Cost]:
    """Measure shapes in interleaved rounds, each contestant as a whole process, the plain one beside each; medians."""
    keys = list(dict.fromkeys((PLAIN, *keys)))
    for key in keys:
        (folder / key).mkdir()
        write_shape(key, folder / key / "events.jsonl", lines)
        (folder / key / "empty.jsonl").touch()
    runs = {key: _Runs([], [], [], [], []) for key in keys}
    for number in range(rounds + 1):
        for key in (*keys[number % len(keys) :], *keys[: number % len(keys)]):
            found = _run_shape(key, folder)
            for listed, run in zip(runs[key], found, strict=True) if number else ():  # the first time is to warm up
                listed.append(run)
            say(f"round {number}/{rounds}  {key}: {SHAPES[key].what}")
    return {key: _cost_of(runs[key], _cpu_s(runs[PLAIN].ours_empty), lines) for key in keys}


def _run_shape(key: str, folder: Path) -> list[Run]:
    """Run a shape once, in the order of `_Runs`."""
    commands = [
        command for name in ("events", "empty") for command in _commands(key, folder / key / f"{name}.jsonl").values()
    ]
    beside = run_once(_commands(PLAIN, folder / PLAIN / "events.jsonl")["ours"], folder / PLAIN)
    return [*(run_once(command, folder / key) for command in commands), beside]


def _cost_of(runs: _Runs, start_of_plain_s: float, lines: int) -> Cost:
    start_s = _cpu_s(runs.ours_empty)
    beside = zip(runs.ours, runs.plain, strict=True)
    return Cost(
        line_us=(_cpu_s(runs.ours) - start_s) / lines * 1e6,
        decode_us=(_cpu_s(runs.decode) - _cpu_s(runs.decode_empty)) / lines * 1e6,
        rss_mib=max(run.rss_mib for run in runs.ours),
        in_plain=median((mine.cpu_s - start_s) / (other.cpu_s - start_of_plain_s) for mine, other in beside),
    )


def _cpu_s(runs: Sequence[Run]) -> float:
    return median(run.cpu_s for run in runs)


def _commands(key: str, file: Path) -> Mapping[str, list[str]]:
    contract = SHAPES[key].contract
    return {"ours": _export(contract, file), "decode": [sys.executable, _DECODE_ONLY, str(contract), str(file)]}


def _export(contract: Path, file: Path) -> list[str]:
    return [_PEAKTRADE, "export", "--contract", str(contract), "--once", "--file", str(file)]


def matrix_readings(costs: Mapping[str, Cost]) -> list[Reading]:
    """Return what shapes cost, held against their bars."""
    readings = []
    for key, cost in costs.items():
        what, note = SHAPES[key].what, f"{cost.line_us:.2f} us a line, {cost.line_us / cost.decode_us:.1f} x decoding"
        bar = SHAPES[key].at_most if key != PLAIN else None
        readings.append(Reading(f"shape_{key}", f"{what}: {note}", cost.in_plain, "x plain", at_most=bar))
    most = max(cost.rss_mib for cost in costs.values())
    return [*readings, Reading("shape_rss", "peak RSS of any shape", most, "MiB", at_most=_RSS_MIB)]


def rival_readings(lines: int, more_lines: int, rounds: int, folder: Path) -> tuple[list[Reading], list[str]]:
    """Compare with mtail on mixed ledgers, CPU with the start; also return where counts differ.

    mtail counts three metrics. So do we where there are no ids; where there are, we do all the shadow exporter does.
    """
    readings, faults = [], []
    shadow = SHAPES["mixed"].contract
    heats = (("mixed", shadow, lines, 3), ("mixed", shadow, more_lines, 3.5), ("mixed_no_ids", _COUNTING, lines, 8))
    for key, contract, number, bar in heats:
        name, ratio = f"{key}_{number}", None
        if shutil.which("mtail"):
            (folder / name).mkdir()
            file = folder / name / "events.jsonl"
            write_shape(key, file, number)
            log = ["-logs", str(file), "-one_shot_format", "prometheus"]
            commands = (_export(contract, file), ["mtail", "-one_shot", "-progs", _MTAIL_PROGRAM, *log])
            runs = [[run_once(command, folder / name) for command in commands] for _ in range(rounds)]
            file.unlink()
            ratio = median(theirs.cpu_s for _, theirs in runs) / median(ours.cpu_s for ours, _ in runs)
            counted = [_number_of_events(run) for run in runs[0]]
            if counted != [number, number]:
                faults.append(f"{key}: of {number} events we count {counted[0]:g}, mtail {counted[1]:g}")
        what = f"mtail : ours, {SHAPES[key].what}, {number:,} lines"
        readings.append(Reading(f"rival_{name}", what, ratio, "x CPU", at_least=bar))
    return readings, faults


def _number_of_events(run: Run) -> float:
    return run.totals.get("events_total", 0.0) + run.totals.get("peak_trade_pipeline_events_total", 0.0)


def _print_page(command: Sequence[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def disagreement(
    key: str, folder: Path, lines: int = _COMPARED, print_page: Callable[[Sequence[str]], str] = _print_page
) -> str:
    """Return where our page and a per-event reading of a shape differ; empty if nowhere."""
    file = folder / f"{key}-head.jsonl"
    write_shape(key, file, lines)
    shape = SHAPES[key]
    page = print_page(_commands(key, file)["ours"])
    expected = Reference(shape.contract, time.time())
    with file.open(encoding="utf-8", newline="\n") as text:
        for line in islice(text, lines):
            expected.feed(line)
    expected.conclude()
    found, wanted = _series_of(page), expected.series()
    constant = {name for name, metric in expected.document["metrics"].items() if "always" in metric}
    for name in sorted({*found, *wanted}):
        if name.partition("{")[0] in constant:
            continue
        mine, theirs = found.get(name, 0.0), wanted.get(name, 0.0)
        if abs(mine - theirs) > 1e-9 * max(abs(mine), abs(theirs)):
            return f"{key}: {name} is {mine:g}, but {theirs:g} event by event"
    return ""


def _series_of(page: str) -> dict[str, float]:
    """Return the samples of a page but those about the exporter, labels in alphabetical order, buckets as counted."""
    found: dict[str, float] = {}
    for line in page.splitlines():
        sample = _SAMPLE.fullmatch(line)
        if sample and not sample["name"].startswith(("process_", "python_", "peak_trade_exporter_")):
            labels = sorted(_LABEL.findall(sample["labels"] or ""))
            found[f"{sample['name']}{dict(labels)}"] = float(sample["value"])
    return found
