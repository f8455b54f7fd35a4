"""Every fault a contract can have, with the exact words in which it is told."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import contracts
from contracts.compiler.document import ContractError, Fault, show
from contracts.load import load_all, load_contract, load_contracts

pytestmark = pytest.mark.thorough

INVALID = sorted((Path(__file__).parent.parent / "invalid").glob("*.yaml"))
_EXPECT = "# expect: "
_SOUND = """\
exporter: {name: NAME, help: Shop events., port: PORT, job: NAME}
files: {default: shop.jsonl}
vocabulary:
  kind: {values: [sale, refund]}
sources:
  shop: {match: {}, read: {kind: kind}}
metrics:
  shop_events_total: {type: counter, help: Events by kind., counts: kind, labels: [kind], budget: 2}
"""


def expected_of(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").split("\n")
    return [line.removeprefix(_EXPECT) for line in lines if line.startswith(_EXPECT)]


def messages_of(path: Path) -> list[str]:
    with pytest.raises(ContractError) as caught:
        load_contract(path)
    assert str(caught.value) == "\n".join(map(str, caught.value.faults))
    return [str(fault).removeprefix(f"{path}:") for fault in caught.value.faults]


def sound(folder: Path, name: str, port: int = 9200) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(_SOUND.replace("NAME", name).replace("PORT", str(port)), encoding="utf-8")
    return path


def test_a_file_name_may_have_hyphens_where_the_name_has_underscores(tmp_path: Path) -> None:
    path = sound(tmp_path, "web_shop").rename(tmp_path / "web-shop.yaml")
    assert load_contract(path).name == "web_shop"
    assert messages_of(sound(tmp_path, "shop").rename(tmp_path / "my-shop.yaml")) == [
        '1: exporter.name: the name is "shop" but the file is my-shop.yaml; '
        "make them equal, with a _ in the name for each - of the file"
    ]


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_each_fault_is_told_with_line_path_and_remedy(path: Path) -> None:
    assert expected_of(path)
    assert messages_of(path) == expected_of(path)


UNREADABLE: list[tuple[str, Callable[[Path], object], str]] = [
    (
        "missing",
        lambda path: None,
        "1: (document): cannot be read (No such file or directory); check the path and its permissions",
    ),
    (
        "folder",
        lambda path: path.mkdir(),
        "1: (document): cannot be read (Is a directory); check the path and its permissions",
    ),
    (
        "latin-1",
        lambda path: path.write_bytes(b"exporter:\n  help: Gr\xfc\xdfe\n"),
        "2: (document): byte 20 is not UTF-8; save the file as UTF-8",
    ),
    (
        "utf-16",
        lambda path: path.write_bytes("exporter: {}".encode("utf-16")),
        "1: (document): byte 0 is not UTF-8; save the file as UTF-8",
    ),
    (
        "nothing",
        lambda path: path.write_bytes(b""),
        "1: (document): is empty; start from contracts/README.md",
    ),
]


@pytest.mark.parametrize(("make", "expected"), [case[1:] for case in UNREADABLE], ids=[case[0] for case in UNREADABLE])
def test_a_file_that_is_no_document_is_one_fault(tmp_path: Path, make: Callable[[Path], object], expected: str) -> None:
    path = tmp_path / "shop.yaml"
    make(path)
    assert messages_of(path) == [expected]


def test_faults_of_every_kind_are_shown_at_once_in_file_order(tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"
    path.write_text(
        """\
exporter: {name: other, help: Shop events., port: 0, job: shop, job: shop}
files: {default: shop.jsonl}
vocabulary:
  kind: {values: [sale, refund], default: gift}
  color: {values: [red], max_length: 4}
  size: {type: length}
sources:
  shop:
    match: {v: 1.5}
    read: {kind: kind, color: color, knid: kind}
  web:
    match: {v: 2}
    read: {size: size}
metrics:
  shop_events: {type: counter, help: Events by kind., counts: kind, labels: [kind], budget: 2}
  shop_sizes_total: {type: counter, help: Events by size., counts: size, labels: [size, nothing], budget: 2}
  shop_colors_total: {type: counter, help: Colors., counts: color, labels: [color, {le: kind}], budget: 1}
  shop_states_total: {type: counter, help: Colors., counts: color, labels: [color, source], budget: 1}
