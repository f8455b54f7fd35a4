"""Grafana is told to read dashboards from a folder that is mounted, and the folder holds some.

The path stands in two files that nothing else compares: in a provider of the provisioning, and in a mount of the
compose file. If they differ, Grafana starts without a board and says so in its log alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import dirname, join, normpath

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Place, Severity
from contracts.lint.inputs.compose_files import Mount, read_services
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield providers whose folder is not mounted, or is mounted from one without dashboards."""
    mounts = [
        (file, mount)
        for file, document in tree.compose
        for service in read_services(file, document)
        if "grafana" in service.image
        for mount in service.mounts
    ]
    for file, document in tree.provisioning if mounts else ():
        for provider in document.at("providers").elements():
            path = provider.at("options").get("path")
            if path is None or "$" in path.text:
                continue
            found = [(compose, mount) for compose, mount in mounts if _holds(mount, path.text)]
            place, name = Place(file, path.line), quote(provider.text_of("name"))
            if not found:
                problem = f"the provider {name} reads {quote(path.text)}, which nothing is mounted to"
                yield place, f"{problem}; mount the dashboards there or correct the path"
            for compose, mount in found:
                source = normpath(join(dirname(compose), mount.source, path.text[len(mount.target.rstrip("/")) + 1 :]))
                if (
                    mount.is_of_files
                    and (tree.root / source).exists()
                    and tree.dashboards
                    and not any(_is_in(one.file, source) for one in tree.dashboards)
                ):
                    problem = f"the provider {name} reads {quote(source)}, in which no dashboard is"
                    yield place, f"{problem}; correct the mount or the path"


def _holds(mount: Mount, path: str) -> bool:
    return path.rstrip("/") == mount.target.rstrip("/") or path.startswith(f"{mount.target.rstrip('/')}/")


def _is_in(file: str, folder: str) -> bool:
    return folder == "." or file.startswith(f"{folder}/")
