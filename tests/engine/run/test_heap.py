import ctypes
import gc
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from exporters.engine import run
from exporters.engine.heap import trim_heap
from tests.bench.inputs import write_scenario
from tests.engine.support.commits import Plant, shop_event

pytestmark = pytest.mark.thorough


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


def faults_of_reading(events: Path) -> int:
    """Return the page faults of a process that reads a ledger once."""
    contract = Path(__file__).parents[2] / "bench/ledger.yaml"
    command = [sys.executable, "-c", "from exporters.cli import main; main()", "export", "--once"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
    subprocess.run([*command, "--contract", contract, "--file", events], capture_output=True, check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt - before


def test_a_batch_is_read_into_the_memory_of_the_one_before(tmp_path: Path) -> None:
    """Pages given back after each batch and got anew for the next would be some 60 faults a batch."""
    little, much = Path(write_scenario("a", tmp_path, 3_000)), tmp_path / "much.jsonl"
    much.write_bytes(little.read_bytes() * 20)
    batches = (much.stat().st_size - little.stat().st_size) / (1 << 18)
    assert (faults_of_reading(much) - faults_of_reading(little)) / batches < 20


def test_no_garbage_is_looked_for_after_each_batch(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.begin()
    plant.write(*map(shop_event, range(20_000)))
    assert plant.events.stat().st_size > 5 << 18
    before = gc.get_stats()[0]["collections"]
    plant.step()
    assert gc.get_stats()[0]["collections"] - before <= 2
    plant.stop()