""",
        encoding="utf-8",
    )
    assert messages_of(path) == [
        '1: exporter.job: the key "job" stands here twice (first in line 1); delete one',
        '1: exporter.name: the name is "other" but the file is many.yaml; '
        "make them equal, with a _ in the name for each - of the file",
        '1: exporter.port: got "0", expected a port from 1 to 65535',
        '4: vocabulary.kind.default: got "gift", expected a value of "kind": sale, refund',
        '5: vocabulary.color.max_length: "max_length" says nothing about a word of kind enum; delete it',
        '6: vocabulary.size.type: got "length", expected one of number, time, id',
        '9: sources.shop.match.v: got "1.5", expected a text, true, false or a whole number below 10^18; '
        "use min and max for others",
        '10: sources.shop.read.knid: unknown word "knid"; declare it under vocabulary or use one of color, kind',
        '15: metrics.shop_events: "shop_events" is a counter and must end in _total; rename it',
        '17: metrics.shop_colors_total.labels[1]: the label "le" is reserved; rename it: {other_name: kind}',
    ]


def test_a_word_with_a_fault_is_not_told_again_where_it_is_used(tmp_path: Path) -> None:
    path = sound(tmp_path, "shop")
    path.write_text(path.read_text(encoding="utf-8").replace("values: [sale, refund]", "value: [sale]"))
    assert messages_of(path) == ['4: vocabulary.kind.value: unknown key "value"; did you mean "values"?']


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (("a", 9200), ("b", 9200), "1: exporter.port: the port 9200 belongs to {0}/a.yaml already; choose another"),
        (("a", 9200), ("b", 9201), "1: exporter.job: the job shop belongs to {0}/a.yaml already; choose another"),
    ],
    ids=["port", "job"],
)
def test_contracts_side_by_side_share_neither_port_nor_job(
    tmp_path: Path, first: tuple[str, int], second: tuple[str, int], expected: str
) -> None:
    for name, port in (first, second):
        path = sound(tmp_path, name, port)
        if "job" in expected:
            path.write_text(path.read_text(encoding="utf-8").replace(f"job: {name}", "job: shop"), encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        load_contracts(tmp_path)
    assert [str(fault) for fault in caught.value.faults] == [f"{tmp_path}/b.yaml:{expected.format(tmp_path)}"]


def test_contracts_of_one_name_are_a_fault_even_in_two_folders(tmp_path: Path) -> None:
    paths = []
    for number, folder in enumerate(("x", "y")):
        (tmp_path / folder).mkdir()
        paths.append(sound(tmp_path / folder, "shop", 9200 + number))
    found, faults = load_all(paths)
    assert [contract.path for contract in found] == [str(path) for path in paths]
    assert [str(fault) for fault in faults] == [
        f"{paths[1]}:1: exporter.job: the job shop belongs to {paths[0]} already; choose another",
        f"{paths[1]}:1: exporter.name: the name shop belongs to {paths[0]} already; choose another",
    ]


def test_faults_of_all_files_of_a_folder_come_together(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("", encoding="utf-8")
    sound(tmp_path, "b")
    (tmp_path / "c.yaml").write_text("- 1\n", encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        load_contracts(tmp_path)
    assert caught.value.faults == (
        Fault(f"{tmp_path}/a.yaml", 1, "(document)", "is empty; start from contracts/README.md"),
        Fault(
            f"{tmp_path}/c.yaml",
            1,
            "(document)",
            "got a list, expected a mapping (contract: exporter, files, vocabulary, ...)",
        ),
    )


def test_a_value_in_a_message_is_cut_and_stays_on_one_line(tmp_path: Path) -> None:
    path = sound(tmp_path, "shop")
    odd = '"' + r"\e[31m\n" + "x" * 100 + '"'
    path.write_text(path.read_text(encoding="utf-8").replace("job: shop", f"job: {odd}"), encoding="utf-8")
    shown = r"\x1b[31m\n" + "x" * 71 + "..."
    assert messages_of(path) == [
        f'1: exporter.job: got "{shown}", expected a lower-case name (pattern [a-z][a-z0-9_]*)'
    ]


def test_a_value_of_80_characters_is_shown_whole() -> None:
    assert [show("x" * length) for length in (80, 81)] == ["x" * 80, "x" * 77 + "..."]


HOME = Path(contracts.__file__).parent
LOADER = [path for path in (HOME / "load.py", *sorted((HOME / "compiler").glob("*.py"))) if path.name != "__init__.py"]


def texts_of(module: Path) -> Iterator[tuple[str, int]]:
    """Yield a pattern for each text with a blank in a function of `module`, docstrings aside, and its line."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    docs = {id(function.body[0].value) for function in functions if isinstance(function.body[0], ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for function in functions:
        for node in ast.walk(function):
            values = node.values if isinstance(node, ast.JoinedStr) else [node]
            if id(node) in docs or id(node) in parts or not isinstance(node, ast.JoinedStr | ast.Constant):
                continue
            texts = [part.value if isinstance(part, ast.Constant) else None for part in values]
            if any(isinstance(text, str) and " " in text for text in texts):
                yield ".*".join("" if text is None else re.escape(str(text)) for text in texts), node.lineno


@pytest.mark.parametrize("module", LOADER, ids=lambda path: path.stem)
def test_no_message_of_the_loader_goes_without_a_case(module: Path) -> None:
    expected = [message for path in INVALID for message in expected_of(path)]
    expected += [expected for _, _, expected in UNREADABLE]
    expected += ["the port 9200 belongs to a.yaml already; choose another"]
    uncovered = [(line, text) for text, line in texts_of(module) if not any(re.search(text, each) for each in expected)]
    assert uncovered == []


def test_the_texts_of_the_loader_are_found_at_all() -> None:
    assert len([text for module in LOADER for text in texts_of(module)]) > 100
