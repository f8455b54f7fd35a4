"""The runbooks are run: every ```bash block against a real stack, every link and every alert's anchor looked up.

Blocks marked ```text start or stop things, or need what is not here (containers); of those only names and flags are
checked.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from exporters.cli import main
from exporters.commands.demo.ports import STACK_PORTS
from exporters.commands.export import room
from exporters.commands.verify.cli import verify
from tests.documents import from_yaml
from tests.end_to_end.patience import PATIENCE_S
from tests.end_to_end.stack import Stack, running_stack

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[1]
OTHERS = {
    "export",
    "docker",
    "podman",
    "prometheus",
    "prometheus-alertmanager",
    "amtool",
    "install",
    "pip",
    "python",
} | {*("systemctl", "systemd-analyze", "systemd-sysusers")}
"""What else a runbook may have its reader type."""

RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))


def blocks(kind: str) -> list[tuple[str, str]]:
    """Return (runbook and number, text) of every block of a kind."""
    found = [(path, re.findall(rf"```{kind}\n(.*?)```", path.read_text(), re.DOTALL)) for path in RUNBOOKS]
    return [(f"{path.stem}-{number}", text) for path, texts in found for number, text in enumerate(texts, 1)]


def anchors(path: Path) -> set[str]:
    """Return the anchors a Markdown page offers, made as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def alerts() -> Mapping[str, Mapping[str, str]]:
    """Return the annotations of every alert."""
    return {name: rule["annotations"] for name, rule in rules().items()}


def rules() -> Mapping[str, Mapping[str, Any]]:
    """Return every alert as its rule has it."""
    found = [from_yaml(path.read_text()) for path in sorted((ROOT / "prometheus" / "rules").glob("*.yml"))]
    every = [rule for document in found for group in document["groups"] for rule in group["rules"]]
    return {rule["alert"]: rule for rule in every if "alert" in rule}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack")) as stack:
        result = CliRunner().invoke(verify, env=stack.environment)
        assert result.exit_code == 0, result.output
        yield stack


@pytest.mark.slow
@pytest.mark.parametrize("block", [pytest.param(text, id=name) for name, text in blocks("bash")])
def test_a_command_of_a_runbook_works_and_says_something(block: str, stack: Stack) -> None:
    own = {port: stack.ports[name] for name, port in STACK_PORTS.items() if name in stack.ports}
    own |= {one.port: stack.ports[one.name] for one in stack.contracts}
    for port, here in own.items():
        block = re.sub(rf"\b{port}\b", str(here), block)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command, environment = ["bash", "-euo", "pipefail", "-c", block], {**os.environ, **stack.environment, "PATH": path}
    deadline, said = time.monotonic() + PATIENCE_S, ""
    while not said.strip() and time.monotonic() < deadline:  # rates need a few scrapes and evaluations
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        said = done.stdout
    assert said.strip() != ""


@pytest.mark.parametrize("block", [pytest.param(text, id=name) for name, text in blocks("text")])
def test_a_command_that_is_not_run_here_has_only_names_and_flags_that_exist(block: str) -> None:
    for line in block.splitlines():
        words = shlex.split(line)
        if words[:2] == ["python", "-m"] and words[2] != "venv":
            name = words[2].removeprefix("exporters.")
            command, arguments = room(name), words[3:]
        elif words[0] == "peaktrade":
            command, arguments = main, words[1:]
        else:
            assert words[0].rpartition("/")[2] in OTHERS, line
            continue
        result = CliRunner().invoke(command, [*arguments, "--help"])
        assert result.exit_code == 0, line
        assert [word for word in arguments if word.startswith("--") and word not in result.output] == []


@pytest.mark.parametrize("alert", sorted(alerts()))
def test_an_alert_leads_to_its_own_section_of_a_runbook(alert: str) -> None:
    base, _, rest = alerts()[alert]["runbook_url"].partition("/")
    name, _, anchor = rest.partition("#")
    assert base == "{{ $externalLabels.runbooks }}"
    assert anchor == alert.lower()
    path = ROOT / "docs" / "runbooks" / name
    assert path in RUNBOOKS
    assert anchor in anchors(path)


def test_the_list_of_alerts_has_each_with_its_severity_and_leads_where_it_leads_itself() -> None:
    text = (ROOT / "docs" / "runbooks" / "alerts.md").read_text()
    rows = re.findall(r'^\| <a id="(\w+)"></a>(\w+) \| (\w+) \| \[.+\]\((.+)\) \|$', text, re.MULTILINE)
    assert all(anchor == name for anchor, name, *_ in rows)
    told = [(name, severity, "{{ $externalLabels.runbooks }}/" + link) for _, name, severity, link in rows]
    assert told == [
        (name, rules()[name]["labels"]["severity"], found["runbook_url"]) for name, found in sorted(alerts().items())
    ]


def test_a_section_named_like_an_alert_belongs_to_one() -> None:
    named = {name for path in RUNBOOKS for name in re.findall(r"^## ([A-Z]+_\w+)$", path.read_text(), re.MULTILINE)}
    assert named == set(alerts())


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_every_link_of_a_runbook_leads_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", path.read_text()):
        target, _, anchor = link.partition("#")
        page = path.parent / target if target else path
        assert page.is_file(), link
        assert not anchor or anchor in anchors(page), link


def test_every_runbook_can_be_found_from_the_stack() -> None:
    linked = set(re.findall(r"\]\(([^)#]+)\)", (ROOT / "docs" / "runbooks" / "stack.md").read_text()))
    assert linked == {path.name for path in RUNBOOKS} - {"stack.md"}
