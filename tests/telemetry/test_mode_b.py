"""Mode B, in sessions that are processes: two variables, a shared folder, no port."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from exporters.multiprocess.exposed import first_series
from tests.end_to_end.ports import free_port
from tests.multiprocess.folders import BLOCKS, open_collector, the_contract, total
from tests.telemetry.sessions import ROOT, SessionProcess, environment_of

pytestmark = pytest.mark.slow

EVERY_CALL = (
    ("record_strategy_decision", "ma_cross", "entry_long"),
    ("record_strategy_signal", "ma_cross", "long"),
    ("record_position_gross_exposure", "ma_cross", "eur", -12.5),
    ("record_risk_check", "live_limits.check_orders", "block"),
    ("record_limit_utilization", "max_open_positions", 1.7),
    ("record_risk_block", "limit:max_open_positions"),
)
MOVED = {
    ("peaktrade_strategy_decisions_total", ("ma_cross", "entry_long")): 1.0,
    ("peaktrade_strategy_signals_total", ("ma_cross", "long")): 1.0,
    ("peaktrade_strategy_position_gross_exposure", ("ma_cross", "EUR")): 12.5,
    ("peaktrade_risk_checks_total", ("live_limits.check_orders", "block")): 1.0,
    ("peaktrade_risk_limit_utilization", ("max_open_positions",)): 1.0,
    (BLOCKS, ("limit:max_open_positions",)): 1.0,
}
IMPORTS = {
    "telemetry_first": "",
    "client_library_first": "import prometheus_client",
    "client_library_first_and_in_use": "from prometheus_client import Counter; Counter('own', 'Own.').inc()",
    "variables_after_the_imports": (
        "import os, prometheus_client\n"
        "mode, folder = os.environ.pop('PEAKTRADE_METRICS_MODE'), os.environ.pop('PEAKTRADE_METRICS_MULTIPROC_DIR')\n"
        "from exporters import telemetry\n"
        "os.environ['PEAKTRADE_METRICS_MULTIPROC_DIR'] = folder\n"
        "os.environ['PEAKTRADE_METRICS_MODE'] = mode"
    ),
}


@pytest.mark.parametrize("before", IMPORTS.values(), ids=list(IMPORTS))
def test_w38_the_two_documented_variables_are_enough_whatever_was_imported_before(tmp_path: Path, before: str) -> None:
    session = SessionProcess(environment_of(tmp_path), before)
    assert session.call("ensure_registered") is True
    for call in EVERY_CALL:
        session.call(*call)
    values = open_collector(tmp_path).collect()
    assert {series: value for series, value in values.items() if value} == MOVED
    assert session.end() == ""


def test_w37_a_variable_of_the_client_library_does_not_lead_a_session_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    session = SessionProcess(environment_of(tmp_path / "here", PROMETHEUS_MULTIPROC_DIR=str(elsewhere)))
    session.call("record_risk_block", "runtime:halt")
    assert session.end() == ""
    assert list(elsewhere.iterdir()) == []
    assert total(open_collector(tmp_path / "here")) == 1


def test_w40_a_session_makes_the_folder_and_finds_a_relative_one_from_where_it_is(tmp_path: Path) -> None:
    environment = environment_of(Path("deep/down"))
    session = SessionProcess(environment, cwd=tmp_path)
    session.call("record_risk_block", "runtime:halt")
    assert session.end() == ""
    assert total(open_collector(tmp_path / "deep" / "down")) == 1


def test_w42_every_family_exists_at_0_once_a_session_has_registered(tmp_path: Path) -> None:
    session = SessionProcess(environment_of(tmp_path))
    session.call("ensure_registered")
    collector = open_collector(tmp_path)
    first = dict.fromkeys(first_series(the_contract(), {}), 0.0)
    assert collector.collect() == first
    assert {name for name, _ in first} == {metric.name for metric in the_contract().metrics}
    session.end()


def test_a_call_registers_by_itself(tmp_path: Path) -> None:
    session = SessionProcess(environment_of(tmp_path))
    session.call("record_risk_block", "runtime:halt")
    assert total(open_collector(tmp_path)) == 1
    session.end()


def test_a_session_in_mode_b_listens_nowhere(tmp_path: Path) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        session = SessionProcess(environment_of(tmp_path, PEAK_TRADE_METRICSD_PORT=str(port)))
        session.call("record_risk_block", "runtime:halt")
        table = Path(f"/proc/{session.pid}/fd")
        links = [str(entry.readlink()) for entry in table.iterdir()]
        assert [link for link in links if link.startswith("socket")] == []
        assert session.end() == ""


def test_a_killed_session_loses_nothing_that_was_recorded(tmp_path: Path) -> None:
    session = SessionProcess(environment_of(tmp_path))
    for _ in range(5):
        session.call("record_risk_block", "runtime:halt")
    session.kill()
    collector = open_collector(tmp_path)
    assert [total(collector), total(collector)] == [5, 5]
    assert list(tmp_path.glob("*.db*")) == []


@pytest.mark.parametrize("mode", [" b ", "B", "b"])
def test_the_mode_is_trimmed_and_its_case_does_not_matter(tmp_path: Path, mode: str) -> None:
    session = SessionProcess(environment_of(tmp_path, mode))
    session.call("record_risk_block", "runtime:halt")
    assert session.end() == ""
    assert total(open_collector(tmp_path)) == 1


FORK = """
import os, threading
from exporters import telemetry

telemetry.record_risk_block("runtime:halt")
stop = threading.Event()

def busy():
    while not stop.is_set():
        telemetry.record_risk_block("runtime:pause")

thread = threading.Thread(target=busy)
thread.start()
for _ in range(20):
    child = os.fork()
    if child == 0:
        telemetry.record_risk_block("runtime:halt")
        os._exit(0)
    os.waitpid(child, 0)
stop.set()
thread.join()
"""


def test_children_of_forks_record_into_files_of_their_own_even_amid_calls(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORK]
    done = subprocess.run(command, env=environment_of(tmp_path), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list(tmp_path.glob("counter_*.db"))) == 21
    values = open_collector(tmp_path).collect()
    assert values[BLOCKS, ("runtime:halt",)] == 21
    assert list(tmp_path.glob("*.db")) == []


def test_a_child_that_outlives_its_parent_does_not_keep_the_parents_files_alive(tmp_path: Path) -> None:
    outlive = "import os, sys\nif os.fork():\n    os._exit(0)\nprint(os.getpid(), flush=True)\nsys.stdin.read()"
    text = f'from exporters import telemetry\ntelemetry.record_risk_block("runtime:halt")\n{outlive}'
    child = subprocess.Popen(
        [sys.executable, "-c", text],
        env=environment_of(tmp_path),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stdout.readline()
    child.wait()
    assert total(open_collector(tmp_path)) == 1
    assert list(tmp_path.glob("*.db")) == []
    child.communicate()


SECRET = "sk-live-account-4711"


def test_a_secret_in_any_argument_is_in_no_label_but_the_one_that_holds_a_name(tmp_path: Path) -> None:
    session = SessionProcess(environment_of(tmp_path))
    for name, *arguments in EVERY_CALL:
        for place, argument in enumerate(arguments):
            if (place, argument) != (0, "ma_cross"):
                session.call(name, *arguments[:place], SECRET, *arguments[place + 1 :])
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    shown = repr(open_collector(tmp_path).collect())
    assert (SECRET.encode() in written, SECRET in shown) == (False, False)
    assert session.end() == ""
