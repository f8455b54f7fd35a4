"""The real files: nothing to say of them as they are, and of many faults put into a copy each is found by its rule."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from contracts import load
from contracts.lint.check import check, find_rules
from contracts.lint.inputs.located_json import parse_json
from contracts.lint.inputs.tree import load_tree

if TYPE_CHECKING:
    from tests.lint.conftest import Checkout

ROOT = Path(__file__).parents[2]
FAULTS = tomllib.loads((Path(__file__).parent / "faults.toml").read_text("utf-8"))["fault"]


@pytest.mark.slow
def test_nothing_is_wrong_with_this_checkout() -> None:
    found = [str(finding) for finding in check(load_tree(ROOT)) if finding.severity != "info"]
    assert found == []


def of_kind(kind: str) -> list[dict[str, Any]]:
    """Return the faults the lint finds (`rule`), another gate finds (`gate`), or none does (`passes`)."""
    return [fault for fault in FAULTS if kind in fault]


def test_of_at_least_120_faults_at_most_3_pass_and_they_reach_every_rule_of_every_area() -> None:
    assert len(FAULTS) == len(of_kind("rule")) + len(of_kind("gate")) + len(of_kind("passes")) >= 120
    assert len({(fault["file"], fault.get("panel"), fault["old"], fault["new"]) for fault in FAULTS}) == len(FAULTS)
    assert len(of_kind("passes")) <= 3
    assert {fault["rule"] for fault in of_kind("rule")} == {rule.id for rule in find_rules()} | {"lint/exception"}


@pytest.fixture(scope="module", autouse=True)
def parsed_once() -> Iterator[None]:
    """Have files of the same bytes parsed once for all faults: each spoils one file of sixty."""
    compose = load._compose
    composed = lru_cache(maxsize=256)(lambda path, data: compose(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "_compose", lambda path: composed(path, path.read_bytes()))
        patch.setattr("contracts.lint.inputs.tree.parse_json", lru_cache(maxsize=64)(parse_json))
        yield


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory, checkout_class: type[Checkout]) -> Checkout:
    """Return one copy of this checkout for all faults; each test puts back what it spoiled."""
    root = tmp_path_factory.mktemp("copy") / "checkout"
    skipped = shutil.ignore_patterns(".*", "__pycache__", "tests", "*.egg-info", "bench", "out", "logs")
    shutil.copytree(ROOT, root, ignore=skipped)
    for kept in (".ci", "tests"):
        (root / kept).mkdir(exist_ok=True)
    return checkout_class(root)


@pytest.fixture(scope="session")
def known(copy: Checkout) -> set[str]:
    """Return what is said of the copy before anything is spoiled."""
    return {without_line(finding) for finding in copy.findings()}


def every_panel(parent: dict[str, Any]) -> Iterator[tuple[list[Any], int]]:
    """Yield (list, place in it) of every panel, those in collapsed rows included."""
    for number, panel in enumerate(parent.get("panels", [])):
        yield parent["panels"], number
        yield from every_panel(panel)


def spoil(path: Path, fault: dict[str, Any]) -> None:
    """Put a fault into a file, or into the panel of a dashboard."""
    text = path.read_text(encoding="utf-8")
    if "panel" not in fault:
        assert fault["old"] in text, f"{fault['file']} no longer has {fault['old']!r}; write another fault"
        path.write_text(text.replace(fault["old"], fault["new"], 1), encoding="utf-8")
        return
    board = json.loads(text)
    [(panels, number)] = [found for found in every_panel(board) if found[0][found[1]].get("title") == fault["panel"]]
    panel = json.dumps(panels[number], ensure_ascii=False)
    assert fault["old"] in panel, f"the panel {fault['panel']!r} no longer has {fault['old']!r}; write another fault"
    panels[number] = json.loads(panel.replace(fault["old"], fault["new"], 1))
    path.write_text(json.dumps(board, indent=2, ensure_ascii=False), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("fault", of_kind("rule"), ids=lambda fault: f"{fault['rule']} {fault['name']}")
def test_the_rule_meant_for_a_fault_finds_it(copy: Checkout, known: set[str], fault: dict[str, Any]) -> None:
    path = copy.root / fault["file"]
    before = path.read_text(encoding="utf-8")
    try:
        spoil(path, fault)
        found = [finding for finding in copy.findings(fault["rule"]) if without_line(finding) not in known]
    finally:
        path.write_text(before, encoding="utf-8")
    assert found != []
    assert not any("this rule failed" in finding for finding in found)


@pytest.mark.slow
@pytest.mark.needs("promtool")
@pytest.mark.parametrize("fault", of_kind("gate"), ids=lambda fault: fault["name"])
def test_what_only_promtool_can_find_it_finds(copy: Checkout, fault: dict[str, Any]) -> None:
    path, folder = copy.root / fault["file"], copy.root / "prometheus"
    before = path.read_text(encoding="utf-8")
    tests = sorted(str(file) for file in (folder / "rule_tests").glob("*.yml") if path.name in file.read_text())
    commands = (["check", "config", str(folder / "prometheus.yml")], ["test", "rules", *tests])
    try:
        assert [subprocess.run(["promtool", *command]).returncode for command in commands[1:]] == [0]
        spoil(path, fault)
        codes = [subprocess.run(["promtool", *command], capture_output=True).returncode for command in commands]
    finally:
        path.write_text(before, encoding="utf-8")
    assert any(codes)


@pytest.mark.slow
@pytest.mark.parametrize("fault", of_kind("passes"), ids=lambda fault: fault["name"])
def test_what_nothing_finds_is_known(copy: Checkout, known: set[str], fault: dict[str, Any]) -> None:
    path = copy.root / fault["file"]
    before = path.read_text(encoding="utf-8")
    try:
        spoil(path, fault)
        assert [finding for finding in copy.findings() if without_line(finding) not in known] == []
    finally:
        path.write_text(before, encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted({fault["file"] for fault in FAULTS if "panel" in fault}))
def test_a_dashboard_written_again_without_a_fault_has_no_finding(copy: Checkout, known: set[str], file: str) -> None:
    path = copy.root / file
    before = path.read_text(encoding="utf-8")
    panel = next(fault["panel"] for fault in FAULTS if fault["file"] == file and "panel" in fault)
    try:
        spoil(path, {"file": file, "panel": panel, "old": '"title"', "new": '"title"'})
        assert [finding for finding in copy.findings() if without_line(finding) not in known] == []
    finally:
        path.write_text(before, encoding="utf-8")


def without_line(finding: str) -> str:
    """Return a finding without its line, as a fault may move the lines below it."""
    file, _, rest = finding.partition(":")
    return file + rest.partition(":")[2]
