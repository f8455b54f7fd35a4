"""What the docstrings of the engine show is so."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import walk_packages

import pytest

from exporters import engine

MODULES = [one.name for one in walk_packages(engine.__path__, "exporters.engine.")]


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings_are_true(module: str) -> None:
    assert doctest.testmod(import_module(module)).failed == 0
