"""`peaktrade assets`: what is written, for which hosts, and that nothing is overwritten."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exporters.commands.assets import assets
from exporters.commands.places import ASSETS, SHIPPED

ROOT = Path(__file__).parents[2]


def run(out: Path, *arguments: str) -> Result:
    return CliRunner().invoke(assets, ["--out", str(out), *arguments])


def test_without_flags_everything_is_as_it_is_in_the_package(tmp_path: Path) -> None:
    result = run(tmp_path / "stack")
    written = {
        path.relative_to(tmp_path / "stack").as_posix() for path in (tmp_path / "stack").rglob("*") if path.is_file()
    }
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"{len(written)} files in ")
    assert {
        "compose.yaml",
        "deploy/Containerfile",
        "deploy/systemd/peaktrade-export@.service",
        "prometheus/alertmanager.yml",
        "docs/runbooks/stack.md",
        "contracts/ai_live.yaml",
    } <= written
    for name in (
        "prometheus/prometheus.yml",
        "prometheus/rules/slo.yml",
        "compose.yaml",
        "deploy/systemd/peaktrade-export@.service",
    ):
        assert (tmp_path / "stack" / name).read_bytes() == (ROOT / name).read_bytes()


def test_hosts_ports_and_the_base_of_links_are_the_users(tmp_path: Path) -> None:
    result = run(tmp_path, "--host", "one", "--host", "two", "--port", "ai_live=9210", "--runbooks", "https://w/r/")
    assert result.exit_code == 0, result.output
    for name in ("prometheus.yml", "prometheus.host.yml"):
        text = (tmp_path / "prometheus" / name).read_text()
        assert re.findall(r'targets: \["(one:.*)"\]', text) == [
            *('one:9109", "two:9109', 'one:9210", "two:9210', 'one:9112", "two:9112', 'one:9111", "two:9111')
        ]
        assert "runbooks: https://w/r\n" in text
    for path in (tmp_path / "grafana" / "dashboards").rglob("*.json"):
        assert '"query": "https://w/r"' in path.read_text()
        assert "runbooks.example.net" not in path.read_text()


def test_what_is_there_is_not_overwritten_unless_asked_for(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("mine")
    refused = run(tmp_path)
    assert refused.exit_code == 2
    text = f"Error: {tmp_path}/compose.yaml is there already; give another folder, or --force"
    assert " ".join(refused.output.split()).endswith(text)
    assert [path.name for path in tmp_path.iterdir()] == ["compose.yaml"]
    assert run(tmp_path, "--force").exit_code == 0
    assert (tmp_path / "compose.yaml").read_text() != "mine"


@pytest.mark.parametrize("port", ["ai_live", "ai_live=0", "ai_live=x", "web=9000"])
def test_a_port_of_nobody_is_refused(tmp_path: Path, port: str) -> None:
    result = run(tmp_path, "--port", port)
    assert result.exit_code == 2
    assert f"--port {port}: write NAME=PORT with one of ai_live, execution_watch," in result.output


def test_what_is_shipped_is_what_the_wheel_is_told_to_carry() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert build["force-include"] == {name: f"exporters/assets/{name}" for name in SHIPPED}
    assert ASSETS == ROOT
