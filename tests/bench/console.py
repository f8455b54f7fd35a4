"""What the console costs over 1,000 runs: reading all of it once, then answers, memory, and a new line's way into one.

In: how many events, a folder. Out: readings. Answers are asked for twice: while nothing comes, and with lines of three
runs before each. The console is a process of its own; its memory is its `VmHWM`, as `ru_maxrss` has its parent's, too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.crowd import CLIENTS, times_in_a_crowd
from tests.bench.reading import Reading

__all__ = ["console_readings"]

_ROOT = Path(__file__).parents[2]
_RUNS = 1000
_STEP = (
    '{"step":%d,"ts_bar":"2026-01-15T18:02:00+00:00","ts_event":"2026-01-15T%02d:%02d:%02d.123456+00:00","price":1.5,'
    '"equity":%d.5,"cash":995.0,"realized_pnl":1.0,"unrealized_pnl":-3.0,"signal":1,"signal_changed":false,'
    '"orders_generated":1,"orders_filled":0,"orders_rejected":0,"orders_blocked":0,"risk_allowed":true,'
    '"risk_reasons":"","position_size":0.1}\n'
)
_EVENT = (
    '{"schema":"execution_event_v0","ts":"2026-01-15T%02d:%02d:%02d+00:00","run_id":"run-%04d","correlation_id":"c%d",'
    '"event_type":"%s","order_id":"o%d","idempotency_key":null,"payload":{}}\n'
)
_WATCH = """
import json, re, sys, time
from pathlib import Path
from console.api.routes import ENDPOINTS
from console.app import Console, build_app
from console.index.index import Index
from console.pages.pages import PAGES
from console.serve import freeze_what_stays
from console.settings import Settings
from exporters.reading import raise_limit
from tests.console.client import Client

root = Path(sys.argv[1])
settings = Settings(root / "live_runs", root / "sessions", root / "execution", root / "x", root / "y", root / "state")
raise_limit()
began = time.process_time()
index = Index(settings)
while index.is_behind:
    index.catch_up(2.0)
took = time.process_time() - began
client = Client(build_app(Console(settings, index)))
freeze_what_stays()
names = [one.path for one in (*ENDPOINTS, *PAGES)] + ["/api/live/status/snapshot.html", "/docs", "/openapi.json"]
ids = {"{run_id}": "run-0999", "{session_id}": "run-0999", "{name}": "stack"}
paths = [re.sub("{[a-z_]+}", lambda found: ids[found[0]], name) for name in names]

