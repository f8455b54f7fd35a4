"""When an exporter says that it is ready: after everything there was has been read once."""

from __future__ import annotations

from pathlib import Path

from exporters.engine.run import Engine
from exporters.engine.tail.tail import Tail
from tests.conftest import FakeClock, LogFile
from tests.engine.support.commits import SHOP
from tests.engine.support.harness import contract_of


def test_an_engine_is_ready_after_the_first_drain_and_not_before(
    tmp_path: Path, clock: FakeClock, log_file: LogFile
) -> None:
    log_file.append(b'{"kind": "sold"}\n')
    engine = Engine(contract_of(tmp_path, SHOP), Tail([str(log_file)]), {}, clock).start()
    assert not engine.is_ready
    engine.step()
    assert engine.is_ready
    engine.tail.close()
