"""Emitter ai_live: from a start time and a count to decision events, in any of that file's three formats.

The sample format repeats accept, reject, noop; the two execution formats walk through their event types. It
refuses to know any decision: nothing here is decided, every value is a constant of the pattern.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

import click

from emitters.execution_formats import beta_exec_v1, execution_event_v0
from emitters.slots import slots, timestamp

__all__ = ["OPTIONS", "SUMMARY", "events"]

SUMMARY = (
    "Decision events for the ai_live exporter: accept, reject and noop in turn, of 50 events 17, 17 and 16. "
    "The same file may also hold execution events in two older formats; see --format."
)

# decision, reason, latency in milliseconds, action
_PATTERN = (
    ("accept", "none", 85.0, "submit"),
    ("reject", "risk_limit", 10.0, "none"),
    ("noop", "no_signal", 2.0, "none"),
)

OPTIONS: tuple[click.Option, ...] = (
    click.Option(
        ["--component"],
        default="execution_watch",
        show_default=True,
        help="The component field of the sample format.",
    ),
    click.Option(
        ["--format", "event_format"],
        type=click.Choice(["sample", "beta", "v0", "mixed"]),
        default="sample",
        show_default=True,
        help="sample: decisions with v=1; beta: BETA_EXEC_V1; v0: execution_event_v0; mixed: all in turn.",
    ),
)


def events(
    start: datetime,
    n: int | None,
    *,
    interval: timedelta,
    run_id: str = "demo",
    component: str = "execution_watch",
    event_format: str = "sample",
) -> Iterator[dict[str, object]]:
    """Give decision events, deterministic to the byte.

    Args:
        start: Time of the first event, timezone-aware.
        n: How many; `None` is endless.
        interval: Time between two events.
        run_id: The field of that name in every event.
        component: The field of that name in sample events.
        event_format: `sample`, `beta`, `v0` or `mixed`.

    Yields:
        One event per slot.
    """
    writers = _FORMATS[event_format]
    for number, at in slots(start, n, interval):
        turn, place = divmod(number, len(writers))
        yield writers[place](turn, at, run_id, component)


def _sample(number: int, at: datetime, run_id: str, component: str) -> dict[str, object]:
    decision, reason, latency_ms, action = _PATTERN[number % len(_PATTERN)]
    return {
        "v": 1,
        "ts_utc": timestamp(at),
        "component": component,
        "run_id": run_id,
        "event": "decision",
        "decision": decision,
        "reason": reason,
        "latency_ms": latency_ms,
        "action": action,
    }


def _beta(number: int, at: datetime, run_id: str, component: str) -> dict[str, object]:
    return beta_exec_v1(number, at, run_id)


def _v0(number: int, at: datetime, run_id: str, component: str) -> dict[str, object]:
    return execution_event_v0(number, at, run_id)


_FORMATS: Mapping[str, tuple[Callable[[int, datetime, str, str], dict[str, object]], ...]] = {
    "sample": (_sample,),
    "beta": (_beta,),
    "v0": (_v0,),
    "mixed": (_sample, _beta, _v0),
}
