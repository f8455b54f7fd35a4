"""Everything the lint looks at, read once: contracts, Prometheus, Grafana, docs.

In: the root of a checkout. Out: a `Tree`. A file that cannot be read does not stop the others: it is kept as a fault,
which files/readable reports.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from contracts.compiler.document import ContractError, Fault, Spot
from contracts.lint.finding import Claim, Place
from contracts.lint.inputs.board_shape import shaped
from contracts.lint.inputs.dashboards import Dashboard, read_dashboard
from contracts.lint.inputs.layout import find_files
from contracts.lint.inputs.located_json import Node, parse_json
from contracts.lint.inputs.pages import Page
from contracts.lint.inputs.recorded import with_recordings
from contracts.lint.inputs.rule_files import AlertTest, Rule, read_alert_tests, read_rules
from contracts.lint.inputs.scrape_files import ScrapeFile, read_scrape_file
from contracts.lint.promql.catalog import Catalog, build_catalog
from contracts.lint.promql.query import Query
from contracts.lint.settings import LintSettings, read_settings
from contracts.load import load_all, read_document
from contracts.model import Contract, Metric

__all__ = ["Tree", "load_tree"]

_NOTHING = (
    "holds no contract, no rules, no scrape configuration and no dashboard; give --root the folder that does, or say in"
    " peaktrade.toml ([lint.layout]) where they are"
)


@dataclass
class Tree:
    """A checkout as the rules see it; `texts` holds every linted file by its path from the root."""

    root: Path
    settings: LintSettings = field(default_factory=LintSettings)
    texts: dict[str, str] = field(default_factory=dict)
    faults: list[Claim] = field(default_factory=list)
    contract_faults: list[Claim] = field(default_factory=list)
    contracts: tuple[Contract, ...] = ()
    contract_files: int = 0
    scrapes: list[ScrapeFile] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    rule_files: list[str] = field(default_factory=list)
    alert_tests: list[AlertTest] = field(default_factory=list)
    dashboards: list[Dashboard] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    runbooks: list[str] = field(default_factory=list)
    routes: list[tuple[str, Spot]] = field(default_factory=list)
    compose: list[tuple[str, Spot]] = field(default_factory=list)
    provisioning: list[tuple[str, Spot]] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether every contract loaded, so that what the catalog does not know does not exist."""
        return len(self.contracts) == self.contract_files

    @cached_property
    def catalog(self) -> Catalog:
        """Every series name a query may use, recorded ones included."""
        jobs = [job.name for file in self.scrapes for job in file.jobs]
        jobs += self.settings.foreign_jobs if jobs else ()
        alerts = tuple(dict.fromkeys(rule.name for rule in self.rules if rule.is_alert))
        added = [(job.name, job.added_labels) for file in self.scrapes for job in file.jobs]
        catalog = build_catalog(self.contracts, jobs, () if self.settings.foreign_alerts else alerts)
        for name in self.settings.target_labels:
            added.append(("", {name: ()}))
        return with_recordings(catalog.with_target_labels(added), self.rules)

    @cached_property
    def records(self) -> Mapping[str, Sequence[Any]]:
        """Name of a recording -> the expressions recorded under it."""
        found: dict[str, list[Any]] = {}
        for rule in self.rules:
            if not rule.is_alert and rule.query.tree is not None:
                found.setdefault(rule.name, []).append(rule.query.tree)
        return found

    @cached_property
    def queries(self) -> tuple[Query, ...]:
        """Every expression of rules, panels, annotations and pages."""
        panels = [panel for dashboard in self.dashboards for panel in dashboard.panels]
        return (
            *(rule.query for rule in self.rules),
            *(target.query for panel in panels for target in panel.targets),
            *(query for dashboard in self.dashboards for query in dashboard.annotations),
            *(query for page in self.pages for query in page.queries()),
        )

    def place_of(self, contract: Contract, metric: Metric | None = None) -> Place:
        """Return the place of a metric in its contract, or of the contract itself."""
        file = self.relative(contract.path)
        if metric is None:
            return Place(file, 1)
        later = [other.line for other in contract.metrics if other.line > metric.line]
        last = min(later) - 1 if later else len(self.texts[file].splitlines())
        return Place(file, metric.line, metric.line, last)

    def relative(self, path: str) -> str:
        """Return a path as it is shown: from the root."""
        return path.removeprefix(f"{self.root}/")


