"""The grammar of contracts/README.md: complete, and short enough to be read at once."""

import re
from pathlib import Path

import contracts
from contracts.compiler.format import RECORDS

README = (Path(contracts.__file__).parent / "README.md").read_text(encoding="utf-8")
GRAMMAR = README.partition("## The whole grammar\n")[2].partition("```text\n")[2].partition("```")[0]


def test_every_key_of_the_format_stands_in_the_grammar() -> None:
    keys = {key for record in RECORDS for key in record.keys}
    assert {key for key in keys if not re.search(rf"(?<![<\w]){key}:", GRAMMAR)} == set()


def test_the_grammar_names_no_key_there_is_not() -> None:
    keys = {key for record in RECORDS for key in record.keys}
    assert set(re.findall(r"(?<![<\w])([a-z_]+):(?= )", GRAMMAR)) - keys == set()


def test_the_grammar_fits_on_two_screens() -> None:
    assert len(GRAMMAR.splitlines()) <= 80
