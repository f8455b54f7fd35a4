"""Words from the paths of files, files left out, and alternatives in patterns, followed and read once."""

from pathlib import Path

import pytest

from contracts.load import load_contract
from contracts.model import Contract
from exporters.commands.once import read_once
from exporters.commands.settings import resolve_settings
from exporters.engine.clock import SystemClock
from exporters.engine.run import Engine
from exporters.engine.tail.tail import Tail

SPEC = """
exporter: {name: sample, help: A sample., port: 9999, job: sample}
files: {default: "runs/{run}/events.jsonl", exclude: ["old-*", "runs/tmp*/*"], env: SAMPLE_FILES}
vocabulary:
  run: {allow: "a-z0-9-", max_length: 8, max_values: 2}
  s: {values: [ok, failed]}
  size: {type: number, min: 0}
sources:
  f:
    match: {}
    read: {s: s, run: {file: run}}
    parts: {item: {of: "items[]", read: {size: n}}}
metrics:
  requests_total: {type: counter, counts: s, labels: [run, s], budget: 6, help: Requests.}
  sizes_total: {type: counter, counts: events, amount: size, labels: [run], budget: 3, help: Sizes.}
"""


@pytest.fixture
def contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Contract:
    monkeypatch.chdir(tmp_path)
    Path("sample.yaml").write_text(SPEC, encoding="utf-8")
    for name in ("r 1", "r2", "r3", "tmp-1", "old-2"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "events.jsonl").write_text('{"s":"ok","items":[{"n":1},{"n":2}]}\n')
    (tmp_path / "runs/r2/old-1.jsonl").write_text('{"s":"failed"}\n')
    return load_contract(Path("sample.yaml"))


def counted(engine: Engine) -> dict[tuple[str, ...], float]:
    samples = {metric.name: found for metric, found in engine.publish()[0]}
    return {one.labels: one.value for name in ("requests_total", "sizes_total") for one in samples[name] if one.value}


def read(contract: Contract, *files: str, environment: dict[str, str] | None = None) -> dict[tuple[str, ...], float]:
    settings = resolve_settings(contract, environment or {}, files)
    return counted(read_once(settings.contract, settings.files, {}, SystemClock())[0])


def test_a_name_from_the_path_is_normalised_and_capped_like_any_other(contract: Contract) -> None:
    assert read(contract) == {
        ("old-2", "ok"): 1,
        ("r_1", "ok"): 1,
        ("other", "ok"): 2,
        ("old-2",): 3,
        ("r_1",): 3,
        ("other",): 6,
    }


def test_a_file_whose_path_does_not_fit_gives_no_value(contract: Contract) -> None:
    assert read(contract, "runs/r2/old-1.jsonl", "runs/r2/events.jsonl") == {("r2", "ok"): 1, ("r2",): 3}


def test_a_flag_may_have_placeholders_alternatives_and_exceptions(contract: Contract) -> None:
    assert read(contract, "{run}/r2/{old-1,events}.jsonl", "!events.jsonl") == {}
    assert read(contract, "{top}/{run}/events.jsonl", "!*[13]/*") == {
        ("old-2", "ok"): 1,
        ("r2", "ok"): 1,
        ("old-2",): 3,
        ("r2",): 3,
    }
    assert read(contract, environment={"SAMPLE_FILES": "runs/{run}/e{vents,ven}.jsonl:!runs/o*/*:!runs/r?[13]/*"}) == {
        ("r2", "ok"): 1,
        ("r2",): 3,
        ("r3", "ok"): 1,
        ("r3",): 3,
    }


def test_files_that_are_followed_are_named_and_left_out_alike(contract: Contract, tmp_path: Path) -> None:
    settings = resolve_settings(contract, {})
    tail = Tail(settings.files)
    engine = Engine(settings.contract, tail, {}, SystemClock()).start()
    engine.step()
    late = tmp_path / "runs/tmp9"
    late.mkdir()
    (late / "events.jsonl").write_text('{"s":"failed"}\n')
    engine.step()
    assert sum(counted(engine).values()) == 4 + 12
    tail.close()
