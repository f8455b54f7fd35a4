"""`peaktrade contract lint` and `contract diff`: the commands that look at consumers of the contracts.

In: the command line. Out: a report and an exit code. The parser of PromQL is asked for only here and only when used, as
it is an extra.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contracts.diff import EFFECTS, Change, compare_all
from contracts.lint.manual import UnknownRuleError, explain
from contracts.load import load_all
from contracts.model import Contract

if TYPE_CHECKING:
    from contracts.lint.inputs.tree import Tree

__all__ = ["diff", "lint"]

_HOW_TO_INSTALL = "the lint needs the package promql-parser; install it: pip install 'peak-trade-exporters[lint]'"


@click.command(short_help="Check rules, dashboards and docs against the contracts.")
@click.option("--root", type=click.Path(path_type=Path), help="Root of what is checked (default: this folder).")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="Output.",
)
@click.option("--list", "only_list", is_flag=True, help="Show every rule and what it is for, check nothing.")
@click.option(
    "--explain", "rule", metavar="RULE", help="Show one rule with an example of what it finds, check nothing."
)
def lint(root: Path | None, form: str, only_list: bool, rule: str | None) -> None:
    """Check contracts, Prometheus, Grafana and docs against what the contracts promise, offline.

    A finding is excused on its line or the line before by a comment that says why:

    \b
    # lint: allow area/name: reason            YAML; in a dashboard, as a comment in the expression
    <!-- lint: allow area/name: reason -->     Markdown

    What is another repository's own way (where its files are, prefixes, severities, jobs of others, rules that are
    off) is said in its peaktrade.toml, or in the table [tool.peaktrade.lint] of its pyproject.toml. Without either, and
    without a folder contracts, files are known by what is in them.

    Exit code 0: nothing, or only info. 1: errors or warnings. 2: the lint could not run.
    """
    if rule is not None:
        click.echo(_explained(rule))
        return
    tree = None if only_list else _tree(root or Path.cwd())
    _need_parser()
    from contracts.lint import allowances
    from contracts.lint.check import EXCEPTION_RULE, check, find_rules
    from contracts.lint.report import exit_code, render

    if tree is None:
        docs = {rule.id: rule.doc for rule in find_rules()} | {EXCEPTION_RULE: str(allowances.__doc__)}
        for name, doc in sorted(docs.items()):
            click.echo(f"{name:<22} {' '.join(doc.split())}")
        return
    findings = check(tree)
    shown = render(findings, form)
    if shown:
        click.echo(shown)
    raise SystemExit(exit_code(findings))


def _explained(rule: str) -> str:
    try:
        return explain(rule)
    except UnknownRuleError as error:
        raise click.UsageError(str(error)) from error


def _need_parser() -> None:
    try:
        import promql_parser  # noqa: F401  # asked for, to say how to get it
    except ImportError as error:
        click.echo(_HOW_TO_INSTALL, err=True)
        raise SystemExit(2) from error


def _tree(root: Path) -> Tree:
    """Return what is to be checked; exit 2 if that cannot be read."""
    _need_parser()
    from contracts.lint.inputs.tree import load_tree

    try:
        return load_tree(root)
    except OSError as error:
        click.echo(str(error), err=True)
        raise SystemExit(2) from error


@click.command(short_help="Classify what changed between two contracts.")
@click.argument("old", type=click.Path(exists=True, path_type=Path))
@click.argument("new", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--root", type=click.Path(path_type=Path), help="Checkout whose panels and alerts are named (default: this folder)."
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output."
)
def diff(old: Path, new: Path, root: Path | None, form: str) -> None:
    """Classify every change from OLD to NEW as breaking, risky or safe, and name the panels and alerts it hits.

    OLD and NEW are contracts, or folders of contracts. To compare with a commit:

    \b
    mkdir old && git archive HEAD contracts | tar -x -C old
    peaktrade contract diff old/contracts contracts

    Exit code 0: nothing breaks. 1: something does. 2: a contract has faults.
    """
    changes = compare_all(_contracts(old), _contracts(new))
    users = _users(_tree(root)) if root else _users_here()
    entries = [(change, _hit(change, users)) for change in changes]
    click.echo(_as_json(entries) if form == "json" else _as_text(entries))
    raise SystemExit(int(any(change.effect == "breaking" for change in changes)))


def _contracts(path: Path) -> tuple[Contract, ...]:
    contracts, faults = load_all(sorted(path.glob("*.yaml")) if path.is_dir() else [path])
    if faults:
        click.echo("\n".join(str(fault) for fault in faults), err=True)
        raise SystemExit(2)
    return contracts


def _users(tree: Tree) -> dict[str, list[str]]:
    """Return metric -> panels and rules that ask for it."""
    from contracts.lint.promql.syntax import name_of

    endings = ("_bucket", "_sum", "_count")
    users: dict[str, list[str]] = {}
    for query in tree.queries:
        for selector in query.selectors():
            name = name_of(selector) or ""
            stems = [name, *(name.removesuffix(ending) for ending in endings if name.endswith(ending))]
            for stem in stems:
                users.setdefault(stem, []).append(f"{query.owner} ({query.place.file}:{query.place.line})")
    return users


def _users_here() -> dict[str, list[str]]:
    """Return those of this folder; none if it is no checkout."""
    _need_parser()
    from contracts.lint.inputs.tree import load_tree

    try:
        return _users(load_tree(Path.cwd()))
    except FileNotFoundError:
        return {}


def _hit(change: Change, users: dict[str, list[str]]) -> list[str]:
    if change.effect == "safe":
        return []
    return list(dict.fromkeys(user for metric in change.metrics for user in users.get(metric, [])))


def _as_text(entries: list[tuple[Change, list[str]]]) -> str:
    lines = []
    for change, hit in entries:
        lines.append(f"{change.effect}: {change.text}")
        lines += [f"  hits {user}" for user in hit]
    numbers = [f"{sum(change.effect == effect for change, _ in entries)} {effect}" for effect in EFFECTS]
    return "\n".join([*lines, ", ".join(numbers)])


def _as_json(entries: list[tuple[Change, list[str]]]) -> str:
    found = [
        {"effect": change.effect, "text": change.text, "metrics": list(change.metrics), "hits": hit}
        for change, hit in entries
    ]
    return json.dumps(found, indent=2, ensure_ascii=False)
