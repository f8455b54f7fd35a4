"""What a compose file mounts is there, and what a program is told to read is mounted.

Of a source that does not exist the engine makes an empty folder, and Prometheus starts without a rule. Looked at are
files and folders of the repository that are mounted read-only or have an ending, the files of `--config.file`, and the
`rule_files` of a Prometheus configuration that is mounted.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import dirname, join, normpath

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.compose_files import Mount, Service, read_services
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield mounts of nothing, and files nobody mounts."""
    for file, document in tree.compose:
        for service in read_services(file, document):
            yield from _missing(tree, file, service)
            yield from _unmounted(tree, file, service)


def _source(file: str, mount: Mount) -> str:
    """Return the path of a mount's source from the root; '' if it is not in the repository."""
    path = normpath(join(dirname(file), mount.source))
    return "" if path.startswith(("/", "..", "~")) else path


def _missing(tree: Tree, file: str, service: Service) -> Iterator[Claim]:
    for mount in service.mounts:
        path = _source(file, mount) if mount.is_of_files else ""
        is_meant = mount.is_read_only or "." in path.rpartition("/")[2].lstrip(".")
        if is_meant and not (tree.root / path).exists():
            problem = f"mounts {quote(mount.source)}, which does not exist here"
            yield mount.place, f"the service {quote(service.name)} {problem}; correct the path"


def _unmounted(tree: Tree, file: str, service: Service) -> Iterator[Claim]:
    configurations = list(service.words_after("--config.file"))
    for target in configurations:
        if target.startswith("/etc/") and service.mounts and not _is_mounted(service, target):
            problem = f"is told to read {quote(target)}, which nothing is mounted to"
            yield service.place, f"the service {quote(service.name)} {problem}; mount it or correct --config.file"
    for mount in service.mounts:
        scrape = next((one for one in tree.scrapes if one.file == _source(file, mount)), None)
        for pattern, _ in scrape.rule_files if scrape is not None and mount.target in configurations else ():
            path = normpath(join(dirname(mount.target), pattern))
            if not _is_mounted(service, path):
                problem = f"{mount.source} loads {quote(pattern)}, which nothing is mounted to"
                yield mount.place, f"the service {quote(service.name)}: {problem}; mount the folder of the rules"


def _is_mounted(service: Service, path: str) -> bool:
    return any(path == mount.target or path.startswith(f"{mount.target.rstrip('/')}/") for mount in service.mounts)
