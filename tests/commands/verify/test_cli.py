"""`peaktrade verify` as a command: flags, variables, exit codes, what is printed where."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exporters.cli import main
from tests.commands.verify.conftest import FakeSite
from tests.end_to_end.ports import free_port

EXPORTERS = ("ai_live", "execution_watch", "metricsd", "shadow_mvs")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROM_URL", "GRAFANA_URL", "GRAFANA_TOKEN", "GF_SECURITY_ADMIN_USER", "GF_SECURITY_ADMIN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ["verify", "--retries", "0", *arguments], env=environment)


def elsewhere() -> list[str]:
    """Return flags that lead to exporters nobody runs."""
    return [word for name in EXPORTERS for word in ("--exporter", f"{name}=http://127.0.0.1:{free_port()}/metrics")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--prometheus-url", "9092"], "'9092' is no address to ask; write it like http://127.0.0.1:9092"),
        (
            ["--exporter", "web=http://127.0.0.1:1"],
            "--exporter web: no such exporter; "
            "write NAME=URL with one of ai_live, execution_watch, metricsd, shadow_mvs",
        ),
        (["--exporter", "ai_live"], "'' is no address to ask; write it like http://127.0.0.1:9092"),
        (
            ["--grafana-url", "http://127.0.0.1:3000"],
            "Grafana wants to know who asks; set GRAFANA_TOKEN or GF_SECURITY_ADMIN_PASSWORD",
        ),
    ],
)
def test_what_cannot_be_asked_is_a_usage_error(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == f"Error: {message}"


def test_a_port_variable_that_is_none_is_a_usage_error() -> None:
    result = run(PEAK_TRADE_AI_EXPORTER_PORT="lots")
    assert result.exit_code == 2
    text = "'http://127.0.0.1:lots/metrics' is no address to ask; write it like http://127.0.0.1:9092"
    assert result.stderr.splitlines()[-1] == f"Error: {text}"


def test_a_contract_that_is_broken_is_a_usage_error_with_its_faults(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("exporter: {}\n")
    result = run("--contracts", str(tmp_path))
    assert result.exit_code == 2
    assert f"{tmp_path / 'bad.yaml'}:1: exporter" in result.stderr


def test_evidence_that_cannot_be_kept_is_a_usage_error_before_anything_is_asked(tmp_path: Path, fake: FakeSite) -> None:
    (tmp_path / "file").touch()
    result = run("--prometheus-url", fake.base, "--evidence", str(tmp_path / "file" / "below"))
    assert (result.exit_code, fake.asked) == (2, [])


def test_grafana_is_asked_with_the_credentials_and_they_are_printed_nowhere(fake: FakeSite, tmp_path: Path) -> None:
    fake.say("/api/health", {"database": "ok"})
    result = run(
        *("--grafana-url", fake.base, "--dashboards", str(tmp_path), "--evidence", str(tmp_path / "kept")),
        *("--prometheus-url", f"http://127.0.0.1:{free_port()}", *elsewhere()),
        GRAFANA_TOKEN="secret",
    )
    assert result.exit_code == 1
    assert {headers["Authorization"] for headers in fake.headers} == {"Bearer secret"}
    assert f"PASS|grafana_health|{fake.base} is well" in result.stdout.splitlines()
    assert f"FAIL|grafana_datasource|{fake.base}/api/datasources/name/prometheus: answered 404" in result.stderr
    kept = b"".join(path.read_bytes() for path in (tmp_path / "kept").rglob("*") if path.is_file())
    assert b"secret" not in kept and "secret" not in result.output


def test_a_grafana_that_is_not_well_is_asked_nothing_else(fake: FakeSite) -> None:
    fake.say("/api/health", {"database": "failing"})
    nowhere = f"http://127.0.0.1:{free_port()}"
    result = run("--grafana-url", fake.base, "--prometheus-url", nowhere, *elsewhere(), GRAFANA_TOKEN="secret")
    assert fake.asked == ["/api/health"]
    text = "WARN|grafana|datasource and dashboards were not asked for, as nobody would answer"
    assert text in result.stdout.splitlines()


def test_failures_and_what_to_do_next_go_to_standard_error_with_the_result() -> None:
    result = run("--prometheus-url", f"http://127.0.0.1:{free_port()}", *elsewhere())
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[-1] == "RESULT=FAIL"
    assert [line.split("|")[0] for line in lines[:-1]] == ["FAIL", "NEXT"] * 5
    assert all(line.startswith("WARN|") for line in result.stdout.splitlines())


def test_a_retry_waits_a_second_more_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("exporters.commands.verify.cli.time.sleep", waited.append)
    result = run("--prometheus-url", f"http://127.0.0.1:{free_port()}", *elsewhere(), "--retries", "2")
    assert waited == [1, 2, 1, 2]
    assert "INFO|retry|4 not right yet; asking again in 2 s" in result.stdout.splitlines()
