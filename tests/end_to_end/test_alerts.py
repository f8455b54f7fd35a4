"""The alerts with real processes: stop something, and Prometheus says so; start it again, and it is over.

The rules are the repository's, only quicker: every range and offset is 5 s, every `for` 1 s, and AI events
are stale after 2 s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.patience import wait_until
from tests.end_to_end.stack import ROOT, Stack, running_stack

pytestmark = pytest.mark.slow

WHAT_SAMPLES_RAISE = {
    "EXECUTION_ReconcileMismatch",
    "EXECUTION_SafetyRailTripped",
    "PIPELINE_ErrorRateAboveSLOShadow",
    "PIPELINE_FeedGaps",
    "PIPELINE_RiskBlocksSpike",
}
"""Sample events hold mismatches, tripped rails, errors, gaps and blocks on purpose."""


def quicken(path: Path) -> str:
    """Return a file of rules that need seconds instead of minutes."""
    text = path.read_text()
    text = re.sub(r"for: \d+m", "for: 1s", text)
    text = re.sub(r"\[\d+[mh]\]", "[5s]", text)
    text = re.sub(r"offset \d+m", "offset 5s", text)
    return text.replace("> 60\n", "> 2\n") if path.name == "ai_live.yml" else text


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    rules = tmp_path_factory.mktemp("rules")
    for path in (ROOT / "prometheus" / "rules").glob("*.yml"):
        (rules / path.name).write_text(quicken(path))
    with running_stack(tmp_path_factory.mktemp("stack"), rules) as stack:
        is_quiet(stack)
        yield stack


def alerts(stack: Stack, *states: str) -> set[str]:
    """Names of the alerts in one of `states`, but those the samples raise by themselves."""
    found = stack.read_json("/api/v1/alerts")["alerts"]
    return {alert["labels"]["alertname"] for alert in found if alert["state"] in states} - WHAT_SAMPLES_RAISE


def is_quiet(stack: Stack) -> None:
    """Wait until all targets have been scraped for a while and no alert is left."""
    scraped = "min(count_over_time(up[5s])) >= 5 and count(up == 1) == 4"
    wait_until(lambda: bool(stack.read_json("/api/v1/query", query=scraped)["result"]), "all targets up")
    wait_until(lambda: not alerts(stack, "pending", "firing"), "no alert")


def expect(stack: Stack, *names: str) -> None:
    """Wait until these alerts fire, and no other."""
    wait_until(lambda: alerts(stack, "firing") == set(names), f"{', '.join(names)} firing, and nothing else")


def test_every_range_offset_and_delay_is_short_in_the_copy() -> None:
    for path in (ROOT / "prometheus" / "rules").glob("*.yml"):
        assert not re.search(r"(for: |\[|offset )\d+[mh]", quicken(path))


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
    for name in ("ai_live", "shadow_mvs"):
        with stack.file_of(name).open("a") as file:
            file.write("no json\n")
    expect(stack, "AI_LIVE_ParseErrorsSpike", "AI_LIVE_DroppedEventsSpike", "EXPORTER_LinesRefused")
    is_quiet(stack)


def test_exporters_that_stop_are_down_and_nothing_else_is_said_of_them(stack: Stack) -> None:
    stack.stop("exporter_ai_live")
    stack.stop("exporter_execution_watch")
    expect(stack, "AI_LIVE_ExporterDown", "EXPORTER_Down")
    stack.start_exporter("ai_live")
    stack.start_exporter("execution_watch")
    is_quiet(stack)


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
