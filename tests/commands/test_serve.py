"""What SIGHUP does with the contract, said in full."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts.load import load_contract
from contracts.model import Contract
from exporters.commands.serve import Reloader
from exporters.commands.settings import Settings, resolve_settings
from exporters.engine.run import Engine
from exporters.engine.tail.tail import Tail
from tests.engine.support.commits import StandingClock

TEXT = """
exporter: {name: sample, help: A sample., port: 9999, port_env: SAMPLE_PORT, job: sample}
files: {default: sample.jsonl}
vocabulary: {kind: {values: [a, b]}}
sources: {all: {match: {}, read: {kind: kind}}}
metrics: {kinds_total: {type: counter, counts: kind, labels: [kind], help: Kinds., budget: 2}}
"""


class Running:
    """An engine, its contract's file, and the hand that sends SIGHUP."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "sample.yaml"
        self.path.write_text(TEXT)
        contract = load_contract(self.path)
        self.environment: dict[str, str] = {}
        self._clock = StandingClock()
        tail = Tail([str(folder / "sample.jsonl")])
        self.engine = Engine(contract, tail, self.environment, self._clock).start()
        self._reloader = Reloader(self._settings_for(contract), self._settings_for)

    def look(self) -> None:
        """Do what is done between two steps."""
        self._reloader.reload_if_asked(self.engine)
        self._clock.seconds += 1.5
        self.engine.step()

    def hang_up(self, text: str | None) -> None:
        """Write another contract and send SIGHUP."""
        if text is None:
            self.path.unlink()
        else:
            self.path.write_text(text)
        self._reloader.ask(1, None)
        self.look()

    def gauge(self, name: str) -> object:
        """Return the samples of a gauge about the exporter."""
        return next(found for metric, found in self.engine.publish()[1] if metric.name == f"peak_trade_exporter_{name}")

    def _settings_for(self, contract: Contract) -> Settings:
        return resolve_settings(contract, self.environment, files=())


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    running.engine.tail.close()


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO)

    def since_then() -> list[str]:
        found = [f"{record.levelname} {record.getMessage()}" for record in caplog.records]
        caplog.clear()
        return found

    return since_then


def test_nothing_is_read_again_unless_asked(running: Running, said: Callable[[], list[str]]) -> None:
    running.path.unlink()
    running.look()
    assert said() == []
    assert running.gauge("config_reload_success") == [(("sample",), 1.0)]


def test_a_contract_in_order_is_put_in_force(running: Running, said: Callable[[], list[str]]) -> None:
    running.hang_up(TEXT.replace("Kinds.", "Sorts."))
    sha = load_contract(running.path).sha256
    assert said() == [f"INFO reloaded exporter=sample contract={running.path} sha256={sha}"]
    assert running.gauge("contract_info") == [(("sample", "sample.yaml", sha), 1.0)]
    running.look()
    assert said() == [], "once for each time it was asked for"


def test_a_broken_contract_is_refused_with_every_fault_and_the_old_one_goes_on(
    running: Running, said: Callable[[], list[str]]
) -> None:
    before = running.engine.contract
    running.hang_up(TEXT.replace("budget: 2", "budget: two").replace("read: {kind: kind}", "red: {kind: kind}"))
    first, second, last = said()
    assert first.startswith(f"ERROR {running.path}:5: sources.all.red: ")
    assert second.startswith(f"ERROR {running.path}:6: metrics.kinds_total.budget: ")
    assert last == f"ERROR {running.path}: not reloaded; the contract in force goes on"
    assert running.engine.contract is before
    assert running.gauge("config_reload_success") == [(("sample",), 0.0)]
    running.hang_up(TEXT)
    assert running.gauge("config_reload_success") == [(("sample",), 1.0)]


def test_a_contract_that_is_gone_is_refused(running: Running, said: Callable[[], list[str]]) -> None:
    running.hang_up(None)
    assert said() == [
        f"ERROR {running.path}:1: (document): cannot be read (No such file or directory); check the path and its"
        " permissions",
        f"ERROR {running.path}: not reloaded; the contract in force goes on",
    ]


def test_what_needs_a_start_is_said(running: Running, said: Callable[[], list[str]]) -> None:
    other = "files: {default: [sample.jsonl, other.jsonl], max_line_bytes: 100}"
    running.hang_up(TEXT.replace("files: {default: sample.jsonl}", other).replace("port: 9999", "port: 9998"))
    assert said()[1:] == [
        f"WARNING {running.path}: what it says of files, max_line_bytes, port takes effect at the next start"
    ]


def test_an_unusable_variable_is_a_reason_to_refuse(running: Running, said: Callable[[], list[str]]) -> None:
    running.environment["SAMPLE_PORT"] = "x"
    running.hang_up(TEXT)
    assert said() == [
        "ERROR SAMPLE_PORT: got 'x', expected a port from 1 to 65535; unset it for the contract's 9999, or give --port",
        f"ERROR {running.path}: not reloaded; the contract in force goes on",
    ]
