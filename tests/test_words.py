"""One word per idea: words the house has given up for the field's own are no part of any name, and not in its texts."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
GIVEN_UP = {
    "adopt": "catch_up, put_in_force",
    "adoption": "catch_up",
    "hint": "watcher (of folders), remedy (of a finding)",
    "lineage": "history",
    "law": "meaning (of what is stored), contract",
    "laws": "meanings",
    "sibling": "backup",
    "siblings": "backups",
    "voice": "log",
}
"""Word -> what is said instead."""

NEVER_NAMED = {"told", "_told", "Told"}
"""Names of the engine that named two things; as a part of a sentence the word is English."""

NEVER_WRITTEN = ("lineage", "sibling", "siblings", "adoption")
"""Given up in comments and documents, too; the others are English as well."""

HINTS = {"contracts/compiler/shape.py", "contracts/compiler/format.py"}
"""A hint there is what it is everywhere: what might have been meant."""

FOLDERS = ("exporters", "contracts", "emitters", "tests")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if path.name != "test_words.py")
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("*.md")])


ANY = re.compile("|".join((*GIVEN_UP, *NEVER_NAMED)), re.I)


@cache
def names_in(path: Path) -> frozenset[str]:
    """Return every name a file defines or uses, and its own; none if no word in question stands anywhere in it."""
    found, text = {path.stem}, path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)) if ANY.search(text) else ():
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
    return frozenset(found)


@cache
def words_of(name: str) -> set[str]:
    """Return the words a name is made of.

    >>> sorted(words_of("_add_NewFile"))
    ['add', 'file', 'new']
    """
    return {word.lower() for part in name.split("_") for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", part)}


def test_no_name_holds_a_word_that_was_given_up() -> None:
    found = {}
    for path in FILES:
        file = str(path.relative_to(ROOT))
        allowed = {"hint", "hints"} if file in HINTS else set()
        for name in names_in(path):
            if words := (words_of(name) & GIVEN_UP.keys()) - allowed:
                found[f"{file}: {name}"] = [GIVEN_UP[word] for word in words]
    assert found == {}


def test_nothing_in_the_engine_is_merely_told() -> None:
    engine = [path for path in FILES if path.is_relative_to(ROOT / "exporters/engine")]
    assert {str(path): set(names_in(path)) & NEVER_NAMED for path in engine} == {str(path): set() for path in engine}


def test_no_text_holds_a_word_that_was_given_up() -> None:
    pattern = re.compile(rf"\b({'|'.join(NEVER_WRITTEN)})\b", re.I)
    texts = {path: path.read_text(encoding="utf-8") for path in (*FILES, *PAGES)}
    places = {
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path, text in texts.items()
        if pattern.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    }
    assert places == set()
