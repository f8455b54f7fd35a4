"""Verifies a running demo as an operator would: by asking Prometheus, and by counting the event files again.

In: contracts, event files and a Prometheus port. Out: one `Finding` per question. The files are counted with plain
json, so agreement does not come from shared code.
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
from exporters.commands.verify.golden import GOLDEN, TRUTHS, Truth
from exporters.commands.verify.prometheus import check_golden

__all__ = ["Finding", "check", "is_steady"]


def is_steady(port: int, contract: Contract, file: Path) -> bool:
    """Whether Prometheus has seen everything that stands in `file` (which nobody writes to any more)."""
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
        file = folder / f"{contract.name}.jsonl"
        yield _check_law(port, contract, file)
        for truth in TRUTHS:
            if truth.exporter == contract.name:
                yield _check_counts(port, truth, file)


def _check_law(port: int, contract: Contract, file: Path) -> Finding:
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
    wanted: Counter[frozenset[tuple[str, str]]] = Counter()
    for line in file.read_text().splitlines():
        labels = truth.labels_of(json.loads(line))
        if labels is not None:
            wanted[labels] += 1
    found: Series = {}
    for labels_found, value in ask_prometheus(port, truth.metric) or []:
        own = {name: text for name, text in labels_found.items() if name not in ("__name__", "job", "instance")}
        found[frozenset(own.items())] = value
    wrong = [labels for labels in wanted | Counter(found.keys()) if wanted[labels] != found.get(labels, 0)]
    text = f"{truth.metric}: {sum(wanted.values())} events in {len(wanted)} label sets"
    if wrong:
        labels = sorted(wrong, key=sorted)[0]
        shown = ", ".join(f"{name}={value}" for name, value in sorted(labels))
        text = f"{truth.metric}{{{shown}}}: got {found.get(labels, 0):.0f}, the file has {wanted[labels]}"
    return Finding("FAIL" if wrong else "PASS", f"{truth.exporter}_counts", text)
