"""The wheel, installed in a fresh environment in another folder: every command works there as in a checkout.

The environment has what the wheel depends on, and nothing of this checkout.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import click
import pytest

from exporters.cli import main
from exporters.commands.demo.ports import STACK_PORTS
from exporters.commands.places import SHIPPED
from tests.budget import amount
from tests.end_to_end.patience import PATIENCE_S
from tests.end_to_end.ports import free_ports

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


class Installed:
    """The wheel in an environment of its own; commands run in a folder that holds nothing."""

    def __init__(self, folder: Path) -> None:
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
        subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
        [self.wheel] = (folder / "dist").glob("*.whl")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
        [packages] = (folder / "venv" / "lib").glob("python3*/site-packages")
        with zipfile.ZipFile(self.wheel) as file:
            file.extractall(packages)
        # A .pth file leads to folders whose own .pth files are not read: no editable checkout is found this way.
        (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
        self.packages, self.python = packages, folder / "venv" / "bin" / "python"
        self.home = folder / "elsewhere"
        self.home.mkdir()

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run `peaktrade`; return its exit code and all it says."""
        command = [str(self.python), "-c", "from exporters.cli import main; main(prog_name='peaktrade')", *arguments]
        environment = {name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "PEAK"))}
        done = subprocess.run(
            command, cwd=self.home, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    yield Installed(tmp_path_factory.mktemp("installed"))


def test_the_wheel_carries_what_others_read_and_says_what_it_is(installed: Installed) -> None:
    for shipped in SHIPPED:
        ours, theirs = ROOT / shipped, installed.packages / "exporters" / "assets" / shipped
        files = [path for path in ours.rglob("*") if path.is_file()] if ours.is_dir() else [ours]
        for path in files:
            copy = theirs / path.relative_to(ours) if ours.is_dir() else theirs
            assert copy.read_bytes() == path.read_bytes(), path
    assert {path.parent.name for path in installed.packages.glob("*/py.typed")} >= {
        *("contracts", "exporters", "emitters", "console")
    }
    [info] = installed.packages.glob("peak_trade_exporters-*.dist-info")
    meta = Parser().parsestr((info / "METADATA").read_text())
    assert meta["License-Expression"] == "Apache-2.0"
    shown = str(meta.get_payload())
    assert re.findall(r"\]\((?!https?://)[^)]*\)", shown) == [], "links that lead nowhere from here"
    assert shown.startswith("# Peak_Trade Exporters\n")
    assert "Typing :: Typed" in meta.get_all("Classifier", [])
    assert {"peaktrade = exporters.cli:main", "peak-trade-exporters = exporters.cli:main"} <= set(
        (info / "entry_points.txt").read_text().splitlines()
    )


def test_links_of_the_long_description_are_absolute_once_the_address_of_the_repository_is_known() -> None:
    found = spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert found is not None and found.loader is not None
    hook = module_from_spec(found)
    found.loader.exec_module(hook)
    text = "[a](docs/a.md#b) ![c](d.png) [e](https://f) [g](#h)"
    assert hook.readable_elsewhere(text, "") == "a  [e](https://f) [g](#h)"
    assert hook.readable_elsewhere(text, "https://x/y/") == (
        "[a](https://x/y/blob/main/docs/a.md#b) ![c](https://x/y/raw/main/d.png) [e](https://f) [g](#h)"
    )


def commands(group: click.Group, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the words of every command and group."""
    context, found = click.Context(group), []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found.append((*above, name))
        if isinstance(command, click.Group):
            found += commands(command, (*above, name))
    return found


def test_every_command_is_there_and_comes_from_the_wheel(installed: Installed) -> None:
    code = "\n".join(
        [
            "from click.testing import CliRunner",
            "import contracts, emitters, exporters, console",
            "from exporters.cli import main",
            "for one in (contracts, emitters, exporters, console): print(one.__file__)",
            f"for words in {commands(main)!r}:",
            "    result = CliRunner().invoke(main, [*words, '--help'])",
            "    assert result.exit_code == 0, (words, result.output)",
        ]
    )
    done = subprocess.run(
        [str(installed.python), "-c", code], cwd=installed.home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(Path(line).is_relative_to(installed.packages) for line in done.stdout.splitlines())


def test_from_events_to_metrics_and_back_to_files_in_a_folder_without_a_checkout(installed: Installed) -> None:
    for words in (
        ("contract", "check"),
        ("emit", "ai_live", "--out", "events.jsonl", "--n", "50"),
        ("export", "ai_live", "--once", "--file", "events.jsonl"),
        ("assets", "--out", "stack", "--host", "one", "--host", "two", "--port", "ai_live=9210"),
    ):
        code, said = installed.run(*words)
        assert code == 0, (words, said)
    scrape = (installed.home / "stack/prometheus/prometheus.host.yml").read_text()
    assert 'targets: ["one:9210", "two:9210"]' in scrape
    code, said = installed.run("verify", "--retries", "0", "--prometheus-url", "http://127.0.0.1:9")
    assert code == 1 and "FAIL|prometheus_ready|" in said


@pytest.mark.needs("prometheus")
@pytest.mark.needs("prometheus-alertmanager")
def test_the_demo_of_a_wheel_runs_and_for_long_checks_itself(installed: Installed) -> None:
    names = [path.stem for path in (ROOT / "contracts").glob("*.yaml")]
    first = free_ports(len(names) + len(STACK_PORTS))[0]
    how, last = amount((("--seconds", "2"), ""), (("--check", "--seconds", "12"), "RESULT=PASS"))
    code, said = installed.run("demo", *how, "--ports-from", str(first))
    assert code == 0, said
    assert "Ctrl-C stops everything" in said.splitlines()
    assert said.rstrip().endswith(last)
