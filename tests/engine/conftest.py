"""Fixtures of the engine's tests: a contract from a few lines of YAML, and a bench to run it on."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from contracts.model import Contract
from tests.engine.support.commits import Plant, shop_event
from tests.engine.support.harness import Bench, contract_of


@pytest.fixture
def contract(tmp_path: Path) -> Callable[[str], Contract]:
    """Return a function that makes a contract of its vocabulary, sources, metrics and pairs."""
    return lambda text: contract_of(tmp_path, text)


@pytest.fixture
def bench(tmp_path: Path) -> Callable[..., Bench]:
    """Return a function that makes a bench of such a contract, in an environment of the test's choosing."""

    def make(text: str, environment: Mapping[str, str] | None = None) -> Bench:
        return Bench(contract_of(tmp_path, text), environment)

    return make


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    """Return an exporter over twenty events, with a state, stopped at the end."""
    plant = Plant(tmp_path)
    plant.write(*map(shop_event, range(20)))
    yield plant
    plant.stop()
