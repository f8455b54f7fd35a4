"""Every worked example of contracts/README.md gives what it says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import contracts
from contracts.load import load_contract
from exporters.commands.once import read_once
from exporters.commands.settings import resolve_settings
from exporters.engine.clock import SystemClock
from exporters.engine.exposition.render import render

README = (Path(contracts.__file__).parent / "README.md").read_text(encoding="utf-8")
_EXAMPLE = re.compile(
    r"^### (?P<title>[^\n]+)\n(?:(?!^#).)*?^```yaml\n(?P<contract>.*?)^```\n\n(?P<files>(?:^```json.*?^```\n\n)+)"
    r"^```text\n(?P<page>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_FILE = re.compile(r"^```json ?(?P<name>\S*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEAD = "exporter: {name: sample, help: A sample., port: 9999, job: sample}\n"
_FILES = "files: {default: sample.jsonl}\n"


class Example(NamedTuple):
    """A contract without its head, its files, and lines of the page."""

    title: str
    contract: str
    files: dict[str, str]
    page: list[str]


def examples() -> Iterator[Example]:
    section = README.partition("## What your own events may need\n")[2].partition("\n## ")[0]
    for found in _EXAMPLE.finditer(section):
        files = {file["name"] or "sample.jsonl": file["text"] for file in _FILE.finditer(found["files"])}
        yield Example(found["title"], found["contract"], files, found["page"].splitlines())


EXAMPLES = list(examples())


def test_every_part_of_the_section_is_an_example() -> None:
    section = README.partition("## What your own events may need\n")[2].partition("\n## ")[0]
    assert [example.title for example in EXAMPLES] == re.findall(r"^### (.+)$", section, re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.title for example in EXAMPLES])
def test_an_example_gives_exactly_what_it_shows(
    example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    head = _HEAD + ("" if example.contract.startswith("files:") else _FILES)
    Path("sample.yaml").write_text(head + example.contract, encoding="utf-8")
    for name, text in example.files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    contract = load_contract(Path("sample.yaml"))
    settings = resolve_settings(contract, {})
    engine, _ = read_once(settings.contract, settings.files, {}, SystemClock())
    page = render(*engine.publish(), accept="", with_process=False)[0].decode().splitlines()
    own = [line for line in page if not line.startswith(("#", "peak_trade_"))]
    assert own == [line for line in example.page if not line.startswith("peak_trade_")]
    assert [line for line in example.page if line not in page] == []
