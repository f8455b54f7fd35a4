"""What an emitter wrote is what the exporter counts, per label set, also when the emitter misbehaves under a scraper.

The truth is worked out from the emitter's own events by plain Python (`verify.golden`), not by a contract.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.load import load_contracts
from exporters.commands.export import CONTRACTS
from exporters.commands.verify.golden import TRUTHS, Truth
from tests.budget import amount
from tests.end_to_end.patience import PATIENCE_S, wait_until
from tests.end_to_end.ports import free_port
from tests.end_to_end.storm import Page, Scraper, read_page

pytestmark = pytest.mark.slow

START = "2026-01-25T01:00:00+00:00"
NUMBER = 60
PLACES = {contract.name: contract for contract in load_contracts(CONTRACTS)}
MISBEHAVIOUR = {
    "tidy": [],
    "rotating": ["--misbehave", "rotate"],
    "truncating": ["--misbehave", "truncate", "--misbehave-every", "25", "--settle-ms", "700"],
    "in_halves": ["--misbehave", "half-line", "--misbehave-every", "3"],
    "everything": [
        *("--misbehave", "rotate", "--misbehave", "half-line", "--misbehave", "truncate"),
        *("--misbehave-every", "9", "--settle-ms", "700"),
    ],
}


def _expected(truth: Truth) -> dict[frozenset[tuple[str, str]], int]:
    emitter = importlib.import_module(f"emitters.{truth.exporter}")
    events = emitter.events(datetime.fromisoformat(START), NUMBER, interval=timedelta(milliseconds=10))
    found = Counter(labels for event in events if (labels := truth.labels_of(event)) is not None)
    return dict(found)


def _exporter(name: str, file: Path, folder: Path, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"exporters.{name}", "--file", str(file), "--state-dir", str(folder / "state")]
    command += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]
    process = subprocess.Popen(command, env={**os.environ, "PEAK_TRADE_AI_RUN_ID": "demo"})

    def answers() -> bool:
        assert process.poll() is None
        return read_page(port) is not None

    wait_until(answers, "the exporter answers", pause_s=0.02)
    return process


def _emit(name: str, file: Path, *more: str) -> None:
    command = [sys.executable, "-m", "emitters", name, "--out", str(file), "--n", str(NUMBER)]
    subprocess.run([*command, "--interval-ms", "10", "--start", START, *more], check=True, capture_output=True)


def _counts(page: Page, metric: str) -> dict[frozenset[tuple[str, str]], float]:
    return {labels: value for (name, labels), value in page.items() if name == metric and value}


def _lines(page: Page) -> tuple[float, float]:
    name = "peak_trade_exporter_lines_total"
    outcomes = {dict(labels)["outcome"]: value for (found, labels), value in page.items() if found == name}
    return sum(outcomes.values()), outcomes["applied"] + outcomes["ignored"]


WATCHED = [truth for truth in TRUTHS if truth.exporter in PLACES]
ALL = [(how, truth) for how in MISBEHAVIOUR for truth in WATCHED]
EACH = [one for at, one in enumerate(ALL) if one[0] == "everything" or at % len(WATCHED) == at // len(WATCHED) % 3]
"""All at once with every exporter, and each fault alone with one of them in turn."""


@pytest.mark.parametrize(("how", "truth"), amount(EACH, ALL), ids=lambda one: getattr(one, "exporter", one))
def test_the_exporter_counts_what_the_emitter_wrote(how: str, truth: Truth, tmp_path: Path) -> None:
    file, port = tmp_path / "events.jsonl", free_port()
    process = _exporter(truth.exporter, file, tmp_path, port)
    scraper = Scraper(port)
    scraper.start()
    try:
        _emit(truth.exporter, file, *MISBEHAVIOUR[how])
        page: Any = read_page(port)
    finally:
        scraper.finish()
        process.send_signal(signal.SIGTERM)
        code = process.wait(PATIENCE_S)
    assert _counts(page, truth.metric) == _expected(truth)
    assert _lines(page) == (NUMBER, NUMBER)
    assert scraper.fallen == ""
    assert code == 0


@pytest.mark.parametrize("truth", [t for t in TRUTHS if t.exporter in PLACES], ids=lambda truth: truth.exporter)
def test_events_written_before_the_exporter_starts_count_too(truth: Truth, tmp_path: Path) -> None:
    file, port = tmp_path / "events.jsonl", free_port()
    _emit(truth.exporter, file)
    process = _exporter(truth.exporter, file, tmp_path, port)
    page: Any = read_page(port)
    process.send_signal(signal.SIGTERM)
    process.wait(PATIENCE_S)
    assert _counts(page, truth.metric) == _expected(truth)