def load_tree(root: Path) -> Tree:
    """Read a checkout; what does not exist in it is empty.

    Raises:
        FileNotFoundError: if there is neither a contract nor anything that could use one under `root`.
    """
    root = root.resolve()
    settings, problems = read_settings(root)
    found = find_files(root, settings.layout)
    judged = ("contracts", "scrape", "rules", "dashboards")
    if not any(found[kind] for kind in judged) and not problems and not (root / "contracts").is_dir():
        raise FileNotFoundError(f"{root}: {_NOTHING}")
    tree = Tree(root, settings)
    tree.faults += [(Place(settings.file, 1), problem) for problem in problems]
    paths = found["contracts"]
    for path in paths:
        _text(tree, path)
    tree.contract_files = len(paths)
    tree.contracts, faults = load_all(paths)
    tree.contract_faults += [_claim(tree, fault) for fault in faults]
    _read_prometheus(tree, found)
    tree.compose += _documents(tree, found["compose"])
    tree.provisioning += _documents(tree, found["provisioning"])
    tree.dashboards += _dashboards(tree, found["dashboards"])
    for path in found["pages"]:
        file = _text(tree, path)
        tree.pages.append(Page(file, tree.texts[file]))
    tree.runbooks = [path.relative_to(root).as_posix() for path in found["runbooks"]]
    return tree


def _read_prometheus(tree: Tree, found: Mapping[str, Sequence[Path]]) -> None:
    for file, document in _documents(tree, found["scrape"]):
        if document.get("route") is None:  # one that routes is Alertmanager's
            tree.scrapes.append(read_scrape_file(file, document, _length(tree, file)))
        else:
            tree.routes.append((file, document))
    for file, document in _documents(tree, found["rules"]):
        held = document.at("spec") if document.text_of("kind") == "PrometheusRule" else document
        if held.get("groups") is None:
            got = ", ".join(key for key, _ in document.items()) or document.describe()
            tree.faults.append((Place(file, 1), f"has no groups of rules (got {got}); write groups: and a list"))
        tree.rule_files.append(file)
        tree.rules += read_rules(file, held, _length(tree, file))
    for file, document in _documents(tree, found["rule_tests"]):
        tree.alert_tests += read_alert_tests(file, document)


def _text(tree: Tree, path: Path) -> str:
    """Keep the text of a file and return its path from the root; of one that cannot be read, '' and a fault."""
    file = path.relative_to(tree.root).as_posix()
    tree.texts[file] = ""
    try:
        tree.texts[file] = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        tree.faults.append((Place(file, 1), f"byte {error.start} is not UTF-8; save the file as UTF-8"))
    except OSError as error:
        tree.faults.append((Place(file, 1), f"cannot be read ({error.strerror}); check it and its permissions"))
    return file


def _length(tree: Tree, file: str) -> int:
    return len(tree.texts[file].splitlines())


def _claim(tree: Tree, fault: Fault) -> Claim:
    problem = fault.problem.replace(f"{tree.root}/", "")
    return Place(tree.relative(fault.file), fault.line), f"{fault.path}: {problem}"


def _documents(tree: Tree, paths: Sequence[Path]) -> Iterator[tuple[str, Spot]]:
    """Yield the YAML files among these; faults of the others are noted."""
    for path in paths:
        known = len(tree.faults)
        file = _text(tree, path)
        if len(tree.faults) > known:
            continue
        try:
            document, faults, _ = read_document(path, merges=True)
        except ContractError as error:
            tree.faults += [_claim(tree, fault) for fault in error.faults]
            continue
        tree.faults += [_claim(tree, fault) for fault in faults.found]
        yield file, document


def _dashboards(tree: Tree, paths: Sequence[Path]) -> Iterator[Dashboard]:
    for path in paths:
        known = len(tree.faults)
        file = _text(tree, path)
        if len(tree.faults) > known:
            continue
        try:
            node = parse_json(tree.texts[file])
        except json.JSONDecodeError as error:
            tree.faults.append((Place(file, error.lineno), f"is not JSON: {error.msg}; generate it again"))
            continue
        if isinstance(node, Node):
            board, faults = shaped(node)
            tree.faults += [(Place(file, line), problem) for line, problem in faults]
            yield read_dashboard(file, board)
        else:
            tree.faults.append((Place(file, 1), "is no dashboard (got no JSON object); generate it again"))
