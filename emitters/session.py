"""`emit session`: short-lived sessions that tell the telemetry what their strategies and risk do.

In: a seed and a number of steps. Out: calls of `exporters.telemetry`, as any session makes them, and a tally of them.
Several sessions are a process each, one after the other; one seed tells the same always. Nothing is traded here.
"""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from random import Random

import click

from contracts.no_live import NoLiveError, refuse_live
from emitters.pacing import Pace, stop_on_signals
from exporters import telemetry

__all__ = ["Call", "calls", "session"]

Call = tuple[str, tuple[str, ...], float | None]
"""A function of the telemetry, its texts and, for a gauge, its number."""

_STRATEGIES = ("ma_cross", "breakout", "mean_reversion")
_LIMITS = (
    "max_order_notional",
    "max_total_exposure",
    "max_symbol_exposure",
    "max_open_positions",
    "max_daily_loss_abs",
    "max_daily_loss_pct",
)
_CHECKS = {
    "live_limits.check_orders": tuple(f"limit:{limit}" for limit in _LIMITS),
    "runtime_risk.evaluate_pre_order": ("runtime:reject", "runtime:halt", "runtime:pause", "runtime:unknown"),
}
"""Check -> reasons for which it blocks."""

_RESULTS = {"allow": 80, "block": 10, "warn": 6, "disabled": 3, "error": 1}
"""Result of a check -> how often of a hundred times."""

_MOVES = {
    "flat": (("long", ("entry_long",)), ("short", ("entry_short",))),
    "long": (("flat", ("exit_long",)), ("short", ("close_long", "entry_short"))),
    "short": (("flat", ("exit_short",)), ("long", ("close_short", "entry_long"))),
}
"""Signal now -> the signals that may follow, each with the decisions that lead there."""


def calls(seed: int, steps: int) -> Iterator[list[Call]]:
    """Yield what a session tells in each step; the same arguments give the same."""
    random = Random(seed)  # noqa: S311  # a pattern, not a secret
    signals = dict.fromkeys(_STRATEGIES, "flat")
    for _ in range(steps):
        strategy = random.choice(_STRATEGIES)
        told = [call for check in _CHECKS for call in _check(random, check)]
        told += [("record_limit_utilization", (limit,), round(random.random(), 3)) for limit in _LIMITS]
        is_blocked = any(name == "record_risk_block" for name, _, _ in told)
        if not is_blocked and random.random() < 0.6:
            signals[strategy], decisions = random.choice(_MOVES[signals[strategy]])
            told += [("record_strategy_decision", (strategy, decision), None) for decision in decisions]
            told.append(("record_strategy_signal", (strategy, signals[strategy]), None))
        exposure = 0.0 if signals[strategy] == "flat" else round(random.uniform(100, 5000), 2)
        told.append(("record_position_gross_exposure", (strategy, "EUR"), exposure))
        yield told


def _check(random: Random, check: str) -> Iterator[Call]:
    (result,) = random.choices(list(_RESULTS), list(_RESULTS.values()))
    yield "record_risk_check", (check, result), None
    if result == "block":
        yield "record_risk_block", (random.choice(_CHECKS[check]),), None


@click.command()
@click.option("--steps", type=click.IntRange(min=1), default=50, show_default=True, help="Steps of one session.")
@click.option(
    "--interval-ms",
    type=click.FloatRange(min=0, max=86_400_000),
    default=100,
    show_default=True,
    help="Milliseconds from one step to the next.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Of the first session; the next has one more.")
@click.option("--sessions", type=click.IntRange(min=1), default=1, show_default=True, help="How many, one by one.")
@click.option(
    "--forever", is_flag=True, help="Session after session until Ctrl-C or SIGTERM, whatever --sessions says."
)
@click.option(
    "--pause-ms",
    type=click.FloatRange(min=0, max=86_400_000),
    default=1000,
    show_default=True,
    help="Milliseconds between two sessions.",
)
def session(steps: int, interval_ms: float, seed: int, sessions: int, forever: bool, pause_ms: float) -> None:
    """Run short-lived sessions that tell the telemetry what strategies and risk do.

    PEAKTRADE_METRICS_MODE=B makes them record for metricsd, into PEAKTRADE_METRICS_MULTIPROC_DIR; otherwise a session
    has a metrics page of its own. At its end each prints what it told, as one line of JSON.

    \b
    PEAKTRADE_METRICS_MODE=B peaktrade emit session --steps 50
    PEAKTRADE_METRICS_MODE=B peaktrade emit session --sessions 3 --seed 7
    """
    try:
        refuse_live(os.environ, "a sample session")
    except NoLiveError as error:
        raise click.UsageError(str(error)) from error
    if sessions == 1 and not forever:
        _tell(seed, steps, timedelta(milliseconds=interval_ms))
        return
    arguments = ["--steps", str(steps), "--interval-ms", str(interval_ms)]
    _run_one_by_one(arguments, seed, None if forever else sessions, timedelta(milliseconds=pause_ms))


def _tell(seed: int, steps: int, interval: timedelta) -> None:
    """Be one session."""
    telemetry.ensure_registered()
    told: Counter[tuple[str, ...]] = Counter()
    pace = Pace(interval)
    with stop_on_signals(pace):
        for number, step in enumerate(calls(seed, steps)):
            pace.wait(number)
            if pace.is_stopped:
                break
            for name, texts, value in step:
                getattr(telemetry, name)(*texts, *(() if value is None else (value,)))
                told.update([(name, *texts)] if value is None else [])
    counts = [[*key, number] for key, number in sorted(told.items())]
    click.echo(json.dumps({"seed": seed, "told": counts}))


def _run_one_by_one(arguments: list[str], seed: int, number: int | None, pause: timedelta) -> None:
    """Start sessions until there were enough, or a stop; one that is killed ends alone."""
    pace = Pace(timedelta())
    with stop_on_signals(pace):
        for turn in count() if number is None else range(number):
            if turn and not pace.pause(pause.total_seconds()):
                break
            command = [sys.executable, "-m", "emitters", "session", *arguments, "--seed", str(seed + turn)]
            with subprocess.Popen(command, start_new_session=True) as child:  # noqa: S603  # this program
                while child.poll() is None:
                    if pace.is_stopped:
                        child.send_signal(signal.SIGTERM)
                    with suppress(subprocess.TimeoutExpired):
                        child.wait(0.1)
            if child.returncode:
                click.echo(f"session with seed {seed + turn} ended with exit code {child.returncode}", err=True)
            if pace.is_stopped:
                break
