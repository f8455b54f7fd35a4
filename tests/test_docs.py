"""The README is run: its blocks in a shell that was given nothing, its links, its flags and its variables."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.budget import amount
from tests.copies import copy_of_the_house
from tests.end_to_end.patience import PATIENCE_S
from tests.end_to_end.ports import free_port, free_ports

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("*/README.md"))]


def _blocks(kind: str, text: str = README) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the repository as somebody has it who ran make there before."""
    house = copy_of_the_house(tmp_path / "house")
    os.utime(house / "pyproject.toml", (0, 0))  # older than what is installed, or make would install this copy over it
    (house / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    return house


def _run(script: str, folder: Path) -> str:
    """Return what a shell prints that knows nothing of the virtual environment."""
    own = {str(Path(sys.prefix) / "bin"), str(Path(sys.executable).parent)}
    path = ":".join(folder for folder in os.environ["PATH"].split(":") if folder not in own)
    assert shutil.which("peaktrade", path=path) is None
    environment = {"PATH": path, "HOME": str(folder)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _shortened(block: str) -> str:
    """Return a block's lines with what runs until Ctrl-C or for minutes cut short, and no fixed port."""
    port = free_port()
    served = f"""& served=$!
for attempt in $(seq 100); do curl -fsS http://127.0.0.1:{port}/metrics 2>&1 && break; sleep 0.1; done
kill $served; wait $served"""
    lines = []
    for line in block.splitlines():
        if line.startswith("make demo "):
            lines.append(f'export ARGS="--seconds 2 --ports-from {free_ports(4)[0]}"')
        elif line.startswith("make test "):
            lines.append('export ARGS="-n 0 tests/contracts/test_scalars.py"')
        if "--port 9110" in line:
            line = line.partition("  #")[0].replace("--port 9110", f"--port {port} --host 127.0.0.1") + served
        lines.append(line)
    return "\n".join(lines) + "\n"


@pytest.mark.slow
@pytest.mark.parametrize("shells", amount(["one_for_each"], ["one_for_each", "one_for_all"]))
def test_the_blocks_run_in_order_in_a_shell_that_was_given_nothing(shells: str, house: Path) -> None:
    (house / "my.yaml").write_text(_blocks("yaml")[0])
    blocks = [_shortened(block) for block in _blocks("bash")]
    outputs = [_run("".join(blocks), house)] if shells == "one_for_all" else [_run(block, house) for block in blocks]
    out = "".join(outputs)
    assert re.search(r"^target +address +up ", out, re.MULTILINE), "make demo"
    assert re.search(r"^\d+ passed in ", out, re.MULTILINE), "make test"
    assert out.count('decision="accept",reason="none",run_id="demo"} 17.0') == 2, "served once, printed once"
    assert 'my_requests_total{status="ok"} 1.0' in out
    assert 'my_requests_total{status="failed"} 0.0' in out
    assert "my_request_seconds_sum 0.012" in out
    assert 'peak_trade_exporter_lines_total{exporter="my",outcome="applied"} 1.0' in out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_a_page_names_exists(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / page).read_text(), re.MULTILINE))
    assert {"quick", "test", "check"} <= named
    assert [target for target in named if f"\n{target}:" not in makefile] == []


def test_every_environment_variable_of_a_contract_is_in_the_readme() -> None:
    texts = [path.read_text() for path in (ROOT / "contracts").glob("*.yaml")]
    found = {name for text in texts for name in re.findall(r"PEAK_TRADE_\w+", text)}
    assert sorted(name for name in found if f"`{name}`" not in README) == []


def test_the_pipelines_table_names_the_modules_of_each_stage_and_no_others() -> None:
    engine = ROOT / "exporters" / "engine"
    rows = re.findall(r"^\| (\w[\w ]*) \| (`[^|]+) \|", (ROOT / "exporters/README.md").read_text(), re.MULTILINE)
    told = {stage: set(re.findall(r"`(\w+)`", modules)) for stage, modules in rows}
    folders = {folder.name for folder in engine.iterdir() if (folder / "__init__.py").exists()}
    by_folder = {name: {path.stem for path in (engine / name).rglob("*.py")} - {"__init__"} for name in folders}
    assert {stage: modules for stage, modules in told.items() if stage in folders} == by_folder
    alone = [modules for stage, modules in told.items() if stage not in folders]
    assert set().union(*alone) == {path.stem for path in engine.glob("*.py")} - {"__init__"}


def test_the_stages_of_the_architecture_are_where_it_says() -> None:
    stages = re.findall(r"^\| `([\w./]+)` \|", (ROOT / "docs/architecture.md").read_text(), re.MULTILINE)
    assert len(stages) >= 7
    assert [stage for stage in stages if not (ROOT / "exporters/engine" / stage).exists()] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["STAGE=tale"], 2, "no stage is named 'tale'; there are: "),
        (["STAGE=support"], 2, "no stage is named 'support'; there are: "),
        (["STAGE=decode", "ARGS=-n 0 --collect-only"], 0, "tests/engine/decode/test_decode.py"),
    ],
)
def test_make_test_runs_the_tests_of_a_stage_and_knows_which_there_are(
    arguments: list[str], code: int, said: str
) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "test", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    text = done.stdout + done.stderr
    assert done.returncode == code, text
    assert said in text
    stages = sorted(path.name for path in (ROOT / "tests/engine").iterdir() if path.is_dir() and path.name[0] != "_")
    assert f"there are: {' '.join(name for name in stages if name != 'support')}" in text or code == 0
    assert "tests/engine/tail" not in text
