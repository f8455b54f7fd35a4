"""`python -m grafana.look`: what it needs is said by name, and what it installs is pinned."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from grafana.look.__main__ import main
from grafana.look.tools import missing

ROOT = Path(__file__).parents[2]


def test_what_is_missing_is_named_with_the_package_that_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(main, ["--text"])
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        "Error: node is not on PATH; on Debian: apt-get install nodejs",
        "npm is not on PATH; on Debian: apt-get install npm",
    ]
    assert missing("chromium") == ["chromium is not on PATH; on Debian: apt-get install chromium"]


def test_libraries_are_pinned_and_no_registry_is_written_down() -> None:
    wanted = json.loads((ROOT / "grafana/look/package.json").read_text())["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values()), wanted
    assert not list((ROOT / "grafana/look").glob("*lock*"))
