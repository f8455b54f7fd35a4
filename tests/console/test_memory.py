"""Memory stays flat: lines come, pages are asked for, somebody follows.

Six minutes of a demo's lines and requests in the ordinary run, four hours of them with PEAK_TRADE_CHAOS=1.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
from pathlib import Path

import pytest

from tests.budget import amount
from tests.console.test_process import follower, read, serving
from tests.console.world import World, execution_event, step

pytestmark = pytest.mark.slow

MINUTES = amount(6, 240)
RUNS = ("run_0", "run_1", "run_2")
PAGES = ["/", "/runs", "/execution_watch", "/live/alerts", "/watch", "/api/live/status/snapshot.json"]
PAGES += [path.format(run) for run in RUNS for path in ("/watch/runs/{}", "/api/v0/runs/{}/events?limit=50")]


def resident_kib(process: subprocess.Popen[str]) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0])


def one_minute(world: World, minute: int) -> None:
    """Write what three runs with a step a second write in a minute."""
    for number, run_id in enumerate(RUNS):
        world.steps((step(at % 3600, step=at) for at in range(minute * 60, minute * 60 + 60)), run_id)
        event = execution_event(run_id, "2026-01-15T18:00:00Z", "filled", order_id=f"{minute}-{number}")
        world.executions({**event, "payload": {"text": "x" * 200}})


def test_memory_stays_flat_however_much_came(world: World, tmp_path: Path) -> None:
    for run_id in RUNS:
        world.meta(run_id)
    sizes = []
    flags = ("--state-dir", str(tmp_path / "state"))
    with serving(world, *flags) as (address, process), contextlib.ExitStack() as open_ones:
        open_ones.enter_context(follower(address, "/api/v0/updates"))
        for minute in range(MINUTES):
            one_minute(world, minute)
            for path in PAGES * 2:
                read(address + path)
            sizes.append(resident_kib(process))
    assert sizes[-1] < max(sizes[: MINUTES // 2]) + 6 * 1024, sizes
    assert sizes[-1] < 200 * 1024
