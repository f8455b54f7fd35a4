"""Prometheus itself sees every event and no reset while the exporter is killed again and again."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from exporters.commands.demo.web import ask_prometheus
from tests.budget import amount
from tests.end_to_end.patience import PATIENCE_S, wait_until
from tests.end_to_end.ports import free_port
from tests.end_to_end.storm import Exporter, Writer

pytestmark = pytest.mark.slow

KILLS = amount(4, 10)


def _configuration(port: int) -> str:
    return (
        "global: {scrape_interval: 500ms, scrape_timeout: 500ms}\n"
        f"scrape_configs: [{{job_name: ai_live, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
    )


@pytest.mark.needs("prometheus")
def test_increase_equals_what_was_written_and_there_is_no_reset(tmp_path: Path) -> None:
    port, own = free_port(), free_port()
    (tmp_path / "prometheus.yml").write_text(_configuration(port))
    exporter = Exporter(tmp_path / "events.jsonl", tmp_path / "state", port)
    writer = Writer(tmp_path / "events.jsonl", seed=11)
    exporter.start()
    arguments = [f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"]
    address = f"--web.listen-address=127.0.0.1:{own}"
    prometheus = subprocess.Popen(["prometheus", *arguments, address, "--log.level=error"])
    try:
        _wait_for_total(own, 0)
        writer.start()
        for _ in range(KILLS):
            time.sleep(0.7)
            exporter.end(signal.SIGKILL)
            exporter.start()
        writer.finish()
        total = writer.written.total()
        _wait_for_total(own, total)
        resets = ask_prometheus(own, "max(resets(peaktrade_ai_decisions_total[5m]))")
        span = "max_over_time(peaktrade_ai_decisions_total[5m]) - min_over_time(peaktrade_ai_decisions_total[5m])"
        growth = ask_prometheus(own, f"sum({span})")
        increase = ask_prometheus(own, "sum(increase(peaktrade_ai_decisions_total[5m]))")
    finally:
        exporter.end(signal.SIGTERM)
        prometheus.terminate()
        prometheus.wait(PATIENCE_S)
    assert resets == [({}, 0.0)]
    assert growth == [({}, float(total))]
    assert increase is not None
    assert increase[0][1] == pytest.approx(total, rel=0.05), "increase() extrapolates to the window's edges"


def _wait_for_total(port: int, total: int) -> None:
    seen: list[object] = []

    def has_it() -> bool:
        answer = ask_prometheus(port, "sum(peaktrade_ai_decisions_total)")
        seen.append(answer)
        return bool(answer and answer[0][1] == total)

    try:
        wait_until(has_it, f"Prometheus shows {total}")
    except AssertionError as error:
        raise AssertionError(f"{error}, but {seen[-1]}") from error
