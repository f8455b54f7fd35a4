"""What runs it for good: systemd units and the Containerfile, with systemd's own judgement where systemd is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from exporters.cli import main
from exporters.commands.assets import assets

ROOT = Path(__file__).parents[1]
UNITS = ROOT / "deploy" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
HADOLINT = Path(sys.executable).parent / "hadolint"
"""Part of the extra `dev`."""

ASKED = {"peaktrade-export@", "peaktrade-metricsd", "peaktrade-console"}
"""Units that answer over the network."""

SANDBOX = {
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "RestrictNamespaces=yes",
    "MemoryDenyWriteExecute=yes",
    "SystemCallFilter=@system-service",
    "IPAddressDeny=any",
}


def lines_of(unit: Path) -> list[str]:
    """Return the settings of a unit, in order, without sections."""
    return [line for line in unit.read_text().splitlines() if line and line[0] not in "#;["]


def values_of(unit: Path, key: str) -> list[str]:
    return [line.partition("=")[2] for line in lines_of(unit) if line.partition("=")[0] == key]


def sandbox_of(unit: Path) -> list[str]:
    text = unit.read_text()
    return text[text.index("# The same in every unit of ours") : text.index("IPAddressDeny=any")].splitlines()


def test_there_is_a_unit_for_an_exporter_metricsd_the_console_and_a_timer_for_the_reconciliation() -> None:
    assert {path.name for path in UNITS.iterdir()} == {
        *(f"{name}.service" for name in (*ASKED, "peaktrade-reconcile")),
        *("peaktrade-reconcile.timer", "peaktrade.sysusers.conf"),
    }


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_every_unit_has_the_same_sandbox_a_user_and_limits(unit: Path) -> None:
    assert sandbox_of(unit) == sandbox_of(SERVICES[0])
    assert set(lines_of(unit)) >= SANDBOX | {"User=peaktrade", "WorkingDirectory=/srv/peak_trade"}
    assert values_of(unit, "MemoryMax") and values_of(unit, "TasksMax")
    if unit.stem in ASKED:
        assert set(lines_of(unit)) >= {"Restart=on-failure", "RestartPreventExitStatus=2", "TimeoutStopSec=10"}
        assert values_of(unit, "IPAddressAllow")[0].split()[0] == "localhost"
    else:
        assert set(lines_of(unit)) >= {"PrivateNetwork=yes", "RestrictAddressFamilies=none", "SuccessExitStatus=1"}


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_what_a_unit_starts_is_a_command_that_knows_these_flags(unit: Path) -> None:
    program, *words = values_of(unit, "ExecStart")[0].replace("%i", "ai_live").removesuffix(" $ARGS").split()
    result = CliRunner().invoke(main, [*words, "--help"])
    assert (program, result.exit_code) == ("/opt/peaktrade/bin/peaktrade", 0)
    assert [word for word in words if word.startswith("--") and word not in result.output] == []


def test_only_what_reads_its_contract_again_can_be_reloaded() -> None:
    reloads = {unit.stem: values_of(unit, "ExecReload") for unit in SERVICES}
    assert {name: found for name, found in reloads.items() if found} == {
        "peaktrade-export@": ["/bin/kill -HUP $MAINPID"]
    }


def test_nobody_but_the_two_that_append_to_the_event_file_may_write_where_the_runs_do() -> None:
    writable = {unit.stem: values_of(unit, "ReadWritePaths") for unit in SERVICES}
    mine = ["-/srv/peak_trade/logs/execution"]
    assert {name: found for name, found in writable.items() if found} == {
        "peaktrade-console": mine,
        "peaktrade-reconcile": mine,
    }


def written(out: Path, *arguments: str) -> Path:
    """Return the folder of the units that `peaktrade assets` wrote."""
    result = CliRunner().invoke(assets, ["--out", str(out), *arguments])
    assert result.exit_code == 0, result.output
    return out / "deploy" / "systemd"


@pytest.mark.needs("systemd-analyze")
def test_systemd_finds_no_fault_in_the_units_and_little_to_reach_from_them(tmp_path: Path) -> None:
    units = written(tmp_path, "--program", sys.executable)
    one = units / "peaktrade-export@ai_live.service"
    (units / "peaktrade-export@.service").rename(one)
    services = [one, *(units / path.name for path in SERVICES if "@" not in path.name)]
    checked = subprocess.run(
        ["systemd-analyze", "verify", *services, units / "peaktrade-reconcile.timer"],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [
        line for line in (checked.stdout + checked.stderr).splitlines() if str(units) in line or "peaktrade" in line
    ]
    assert (checked.returncode, said) == (0, [])
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", *services],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_units_are_written_for_the_users_program_folder_and_name(tmp_path: Path) -> None:
    arguments = ("--program", "/home/me/venv/bin/peaktrade", "--work-dir", "/data/pt/", "--user", "me")
    units = written(tmp_path, *arguments)
    console = units / "peaktrade-console.service"
    assert values_of(console, "ExecStart") == ["/home/me/venv/bin/peaktrade console $ARGS"]
    assert values_of(console, "WorkingDirectory") == ["/data/pt"]
    assert values_of(console, "ReadWritePaths") == ["-/data/pt/logs/execution"]
    assert (values_of(console, "User"), values_of(console, "ProtectHome")) == (["me"], ["read-only"])
    assert values_of(console, "Environment") == ["PEAK_TRADE_STATE_DIR=/var/lib/peaktrade/state"]
    assert "\nu me - " in (units / "peaktrade.sysusers.conf").read_text()


@pytest.mark.parametrize(
    ("flag", "text", "problem"),
    [
        ("--program", "bin/peaktrade", "write an absolute path of letters, digits and . _ - + @ /"),
        ("--work-dir", "/a b", "write an absolute path of letters, digits and . _ - + @ /"),
        ("--user", "me\nGroup=root", "write the name of a user"),
    ],
)
def test_what_systemd_would_read_otherwise_is_refused(tmp_path: Path, flag: str, text: str, problem: str) -> None:
    result = CliRunner().invoke(assets, ["--out", str(tmp_path), flag, text])
    assert result.exit_code == 2
    assert " ".join(result.output.split()).endswith(" ".join(f"{flag} {text}: {problem}".split()))
    assert list(tmp_path.iterdir()) == []


def steps_of_the_image() -> list[list[tuple[str, str]]]:
    """Return (instruction, rest) of each stage of the Containerfile."""
    text = (ROOT / "deploy" / "Containerfile").read_text().replace("\\\n", " ")
    stages: list[list[tuple[str, str]]] = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            if word == "FROM":
                stages.append([])
            stages[-1].append((word, rest.strip()))
    return stages


def test_the_image_runs_without_root_or_a_shell_from_a_pinned_base() -> None:
    build, final = steps_of_the_image()
    bases = {stage[0][1].removesuffix(" AS build") for stage in (build, final)}
    assert len(bases) == 1, "the environment's links lead to the interpreter it was made with"
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+\.\d+-slim-\w+", bases.pop())
    by_word = dict(final)
    assert set(by_word) == {"FROM", "COPY", "ENV", "USER", "WORKDIR", "STOPSIGNAL", "ENTRYPOINT", "CMD"}
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", by_word["USER"])
    assert by_word["ENTRYPOINT"] == '["/opt/peaktrade/bin/peaktrade"]', "a list, so no shell is asked"
    assert by_word["CMD"] == '["--help"]'
    assert {word for word, _ in build} == {"FROM", "COPY", "RUN"}, "nothing is fetched but by pip"


def test_hadolint_finds_no_fault_in_the_containerfile_and_does_in_a_worse_one(tmp_path: Path) -> None:
    worse = tmp_path / "Containerfile"
    worse.write_text((ROOT / "deploy" / "Containerfile").read_text().replace(":3.13.5-slim-bookworm", ""))
    found = [
        subprocess.run([HADOLINT, "--no-color", path], capture_output=True, text=True, check=False)
        for path in (ROOT / "deploy" / "Containerfile", worse)
    ]
    assert [(one.returncode, one.stderr) for one in found] == [(0, ""), (1, "")]
    assert (found[0].stdout, "DL3006" in found[1].stdout) == ("", True)


def test_the_lines_for_completion_are_those_of_the_shells_and_complete_commands() -> None:
    page = (ROOT / "docs" / "runbooks" / "service.md").read_text()
    shells = re.findall(r"_PEAKTRADE_COMPLETE=(\w+)_source peaktrade", page)
    assert shells == ["bash", "zsh", "fish"]
    for shell in shells:
        shown = CliRunner().invoke(main, prog_name="peaktrade", env={"_PEAKTRADE_COMPLETE": f"{shell}_source"})
        assert (shown.exit_code, "peaktrade" in shown.output) == (0, True)
    asked = {"_PEAKTRADE_COMPLETE": "bash_complete", "COMP_WORDS": "peaktrade ex", "COMP_CWORD": "1"}
    assert CliRunner().invoke(main, prog_name="peaktrade", env=asked).output == "plain,export\n"


@pytest.mark.slow
def test_a_real_bash_completes_commands_and_flags() -> None:
    page = (ROOT / "docs" / "runbooks" / "service.md").read_text()
    [line] = re.findall(r"^eval .*bash_source.*$", page, re.MULTILINE)
    script = (
        f"{line}\n"
        'told() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()\n'
        '_peaktrade_completion peaktrade; echo "${COMPREPLY[@]}"; }\n'
        "told peaktrade tar\n"
        "told peaktrade export --web\n"
        "told peaktrade contract ch\n"
    )
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert (done.stdout, done.stderr) == ("targets\n--web.config.file --web-config-file\ncheck\n", "")
