"""What one call of the telemetry costs a session, in each mode and for each way in which a call can end.

In: how many calls. Out: readings, in microseconds of CPU per call, and of memory that many different calls leave.
The session is a process of its own, as only its first call decides on the mode.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.bench.reading import Reading
from tests.end_to_end.ports import free_port

__all__ = ["telemetry_readings"]

_ROOT = Path(__file__).parents[2]
_SESSION = """
import json, re, sys, time
from exporters import telemetry as t

number = int(sys.argv[1])
assert t.ensure_registered()
t.record_strategy_decision("ma_cross", "entry_long")
for at in range(25):
    t.record_strategy_signal(f"strategy {at}", "long")
kinds = {
    "counter": (t.record_strategy_decision, ("ma_cross", "entry_long")),
    "gauge": (t.record_position_gross_exposure, ("ma_cross", "EUR", 12.5)),
    "refused": (t.record_risk_block, ("because",)),
    "beyond the cap": (t.record_strategy_signal, ("strategy 24", "long")),
}
best = {}
for _ in range(5):
    for name, (call, arguments) in kinds.items():
        began = time.process_time()
        for _ in range(number):
            call(*arguments)
        took = (time.process_time() - began) / number * 1e6
        best[name] = min(took, best.get(name, took))

names = [f"new {at}" for at in range(number)]
began = time.process_time()
for name in names:
    t.record_strategy_signal(name, "long")
fresh = (time.process_time() - began) / number * 1e6

def kib():
    status = open("/proc/self/status").read()  # ru_maxrss has its parent's, too
    return int(re.search("VmHWM:[^0-9]*([0-9]+)", status)[1])

def many(first):
    for at in range(first, first + number):
        t.record_strategy_decision(f"one of many {at}", "entry_long")
        t.record_risk_block(f"reason {at}")

many(0)
before = kib()
many(number)
print(json.dumps({**best, "kib": kib() - before, "fresh": fresh}))
"""


def telemetry_readings(number: int, folder: Path) -> list[Reading]:
    """Return the cost of a call in both modes; `number` calls of each kind, five times, the best counts."""
    found: list[Reading] = []
    for mode in ("A", "B"):
        environment = {
            **os.environ,
            "PEAKTRADE_METRICS_MODE": mode,
            "PEAKTRADE_METRICS_MULTIPROC_DIR": str(folder / "shards"),
            "PEAK_TRADE_METRICSD_PORT": str(free_port()),
        }
        command = [sys.executable, "-c", _SESSION, str(number)]
        done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"the session in mode {mode} failed: {done.stderr[-500:]}")
        measured = json.loads(done.stdout)
        left, fresh = measured.pop("kib"), measured.pop("fresh")
        for kind, took in measured.items():
            key = f"telemetry_{mode.lower()}_{kind.replace(' ', '_')}"
            found.append(Reading(key, f"telemetry call, mode {mode}, {kind}", took, "us", at_most=5))
        what = f"telemetry call, mode {mode}, beyond the cap, each name new"
        found.append(Reading(f"telemetry_{mode.lower()}_new_names", what, fresh, "us"))
        text = f"memory {2 * number:,} calls that were never made before leave, mode {mode}"
        found.append(Reading(f"telemetry_{mode.lower()}_left", text, left / 1024, "MiB", at_most=1))
    return found
