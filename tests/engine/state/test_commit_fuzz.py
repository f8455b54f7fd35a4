import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import amount
from tests.engine.support.commits import Plant, Shown, shop_event
from tests.engine.support.stores import Files, files_of, opened, put_back, quick_folder

pytestmark = pytest.mark.thorough

EVENTS = 40


@dataclass(frozen=True)
class Life:
    """One life that was watched: the state's files after every commit, and what was told then."""

    plant: Plant
    files: list[Files]
    shown: list[Shown]
    foreign: bytes


@pytest.fixture(scope="module")
def life() -> Iterator[Life]:
    with quick_folder() as folder:
        plant, files, shown = Plant(folder), list[Files](), list[Shown]()
        plant.begin()
        for number in range(EVENTS):
            files.append(files_of(plant.state))
            shown.append(plant.shown())
            plant.write(shop_event(number))
            plant.step()
            if number == EVENTS // 2:
                plant.stop()
                plant.begin()
        plant.stop()
        files.append(files_of(plant.state))
        shown.append(plant.truth())
        yield Life(plant, files, shown, foreign(folder))


def foreign(folder: Path) -> bytes:
    """Return another exporter's state."""
    path = folder / "other.db"
    with opened(path, "other") as (store, _):
        store.write([("series", '["kinds_total", "sold"]', [7.0, 1.0, None])])
    return path.read_bytes()


@dataclass(frozen=True)
class Damage:
    """What happens to one file between two shares of its length; `text` is put in, or flips bits."""

    kind: str
    first: float
    last: float
    text: bytes

    def done_to(self, old: bytes) -> bytes:
        low, high = sorted((int(self.first * len(old)), int(self.last * len(old))))
        flipped = bytes(byte ^ (len(self.text) + 1) for byte in old[low : low + 1])
        return {
            "nothing": old,
            "cut": old[:low],
            "zero": old[:low] + b"\0" * (high - low) + old[high:],
            "flip": old[:low] + flipped + old[low + 1 :],
            "take out": old[:low] + old[high:],
            "put in": old[:low] + self.text + old[low:],
            "append": old + self.text * 9,
            "replace": self.text,
        }[self.kind]


KINDS = ["nothing", "nothing", "flip", "flip", "cut", "zero", "take out", "put in", "append", "replace"]
SHARES = st.floats(0, 1, exclude_max=True)
DAMAGES = st.lists(st.builds(Damage, st.sampled_from(KINDS), SHARES, SHARES, st.binary(max_size=60)), max_size=2)
MOMENTS = st.integers(0, EVENTS)


@contextlib.contextmanager
def warned() -> Iterator[list[str]]:
    """Give the warnings said meanwhile."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("peaktrade.exporter")
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)


def ended(plant: Plant, files: Files) -> tuple[Shown, float, list[str]]:
    """Begin with these files; return what is told in the end, resets counted, and what was said."""
    for one in plant.state.parent.iterdir():
        one.unlink()
    put_back(plant.state, files)
    with warned() as said:
        plant.begin()
        plant.step()
        shown, resets = plant.shown(), plant.own("state_resets_total", "corrupt")
        plant.kill()
        plant.begin()
        plant.step()
        assert plant.shown() == shown, "what it decided is kept"
        plant.stop()
    return shown, resets, said


@contextlib.contextmanager
def lost(plant: Plant, is_lost: bool = True) -> Iterator[None]:
    """Have the events out of reach meanwhile."""
    away = plant.folder / "away"
    away.mkdir(exist_ok=True)
    if is_lost:
        plant.events.rename(away / "events")
    try:
        yield
    finally:
        if is_lost:
            (away / "events").rename(plant.events)


@pytest.mark.slow
@given(
    st.tuples(MOMENTS, MOMENTS) | MOMENTS.map(lambda moment: (moment, moment)),
    st.tuples(DAMAGES, DAMAGES),
    st.sampled_from(["", "", "", "", "foreign", "no log", "no file"]),
    st.booleans(),
)
@settings(max_examples=amount(60, 2000), deadline=None)
def test_whatever_became_of_the_state_it_starts_and_is_never_wrong_silently(
    life: Life, moments: tuple[int, int], damages: tuple[list[Damage], list[Damage]], besides: str, is_lost: bool
) -> None:
    """Files of one moment or of two, damaged or not. The end is exact while the events exist; if they are lost it is
    what was told at some moment, or the reset is said."""
    files = {**life.files[moments[1]], "": life.foreign if besides == "foreign" else life.files[moments[0]][""]}
    for ending, listed in zip(("", "-wal"), damages, strict=True):
        for damage in listed:
            files[ending] = damage.done_to(files.get(ending, b""))
    files.pop({"no log": "-wal", "no file": ""}.get(besides, "nothing"), None)
    with lost(life.plant, is_lost):
        shown, resets, said = ended(life.plant, files)
    assert resets == sum("; set aside as sample.db.corrupt-" in text for text in said) <= 1
    if not is_lost:
        assert shown == life.shown[-1]
    elif not resets and besides != "no file":
        assert without_losses(shown) in map(without_losses, life.shown)


def without_losses(shown: Shown) -> Shown:
    """Leave out what is measured when files are gone."""
    return {name: value for name, value in shown.items() if not name[0].endswith("lost_bytes_total")}


def test_the_life_this_draws_from_has_many_moments(life: Life) -> None:
    assert len(life.files) == len(life.shown) == EVENTS + 1
    assert len({len(one.get("-wal", b"")) for one in life.files}) > EVENTS // 3
    for files, shown in zip(life.files, life.shown, strict=True):
        with lost(life.plant):
            assert without_losses(ended(life.plant, files)[0]) == without_losses(shown)


@pytest.mark.parametrize("kind", sorted({*KINDS} - {"nothing"}))
def test_every_damage_does_damage(kind: str) -> None:
    assert Damage(kind, 0.2, 0.7, b"abc").done_to(bytes(range(100))) != bytes(range(100))
