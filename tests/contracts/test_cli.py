"""`peaktrade contract`: what it prints and how it exits."""

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contracts import cli
from contracts.cli import GENERATED, contract
from contracts.pages.reference import BEGIN, END, readme_text

INVALID = Path(__file__).parent.parent / "invalid"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(contract, list(map(str, arguments)), prog_name="contract")


SHOP_LINE = "shop: ok, 1 metric, 3 series at most\n"


def shop(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "shop.yaml"
    path.write_text(
        "exporter:\n"
        "  name: shop\n"
        "  help: Shop.\n"
        "  port: 9200\n"
        "  job: shop_job\n"
        "files: {default: shop.jsonl}\n"
        "vocabulary: {kind: {values: [sale, refund], otherwise: other}}\n"
        "sources: {shop: {match: {}, read: {kind: kind}}}\n"
        "metrics: {shop_events_total: {type: counter, help: Events., counts: kind, labels: [kind], budget: 9}}\n",
        encoding="utf-8",
    )
    return path


def test_check_without_a_path_checks_the_shipped_contracts() -> None:
    result = run("check")
    names = [line.partition(": ok, ")[0] for line in result.stdout.splitlines()]
    shipped = sorted(path.stem for path in Path(cli.__file__).parent.glob("*.yaml"))
    assert (result.exit_code, names, result.stderr) == (0, shipped, "")


def test_check_says_how_much_a_contract_promises(tmp_path: Path) -> None:
    result = run("check", shop(tmp_path))
    assert (result.exit_code, result.stdout, result.stderr) == (0, SHOP_LINE, "")


def test_check_shows_every_fault_and_what_is_good_all_the_same(tmp_path: Path) -> None:
    broken = INVALID / "missing_key.yaml"
    result = run("check", broken, shop(tmp_path))
    assert (result.exit_code, result.stdout, result.stderr) == (
        2,
        SHOP_LINE,
        f'{broken}:2: exporter: the key "job" is missing; add it: Prometheus job that scrapes it\n',
    )


def test_check_takes_folders_and_looks_at_their_contracts_together(tmp_path: Path) -> None:
    first, second = shop(tmp_path / "x"), shop(tmp_path / "y")
    result = run("check", tmp_path / "x", tmp_path / "y")
    assert (result.exit_code, result.stdout) == (2, SHOP_LINE)
    assert result.stderr == "".join(
        f"{second}:{line}: exporter.{key}: the {key} {value} belongs to {first} already; choose another\n"
        for line, key, value in ((4, "port", 9200), (5, "job", "shop_job"), (2, "name", "shop"))
    )


def test_a_file_named_twice_is_checked_once(tmp_path: Path) -> None:
    result = run("check", shop(tmp_path), shop(tmp_path))
    assert (result.exit_code, result.stdout) == (0, SHOP_LINE)


def test_check_of_an_empty_folder_is_bad_usage(tmp_path: Path) -> None:
    result = run("check", tmp_path)
    assert result.exit_code == 2
    assert f"Error: {tmp_path}: holds no contract; give a *.yaml file or a folder with some\n" in result.stderr


def test_schema_prints_the_generated_file() -> None:
    result = run("schema")
    text = (Path(cli.__file__).parent / "contract.schema.json").read_text(encoding="utf-8")
    assert (result.exit_code, result.stdout) == (0, text)
    assert json.loads(text)["title"] == "Exporter contract"


def test_generated_files_are_up_to_date() -> None:
    result = run("generate", "--check")
    assert (result.exit_code, result.output) == (0, "all generated files are up to date\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of contracts whose generated files are not there yet."""
    folder = tmp_path / "contracts"
    folder.mkdir()
    (folder / "README.md").write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(cli, "_FOLDER", folder)
    return folder


def test_generate_writes_what_differs_and_then_nothing(folder: Path) -> None:
    result = run("generate")
    expected = "".join(f"wrote contracts/{name}\n" for name in GENERATED)
    assert (result.exit_code, result.output) == (0, expected)
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert readme.startswith(f"before\n{BEGIN}\n\n### contract\n")
    assert readme.endswith(f"|\n{END}\nafter\n")
    result = run("generate")
    assert (result.exit_code, result.output) == (0, "all generated files are up to date\n")


def test_generate_check_names_each_file_and_the_remedy_and_writes_nothing(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    result = run("generate", "--check")
    assert (result.exit_code, result.output) == (
        1,
        "".join(f"contracts/{name}: out of date; run peaktrade contract generate\n" for name in GENERATED),
    )
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", f"the line {BEGIN} is missing; put it back where the tables begin"),
        (f"{BEGIN}\n", f"the line {END} is missing; put it back where the tables end"),
    ],
    ids=["begin", "end"],
)
def test_generate_without_its_markers_says_which_is_missing(folder: Path, text: str, expected: str) -> None:
    (folder / "README.md").write_text(text, encoding="utf-8")
    result = run("generate")
    assert (result.exit_code, result.stderr) == (1, f"Error: contracts/README.md: {expected}\n")


def test_what_stands_behind_the_generated_tables_is_kept_even_if_it_names_their_markers() -> None:
    behind = f"\nThey stand between {BEGIN} and {END}.\n"
    text = readme_text(f"# Head\n{BEGIN}\nGONE\n{END}{behind}")
    assert (text.startswith(f"# Head\n{BEGIN}\n"), text.endswith(f"{END}{behind}"), "GONE" in text) == (
        True,
        True,
        False,
    )


@pytest.mark.parametrize("command", sorted(contract.commands))
def test_every_command_explains_itself(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert contract.commands[command].get_short_help_str(200) in run("--help").output


def test_docs_writes_a_page_for_each_contract_and_one_that_leads_to_them(tmp_path: Path) -> None:
    out = tmp_path / "docs" / "metrics"
    result = run("docs", shop(tmp_path), "ai_live", "--out", out)
    assert (result.exit_code, result.output) == (0, f"4 pages in {out}\n")
    pages = {path.name: path.read_text() for path in out.iterdir()}
    assert set(pages) == {"README.md", "shop.md", "ai_live.md", "every_exporter.md"}
    printed = run("docs", shop(tmp_path)).output
    head, _, rest = printed.partition("## shop\n")
    body, _, every = rest.partition("\n## Every exporter\n")
    assert pages["shop.md"] == f"{head}## shop\n{body}"
    assert pages["every_exporter.md"] == f"{head}## Every exporter\n{every}"
    assert "- [shop](shop.md): Shop.\n" in pages["README.md"]
    links = re.findall(r"\]\(([^)]+)\)", "".join(pages.values()))
    assert set(links) == set(pages) - {"README.md"}
    before = dict(pages)
    assert run("docs", shop(tmp_path), "ai_live", "--out", out).exit_code == 0
    assert {path.name: path.read_text() for path in out.iterdir()} == before


def test_docs_writes_over_no_page_that_was_not_generated_and_writes_none_twice(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old/README.md").write_text("# Older\n\nGenerated from the contracts; edit those instead.\n")
    assert run("docs", shop(tmp_path), "--out", tmp_path / "old").exit_code == 0
    shutil.rmtree(tmp_path / "old")
    (tmp_path / "README.md").write_text("mine")
    result = run("docs", shop(tmp_path), "--out", tmp_path)
    text = f"Error: {tmp_path}/README.md is there and was not generated; give another folder, or move it"
    assert (result.exit_code, result.output.splitlines()[-1]) == (2, text)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "shop.yaml"]
    result = run("docs", shop(tmp_path), shop(tmp_path), "--out", tmp_path / "new")
    assert result.output.splitlines()[-1] == "Error: two contracts are named shop, which is one page; rename one"
    result = run("docs", shop(tmp_path), "--out", tmp_path / "shop.yaml" / "x")
    assert (result.exit_code, result.output) == (
        1,
        f"Error: {tmp_path}/shop.yaml/x: cannot be written (not a directory)\n",
    )
