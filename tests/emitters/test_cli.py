import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import emitters
from emitters.cli import Emitter, build_group, discover, emit
from emitters.slots import slots, timestamp

pytestmark = pytest.mark.thorough

FAKE_MODULE = '''
"""An emitter of numbers."""
import click
SUMMARY = "Numbers for nobody: one after the other."
OPTIONS = (click.Option(["--word"], default="w", show_default=True, help="The word field."),)
def events(start, n, *, interval, run_id="demo", word="w"):
    i = 0
    while n is None or i < n:
        yield {"i": i, "run_id": run_id, "word": word}
        i += 1
'''


def numbers(start: datetime, n: int | None, *, interval: timedelta, run_id: str) -> Iterator[dict[str, object]]:
    for i, at in slots(start, n, interval):
        yield {"i": i, "at": timestamp(at), "run_id": run_id}


GROUP = build_group([Emitter("num_bers", "Numbers for nobody: one after the other.", (), numbers)])


def run(*arguments: object) -> Result:
    return CliRunner().invoke(GROUP, ["num_bers", *map(str, arguments)], prog_name="emit")


def test_start_and_interval_fix_the_file_to_the_byte(tmp_path: Path) -> None:
    out = tmp_path / "logs" / "f"
    result = run("--out", out, "--n", 2, "--interval-ms", 2.5, "--start", "2026-01-25T01:00:00Z", "--run-id", "r")
    assert (result.exit_code, result.output) == (0, f"wrote 2 events to {out}\n")
    assert out.read_text(encoding="utf-8") == (
        '{"i":0,"at":"2026-01-25T01:00:00.000Z","run_id":"r"}\n{"i":1,"at":"2026-01-25T01:00:00.002Z","run_id":"r"}\n'
    )


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("2026-01-25T01:00:00", "2026-01-25T01:00:00.000Z"),
        ("2026-01-25T01:00:00+02:00", "2026-01-24T23:00:00.000Z"),
        ("2026-01-25", "2026-01-25T00:00:00.000Z"),
    ],
    ids=["naive is UTC", "offset", "date"],
)
def test_a_start_is_read_as_utc_unless_it_says_otherwise(tmp_path: Path, text: str, first: str) -> None:
    assert run("--out", tmp_path / "f", "--n", 1, "--start", text).exit_code == 0
    assert json.loads((tmp_path / "f").read_text(encoding="utf-8"))["at"] == first


def test_without_a_start_times_begin_now(tmp_path: Path) -> None:
    before = timestamp(datetime.now(UTC))
    assert run("--out", tmp_path / "f", "--n", 1).exit_code == 0
    first = json.loads((tmp_path / "f").read_text(encoding="utf-8"))["at"]
    assert before <= first <= timestamp(datetime.now(UTC))


def test_a_rate_is_an_interval(tmp_path: Path) -> None:
    assert run("--out", tmp_path / "f", "--n", 3, "--rate", 100, "--start", "2026-01-25").exit_code == 0
    ats = [json.loads(line)["at"][-5:] for line in (tmp_path / "f").read_text(encoding="utf-8").splitlines()]
    assert ats == [".000Z", ".010Z", ".020Z"]


def test_a_second_run_appends(tmp_path: Path) -> None:
    for _ in range(2):
        run("--out", tmp_path / "f", "--n", 3, "--interval-ms", 0)
    found = [json.loads(line)["i"] for line in (tmp_path / "f").read_text(encoding="utf-8").splitlines()]
    assert found == [0, 1, 2, 0, 1, 2]


def test_fifty_events_are_the_default(tmp_path: Path) -> None:
    result = run("--out", tmp_path / "f", "--interval-ms", 0)
    assert result.output == f"wrote 50 events to {tmp_path / 'f'}\n"


def test_no_events_make_an_empty_file(tmp_path: Path) -> None:
    assert run("--out", tmp_path / "f", "--n", 0).output == f"wrote 0 events to {tmp_path / 'f'}\n"
    assert (tmp_path / "f").read_bytes() == b""


