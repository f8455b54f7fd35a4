"""`peaktrade contract lint|show|docs|diff`: what they print and how they exit."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from click.testing import CliRunner, Result

from contracts.cli import contract
from contracts.lint import manual
from contracts.lint.check import find_rules
from contracts.lint.manual import explain
from contracts.load import load_contracts
from contracts.pages import metrics as metrics

if TYPE_CHECKING:
    from tests.lint.conftest import Checkout

ROOT = Path(__file__).parents[2]
CONTRACT = "contracts/shop.yaml"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(contract, list(map(str, arguments)), prog_name="contract")


def test_lint_exits_0_when_there_is_only_info(small: Checkout) -> None:
    result = run("lint", "--root", small.root)
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "0 errors, 0 warnings, 2 info")


def test_lint_looks_at_the_current_folder_unless_told_otherwise(
    small: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(small.root)
    small.edit("prometheus/prometheus.yml", "9200", "9201")
    result = run("lint")
    assert (result.exit_code, result.output.splitlines()[-1]) == (1, "1 error, 0 warnings, 2 info")


def test_other_repositories_get_the_lint_as_a_hook_with_a_command_and_an_extra_that_exist() -> None:
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert (hook["id"], hook["language"], hook["pass_filenames"]) == ("peaktrade-lint", "python", False)
    words = hook["entry"].split()
    assert words[:2] == ["peaktrade", "contract"]
    assert run(*words[2:], "--help").exit_code == 0
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["lint"]
    assert hook["additional_dependencies"] == extra


def test_lint_exits_1_when_something_is_wrong(small: Checkout) -> None:
    small.edit("prometheus/prometheus.yml", "9200", "9201")
    result = run("lint", "--root", small.root, "--format", "github")
    assert (result.exit_code, result.output.splitlines()[-1]) == (
        1,
        '::error file=prometheus/prometheus.yml,line=9,title=scrape/port::the job "shop" scrapes another port'
        " (got 9201, expected 9200); correct the target or the contract",
    )


def test_lint_exits_2_where_there_is_nothing_to_lint(small: Checkout) -> None:
    result = run("lint", "--root", small.root / "docs")
    expected = (
        f"{small.root}/docs: holds no contract, no rules, no scrape configuration and no dashboard; give --root the"
        " folder that does, or say in peaktrade.toml ([lint.layout]) where they are\n"
    )
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", expected)


@pytest.mark.parametrize("command", ["lint", "diff"])
def test_without_the_parser_it_exits_2_and_says_how_to_get_it(
    small: Checkout, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setitem(sys.modules, "promql_parser", None)
    paths = [small.root / CONTRACT] * 2 if command == "diff" else []
    result = run(command, *paths, "--root", small.root)
    expected = "the lint needs the package promql-parser; install it: pip install 'peak-trade-exporters[lint]'\n"
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", expected)


def test_lint_lists_every_rule_with_its_documentation() -> None:
    result = run("lint", "--list")
    assert (result.exit_code, [line.split()[0] for line in result.output.splitlines()]) == (
        0,
        [*sorted([*(rule.id for rule in find_rules()), "lint/exception"])],
    )
    assert "files/readable         Every linted file is well-formed" in result.output


def test_lint_explains_a_rule_with_an_example_of_what_it_finds() -> None:
    result = run("lint", "--explain", "scrape/timing")
    lines = result.output.splitlines()
    assert (result.exit_code, lines[0], lines[2].split(":")[0]) == (
        0,
        "## scrape/timing",
        "Scrapes end before the next begins, and come often enough",
    )
    assert "scrape_timeout" in result.output
    assert "## " not in result.output[3:]


def test_every_rule_can_be_explained_by_a_fault_and_what_is_right() -> None:
    for rule in find_rules():
        text = explain(rule.id)
        assert (text.count("\nFound ("), text.count("\nRight:\n"), f"[{rule.id}]" in text) == (1, 1, True), rule.id


CASES = {
    "long": ("x.yml", "a" * 201, "new", ["said"]),
    "lines": ("x.yml", "one\ntwo", "new", ["said"]),
    "shown": ("x.md", "b" * 200, "c" * 201, ["s" * 201, "two"]),
    "not shown": ("x.yml", "short", "new", ["said"]),
}


def test_an_example_has_ten_lines_of_200_characters_and_what_is_said_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = '[[{}]]\nrule = "scrape/timing"\nname = "{}"\n'
    text = "".join(
        head.format("bad", name) + f"file = {file!r}\nold = {old!r}\nnew = {new!r}\nsays = {says!r}\n".replace("'", '"')
        for name, (file, old, new, says) in CASES.items()
    )
    lines = ["```", *map(str, range(10))]
    for name, new in (("many lines", lines), ("as many", lines[1:]), ("none", [])):
        text += head.format("good", name) + f'file = "x.toml"\nold = ""\nnew = {json.dumps(chr(10).join(new))}\n'
    text += '[[good]]\nrule = "scrape/target"\nname = "one"\nfile = "x.yml"\nold = ""\nnew = ""\n'
    (tmp_path / "scrape.toml").write_text(text)
    monkeypatch.setattr(manual, "_CASES", tmp_path)
    _, _, section = manual.rules_text("").partition("\n## scrape/timing\n")
    fault, _, good = section.partition("\n## ")[0].partition("Found (")[2].partition("\nAccepted (")
    assert fault == (
        f"shown), in `x.md`:\n\n```markdown\n{'c' * 197}...\n```\n\n```text\n{'s' * 201}\ntwo\n```\n\n"
        f"Right:\n\n```markdown\n{'b' * 200}\n```\n\nFound, too: long; lines; not shown.\n"
    )
    shown = "\n".join(lines[:10])
    assert good == f"many lines):\n\n````toml\n{shown}\n...\n````\n\nAccepted, too: as many; none.\n"
    _, _, other = manual.rules_text("").partition("\n## scrape/target\n")
    assert other.partition("\n## ")[0].endswith("\nAccepted (one):\n\n```yaml\n(nothing)\n```\n")
    monkeypatch.setattr(manual, "_CASES", tmp_path / "none")
    assert manual.rules_text("present") == "present"


def test_lint_cannot_explain_what_is_no_rule() -> None:
    result = run("lint", "--explain", "scrape/time")
    problem = "Error: no rule is named 'scrape/time'; did you mean 'scrape/timing'?"
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, problem)
    assert run("lint", "--explain", "x").stderr.splitlines()[-1] == "Error: no rule is named 'x'; see --list"


def test_show_prints_a_table(small: Checkout) -> None:
    result = run("show", small.root / CONTRACT)
    assert result.output.splitlines() == [
        "shop: A shop.",
        "port 9200 ($PEAK_TRADE_SHOP_PORT), job shop, events shop.jsonl ($PEAK_TRADE_SHOP_EVENTS)",
        "sources till",
        "",
        "metric                                  type       series  samples  labels",
        "peak_trade_sales_total                  counter         3        3  kind sale|refund|other",
        "peak_trade_sale_duration_seconds        histogram       3       18  kind sale|refund|other",
        "peak_trade_last_sale_timestamp_seconds  gauge           3        3  kind sale|refund|other",
        "peaktrade_ai_visits_total               counter         4        4  run_id (at most 4)",
        "peak_trade_shop_state                   gauge           2        2  state open|closed",
        "",
        "5 metrics, at most 15 series and 30 samples",
    ]


def test_show_knows_the_shipped_contracts_by_name() -> None:
    result = run("show", "shadow_mvs")
    assert (result.exit_code, result.output.partition(":")[0]) == (0, "shadow_mvs")
    assert "edge (5 values)" in result.output


def test_show_of_an_unknown_name_says_which_there_are() -> None:
    result = run("show", "shop")
    names = "ai_live, execution_watch, metricsd, shadow_mvs"
    problem = f"no contract 'shop' (expected one of {names}, or a FILE); correct the name"
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, f"Error: {problem}")


def test_show_of_a_broken_contract_says_what_is_wrong(small: Checkout) -> None:
    small.edit(CONTRACT, "counts: kind", "counts: sort")
    result = run("show", small.root / CONTRACT)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{small.root}/contracts/shop.yaml:26: metrics.peak_trade_sales_total.counts: ")


def test_docs_prints_the_reference_of_all_metrics_of_any_contract(small: Checkout) -> None:
    result = run("docs", small.root / CONTRACT)
    text = result.output
    assert (result.exit_code, text) == (0, metrics.render_metrics(load_contracts(small.root / "contracts")))
    for row in (
        "Port 9200, job `shop`, events `shop.jsonl`; changed by `PEAK_TRADE_SHOP_PORT`, `PEAK_TRADE_SHOP_EVENTS`.",
        "| `peak_trade_sales_total` | counter | kind: sale, refund, other | 3 | `kind` | Sales and refunds. |",
        "| `peak_trade_sale_duration_seconds` | histogram | kind: sale, refund, other | 3 | `took_ms` |"
        " Time at the till, in seconds. Buckets: 0.1, 0.5, 1. |",
        "| `peaktrade_ai_visits_total` | counter | run_id: at most 4 | 4 | `run_id` | Visits, by run. |",
    ):
        assert row in text.splitlines()


def test_the_reference_names_pairs_and_refused_lines_as_what_moves_a_metric() -> None:
    text = metrics.metrics_text("")
    rows = {line.split("|")[1].strip(" `"): line.split("|")[5].strip() for line in text.splitlines() if "| `" in line}
    assert rows["peak_trade_pipeline_latency_seconds"] == "`latency_ms`, pairs by intent_id, `edge`"
    assert rows["peak_trade_shadow_rejected_lines_total"] == "refused lines"
    assert rows["shadow_mvs_up"] == "-"


def test_docs_without_a_name_prints_what_is_shipped() -> None:
    assert run("docs").output == metrics.metrics_text("")


def test_what_docs_prints_mentions_only_what_exists(small: Checkout) -> None:
    (small.root / "contracts/METRICS.md").write_text(run("docs", small.root / CONTRACT).output, encoding="utf-8")
    assert [finding for finding in small.findings() if "METRICS.md" in finding] == []


def test_diff_names_what_breaks_and_whom_it_hits(small: Checkout) -> None:
    old = small.root / "old"
    old.mkdir()
    (old / "shop.yaml").write_bytes((small.root / CONTRACT).read_bytes())
    small.edit(CONTRACT, "peak_trade_sale_duration_seconds", "peak_trade_till_seconds")
    small.edit(CONTRACT, "Sales and refunds.", "Sales, and refunds.")
    result = run("diff", old / "shop.yaml", small.root / CONTRACT, "--root", small.root)
    assert (result.exit_code, result.output) == (
        1,
        "breaking: metric peak_trade_sale_duration_seconds renamed to peak_trade_till_seconds\n"
        "  hits alert SHOP_Slow (prometheus/rules/shop.yml:17)\n"
        "safe: metric peak_trade_sales_total: help changed\n"
        "1 breaking, 0 risky, 1 safe\n",
    )


def test_diff_names_whom_it_hits_in_this_folder_and_nobody_where_nothing_is(
    small: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, empty = tmp_path / "shop.yaml", tmp_path / "empty"
    old.write_bytes((small.root / CONTRACT).read_bytes())
    small.edit(CONTRACT, "[0.1, 0.5, 1]", "[0.1, 0.5, 1, 2]")
    empty.mkdir()
    said = ["risky: metric peak_trade_sale_duration_seconds: bucket 2 added", "0 breaking, 1 risky, 0 safe"]
    hit = "  hits alert SHOP_Slow (prometheus/rules/shop.yml:17)"
    for folder, expected in ((small.root, [said[0], hit, said[1]]), (empty, said)):
        monkeypatch.chdir(folder)
        result = run("diff", old, small.root / CONTRACT)
        assert (result.exit_code, result.output.splitlines()) == (0, expected)
    result = run("diff", old, small.root / CONTRACT, "--root", empty)
    assert (result.exit_code, result.stdout) == (2, "")


def test_diff_of_folders_as_json(small: Checkout) -> None:
    old = small.root / "old"
    old.mkdir()
    (old / "shop.yaml").write_bytes((small.root / CONTRACT).read_bytes())
    small.edit(CONTRACT, "[0.1, 0.5, 1]", "[0.1, 0.5, 1, 2]")
    result = run("diff", old, small.root / "contracts", "--root", small.root, "--format", "json")
    assert (result.exit_code, json.loads(result.output)) == (
        0,
        [
            {
                "effect": "risky",
                "text": "metric peak_trade_sale_duration_seconds: bucket 2 added",
                "metrics": ["peak_trade_sale_duration_seconds"],
                "hits": ["alert SHOP_Slow (prometheus/rules/shop.yml:17)"],
            }
        ],
    )


def test_diff_of_a_broken_contract_exits_2(small: Checkout) -> None:
    small.edit(CONTRACT, "counts: kind", "counts: sort")
    result = run("diff", small.root / CONTRACT, small.root / CONTRACT, "--root", small.root)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "unknown word" in result.stderr


@pytest.mark.parametrize("command", ["lint", "show", "docs", "diff"])
def test_every_command_explains_itself(command: str) -> None:
    result = run(command, "--help")
    assert (result.exit_code, result.output.startswith(f"Usage: contract {command}")) == (0, True)
