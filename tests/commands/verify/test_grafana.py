"""The questions to Grafana, against a site that answers as one would. No real Grafana was at hand."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from exporters.commands.verify.finding import Check
from exporters.commands.verify.grafana import Dashboard, check_health, credentials, grafana_checks, read_dashboards
from tests.commands.verify.conftest import FakeSite

BOARD = Dashboard("board-1", "Board One")


def lines(check: Check) -> list[str]:
    return [str(finding) for finding in check.run()]


def test_a_token_wins_over_a_password_and_the_user_is_admin_unless_said() -> None:
    basic = {"GF_SECURITY_ADMIN_PASSWORD": "pw"}
    assert credentials({**basic, "GRAFANA_TOKEN": "t"}) == {"Authorization": "Bearer t"}
    assert credentials(basic) == {"Authorization": "Basic " + base64.b64encode(b"admin:pw").decode()}
    named = credentials({**basic, "GF_SECURITY_ADMIN_USER": "op"})
    assert named == {"Authorization": "Basic " + base64.b64encode(b"op:pw").decode()}


@pytest.mark.parametrize("environment", [{}, {"GF_SECURITY_ADMIN_USER": "op"}, {"GRAFANA_TOKEN": " "}])
def test_without_token_and_password_there_are_no_credentials(environment: dict[str, str]) -> None:
    assert credentials(environment) is None


def test_health_needs_the_database(fake: FakeSite) -> None:
    fake.say("/api/health", {"database": "ok"})
    assert lines(check_health(fake.site)) == [f"PASS|grafana_health|{fake.base} is well"]
    fake.say("/api/health", {"database": "failing"})
    assert lines(check_health(fake.site)) == [f"FAIL|grafana_health|{fake.base}: its database is failing"]


def datasource(fake: FakeSite, kind: str, targets: int) -> Check:
    fake.say("/api/datasources/name/prometheus", {"uid": "u", "type": kind, "url": "http://prometheus:9090"})
    fake.say("/api/datasources/proxy/uid/u/api/v1/query", {"data": {"result": [{}] * targets}})
    return grafana_checks(fake.site, [])[0]


def test_a_datasource_that_knows_targets_passes(fake: FakeSite) -> None:
    text = "prometheus at http://prometheus:9090 answers, 3 targets"
    assert lines(datasource(fake, "prometheus", 3)) == [f"PASS|grafana_datasource|{text}"]
    assert fake.asked[-1] == "/api/datasources/proxy/uid/u/api/v1/query?query=up"


def test_a_datasource_without_targets_or_of_another_type_or_absent_fails(fake: FakeSite) -> None:
    assert lines(grafana_checks(fake.site, [])[0]) == [
        f"FAIL|grafana_datasource|{fake.base}/api/datasources/name/prometheus: answered 404"
    ]
    text = "prometheus at http://prometheus:9090 answers, and knows no target"
    assert lines(datasource(fake, "prometheus", 0)) == [f"FAIL|grafana_datasource|{text}"]
    text = "the datasource prometheus is none of type prometheus"
    assert lines(datasource(fake, "loki", 3)) == [f"FAIL|grafana_datasource|{text}"]


def test_a_dashboard_must_be_there_under_its_uid_with_its_title(fake: FakeSite) -> None:
    check = grafana_checks(fake.site, [BOARD])[1]
    path = "/api/dashboards/uid/board-1"
    assert lines(check) == [f"FAIL|dashboard_board-1|{fake.base}{path}: answered 404"]
    fake.say(path, {"dashboard": {"title": "Board One"}})
    assert lines(check) == ["PASS|dashboard_board-1|Board One"]
    fake.say(path, {"dashboard": {"title": "Old"}})
    assert lines(check) == ["FAIL|dashboard_board-1|its title is 'Old', the file says 'Board One'"]


def test_dashboards_are_read_from_all_folders(tmp_path: Path) -> None:
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "a.json").write_text('{"uid": "board-1", "title": "Board One"}')
    assert read_dashboards(tmp_path) == [BOARD]
    assert read_dashboards(tmp_path / "nowhere") == []


@pytest.mark.parametrize("text", ["{", "{}", "[]"])
def test_a_file_that_is_no_dashboard_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError) as caught:
        read_dashboards(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'a.json'}: not a dashboard with uid and title"
