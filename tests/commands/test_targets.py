"""`peaktrade targets`: which file is written, that it is whole whenever somebody looks, and what is refused."""

from __future__ import annotations

import json
import random
import stat
import subprocess
import threading
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from exporters.commands.targets import targets

ROOT = Path(__file__).parents[2]
AI = ["--contract", str(ROOT / "contracts/ai_live.yaml")]
ALONE = "write a name or an address alone, like trader-1, 10.0.0.12 or [2001:db8::1]"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(targets, list(arguments))


def refused(*arguments: str) -> str:
    """Return the one sentence a command is refused with."""
    result = run(*arguments)
    assert result.exit_code == 2
    return result.output.partition("Error: ")[2].rstrip("\n")


def test_each_exporter_on_each_host_has_its_job_and_host() -> None:
    found = json.loads(run("--host", "b", "--host", "a=10.0.0.12", "--port", "ai_live=9210").output)
    assert [(one["labels"]["job"], one["labels"]["host"], *one["targets"]) for one in found] == [
        ("ai_live", "a", "10.0.0.12:9210"),
        ("ai_live", "b", "b:9210"),
        ("execution_watch", "a", "10.0.0.12:9112"),
        ("execution_watch", "b", "b:9112"),
        ("peak_trade_metricsd", "a", "10.0.0.12:9111"),
        ("peak_trade_metricsd", "b", "b:9111"),
        ("shadow_mvs", "a", "10.0.0.12:9109"),
        ("shadow_mvs", "b", "b:9109"),
    ]


def test_the_order_of_hosts_and_labels_changes_no_byte(tmp_path: Path) -> None:
    hosts = ["trader-1", "trader-2=10.0.0.12", "[2001:db8::3]", "x.example.net"]
    labels = ["--label", "site=fra", "--label", "env=prod"]
    texts = set()
    for seed in range(5):
        random.Random(seed).shuffle(hosts)
        (tmp_path / "hosts").write_text("# all of them\n\n" + "".join(f"  {host}  # one\n" for host in hosts))
        texts.add(run("--hosts", str(tmp_path / "hosts"), *labels).output)
        texts.add(run(*[part for host in hosts for part in ("--host", host)], *labels[2:], *labels[:2]).output)
    assert len(texts) == 1
    assert '"host": "2001:db8::3"' in texts.pop()


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("ending", ["json", "yml", "yaml"])
def test_both_forms_say_the_same_and_promtool_takes_them(tmp_path: Path, ending: str) -> None:
    out = tmp_path / "targets" / f"peak_trade.{ending}"
    hosts = ["--host", "a", "--host", "b=2001:db8::1", "--label", "site=é: {x"]
    result = run(*hosts, "--out", str(out))
    assert result.output == f"8 targets on 2 hosts in {out}\n"
    assert yaml.safe_load(out.read_text()) == json.loads(run(*hosts).output)
    assert stat.S_IMODE(out.stat().st_mode) == 0o644
    config = tmp_path / "prometheus.yml"
    config.write_text(f"scrape_configs: [{{job_name: p, file_sd_configs: [{{files: ['targets/*.{ending}']}}]}}]")
    done = subprocess.run(["promtool", "check", "config", str(config)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_says_the_same_is_not_written_again_and_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    out = tmp_path / "out.json"
    out.symlink_to("real/out.json")
    assert run("--host", "a", *AI, "--out", str(out)).output == f"1 targets on 1 hosts in {out}\n"
    before = out.stat()
    assert run("--host", "a", *AI, "--out", str(out)).output == f"1 targets on 1 hosts in {out}, as before\n"
    after = out.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    run("--host", "b", *AI, "--out", str(out))
    assert out.is_symlink()
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["out.json"]


def test_whoever_reads_meanwhile_reads_one_of_the_two_files_whole(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    many = [part for number in range(100) for part in ("--host", f"h{number}")]
    for hosts in (many, ["--host", "a"]):
        run(*hosts, *AI, "--out", str(out))
    seen: set[int] = set()
    names: set[str] = set()
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            seen.add(len(json.loads(out.read_text())))
            names.update(path.name for path in tmp_path.glob("*.json"))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(8):
        run(*(many if number % 2 else ["--host", "a"]), *AI, "--out", str(out))
    is_over.set()
    reader.join()
    assert seen == {1, 100}
    assert names == {"out.json"}, "nothing else that Prometheus would read"


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("a b", f"'a b' is no host; {ALONE}"),
        ("", f"'' is no host; {ALONE}"),
        ("-a", f"'-a' is no host; {ALONE}"),
        ("10.0.0.300", f"'10.0.0.300' is no host; {ALONE}"),
        ("a=", f"'' is no host; {ALONE}"),
        ("x" * 64, f"'{'x' * 64}' is no host; {ALONE}"),
        ("http://a", f"has a scheme or a path; {ALONE}"),
        ("a:9110", f"has a port; {ALONE}, and the port as --port NAME=PORT"),
        ("[::1]:9110", f"has a port; {ALONE}, and the port as --port NAME=PORT"),
        ("=10.0.0.12", "'' is no name of a host; write NAME=ADDRESS"),
        ("a b=10.0.0.12", "'a b' is no name of a host; write NAME=ADDRESS"),
    ],
)
def test_what_is_no_host_is_refused(host: str, said: str, tmp_path: Path) -> None:
    assert refused(f"--host={host}", *AI) == f"--host {host!r}: {said}"
    if host:
        (tmp_path / "hosts").write_text(f"fine\n{host}\n")
        assert refused("--hosts", str(tmp_path / "hosts"), *AI) == f"{tmp_path}/hosts:2: {host!r}: {said}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no host is named; give --host, or --hosts with a file"),
        (["--host", "a", "--host", "a=b"], "--host 'a=b': a was named before, by --host 'a'; name it once"),
        (["--host=a=::1", "--host=b=0::1"], "--host 'b=0::1': [::1] was named before, by --host 'a=::1'; name it once"),
        (["--host", "a", "--port", "x=1"], "--port x=1: write NAME=PORT with one of ai_live"),
        (["--host", "a", "--label", "site"], "--label site: write NAME=VALUE, the name of letters, digits and _"),
        (["--host", "a", "--label", "__x=1"], "--label __x=1: write NAME=VALUE, the name of letters, digits and _"),
        (["--host", "a", "--label", "job=x"], "--label job=x: job is set already; choose another name"),
        (
            ["--host", "a", "--out", "x.txt"],
            "--out: Prometheus reads no file that ends in .txt; end it in .json, .yml or .yaml",
        ),
    ],
)  # fmt: skip
def test_what_else_cannot_be_meant_is_refused(arguments: list[str], said: str) -> None:
    assert refused(*arguments, *AI) == said


def test_a_list_that_is_no_text_and_a_contract_that_is_broken_are_named(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_bytes(b"\xff\n")
    assert refused("--hosts", str(tmp_path / "hosts"), *AI) == f"{tmp_path}/hosts: is not UTF-8; save it as UTF-8"
    (tmp_path / "my.yaml").write_text("exporter: {name: my}\n")
    said = refused("--host", "a", "--contract", str(tmp_path / "my.yaml"))
    assert said.startswith(f"{tmp_path}/my.yaml:1: ")


def test_where_nothing_can_be_written_what_was_there_stays(tmp_path: Path) -> None:
    out = tmp_path / "file" / "out.json"
    out.parent.write_text("in the way")
    result = run("--host", "a", *AI, "--out", str(out))
    assert result.exit_code == 1
    assert result.output == f"Error: {out}: cannot be written (file exists)\n"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