def test_misbehaviour_is_planned_from_the_options(tmp_path: Path) -> None:
    options = ("--interval-ms", 0, "--n", 6, "--misbehave", "rotate", "--misbehave", "truncate")
    result = run("--out", tmp_path / "f", *options, "--misbehave-every", 2, "--settle-ms", 0)
    assert result.exit_code == 0
    found = {
        path.name: [json.loads(line)["i"] for line in path.read_bytes().splitlines()] for path in tmp_path.iterdir()
    }
    assert found == {"f.1": [0, 1], "f": [4, 5]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--rate", "5", "--interval-ms", "200"],
            "--interval-ms and --rate say the same thing; give only one of them.",
        ),
        (["--n", "-1"], "Invalid value for '--n': -1 is not in the range x>=0."),
        (
            ["--interval-ms", "-1"],
            "Invalid value for '--interval-ms': -1.0 is not in the range 0<=x<=86400000.",
        ),
        (
            ["--interval-ms", "nan"],
            "Invalid value for '--interval-ms': nan is not a number to work with; give a finite one.",
        ),
        (["--rate", "0"], "Invalid value for '--rate': 0.0 is not in the range 0.001<=x<=1000000."),
        (
            ["--start", "noon"],
            "Invalid value for '--start': 'noon' is not an ISO 8601 time; write it like 2026-01-25T01:09:48Z.",
        ),
        (
            ["--start", "0001-01-01"],
            "Invalid value for '--start': '0001-01-01' is out of range; give a year from 1970 to 8999.",
        ),
        (["--misbehave-every", "0"], "Invalid value for '--misbehave-every': 0 is not in the range x>=1."),
        (
            ["--misbehave", "explode"],
            "Invalid value for '--misbehave': 'explode' is not one of 'rotate', 'truncate', 'half-line'.",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value),
)
def test_bad_usage_is_explained_and_touches_no_file(tmp_path: Path, arguments: list[str], message: str) -> None:
    result = run("--out", tmp_path / "f", *arguments)
    assert (result.exit_code, result.stderr) == (
        2,
        f"Usage: emit num_bers [OPTIONS]\nTry 'emit num_bers --help' for help.\n\nError: {message}\n",
    )
    assert list(tmp_path.iterdir()) == []


def test_a_directory_is_no_file_to_write(tmp_path: Path) -> None:
    result = run("--out", tmp_path)
    message = f"emit: cannot write '{tmp_path}': Is a directory; give --out a file path\n"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)


def test_a_parent_that_is_no_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    result = run("--out", tmp_path / "f" / "g")
    message = (
        f"emit: cannot write '{tmp_path / 'f' / 'g'}': '{tmp_path / 'f'}': Not a directory; "
        "give --out a path below directories only\n"
    )
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)


def test_a_file_that_may_not_be_written_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("emitters.cli.Writer", refuse)
    result = run("--out", tmp_path / "f")
    message = f"emit: cannot write '{tmp_path / 'f'}': Permission denied; give --out a path this user can write\n"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)


def test_a_new_file_in_the_package_is_a_new_subcommand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fake_numbers.py").write_text(FAKE_MODULE, encoding="utf-8")
    (tmp_path / "no_emitter.py").write_text("SUMMARY = 'declares no events'\n", encoding="utf-8")
    monkeypatch.setattr(emitters, "__path__", [str(tmp_path)])
    for name in ("emitters.fake_numbers", "emitters.no_emitter"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    try:
        group = build_group(discover().values())
    finally:
        for name in ("fake_numbers", "no_emitter"):
            sys.modules.pop(f"emitters.{name}", None)
            vars(emitters).pop(name, None)
    out = tmp_path / "out"
    result = CliRunner().invoke(group, ["fake_numbers", "--out", str(out), "--n", "1", "--word", "x"])
    assert (list(group.commands), result.exit_code) == (["fake_numbers"], 0)
    assert out.read_text(encoding="utf-8") == '{"i":0,"run_id":"demo","word":"x"}\n'


def test_the_list_of_subcommands_tells_what_each_writes() -> None:
    result = CliRunner().invoke(GROUP, ["--help"])
    assert result.exit_code == 0
    assert "  num_bers  Numbers for nobody\n" in result.output


def test_the_package_offers_every_emitter_it_holds() -> None:
    assert list(emit.commands) == [*discover(), "live_run", "session"]


def test_every_option_has_a_help_text() -> None:
    options = [option for command in emit.commands.values() for option in command.params]
    assert [o.name for o in options if not isinstance(o, click.Option) or not o.help] == []


def test_the_version_is_that_of_the_distribution() -> None:
    expected = f"peak-trade-exporters {version('peak-trade-exporters')}\n"
    assert CliRunner().invoke(GROUP, ["--version"]).output == expected


def test_the_package_runs_alone() -> None:
    done = subprocess.run([sys.executable, "-m", "emitters", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"peak-trade-exporters {version('peak-trade-exporters')}\n"


PROGRAM = f"""
import sys
from emitters.cli import Emitter, build_group
module = {{}}
exec({FAKE_MODULE!r}, module)
build_group([Emitter("numbers", module["SUMMARY"], module["OPTIONS"], module["events"])])(sys.argv[1:])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("rate", ["50", "50000"])
def test_a_signal_ends_an_endless_run_after_its_current_line(tmp_path: Path, number: signal.Signals, rate: str) -> None:
    out = tmp_path / "f"
    options = [
        "--out",
        out,
        "--forever",
        "--rate",
        rate,
        "--misbehave",
        "half-line",
        "--misbehave-every",
        "1",
    ]
    command = [sys.executable, "-c", PROGRAM, "numbers", *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while not (out.exists() and out.stat().st_size > 200) and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=120)
    text = out.read_text(encoding="utf-8")
    found = [json.loads(line)["i"] for line in text.splitlines()]
    assert (process.returncode, stdout, stderr) == (0, f"wrote {len(found)} events to {out}\n", "")
    assert text.endswith("\n")
    assert found == list(range(len(found)))
