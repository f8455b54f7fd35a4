"""The README is run: its blocks, its links, its flags and its variables."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("*/README.md"))]


def _blocks(kind: str, text: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


def _run(command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(
        ["bash", "-ec", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_contract_and_its_commands_do_what_the_readme_says(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(_blocks("yaml", README)[0])
    commands = next(block for block in _blocks("bash", README) if "my.yaml" in block)
    out = _run(commands, tmp_path)
    assert 'my_requests_total{status="ok"} 1.0' in out
    assert 'my_requests_total{status="failed"} 0.0' in out
    assert "my_request_seconds_sum 0.012" in out
    assert 'peak_trade_exporter_lines_total{exporter="my",outcome="applied"} 1.0' in out


def test_the_exporter_commands_work_in_the_order_of_the_readme(tmp_path: Path) -> None:
    block = next(block for block in _blocks("bash", README) if "emitters ai_live" in block)
    lines = [line for line in block.splitlines() if "--port" not in line]
    assert len(lines) == 2
    out = _run("\n".join(lines), tmp_path)
    assert 'decision="accept",reason="none",run_id="demo"} 17.0' in out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_every_make_target_the_readme_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`?make ([a-z]+)", README))
    assert {"demo", "test", "check", "chaos", "bench"} <= named
    assert [target for target in named if f"\n{target}:" not in makefile] == []


def test_every_environment_variable_of_a_contract_is_in_the_readme() -> None:
    texts = [path.read_text() for path in (ROOT / "contracts").glob("*.yaml")]
    found = {name for text in texts for name in re.findall(r"PEAK_TRADE_\w+", text)}
    assert sorted(name for name in found if f"`{name}`" not in README) == []


def test_every_engine_module_is_in_the_pipelines_table_or_text() -> None:
    text = (ROOT / "exporters" / "README.md").read_text()
    shared = {"__init__", "clock", "hint", "scrapes", "settings", "voice", "values", "fields", "run", "accounting"}
    modules = {path.stem for path in (ROOT / "exporters" / "engine").glob("*.py")} - shared
    assert sorted(name for name in modules if f"`{name}`" not in text) == []
