"""The recipes of docs/cookbook: what is written there is what comes out, and what a count by hand comes to."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from contracts.load import load_contracts
from exporters.commands.contract.cases import find_cases, read_case
from exporters.commands.contract.run_case import run_case
from tests.cookbook.counted import Counted
from tests.cookbook.readings import READINGS

pytestmark = pytest.mark.thorough

COOKBOOK = Path(__file__).parents[2] / "docs/cookbook"
RECIPES = list(find_cases((COOKBOOK,)))
NAMES = [recipe.name for recipe in RECIPES]


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_a_recipe_comes_to_what_it_says(recipe: Path) -> None:
    assert run_case(read_case(recipe)).differences == []


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_a_recipe_comes_to_what_a_count_by_hand_comes_to(recipe: Path) -> None:
    page = Counted()
    for path in sorted(recipe.rglob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            event["file"] = path.relative_to(recipe).as_posix()
            READINGS[recipe.name](page, event)
    text = (recipe / "expected.prom").read_text(encoding="utf-8")
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("peak_trade_exporter_")]
    expected = {name: float(value) for name, _, value in lines if float(value)}
    counted = {name: value for name, value in page.samples.items() if value}
    assert counted.keys() == expected.keys()
    assert {
        name: (value, expected[name]) for name, value in counted.items() if not is_same(value, expected[name])
    } == {}


def is_same(one: float, other: float) -> bool:
    """Whether two numbers are the same but for the last digit of a float."""
    return math.isclose(one, other, rel_tol=1e-14)


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_a_recipe_is_short_and_its_events_are_ten(recipe: Path) -> None:
    assert len((recipe / f"{recipe.name}.yaml").read_text(encoding="utf-8").splitlines()) <= 30
    assert sum(path.read_bytes().count(b"\n") for path in recipe.rglob("*.jsonl")) == 10


def test_all_recipes_can_run_beside_each_other() -> None:
    contracts = [contract for recipe in RECIPES for contract in load_contracts(recipe)]
    assert (
        len({contract.port for contract in contracts}) == len({contract.job for contract in contracts}) == len(RECIPES)
    )


def test_the_table_names_every_recipe_and_links_lead_there() -> None:
    text = (COOKBOOK / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \[[^]]+\]\((\w+)\) \|", text, re.MULTILINE) == NAMES
    assert sorted(READINGS) == NAMES
