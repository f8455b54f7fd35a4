"""YAML text -> Contract, or ContractError holding every fault found.

In: paths. Out: `Contract`s. The only module that knows YAML: syntax, anchors, duplicate keys and what a plain scalar is
end here. Scalars are those of YAML 1.2, as editors read them: `yes` and `1_000` are texts, `1e-3` is a number.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import yaml

from contracts.compiler.build import build_contract
from contracts.compiler.document import ContractError, Fault, Faults, Spot, quote, show
from contracts.compiler.format import CONTRACT
from contracts.model import Contract

__all__ = ["load_all", "load_contract", "load_contracts", "read_document"]

_MAX_DEPTH = 40
"""Levels of nesting. Source: the format needs 8."""

_MAX_SPOTS = 50_000
"""Values of a document with its aliases written out. Source: the largest shipped contract has about 1000."""

_TAGS = {"tag:yaml.org,2002:" + name: name for name in ("str", "int", "float", "bool", "null")}
_RESOLVERS = (
    ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", "[-+]?[0-9]{1,18}", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
)
"""Type, pattern and first characters. Source: YAML 1.2.2, 10.3.2 (core schema), of the numbers only decimal ones."""


def load_contract(path: Path) -> Contract:
    """Read one contract.

    Raises:
        ContractError: with every fault, if the file cannot be read, is not YAML or is not a contract.
    """
    return _load(path)[0]


def load_contracts(folder: Path) -> tuple[Contract, ...]:
    """Read every contract of a folder, in name order, and check that ports, jobs and names are theirs alone.

    Raises:
        ContractError: with the faults of all files together.
    """
    contracts, faults = load_all(sorted(folder.glob("*.yaml")))
    if faults:
        raise ContractError(faults)
    return contracts


def load_all(paths: Iterable[Path]) -> tuple[tuple[Contract, ...], tuple[Fault, ...]]:
    """Read several contracts that are to run side by side; return the good ones and every fault of the others.

    A contract whose port, job or name an earlier one has is returned too, but with a fault of its own.
    """
    contracts: list[Contract] = []
    faults: list[Fault] = []
    owners: dict[str, Contract] = {}
    for path in dict.fromkeys(paths):
        try:
            contract, document = _load(path)
        except ContractError as error:
            faults.extend(error.faults)
            continue
        contracts.append(contract)
        for key in ("port", "job", "name"):
            spot = document.at("exporter", key)
            owner = owners.setdefault(f"{key} {spot.text}", contract)
            if owner is not contract:
                problem = f"the {key} {spot.text} belongs to {owner.path} already; choose another"
                faults.append(Fault(contract.path, spot.line, spot.path, problem))
    return tuple(contracts), tuple(faults)


def read_document(path: Path, merges: bool = False) -> tuple[Spot, Faults, str]:
    """Read a YAML file of any content; return its root, the faults found so far and its SHA-256.

    With `merges`, merge keys (`<<`) are followed, as Prometheus and Docker do; without, each is a fault.

    Raises:
        ContractError: if the file cannot be read or is not YAML.
    """
    data, root = _compose(path)
    faults = Faults(str(path))
    return _Reader(faults, merges).spot(root, ""), faults, hashlib.sha256(data).hexdigest()


def _load(path: Path) -> tuple[Contract, Spot]:
    document, faults, sha256 = read_document(path)
    CONTRACT.check(document, faults)
    return build_contract(document, faults, sha256), document


class _Refused(yaml.YAMLError):
    """YAML that could be read, but not safely."""

    def __init__(self, problem: str, mark: Any) -> None:
        super().__init__(problem)
        self.problem_mark = mark


class _Composer(yaml.SafeLoader):
    """Text -> nodes, without what would make a contract unsafe or unclear: endless nesting and explicit types."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]  # the stubs call it an instance's

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._open: list[str | None] = []

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose one node, or refuse it with its line."""
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None) or "!"
        if isinstance(event, yaml.AliasEvent):
            if anchor in self._open:
                self._refuse(event, f"the alias *{anchor} stands inside its own anchor &{anchor}")
        elif tag != "!":
            short = show(tag.replace("tag:yaml.org,2002:", "!!"))
            self._refuse(event, f"the type {short} is stated, but only plain YAML is read")
        elif len(self._open) >= _MAX_DEPTH:
            self._refuse(event, f"nested deeper than {_MAX_DEPTH} levels")
        self._open.append(anchor)
        node = super().compose_node(parent, index)
        self._open.pop()
        return node

    @staticmethod
    def _refuse(event: yaml.Event, problem: str) -> None:
        raise _Refused(problem, event.start_mark)


for _name, _pattern, _first in _RESOLVERS:
    _Composer.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"(?:{_pattern})$"), _first)


class _Reader:
    """Nodes -> Spots; adds faults for keys that stand twice, merge keys, and keys and texts that are none."""

    def __init__(self, faults: Faults, merges: bool) -> None:
        self._faults = faults
        self._merges = merges
        self._left = _MAX_SPOTS

    def spot(self, node: yaml.Node, path: str) -> Spot:
        """Return the node and all below it."""
        line = node.start_mark.line + 1
        self._left -= 1
        if self._left < 0:
            problem = f"has more than {_MAX_SPOTS} values with its aliases written out; use fewer aliases"
            raise _only(self._faults.file, line, problem)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, line, path)
        if isinstance(node, yaml.SequenceNode):
            return Spot([self.spot(item, f"{path}[{i}]") for i, item in enumerate(node.value)], line, path)
        return Spot(self._entries(node.value, path), line, path)

    def _scalar(self, node: yaml.ScalarNode, line: int, path: str) -> Spot:
        tag = _TAGS.get(node.tag, "str")
        spot = Spot(node.value.lower() if tag == "bool" else node.value, line, path, tag)
        if not _is_text(node.value):
            self._faults.add(spot, f"{quote(node.value)} holds half of a surrogate pair; write the character itself")
        return spot

    def _entries(self, nodes: Sequence[tuple[yaml.Node, yaml.Node]], path: str) -> dict[str, Spot]:
        entries: dict[str, Spot] = {}
        merged: list[Spot] = []
        for key, child in nodes:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            inner = f"{path}.{show(name)}" if path else show(name)
            value = self.spot(child, inner)
            here = Spot(value.value, key.start_mark.line + 1, inner, value.tag)
            if self._merges and name == "<<":
                merged += [value, *value.elements()]
                continue
            problem = self._key_problem(key, entries)
            if problem:
                self._faults.add(here, problem)
            else:
                entries[name] = here
        for other in merged:
            entries |= {name: spot for name, spot in other.items() if name not in entries}
        return entries

    @staticmethod
    def _key_problem(key: yaml.Node, entries: Mapping[str, Spot]) -> str:
        if not isinstance(key, yaml.ScalarNode) or not _is_text(key.value):
            return "a key must be a text; a list, a mapping or half a character cannot be one"
        if key.value == "<<":
            return "merge keys (<<) are not read; write the keys out, or alias a whole value"
        if key.value in entries:
            first = entries[key.value].line
            return f"the key {quote(key.value)} stands here twice (first in line {first}); delete one"
        return ""


def _is_text(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _only(file: str, line: int, problem: str) -> ContractError:
    return ContractError((Fault(file, line, "(document)", problem),))


def _line_of(error: yaml.YAMLError, text: str) -> int:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return int(mark.line) + 1
    return text[: getattr(error, "position", None)].count("\n") + 1


def _reason_of(error: yaml.YAMLError) -> str:
    parts = [getattr(error, name, None) for name in ("context", "problem")]
    return ", ".join(show(part) for part in parts if part) or str(error).splitlines()[0]


def _compose(path: Path) -> tuple[bytes, yaml.Node]:
    """Return a file's bytes and its YAML nodes, or raise ContractError with the one reason why not."""
    shown = str(path)
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
        composer = _Composer(text)
        root = composer.get_single_node()
    except OSError as error:
        raise _only(shown, 1, f"cannot be read ({error.strerror}); check the path and its permissions") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _only(shown, line, f"byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except yaml.YAMLError as error:
        problem = f"cannot be read as YAML: {_reason_of(error)}; correct it there"
        raise _only(shown, _line_of(error, text), problem) from error
    except (ValueError, OverflowError) as error:  # from chr(): the escape of a character that does not exist
        raise _only(shown, composer.line + 1, "a \\U escape stands for no character; correct it") from error
    if root is None:
        raise _only(shown, 1, "is empty; start from contracts/README.md")
    return data, root
