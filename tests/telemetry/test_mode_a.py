"""Mode A, the default: a session's own page, and a taken port that stops nobody."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporters.commands.verify.conformity import contract_in_force, find_problems
from exporters.multiprocess.exposed import first_series
from tests.end_to_end.ports import free_port
from tests.multiprocess.folders import the_contract
from tests.telemetry.sessions import SessionProcess, environment_of
from tests.telemetry.test_mode_b import EVERY_CALL, MOVED

pytestmark = pytest.mark.slow


def page(port: int) -> str:
    """Return the metrics page on a port."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def series(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return the contract's series on a page."""
    labels = {metric.name: tuple(metric.labels) for metric in the_contract().metrics}
    return {
        (sample.name, tuple(sample.labels[label] for label in labels[sample.name])): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name in labels
    }


@pytest.mark.parametrize("mode", ["", "A", "off"])
def test_a_session_serves_its_own_page_with_every_family_at_0(tmp_path: Path, mode: str) -> None:
    port = free_port()
    session = SessionProcess(environment_of(tmp_path / "none", mode, PEAK_TRADE_METRICSD_PORT=str(port)))
    assert session.call("ensure_registered") is True
    assert series(page(port)) == dict.fromkeys(first_series(the_contract(), {}), 0.0)
    for call in EVERY_CALL:
        session.call(*call)
    text = page(port)
    assert {one: value for one, value in series(text).items() if value} == MOVED
    families = list(text_string_to_metric_families(text))
    assert list(find_problems(the_contract(), families)) == []
    assert contract_in_force(families) == the_contract().sha256
    assert session.end() == ""
    assert not (tmp_path / "none").exists()


def test_w43_a_taken_port_is_one_warning_and_the_session_goes_on(tmp_path: Path) -> None:
    port = free_port()
    with socket.create_server(("0.0.0.0", port)):
        session = SessionProcess(environment_of(tmp_path, "A", PEAK_TRADE_METRICSD_PORT=str(port)))
        assert session.call("ensure_registered") is True
        for call in EVERY_CALL * 3:
            session.call(*call)
        assert session.end() == (
            f"the session records, but has no page of its own: 0.0.0.0:{port}: the session cannot listen here:"
            " the port is taken; stop the process that holds it (ss -ltnp)\n"
        )


def test_a_port_that_is_none_is_one_warning_and_the_session_goes_on(tmp_path: Path) -> None:
    session = SessionProcess(environment_of(tmp_path, "A", PEAK_TRADE_METRICSD_PORT="http"))
    assert session.call("ensure_registered") is True
    assert session.end() == (
        "the session records, but has no page of its own: PEAK_TRADE_METRICSD_PORT: got 'http', expected a port from 1"
        " to 65535; unset it for the contract's 9111, or give --port\n"
    )


def test_the_variables_of_mode_b_unset_bring_mode_a_back(tmp_path: Path) -> None:
    port = free_port()
    environment = environment_of(tmp_path / "none", "A", PEAK_TRADE_METRICSD_PORT=str(port))
    del environment["PEAKTRADE_METRICS_MODE"]
    session = SessionProcess(environment)
    session.call("record_risk_block", "runtime:halt")
    assert series(page(port))["peaktrade_risk_blocks_total", ("runtime:halt",)] == 1
    assert session.end() == ""
