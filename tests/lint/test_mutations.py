"""Whatever stands in somebody's files, the lint ends with findings: no file makes it or one of its rules fail."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner

from contracts.cli import contract
from contracts.lint.check import check
from contracts.lint.report import FORMATS, render
from tests.budget import amount

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lint.conftest import Checkout

FILES = ("prometheus/*.yml", "prometheus/rules/*.yml", "prometheus/rule_tests/*.yml", "grafana/dashboards/*.json")
PAGES = ("docs/*.md", "contracts/*.yaml", "peaktrade.toml", "compose.yaml", "grafana/provisioning/*.yml")
SETTINGS = '[lint]\nprefixes = ["peak_"]\nforeign_metrics = ["node_*"]\n[lint.off]\n"rule/tested" = "reason"\n'
ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        0,
        -1,
        1.5,
        10**30,
        "",
        "x",
        "²",
        "{{",
        "up ==",
        "sum by (",
        "[[:",
        "\ud800",
        "$a",
        "${a",
        "{{ $labels. }}",
    ),
    *(
        [],
        {},
        [[]],
        [None],
        [1],
        {"a": {}},
        {"panels": "x"},
        {"list": None},
        [{"targets": [None]}],
        [{"rules": {"a": 1}}],
    ),
)
TOKENS = (
    *(
        "null",
        "[]",
        "{}",
        '"',
        "'",
        ": ",
        "- ",
        "\t",
        "\n",
        "\\ud800",
        "#",
        "&a *a",
        "!!x ",
        "<<: 1",
        "`",
        "|",
        "{{",
        "(((",
    ),
    *(
        "1e999",
        "9" * 5000,
        "\x00",
        "é",
        "[" * 200,
        '{"a":' * 200,
        "(" * 300,
        "up == ",
        "[5m]",
        "$",
        "lint: allow",
        "groups",
    ),
)


def spots(value: Any) -> list[tuple[Any, Any]]:
    """Return (container, key) of everything inside a value."""
    inner = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [(value, key) for key, _ in inner] + [spot for _, one in inner for spot in spots(one)]


def spoil_structure(text: str, dice: random.Random, is_json: bool) -> str:
    """Return a document with one or two values, keys or elements that are something else."""
    document = json.loads(text) if is_json else yaml.safe_load(text)
    for _ in range(dice.randint(1, 2)):
        found = spots(document)
        if not found:
            break
        container, key = dice.choice(found)
        what = dice.randrange(4)
        if what == 0:
            del container[key]
        elif what == 1 and isinstance(container, dict):
            container[dice.choice([f"{key}s", str(key)[:-1], "", "expr"])] = container.pop(key)
        else:
            container[key] = deepcopy(dice.choice(ODD))
    return json.dumps(document, indent=1) if is_json else yaml.safe_dump(document, allow_unicode=False)


def spoil_text(text: str, dice: random.Random) -> str:
    """Return a text with a piece gone, doubled, moved or put in."""
    lines = text.splitlines(keepends=True)
    at, end = sorted(dice.randrange(len(text) + 1) for _ in range(2))
    number = dice.randrange(len(lines))
    ways: tuple[Callable[[], str], ...] = (
        lambda: text[:at] + text[end:],
        lambda: text[:at] + text[at : at + 1] * 3 + text[at:],
        lambda: text[:at],
        lambda: text[:at] + dice.choice(TOKENS) + text[at:],
        lambda: "".join([*lines[:number], dice.choice(["  ", "\t", " "]) + lines[number], *lines[number + 1 :]]),
        lambda: "".join([*lines[:number], lines[number].partition(":")[0] + ": " + dice.choice(TOKENS) + "\n"]),
        lambda: "".join(dice.sample(lines, len(lines))),
    )
    return dice.choice(ways)()


def spoiled(path: Path, text: str, dice: random.Random) -> bytes:
    if path.suffix not in (".md", ".toml") and dice.random() < 0.6:
        return spoil_structure(text, dice, path.suffix == ".json").encode(errors="surrogatepass")
    data = spoil_text(text, dice).encode(errors="surrogatepass")
    return data if dice.random() < 0.97 else data[: len(data) // 2] + b"\xff" + data[len(data) // 2 :]


@pytest.mark.slow  # some hundred times all rules over a checkout
def test_no_file_of_any_shape_makes_the_lint_or_one_of_its_rules_fail(small: Checkout) -> None:
    (small.root / "peaktrade.toml").write_text(SETTINGS)
    paths = [path for pattern in (*FILES, *FILES, *PAGES) for path in sorted(small.root.glob(pattern))]
    texts = {path: path.read_text() for path in paths}
    for seed in range(amount(200, 10_000)):
        dice = random.Random(seed)
        path = dice.choice(paths)
        path.write_bytes(spoiled(path, texts[path], dice))
        try:
            findings = check(small.tree())
            shown = {form: render(findings, form) for form in FORMATS}
        except Exception as error:
            raise AssertionError(f"seed {seed}: {path.name}: {error!r}") from error
        finally:
            path.write_text(texts[path])
        assert "this rule failed" not in shown["text"], (seed, shown["text"])
        assert {len(json.loads(shown["json"])), len(json.loads(shown["sarif"])["runs"][0]["results"])} == {
            len(findings)
        }


def test_a_file_of_rules_whose_groups_are_misspelt_is_found(small: Checkout) -> None:
    small.edit("prometheus/rules/shop.yml", "groups:", "group:")
    result = CliRunner().invoke(contract, ["lint", "--root", str(small.root)])
    assert (result.exit_code, result.exception.__class__) == (1, SystemExit)
    assert (
        "prometheus/rules/shop.yml:1: error: has no groups of rules (got group); write groups: and a list"
        " [files/readable]"
    ) in result.output.splitlines()


def test_what_of_a_dashboard_has_another_shape_is_said_and_the_rest_is_judged(small: Checkout) -> None:
    board = {"uid": "odd", "title": "Odd", "panels": [None, "x", {"id": [1], "targets": {}, "gridPos": {"x": "1"}}]}
    (small.root / "grafana/dashboards/odd.json").write_text(json.dumps(board))
    found = [finding.partition(": error: ")[2] for finding in small.findings() if "odd.json" in finding]
    assert found[:5] == [
        "panels[0] is null (expected an object); correct it [files/readable]",
        "panels[1] is a text (expected an object); correct it [files/readable]",
        "panels[2].gridPos.x is a text (expected a number); correct it [files/readable]",
        "panels[2].targets is an object (expected a list); correct it [files/readable]",
        'panel "" has no id (got [1], expected a whole number from 1); give it one [dashboard/identity]',
    ]


@pytest.mark.parametrize("file", ["prometheus/rules/shop.yml", "grafana/dashboards/shop.json", "docs/odd.md"])
def test_what_cannot_be_read_does_not_keep_the_rest_from_being_judged(small: Checkout, file: str) -> None:
    path = small.root / file
    path.unlink(missing_ok=True)
    path.mkdir()
    problem = "error: cannot be read (Is a directory); check it and its permissions [files/readable]"
    assert [finding for finding in small.findings() if finding.startswith(f"{file}:")] == [f"{file}:1: {problem}"]


def test_a_rule_that_fails_says_so_and_the_others_speak(small: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    from contracts.lint.rules import scrape_port

    monkeypatch.setattr(scrape_port, "quote", None)
    small.edit("prometheus/prometheus.yml", "9200", "9201")
    small.edit("prometheus/rules/shop.yml", "groups:", "group:")
    found = small.findings()
    assert any("[files/readable]" in finding for finding in found)
    assert (
        ".:1: error: this rule failed here and judges nothing (TypeError: 'NoneType' object is not callable);"
        " report that with the files, please [scrape/port]"
    ) in found


def test_a_link_longer_than_a_name_can_be_leads_to_no_file(small: Checkout) -> None:
    (small.root / "docs/odd.md").write_text(f"[a]({'x' * 5000}.md)\n")
    [found] = [finding for finding in small.findings() if finding.startswith("docs/odd.md")]
    assert found.startswith('docs/odd.md:1: error: the link leads to no file (got "xxx')
