"""Fixtures of the console's tests: a place with artefacts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty place."""
    return World(tmp_path)
