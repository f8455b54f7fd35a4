import ctypes
from pathlib import Path

import pytest

from exporters.engine import run
from exporters.engine.memory import give_back
from tests.engine.commits import Plant, shop_event


def test_memory_is_given_back_after_a_long_backlog_and_only_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[None] = []
    monkeypatch.setattr(run, "give_back", lambda: given.append(None))
    monkeypatch.setattr(run, "LONG_BACKLOG_BYTES", 2000)
    plant = Plant(tmp_path)
    plant.begin()
    plant.write(*map(shop_event, range(10)))
    plant.step()
    assert not given
    plant.write(*map(shop_event, range(100)))
    plant.step()
    plant.step()
    assert len(given) == 1
    plant.stop()


def test_a_system_that_cannot_take_memory_back_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    give_back()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    give_back()
