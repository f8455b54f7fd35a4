"""Verifies a running demo as an operator would: by asking Prometheus, and by counting the event files again.

In: contracts, event files and a Prometheus port. Out: one `Finding` per question. The files are counted with plain
json, so agreement does not come from shared code; of sessions, what each printed at its end.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from contracts.model import Contract
from exporters.commands.demo.web import Series, ask_prometheus
from exporters.commands.verify.client import HttpClient
from exporters.commands.verify.finding import Finding
from exporters.commands.verify.golden import GOLDEN, TOLD, TRUTHS, Truth
from exporters.commands.verify.prometheus import check_golden

__all__ = ["Finding", "check", "is_steady"]

Counts = Counter[frozenset[tuple[str, str]]]


def is_steady(port: int, contract: Contract, file: Path) -> bool:
    """Whether Prometheus has seen everything that stands in `file` (which nobody writes to any more)."""
    if contract.is_recorded:
        recorded = {metric: sum(counts.values()) for metric, counts in _recorded(file).items()}
        return recorded == {metric: sum(_found(port, metric).values()) for metric in recorded}
    query = f'peak_trade_exporter_read_bytes_total{{exporter="{contract.name}"}}'
    answer = ask_prometheus(port, query)
    return bool(answer and answer[0][1] == file.stat().st_size)


def check(port: int, contracts: Sequence[Contract], folder: Path) -> Iterator[Finding]:
    """Yield the findings: golden queries, counts against the files, and the balance of lines."""
    names = {contract.name for contract in contracts}
    for golden in GOLDEN:
        if golden.exporter in names:
            yield from check_golden(HttpClient(f"http://127.0.0.1:{port}"), golden).run()
    for contract in contracts:
        if contract.is_recorded:
            for metric, wanted in _recorded(folder / f"emitter {contract.name}.log").items():
                yield _compare(port, contract.name, metric, wanted)
            continue
        file = folder / f"{contract.name}.jsonl"
        yield _check_balance(port, contract, file)
        for truth in TRUTHS:
            if truth.exporter == contract.name:
                yield _check_counts(port, truth, file)


def _check_balance(port: int, contract: Contract, file: Path) -> Finding:
    """Lines read by outcome must add up to the lines of the file, bytes read to its size."""
    own = f'{{exporter="{contract.name}"}}'
    lines = ask_prometheus(port, f"sum(peak_trade_exporter_lines_total{own})") or [({}, math.nan)]
    read = ask_prometheus(port, f"peak_trade_exporter_read_bytes_total{own}") or [({}, math.nan)]
    data = file.read_bytes()
    found, wanted = (lines[0][1], read[0][1]), (data.count(b"\n"), len(data))
    text = f"lines and bytes: got {found[0]:.0f} and {found[1]:.0f}, the file has {wanted[0]} and {wanted[1]}"
    return Finding("PASS" if found == wanted else "FAIL", f"{contract.name}_conservation", text)


def _check_counts(port: int, truth: Truth, file: Path) -> Finding:
    """Every label set must show exactly what the file holds, and no label set may show more."""
    wanted: Counts = Counter()
    for line in file.read_text().splitlines():
        labels = truth.labels_of(json.loads(line))
        if labels is not None:
            wanted[labels] += 1
    return _compare(port, truth.exporter, truth.metric, wanted)


def _recorded(file: Path) -> dict[str, Counts]:
    """Return what the sessions say they told, by metric; each line of JSON is one session's."""
    recorded: dict[str, Counts] = {metric: Counter() for metric, _ in TOLD.values()}
    for line in file.read_text().splitlines():
        for name, *texts, number in json.loads(line)["told"] if line.startswith("{") else ():
            metric, labels = TOLD[name]
            recorded[metric][frozenset(zip(labels, texts, strict=True))] += number
    return recorded


def _found(port: int, metric: str) -> Series:
    """Return the series Prometheus has of a metric, without the labels of the target."""
    found: Series = {}
    for labels, value in ask_prometheus(port, metric) or []:
        own = {name: text for name, text in labels.items() if name not in ("__name__", "job", "instance")}
        found[frozenset(own.items())] = value
    return found


def _compare(port: int, exporter: str, metric: str, wanted: Counts) -> Finding:
    found = _found(port, metric)
    wrong = [labels for labels in wanted | Counter(found.keys()) if wanted[labels] != found.get(labels, 0)]
    text = f"{metric}: {sum(wanted.values())} events in {len(wanted)} label sets"
    if wrong:
        labels = sorted(wrong, key=sorted)[0]
        shown = ", ".join(f"{name}={value}" for name, value in sorted(labels))
        text = f"{metric}{{{shown}}}: got {found.get(labels, 0):.0f}, the file has {wanted[labels]}"
    return Finding("FAIL" if wrong else "PASS", f"{exporter}_counts", text)
