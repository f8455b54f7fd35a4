"""docs/no_live.md names the test that proves each of its lines; every one of them exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/no_live.md").read_text(encoding="utf-8")


def test_every_test_the_document_names_exists() -> None:
    named = re.findall(r"`((?:tests|prometheus)/[\w./]+)(?:::(\w+))?`", TEXT)
    assert len(named) > 10
    for file, test in named:
        assert (ROOT / file).is_file(), file
        assert not test or f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{test}"


def test_every_line_that_holds_something_names_its_proof() -> None:
    rows = [
        row for row in re.findall(r"^\| (.+?) \| (.+?) \|$", TEXT, re.MULTILINE) if row[0] not in ("---", "what holds")
    ]
    claims = [(what, proof) for what, proof in rows if proof.startswith("`")]
    assert len(claims) > 10
    assert [what for what, proof in claims if not re.fullmatch(r"`(tests|prometheus)/[^`]+`", proof)] == []
