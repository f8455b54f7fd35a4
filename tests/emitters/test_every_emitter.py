import ast
import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

import emitters
from emitters.cli import Emitter, discover

START = datetime(2026, 1, 25, 1, 9, 48, 123_000, tzinfo=UTC)
STEP = timedelta(milliseconds=200)
FOUND = discover().values()


@pytest.mark.parametrize("emitter", FOUND, ids=lambda emitter: emitter.name)
def test_the_same_arguments_give_the_same_text(emitter: Emitter) -> None:
    first, second = (json.dumps(list(emitter.events(START, 300, interval=STEP, run_id="r"))) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("emitter", FOUND, ids=lambda emitter: emitter.name)
def test_an_endless_run_begins_like_a_counted_one(emitter: Emitter) -> None:
    endless = islice(emitter.events(START, None, interval=STEP, run_id="r"), 120)
    assert list(endless) == list(emitter.events(START, 120, interval=STEP, run_id="r"))


@pytest.mark.parametrize("emitter", FOUND, ids=lambda emitter: emitter.name)
def test_the_options_default_to_what_events_defaults_to(emitter: Emitter) -> None:
    given = {option.name: option.default for option in emitter.options}
    with_options = list(emitter.events(START, 50, interval=STEP, run_id="r", **given))
    assert with_options == list(emitter.events(START, 50, interval=STEP, run_id="r"))


ALLOWED = {"session.py": ("exporters", "contracts.no_live"), "live_run.py": ("contracts.no_live",)}
"""A session tells the telemetry, as an outsider does, and runs where nobody trades: no counting is shared."""


def test_the_witness_imports_nothing_it_could_agree_with() -> None:
    ours = {"contracts", "exporters"}
    for path in Path(emitters.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names = [name for name in names if name not in ALLOWED.get(path.name, ())]
            assert not ours & {name.partition(".")[0] for name in names}, f"{path.name}:{node}"
