import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from exporters.engine import run
from exporters.engine.heap import trim_heap
from tests.engine.support.commits import SHOP, Plant, shop_event
from tests.engine.support.harness import contract_of


@pytest.mark.parametrize("batches", [(30,), (10, 10, 10)], ids=["at once", "little by little"])
def test_memory_is_given_back_when_much_has_been_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: tuple[int, ...]
) -> None:
    given: list[None] = []
    monkeypatch.setattr(run, "trim_heap", lambda: given.append(None))
    plant = Plant(tmp_path)
    plant.begin()
    plant.write(*map(shop_event, range(10)))
    monkeypatch.setattr(run, "TRIM_BYTES", plant.events.stat().st_size * 3.5)
    plant.step()
    assert not given
    for number in batches:
        plant.write(*map(shop_event, range(number)))
        plant.step()
    assert len(given) == 1
    plant.step()
    assert len(given) == 1
    plant.stop()


def test_a_system_that_cannot_take_memory_back_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def without_trim(name: object) -> object:
        asked.append(name)
        return object()

    monkeypatch.setattr(ctypes, "CDLL", without_trim)
    trim_heap()
    assert asked == [None], "the process's own C library, which has no malloc_trim"


def test_what_is_given_back_is_no_longer_held() -> None:
    """In a process of its own: much is freed under one block that stays, so that only asking for it returns it."""
    program = """
import ctypes
from exporters.engine.heap import trim_heap
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
held = lambda: int(open("/proc/self/statm").read().split()[1])
blocks = [libc.malloc(60_000) for _ in range(1000)]
for block in blocks:
    ctypes.memset(block, 1, 60_000)
for block in blocks[:-1]:
    libc.free(block)
before = held()
trim_heap()
print(before - held())
"""
    if not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("this C library cannot give memory back")
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert int(said) * os.sysconf("SC_PAGE_SIZE") > 30_000_000


FAULTS = """
import resource, sys
from pathlib import Path
from exporters.engine.run import Engine
from exporters.engine.tail.tail import Tail
from contracts.load import load_contract
from exporters.engine.clock import SystemClock

engine = Engine(load_contract(Path(sys.argv[1])), Tail([sys.argv[2]]), {}, SystemClock()).start()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
engine.step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_a_batch_is_read_into_the_memory_of_the_one_before(tmp_path: Path) -> None:
    """Pages given back after each batch and got anew for the next are 200 page faults per batch and more."""
    contract = contract_of(tmp_path, SHOP)
    events = tmp_path / "sample.jsonl"
    line = b'{"kind": "sold", "pad": "' + b"x" * 300 + b'"}\n'
    events.write_bytes(line * 40_000)
    command = [sys.executable, "-c", FAULTS, contract.path, str(events)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    batches = events.stat().st_size / (1 << 18)
    assert int(done.stdout) / batches < 100