def slowest(rounds, step):
    times = {path: [] for path in paths}
    for number in range(rounds * len(paths)):
        path = paths[number % len(paths)]
        for run in (number % 1000, (number + 331) % 1000, (number + 662) % 1000) if step else ():
            with (root / f"live_runs/run-{run:04d}/events.jsonl").open("a") as out:
                out.write(step)
        at = time.process_time()
        answer = client.get(path)
        times[path].append(time.process_time() - at)
        assert answer.status_code == 200 or path.endswith("/trades"), path
    p95 = {path: sorted(found)[len(found) * 95 // 100] for path, found in times.items()}
    return max((took, path) for path, took in p95.items())

still, live = slowest(40, ""), slowest(40, '{"step":1,"ts_event":"2026-01-15T03:02:00Z","equity":1000.5}\\n')
file = root / "live_runs/run-0500/events.jsonl"
before = client.json("/runs/run-0500/snapshot")["total_steps"]
with file.open("a") as out:
    out.write('{"step":1}\\n')
assert client.json("/runs/run-0500/snapshot")["total_steps"] == before + 1, "a new line is in the next answer"
kib = int(re.search("VmHWM:[^0-9]*([0-9]+)", Path("/proc/self/status").read_text())[1])
index.close()
print(json.dumps({"took": took, "still": still, "live": live, "answers": len(paths), "kib": kib}))
"""


def console_readings(events: int, folder: Path) -> list[Reading]:
    """Return what `events` events cost, nine of ten of them steps of 1,000 runs, the others of their orders."""
    _write(events, folder)
    command = [sys.executable, "-c", _WATCH, str(folder)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"the console failed: {done.stderr[-500:]}")
    found = json.loads(done.stdout)
    what = f"console, {events:,} events in {_RUNS:,} runs:"
    (still, page), (live, live_page) = found["still"], found["live"]
    slowest = f"p95 of the slowest of {found['answers']} answers and pages"
    crowd = sorted(times_in_a_crowd(folder))
    among = f"p99 of a page among {CLIENTS} who follow and {CLIENTS} who read slowly"
    return [
        Reading("console_index", f"{what} first reading", events / found["took"], "events/s", at_least=100_000),
        Reading("console_p95", f"{what} {slowest} ({page})", still * 1000, "ms", at_most=50),
        Reading("console_live_p95", f"{what} {slowest}, lines coming ({live_page})", live * 1000, "ms", at_most=50),
        Reading("console_crowd_p99", f"{what} {among}", crowd[len(crowd) * 99 // 100] * 1000, "ms", at_most=200),
        Reading("console_rss", f"{what} memory", found["kib"] / 1024, "MiB", at_most=200),
    ]


def _write(events: int, folder: Path) -> None:
    steps, orders = events * 9 // 10 // _RUNS, events // 10
    for run in range(_RUNS):
        place = folder / f"live_runs/run-{run:04d}"
        place.mkdir(parents=True)
        meta = {"mode": "shadow", "strategy_name": "ma", "symbol": "BTC/EUR", "timeframe": "1m"}
        (place / "meta.json").write_text(json.dumps({**meta, "started_at": "2026-01-15T00:00:00Z", "ended_at": None}))
        with (place / "events.jsonl").open("w") as out:
            out.writelines(_STEP % (at, at // 3600 % 24, at // 60 % 60, at % 60, 1000 + at % 97) for at in range(steps))
    _write_sessions(folder)
    kinds = ("created", "submitted", "acked", "filled")
    with (folder / "execution/execution_pipeline_events_v0.jsonl").open("w") as out:
        for at in range(orders):
            turn, run = divmod(at, _RUNS)
            order = turn // 4 * _RUNS + run
            clock = (at // 3600 % 24, at // 60 % 60, at % 60)
            out.write(_EVENT % (*clock, run, order, kinds[turn % 4], order))


def _write_sessions(folder: Path) -> None:
    """Write a session for each run, the last thousand alerts, and what one session said."""
    (folder / "sessions").mkdir()
    (folder / "live_runs/alerts").mkdir()
    (folder / "execution").mkdir()
    session = {"run_type": "live_session_shadow", "mode": "shadow", "env_name": "sim", "symbol": "BTC/EUR"}
    for run in range(_RUNS):
        name = f"run-{run:04d}"
        told = {"session_id": name, "run_id": name, "status": "completed", "started_at": "2026-01-15T00:00:00Z"}
        metrics = {"realized_pnl": 1.5, "max_drawdown": -0.01, "num_orders": 3}
        (folder / f"sessions/{name}.json").write_text(json.dumps({**session, **told, "metrics": metrics}))
    now = datetime.now(UTC)
    with (folder / f"live_runs/alerts/alerts_{now:%Y-%m-%d}.jsonl").open("w") as out:
        alert = {"title": "t", "body": "b", "severity": "WARN", "category": "RISK", "session_id": "run-0999"}
        out.writelines(json.dumps({**alert, "timestamp": now.isoformat()}) + "\n" for _ in range(1000))
    with (folder / "execution/run-0999.jsonl").open("w") as out:
        line = {"ts": "2026-01-15T00:00:00Z", "session_id": "run-0999", "symbol": "BTC/EUR", "kind": "gate"}
        out.writelines(json.dumps({**line, "payload": {"n": at}}) + "\n" for at in range(2000))
