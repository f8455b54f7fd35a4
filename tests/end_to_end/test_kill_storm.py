"""Killed at random moments while a writer writes and rotates, the exporter ends exact and no counter ever falls.

`PEAK_TRADE_KILLS` sets the number of kills: 8 in the ordinary run, 200 in `make chaos`.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.budget import amount
from tests.end_to_end.ports import free_port
from tests.end_to_end.storm import Exporter, Scraper, Writer, read_page

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("PEAK_TRADE_KILLS", amount(8, 200)))


def test_after_many_kills_every_line_counts_once_and_no_counter_ever_fell(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    file, port = tmp_path / "events.jsonl", free_port()
    exporter, writer, scraper = Exporter(file, tmp_path / "state", port), Writer(file, seed), Scraper(port)
    exporter.start()
    writer.start()
    scraper.start()
    chance = random.Random(seed)
    for _ in range(KILLS):
        time.sleep(chance.random() * 0.3)
        exporter.end(signal.SIGKILL)
        exporter.start()
    writer.finish()
    page = read_page(port)
    scraper.finish()
    exporter.end(signal.SIGTERM)
    assert page is not None
    found = {
        (dict(labels)["decision"], dict(labels)["reason"]): value
        for (name, labels), value in page.items()
        if name == "peaktrade_ai_decisions_total"
    }
    lost = [value for (name, _), value in page.items() if name == "peak_trade_exporter_lost_bytes_total"]
    facts = f"seed {seed}, {KILLS} kills, {writer.rotations} rotations, {scraper.pages} scrapes"
    assert found == dict(writer.written), facts
    assert lost == [0.0], facts
    assert scraper.fallen == "", facts
    assert scraper.pages > KILLS, facts
    print(facts, sum(found.values()), "events")
