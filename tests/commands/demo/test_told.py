"""Whoever is told in the demo: what Alertmanager sends becomes lines, anything else is refused."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from exporters.commands.demo.told import Told


@pytest.fixture
def told() -> Iterator[Told]:
    found = Told(0)
    found.start()
    yield found
    found.stop()


def post(told: Told, place: str, body: bytes) -> int:
    """Send a message as Alertmanager does; return the status."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{told.port}/{place}", body) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_a_message_becomes_a_line_per_alert_and_a_sign_of_life_is_only_counted(told: Told) -> None:
    alerts = [
        {"status": "firing", "labels": {"alertname": "EXPORTER_Down", "job": "x", "instance": "host:9109"}},
        {"status": "resolved", "labels": {"alertname": "EXPORTER_Down", "job": "x"}},
        {"status": "firing", "labels": {"alertname": "EXPORTER_ContractDrift"}},
    ]
    assert post(told, "page", json.dumps({"alerts": alerts}).encode()) == 200
    assert post(told, "alive", b'{"alerts": []}') == 200
    assert told.lines == [
        "page: EXPORTER_Down at host:9109 is firing",
        "page: EXPORTER_Down at x is resolved",
        "page: EXPORTER_ContractDrift at the whole fleet is firing",
    ]
    assert told.signs_of_life == 1


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"alerts": [{}]}', b'{"alerts": 1}'])
def test_what_is_no_message_is_refused_and_leaves_no_line(told: Told, body: bytes) -> None:
    assert post(told, "page", body) == 400
    assert told.lines == []
