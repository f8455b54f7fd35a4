"""Fixtures of the commands' tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.model import Contract
from tests.engine.support.harness import contract_of


@pytest.fixture
def contract(tmp_path: Path) -> Callable[[str], Contract]:
    """Return a function that makes a contract of its vocabulary, sources, metrics and pairs."""
    return lambda text: contract_of(tmp_path, text)
