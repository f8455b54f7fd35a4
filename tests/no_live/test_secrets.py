"""No secret, account or raw id comes out again: a secret is put into every field of every format, and looked for.

It is looked for in both expositions, on the landing page, in everything the process says at its most talkative, and in
`state show`. Of the words of a contract only those that hold names by declaration are left out; they are listed here.
"""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.load import load_contract
from tests.end_to_end.ports import free_port

ROOT = Path(__file__).parents[2]
CASES = {path.parent.name: path for path in sorted((ROOT / "tests/cases").glob("*/events.jsonl"))}

SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
"""Shaped as Kraken's API secrets are."""

FORMS = (SECRET, SECRET.lower(), SECRET[:12], SECRET[:12].lower(), "account-1234567890")
"""What must not be found anywhere; the account stands in every place after the secret."""

NAMES = {
    "ai_live": {"run_id", "component"},
    "shadow_mvs": {"strategy_id", "venue"},
    "execution_watch": set(),
}
"""The fields that hold a name by contract, shown as a label: normalised, cut, and capped in number."""


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every field of an event, of objects too."""
    for key, inner in value.items():
        yield (*path, key)
        if isinstance(inner, dict):
            yield from leaves(inner, (*path, key))


def with_secret(event: dict[str, Any], path: tuple[str, ...], secret: object) -> dict[str, Any]:
    changed = copy.deepcopy(event)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = secret
    return changed


def poisoned(name: str) -> Iterator[bytes]:
    """Yield every line of a case with a secret in each field in turn, as a value, within one, and as a key."""
    for line in CASES[name].read_bytes().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            yield SECRET.encode() + line
            yield line + SECRET.encode()
            continue
        yield json.dumps({**event, SECRET: SECRET, "account": FORMS[-1]}).encode()
        for path in leaves(event):
            if path[-1] in NAMES[name]:
                continue
            for secret in (SECRET, FORMS[-1], [SECRET], {SECRET: FORMS[-1]}, f"{event.get(path[0])} {SECRET}"):
                yield json.dumps(with_secret(event, path, secret)).encode()
    yield from (b'{"v": 1, "secret": "' + SECRET.encode(), b"[" + SECRET.encode(), SECRET.encode() * 3)


@pytest.mark.parametrize("name", CASES)
def test_the_fields_that_hold_names_are_those_listed_here_and_in_the_document(name: str) -> None:
    contract = load_contract(ROOT / "contracts" / f"{name}.yaml")
    assert {word.name for word in contract.words.values() if word.kind == "name"} == NAMES[name]
    text = (ROOT / "docs/no_live.md").read_text(encoding="utf-8")
    assert [field for field in sorted(NAMES[name]) if f"`{field}`" not in text] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_secret_in_any_field_of_any_format_is_never_seen_again(name: str, tmp_path: Path) -> None:
    file, state = tmp_path / "events.jsonl", tmp_path / "state"
    lines = list(poisoned(name))
    file.write_bytes(b"\n".join(lines) + b"\n")
    texts = [*serve_and_ask(name, file, state), show_state(name, state, tmp_path)]
    total = sum(float(line.split()[-1]) for line in texts[0].splitlines() if "_lines_total{exporter=" in line)
    assert total == len(lines) > 500, "every line was read"
    assert [form for form in FORMS for text in texts if form in text] == []


def serve_and_ask(name: str, file: Path, state: Path) -> Iterator[str]:
    """Yield both expositions and the landing page of an exporter over the file, then all it said."""
    port = free_port()
    where = ["--file", str(file), "--host", "127.0.0.1", "--port", str(port), "--state-dir", str(state)]
    command = [sys.executable, "-m", f"exporters.{name}", *where, "--log-level", "debug"]
    log = file.with_name("log")
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            await_ready(client)
            yield client.get("/metrics").text
            yield client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}).text
            yield client.get("/").text
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    yield log.read_text(errors="replace")


def show_state(name: str, state: Path, folder: Path) -> str:
    peaktrade = Path(sys.executable).parent / "peaktrade"
    command = [str(peaktrade), "state", "show", name, "--state-dir", str(state), "--json"]
    return subprocess.run(command, cwd=folder, env=os.environ, capture_output=True, text=True, check=True).stdout


def await_ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            if client.get("/-/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.05)
