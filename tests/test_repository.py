"""The shape of the repository: contract = package = emitter = case = scrape job, and each of them can be taken away."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.load import load_contracts
from emitters.cli import discover, emit
from tests.budget import amount
from tests.copies import copy_of_the_house
from tests.documents import from_yaml

ROOT = Path(__file__).parents[1]
CONTRACTS = {contract.name: contract for contract in load_contracts(ROOT / "contracts")}
TAILED = {name for name, contract in CONTRACTS.items() if not contract.is_recorded}
"""Contracts with files; for all others the emitter `session` records."""
GENERIC = ("tests/test_repository.py", "tests/test_cases.py", "tests/cases", "tests/emitters")
"""Tests that must hold whichever exporters there are."""


def jobs(path: Path) -> dict[str, set[int]]:
    """Return job -> ports of a Prometheus configuration."""
    document = from_yaml(path.read_text(encoding="utf-8"))
    return {
        job["job_name"]: {
            int(target.rpartition(":")[2]) for each in job["static_configs"] for target in each["targets"]
        }
        for job in document["scrape_configs"]
    }


def test_every_contract_has_a_room_an_emitter_and_a_case_and_nothing_is_left_over() -> None:
    rooms = {path.parent.name for path in (ROOT / "exporters").glob("*/__main__.py")}
    cases = {path.name for path in (ROOT / "tests/cases").iterdir() if path.is_dir() and path.name[0] not in "._"}
    stems = {path.stem for path in (ROOT / "contracts").glob("*.yaml")}
    assert stems == set(CONTRACTS) == rooms == cases
    assert set(discover()) == TAILED
    assert emit.commands.keys() == {*TAILED, "live_run", "session"}


@pytest.mark.parametrize("path", sorted((ROOT / "prometheus").glob("prometheus*.yml")), ids=lambda path: path.name)
def test_every_contract_is_scraped_by_a_job_of_its_own_on_its_port(path: Path) -> None:
    found = jobs(path)
    assert {name: found.get(contract.job) for name, contract in CONTRACTS.items()} == {
        name: {contract.port} for name, contract in CONTRACTS.items()
    }
    ports = [port for targets in found.values() for port in targets]
    assert len(ports) == len(set(ports))


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_room_starts_the_exporter_it_is_named_after(name: str) -> None:
    text = (ROOT / "exporters" / name / "__main__.py").read_text(encoding="utf-8")
    assert re.findall(r"room\((.*?)\)", text) == [f'"{name}"']


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_case_has_its_events_what_they_give_and_why(name: str) -> None:
    files = {path.name for path in (ROOT / "tests/cases" / name).iterdir()}
    assert files >= {"events.jsonl" if name in TAILED else "calls.jsonl", "expected.prom", "README.md"}


def remove(tree: Path, name: str) -> None:
    """Take one exporter out of a copy of the repository: contract, room, emitter and case."""
    (tree / "contracts" / f"{name}.yaml").unlink()
    if name in TAILED:
        (tree / "emitters" / f"{name}.py").unlink()
    shutil.rmtree(tree / "exporters" / name)
    shutil.rmtree(tree / "tests/cases" / name)


def run_tests_without(name: str, folder: Path, *arguments: str) -> None:
    tree = copy_of_the_house(folder / "house")
    remove(tree, name)
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", amount(["execution_watch"], list(CONTRACTS)))
def test_without_any_one_exporter_everything_else_holds(name: str, tmp_path: Path) -> None:
    run_tests_without(name, tmp_path, *GENERIC, "-k", "not dry_run and not live_run and not without")


@pytest.mark.slow
@pytest.mark.parametrize("name", amount(["ai_live"], list(CONTRACTS)))
def test_without_an_exporter_all_tests_can_still_be_imported(name: str, tmp_path: Path) -> None:
    run_tests_without(name, tmp_path, "--collect-only")


def test_ci_installs_the_programs_that_tests_use_and_contributors_are_told_the_same() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    packages = dict(re.findall(r"\[([\w-]+)\]=([\w-]+)", script))
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")]
    needed = {name for text in texts for name in re.findall(r'(?:mark\.needs|which)\("([\w-]+)"', text)} - {"peaktrade"}
    assert needed <= set(packages)
    [told] = re.findall(r"apt-get install ([a-z0-9 -]+)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    on_any_debian = {"mount"}
    assert set(told.split()) == set(packages.values()) - on_any_debian | {"python3-venv"}
    assert script.rstrip().endswith("\nmake check"), "the last line is that of pytest"
