import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.load import load_contract
from tests.engine.support.commits import SHOP, Plant, Shown, shop_event
from tests.engine.support.stores import rows_of

pytestmark = pytest.mark.thorough


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    plant = Plant(tmp_path, TEXT)
    plant.write(*map(shop_event, range(20)))
    yield plant
    plant.stop()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new)


def own_contracts(shown: Shown) -> Shown:
    """Return the series of the contract's metrics."""
    return {name: value for name, value in shown.items() if not name[0].startswith("peak_trade_exporter_")}


def stored(plant: Plant, kind: str) -> set[str]:
    """Return the keys of the rows of a kind; the engine must have ended."""
    return {key for found, key, _ in rows_of(plant.state) if found == kind}


RUNS = "runs_total: {type: counter, counts: kind, labels: [run], help: Runs., budget: 3}"
SIZE = "  size_total: {type: counter, counts: kind, amount: size, help: Sizes., budget: 1}\n"
LARGE = "  large_total: {type: counter, counts: kind, amount: size, help: Large., budget: 1}\n"
TEXT = SHOP + LARGE
CHANGES = {
    "a label is renamed": (RUNS, RUNS.replace("[run]", "[name: run]"), ["runs_total"], 3),
    "a label is added": (RUNS, RUNS.replace("[run]", "[run, kind]").replace("3}", "9}"), ["runs_total"], 3),
    "buckets change": ("buckets: [1, 10]", "buckets: [1, 5, 10]", ["open_seconds"], 1),
    "a metric is removed": (SIZE, "", ["size_total"], 1),
    "a metric is renamed": ("size_total:", "bytes_total:", ["size_total"], 1),
    "a value is removed": ("values: [sold, lost], oth", "values: [sold], oth", ["kinds_total"], 1),
    "an amount is dropped": (SIZE, SIZE.replace("amount: size, ", ""), ["size_total"], 1),
    "edges change": ("{open_to_done: [open, done]}", "{open_to_done: [done, open]}", ["pair order"], 3),
}
"""What changes -> the text before and after, what begins anew, and how many series (or ids)."""


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("is_killed", [False, True])
def test_what_means_something_else_begins_anew_and_the_rest_goes_on(
    plant: Plant, change: str, is_killed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    before, after, names, number = CHANGES[change]
    plant.begin()
    plant.step()
    old, born = own_contracts(plant.shown()), plant.created()
    plant.kill() if is_killed else plant.stop()
    plant.clock.seconds += 100
    plant.change(changed(before, after))
    plant.begin()
    plant.step()
    new = own_contracts(plant.shown())
    listed = ", ".join(names)
    assert warnings(caplog) == [f"{plant.contract.path}: the contract changed; these begin anew: {listed}"]
    assert plant.own("state_resets_total", "contract") == number
    assert plant.own("lines_total", "applied") == 20
    kept = {name for name in old if name[0] not in names or (change == "a value is removed" and name[1] != "lost")}
    assert {name: new[name] for name in kept} == {name: old[name] for name in kept}
    assert {name: plant.created()[name] for name in kept} == {name: born[name] for name in kept}
    for name in new.keys() - kept:
        assert new[name][0] == 0
        assert plant.created()[name] == plant.clock.now() - 0.2
    caplog.clear()
    born = plant.created()
    plant.stop()
    plant.begin()
    assert warnings(caplog) == []
    assert plant.own("state_resets_total", "contract") == number
    assert plant.created() == born, "what began anew has been stored"
    assert own_contracts(plant.shown()) == new


def test_a_new_metric_begins_at_nothing_and_nothing_is_said(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    plant.change(changed(SIZE, ""))
    plant.begin()
    plant.step()
    plant.stop()
    plant.change(TEXT)
    plant.begin()
    plant.step()
    assert warnings(caplog) == []
    assert plant.own("state_resets_total", "contract") == 0
    assert plant.shown()["size_total",] == (0.0, ())
    plant.write({"kind": "sold", "size": 2})
    plant.step()
    assert plant.shown()["size_total",] == (2.0, ())


@pytest.mark.parametrize("change", ["a metric is removed", "a label is renamed", "a value is removed", "edges change"])
def test_after_a_return_to_the_old_contract_old_values_do_not_come_back(plant: Plant, change: str) -> None:
    """They would lack what was read in between."""
    before, after, names, _ = CHANGES[change]
    plant.begin()
    plant.step()
    gone = {
        name for name in plant.shown() if name[0] in names and (change != "a value is removed" or name[1] == "lost")
    }
    plant.stop()
    plant.change(changed(before, after))
    plant.begin()
    plant.write(*map(shop_event, range(20, 26)))
    plant.step()
    plant.stop()
    plant.change(TEXT)
    plant.begin()
    plant.step()
    shown = plant.shown()
    assert all(shown.get(name, (0.0,))[0] == 0 for name in gone)
    assert plant._engine is not None
    if change == "edges change":
        assert plant._engine.ledger.pipeline.pairs.sizes() == {"order": 0}


def test_nothing_of_a_removed_metric_word_or_pair_stays_behind(plant: Plant) -> None:
    plant.begin()
    plant.step()
    plant.stop()
    assert stored(plant, "seen") == {'["run", "a"]', '["run", "b"]'}
    assert stored(plant, "pair") == {'["order", 1]'}
    text = TEXT[: TEXT.index("pairs:")] + TEXT[TEXT.index("metrics:") :]
    for part in ("  run: {allow: a-z, max_length: 8, max_values: 2}\n", f"  {RUNS}\n", "run: run, "):
        text = text.replace(part, "")
    for word in ("edge", "id", "stage", "latency"):
        text = "".join(line for line in text.splitlines(True) if not line.startswith(f"  {word}:"))
        text = text.replace(f"{word}: {word}, ", "").replace(f", {word}: {word}", "")
    at = text.index("  open_seconds")
    text = text[:at] + text[text.index("  last_timestamp") :]
    plant.change(text)
    plant.begin()
    plant.stop()
    left = rows_of(plant.state)
    assert not {kind for kind, _, _ in left} & {"seen", "pair", "newest", "law"}
    assert not [
        key for _, key, _ in left if key.startswith(('["runs_total', '["open_seconds', "runs_total", "open_seconds"))
    ]


def test_a_lower_cap_keeps_the_series_there_are_and_folds_what_comes(plant: Plant) -> None:
    plant.begin()
    plant.step()
    plant.stop()
    plant.change(changed("max_values: 2", "max_values: 1"))
    plant.begin()
    plant.write({"kind": "sold", "run": "b"}, {"kind": "sold", "run": "a"})
    plant.step()
    shown = plant.shown()
    assert (shown["runs_total", "a"], shown["runs_total", "b"]) == ((6.0, ()), (5.0, ()))
    plant.stop()
    assert stored(plant, "seen") == {'["run", "a"]'}


def test_another_contracts_state_under_this_name_is_set_aside(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    plant.begin()
    plant.step()
    plant.stop()
    text = plant.state.read_bytes()
    (plant.folder / "other").mkdir()
    other = Plant(plant.folder / "other", TEXT)
    path = Path(other.contract.path)
    path.with_name("sampler.yaml").write_text(path.read_text().replace("name: sample,", "name: sampler,"))
    other.contract = load_contract(path.with_name("sampler.yaml"))
    other.events = plant.events
    other.state = plant.folder / "state" / "sampler.db"
    other.state.write_bytes(text)
    other.begin()
    aside = "sampler.db.corrupt-20260125T001320Z"
    assert warnings(caplog) == [
        f"{other.state}: the state belongs to 'sample', not to 'sampler';"
        f" set aside as {aside}, starting anew from the files that exist"
    ]
    assert other.state.with_name(aside).read_bytes() == text
    other.step()
    assert own_contracts(other.shown()) == own_contracts(plant.truth())
    other.stop()
