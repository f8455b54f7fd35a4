"""Six states a board is looked at in, made with real exporters and a real Prometheus.

In: a folder. Out: one state after the other, each as soon as it has lasted as long as an operator may have to wait:
15 s. The stack scrapes every second, and its rules are quick, so that a minute shows what otherwise takes ten.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.end_to_end.patience import wait_until
from tests.end_to_end.quick_rules import quick_rules
from tests.end_to_end.stack import Stack, running_stack

__all__ = ["STATES", "WITHIN_S", "six_states"]

STATES = ("healthy", "two hosts", "exporter down", "file gone", "everything refused", "empty Prometheus")
WITHIN_S = 15
"""Longest time after which a board must not show as well what is not."""

_TOLD = 'ALERTS{alertname="EXPORTER_Down",alertstate="firing"}'
_TAILED = ("ai_live", "shadow_mvs", "execution_watch")
_NEWEST = (
    "max(peaktrade_ai_last_event_timestamp_seconds)",
    "max(peak_trade_pipeline_last_event_timestamp_seconds)",
    "max(peak_trade_execution_last_event_timestamp_seconds)",
)


def six_states(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the name of each state and the address of the Prometheus that knows it."""
    for name in ("rules", "one", "two"):
        (folder / name).mkdir()
    rules = quick_rules(folder / "rules")
    with running_stack(folder / "one", rules, is_calm=True) as stack:
        address = stack.site_of("prometheus").base
        _await_health(stack)
        yield STATES[0], address
        with _second_host(stack, folder / "two"):
            yield STATES[1], address
        _await_health(stack)
        stack.stop("exporter_shadow_mvs")
        _await(stack, _TOLD, "the loss is told")
        yield STATES[2], address
        stack.start_exporter("shadow_mvs")
        _await_health(stack)
        with _files_gone(stack):
            yield STATES[3], address
        _await_health(stack)
        with _everything_refused(stack):
            yield STATES[4], address
        yield STATES[5], stack.start_empty_prometheus().base


def _await(stack: Stack, query: str, what: str) -> None:
    wait_until(lambda: bool(stack.read_json("/api/v1/query", query=query)["result"]), what)


def _await_health(stack: Stack) -> None:
    """Wait until everything has been scraped for a while and nothing fires."""
    seen = "min(count_over_time(up[10s])) >= 10 and count(up == 1) == 6 and count(ALERTS{alertstate='firing'}) == 1"
    _await(stack, f"{seen} and on () sum(increase(peaktrade_ai_decisions_total[10s])) > 50", "health")


def _await_silence(stack: Stack) -> None:
    """Wait until no exporter has had an event for as long as an operator may have to wait, and a scrape."""
    for newest in _NEWEST:
        _await(stack, f"time() - {newest} > {WITHIN_S + 1}", "silence")


@contextmanager
def _second_host(stack: Stack, folder: Path) -> Iterator[None]:
    """Have a second host, of which the shadow exporter is dead."""
    other = Stack(folder, host="127.0.0.2", is_calm=True)
    try:
        other.start_exporters()
        stack.scrape_too(other)
        _await(stack, "count(up == 1) == 10", "both hosts are up")
        _await(stack, 'min(count_over_time(up{instance=~"127.0.0.2:.*"}[10s])) >= 10', "both hosts are known")
        other.stop("exporter_shadow_mvs")
        _await(stack, _TOLD, "the loss is told")
        yield
    finally:
        other.stop_all()
        stack.scrape_too(None)


@contextmanager
def _files_gone(stack: Stack) -> Iterator[None]:
    for name in _TAILED:
        stack.stop(f"emitter_{name}")
        stack.file_of(name).rename(stack.folder / f"{name}.elsewhere")
    _await(stack, "count(peak_trade_exporter_file_present == 0) == 3", "the files are missed")
    _await_silence(stack)
    yield
    for name in _TAILED:
        (stack.folder / f"{name}.elsewhere").rename(stack.file_of(name))
        stack.start_emitter(name)


@contextmanager
def _everything_refused(stack: Stack) -> Iterator[None]:
    for name in _TAILED:
        stack.stop(f"emitter_{name}")
    is_over = threading.Event()

    def write() -> None:
        while not is_over.wait(0.1):
            for name in _TAILED:
                with stack.file_of(name).open("a") as file:
                    file.write("no json\n")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        _await_silence(stack)
        yield
    finally:
        is_over.set()
        writer.join()
