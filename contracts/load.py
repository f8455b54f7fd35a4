"""YAML text -> Contract, or ContractError holding every fault found.

In: a path. Out: a `Contract`. The only module that knows YAML: duplicate keys, anchors and syntax end here.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import yaml

from contracts.build import build_contract
from contracts.document import ContractError, Fault, Faults, Spot, quote
from contracts.format import CONTRACT
from contracts.model import Contract

__all__ = ["load_contract", "load_contracts"]

_TAGS = {"tag:yaml.org,2002:" + name: name for name in ("str", "int", "float", "bool", "null")}


def load_contract(path: Path) -> Contract:
    """Read one contract.

    Raises:
        ContractError: with every fault, if the file cannot be read, is not YAML or is not a contract.
    """
    shown = str(path)
    try:
        data = path.read_bytes()
        root = yaml.compose(data.decode("utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise _only(
            shown, 1, f"cannot be read ({error.strerror}); check the path and its permissions"
        ) from error
    except UnicodeDecodeError as error:
        raise _only(shown, 1, f"byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except yaml.YAMLError as error:
        raise _only(shown, _line_of(error), f"is not YAML: {_reason_of(error)}; fix the syntax") from error
    if root is None:
        raise _only(shown, 1, "is empty; start from contracts/README.md")
    faults = Faults(shown)
    document = _spot(root, "", faults)
    CONTRACT.check(document, faults)
    faults.raise_if_any()
    return build_contract(document, faults, hashlib.sha256(data).hexdigest())


def load_contracts(folder: Path) -> tuple[Contract, ...]:
    """Read every contract of a folder, in name order, and check that ports and jobs are theirs alone.

    Raises:
        ContractError: with the faults of all files together.
    """
    found: list[Contract] = []
    faults: list[Fault] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            found.append(load_contract(path))
        except ContractError as error:
            faults.extend(error.faults)
    owners: dict[str, Contract] = {}
    for contract in found:
        for claim in (f"port {contract.port}", f"job {quote(contract.job)}", f"name {quote(contract.name)}"):
            owner = owners.setdefault(claim, contract)
            if owner is not contract:
                problem = f"{claim} already belongs to {owner.path}; choose another"
                faults.append(Fault(contract.path, 1, "exporter", problem))
    if faults:
        raise ContractError(tuple(sorted(faults)))
    return tuple(found)


def _spot(node: yaml.Node, path: str, faults: Faults) -> Spot:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        tag = _TAGS.get(node.tag, "str")
        value = (
            node.value.lower() if tag == "bool" and node.value.lower() in ("true", "false") else node.value
        )
        return Spot(value, line, path, tag if tag != "bool" or value in ("true", "false") else "str")
    if isinstance(node, yaml.SequenceNode):
        return Spot([_spot(item, f"{path}[{i}]", faults) for i, item in enumerate(node.value)], line, path)
    entries: dict[str, Spot] = {}
    for key, child in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else "?"
        inner = f"{path}.{name}" if path else name
        spot = _spot(child, inner, faults)
        here = Spot(spot.value, key.start_mark.line + 1, inner, spot.tag)
        if name in entries:
            problem = (
                f"the key {quote(name)} stands here twice (first in line {entries[name].line}); delete one"
            )
            faults.add(here, problem)
        entries[name] = here
    return Spot(entries, line, path)


def _only(file: str, line: int, problem: str) -> ContractError:
    return ContractError((Fault(file, line, "(document)", problem),))


def _line_of(error: yaml.YAMLError) -> int:
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark else 1


def _reason_of(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or error).splitlines()[0]
