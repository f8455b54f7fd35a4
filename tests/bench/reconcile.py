"""`python -m tests.bench.reconcile`: what comparing a large ledger with a large export costs.

In: how many orders. Out: time, CPU and the most memory of `peaktrade reconcile`; exit code 1 if it finds anything. The
ledger has five lines an order, the export one trade an order, in Kraken's format. The bar: a million lines against
200,000 trades in at most 20 s and 500 MiB.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import click

__all__ = ["main", "measure", "write_pair"]

_HEADER = '"txid","ordertxid","pair","time","type","ordertype","price","cost","fee","vol","margin","misc","ledgers"\n'
_STAGES = ("signal", "intent", "submit", "ack", "fill")


def write_pair(folder: Path, orders: int, seed: int = 7) -> tuple[Path, Path]:
    """Write a ledger and the export that agrees with it; return both paths."""
    rng = Random(seed)
    ledger, export = folder / "ledger.jsonl", folder / "trades.csv"
    with ledger.open("w") as own, export.open("w") as theirs:
        theirs.write(_HEADER)
        for at in range(orders):
            qty, price = rng.randrange(1, 10**8), rng.randrange(5 * 10**6, 7 * 10**6)
            numbers = {"qty": qty / 10**8, "price": price / 100, "fee": round(qty * price * 26e-14, 5)}
            own.writelines(json.dumps(line, separators=(",", ":")) + "\n" for line in _lines(at, numbers))
            theirs.write(_row(at, numbers))
    return ledger, export


def _stamp(at: int) -> str:
    return f"2026-01-{1 + at // 43_200:02d}T{at // 1800 % 24:02d}:{at // 30 % 60:02d}:{at % 30 * 2:02d}.1234"


def _lines(at: int, numbers: dict[str, float]) -> list[dict[str, object]]:
    head = {"ts": _stamp(at) + "Z", "mode": "live", "run_id": "bench", "exchange": "kraken", "strategy_id": "ma_cross"}
    ids = {"symbol": "BTC/EUR", "intent_id": f"intent-{at:08d}", "client_order_id": f"co-{at:016x}"}
    broker = {"broker_order_id": f"O{at:05d}-BENCH-{at:06d}"}
    told: list[dict[str, object]] = [{"signal": "buy"}, {**ids, **numbers}, {**ids, **numbers}]
    told += [{**ids, **numbers, **broker}, {**ids, **numbers, **broker}]
    return [{**head, "stage": stage, **one} for stage, one in zip(_STAGES, told, strict=True)]


def _row(at: int, numbers: dict[str, float]) -> str:
    ids = f'"T{at:05d}-BENCH-{at:06d}","O{at:05d}-BENCH-{at:06d}","XXBTZEUR","{_stamp(at).replace("T", " ")}"'
    price, fee, vol = numbers["price"], numbers["fee"], numbers["qty"]
    return f'{ids},"buy","limit",{price:.5f},{price * vol:.5f},{fee:.5f},{vol:.8f},0.00000,"","L1,L2"\n'


def measure(ledger: Path, export: Path) -> dict[str, float]:
    """Return exit code, seconds, seconds of CPU and MiB of one reconciliation."""
    command = [str(Path(sys.executable).with_name("peaktrade")), "reconcile", "--ledger", str(ledger)]
    began = time.perf_counter()
    process = os.posix_spawn(command[0], [*command, "--broker", str(export)], os.environ)
    _, status, used = os.wait4(process, 0)
    seconds, cpu = time.perf_counter() - began, used.ru_utime + used.ru_stime
    return {"exit": os.waitstatus_to_exitcode(status), "s": seconds, "cpu_s": cpu, "mib": used.ru_maxrss / 1024}


@click.command(help=__doc__)
@click.option("--orders", type=click.IntRange(min=1), default=200_000, show_default=True)
def main(orders: int) -> None:
    """Write the pair, compare it once, print what that cost."""
    with TemporaryDirectory() as folder:
        found = measure(*write_pair(Path(folder), orders))
    click.echo(f"{found['s']:.1f} s, {found['cpu_s']:.1f} s of CPU, {found['mib']:.0f} MiB at most")
    sys.exit(int(found["exit"]))


if __name__ == "__main__":
    main()
