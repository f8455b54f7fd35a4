"""A small checkout in which every rule of the lint finds something to look at and nothing to say."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from contracts.lint.check import check
from contracts.lint.inputs import tree
from contracts.lint.inputs.located_json import parse_json
from contracts.lint.inputs.tree import Tree, load_tree
from contracts.lint.promql.catalog import Catalog

__all__ = ["Checkout"]

_SMALL = Path(__file__).parent / "small"


class Checkout:
    """A copy of a checkout that a test may spoil."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace the first `old` in a file; a file that is not there yet is written."""
        path = self.root / file
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        assert old in text, f"{file} has no {old!r}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def tree(self) -> Tree:
        """Read it."""
        return load_tree(self.root)

    def findings(self, *rules: str) -> list[str]:
        """Return what the lint says, each as one line; of all rules if none is named."""
        return [str(finding) for finding in check(self.tree(), rules)]


@pytest.fixture
def small(tmp_path: Path) -> Checkout:
    """Return a fresh copy of the small checkout."""
    shutil.copytree(_SMALL, tmp_path / "small")
    return Checkout(tmp_path / "small")


@pytest.fixture(scope="session")
def plain() -> Tree:
    """Return the small checkout as it is."""
    return load_tree(_SMALL)


@pytest.fixture(scope="session")
def catalog(plain: Tree) -> Catalog:
    """Return the metrics of the small checkout."""
    return plain.catalog


@pytest.fixture(scope="session")
def checkout_class() -> type[Checkout]:
    """Return the class, for tests that copy another checkout."""
    return Checkout


_parsed = cache(parse_json)


@pytest.fixture(scope="module", autouse=True)
def texts_read_once() -> Iterator[None]:
    """Let a dashboard that was read before be read no more: most tests spoil one file of many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "parse_json", _parsed)
        yield
