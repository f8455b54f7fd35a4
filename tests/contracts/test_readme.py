"""What contracts/README.md says is so."""

import doctest
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import contracts
from contracts.load import load_contract
from contracts.model import REJECTION_REASONS

pytestmark = pytest.mark.thorough

README = (Path(contracts.__file__).parent / "README.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def block(language: str, number: int = 0) -> str:
    return [text for name, text in BLOCKS if name == language][number]


def rows_under(heading: str) -> list[str]:
    section = README.partition(f"### {heading}\n")[2].partition("\n#")[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


def test_the_example_gives_exactly_the_metrics_shown(tmp_path: Path) -> None:
    (tmp_path / "web_access.yaml").write_text(block("yaml"), encoding="utf-8")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "access.jsonl").write_text(block("json"), encoding="utf-8")
    code = "from exporters.cli import main; main(['export', '--contract', 'web_access.yaml', '--once'])"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    printed = [line for line in run.stdout.splitlines() if not line.startswith("#")]
    shown = block("text").splitlines()
    assert [line for line in shown if line not in printed] == []
    assert [line for line in printed if line.startswith("web_")] == [line for line in shown if line.startswith("web_")]


def test_every_rejection_reason_is_explained_once_and_no_other() -> None:
    assert sorted(rows_under("Why lines are refused")) == sorted(REJECTION_REASONS)


def test_the_pair_of_the_readme_is_a_pair(tmp_path: Path) -> None:
    path = tmp_path / "orders.yaml"
    path.write_text(
        "exporter: {name: orders, help: Orders., port: 9200, job: orders}\n"
        "files: {default: orders.jsonl}\n"
        "vocabulary:\n"
        "  order: {type: id}\n"
        "  stage: {values: [placed, paid]}\n"
        "  at: {type: time}\n"
        "  edge: {values: [placed_to_paid]}\n"
        "  latency: {type: number, unit: seconds, min: 0}\n"
        "sources: {shop: {match: {}, read: {order: order, stage: stage, at: at}}}\n"
        "metrics: {wait_seconds: {type: histogram, help: Wait., observes: latency, buckets: [1], budget: 1}}\n"
        + block("yaml", 1),
        encoding="utf-8",
    )
    (pair,) = load_contract(path).pairs
    assert (pair.edges, pair.timeout_s, pair.max_open) == ({"placed_to_paid": ("placed", "paid")}, 600.0, 20000)


@pytest.mark.parametrize("module", [one.name for one in walk_packages(contracts.__path__, "contracts.")])
def test_examples_in_docstrings_are_true(module: str) -> None:
    assert doctest.testmod(import_module(module)).failed == 0
