"""The alerts with real processes: stop something, and Alertmanager tells; start it again, and it is over.

The rules are the repository's, only quicker: every range and offset is 5 s, every `for` 1 s, and AI events are stale
after 2 s. With PEAK_TRADE_CHAOS=1 (`make chaos`) a stopped exporter is told of with the repository's own delays.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.budget import IS_LONG
from tests.end_to_end.patience import wait_until
from tests.end_to_end.quick_rules import quick_rules, quicken
from tests.end_to_end.stack import ROOT, Stack, running_stack

pytestmark = pytest.mark.slow

ALWAYS = "PROMETHEUS_DeadMansSwitch"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    rules = quick_rules(tmp_path_factory.mktemp("rules"))
    with running_stack(tmp_path_factory.mktemp("stack"), rules, is_calm=True) as stack:
        is_quiet(stack)
        yield stack


def alerts(stack: Stack, *states: str) -> set[str]:
    """Names of the alerts in one of `states`, but the one that always fires."""
    found = stack.read_json("/api/v1/alerts")["alerts"]
    return {alert["labels"]["alertname"] for alert in found if alert["state"] in states} - {ALWAYS}


def is_quiet(stack: Stack) -> None:
    """Wait until all targets have been scraped for a while and no alert is left."""
    scraped = "min(count_over_time(up[5s])) >= 5 and count(up == 1) == 6"
    wait_until(lambda: bool(stack.read_json("/api/v1/query", query=scraped)["result"]), "all targets up")
    wait_until(lambda: not alerts(stack, "pending", "firing"), "no alert")


def expect(stack: Stack, *names: str) -> None:
    """Wait until these alerts fire, and no other."""
    wait_until(lambda: alerts(stack, "firing") == set(names), f"{', '.join(names)} firing, and nothing else")


def test_every_range_offset_and_delay_is_short_in_the_copy() -> None:
    for path in (ROOT / "prometheus" / "rules").glob("*.yml"):
        assert not re.search(r"(for: |interval: |[\[:]|offset )\d+[mhd]\b", quicken(path)), path.name


def test_an_ai_emitter_that_stops_while_the_run_goes_on_is_stale(stack: Stack) -> None:
    stack.stop("emitter_ai_live")
    expect(stack, "AI_LIVE_StaleEvents")
    stack.start_emitter("ai_live")
    is_quiet(stack)


def test_a_run_that_falls_silent_raises_no_events_and_excuses_the_ai_layer(stack: Stack) -> None:
    stack.stop("emitter_shadow_mvs")
    stack.stop("emitter_execution_watch")
    stack.stop("emitter_ai_live")
    expect(stack, "PIPELINE_NoEvents")
    for name in ("shadow_mvs", "execution_watch", "ai_live"):
        stack.start_emitter(name)
    is_quiet(stack)


def test_lines_that_are_no_json_raise_the_alerts_of_their_exporter(stack: Stack) -> None:
    names = {"AI_LIVE_ParseErrorsSpike", "AI_LIVE_DroppedEventsSpike", "EXPORTER_LinesRefused"}

    def fire() -> bool:  # quick windows may slip between two scrapes of a busy machine: the lines go on
        for name in ("ai_live", "shadow_mvs"):
            with stack.file_of(name).open("a") as file:
                file.write("no json\n" * 3)
        return alerts(stack, "firing") == names

    wait_until(fire, f"{', '.join(sorted(names))} firing, and nothing else", pause_s=1.0)
    is_quiet(stack)


def told_since(stack: Stack, number: int) -> list[str]:
    """What Alertmanager told after the first `number` messages, without the ports."""
    return [re.sub(r"127\.0\.0\.1:\d+", "HOST", line) for line in stack.told.lines[number:]]


def test_exporters_that_stop_are_told_to_who_is_on_duty_and_their_return_too_and_nothing_that_follows_from_it(
    stack: Stack,
) -> None:
    before = len(stack.told.lines)
    down = ("AI_LIVE_ExporterDown", "EXPORTER_Down")
    firing, over = ({f"page: {name} at HOST is {state}" for name in down} for state in ("firing", "resolved"))
    stack.stop("exporter_ai_live")
    stack.stop("exporter_shadow_mvs")
    expect(stack, *down)
    wait_until(lambda: firing <= set(told_since(stack, before)), "the pages")
    stack.start_exporter("ai_live")
    stack.start_exporter("shadow_mvs")
    wait_until(lambda: over <= set(told_since(stack, before)), "the all-clears")
    is_quiet(stack)
    told = {line for line in told_since(stack, before) if line.endswith("is firing")}
    assert told == firing  # an all-clear may be that of what another test had fire
    assert stack.told.signs_of_life >= 1


@pytest.mark.skipif(not IS_LONG, reason="takes the two minutes the delays of the rules take; `make chaos` runs it")
def test_with_the_real_delays_the_page_comes_within_90_seconds_and_the_all_clear_within_30(tmp_path: Path) -> None:
    with running_stack(tmp_path, is_quick=False, is_calm=True) as stack:
        wait_until(lambda: bool(stack.read_json("/api/v1/query", query="count(up == 1) == 6")["result"]), "all up")
        wait_until(lambda: not alerts(stack, "pending", "firing"), "no alert")
        stack.stop("exporter_shadow_mvs")
        began = time.monotonic()
        wait_until(lambda: "page: EXPORTER_Down at HOST is firing" in told_since(stack, 0), "the page", 90)
        told_after = time.monotonic() - began
        stack.start_exporter("shadow_mvs")
        began = time.monotonic()
        wait_until(lambda: "page: EXPORTER_Down at HOST is resolved" in told_since(stack, 0), "the all-clear", 30)
        print(f"told after {told_after:.0f} s, over after {time.monotonic() - began:.0f} s")


def test_a_metricsd_that_stops_is_down_and_sessions_that_end_are_no_alert(stack: Stack) -> None:
    stack.stop("exporter_metricsd")
    expect(stack, "METRICSD_Down")
    stack.start_exporter("metricsd")
    stack.stop("emitter_metricsd")
    is_quiet(stack)
    stack.start_emitter("metricsd")
    is_quiet(stack)


def test_a_file_that_is_gone_is_missing(stack: Stack) -> None:
    stack.stop("emitter_execution_watch")
    path = stack.file_of("execution_watch")
    path.rename(path.with_suffix(".elsewhere"))
    expect(stack, "EXPORTER_FileMissing")
    path.with_suffix(".elsewhere").rename(path)
    stack.start_emitter("execution_watch")
    is_quiet(stack)
