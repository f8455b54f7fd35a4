"""The JSON Schema says of shapes what the loader says."""

import json
from pathlib import Path

import jsonschema
import pytest

import contracts
from contracts.compiler.document import ContractError, Faults, Spot
from contracts.compiler.format import CONTRACT
from contracts.compiler.shape import Either, Flag, ListOf, MapOf, Number, Shape, Text, json_schema
from contracts.load import read_document

pytestmark = pytest.mark.thorough

SHIPPED = sorted(Path(contracts.__file__).parent.glob("*.yaml"))
INVALID = sorted((Path(__file__).parent.parent / "invalid").glob("*.yaml"))
VALIDATOR = jsonschema.Draft202012Validator(json_schema(CONTRACT, "Exporter contract"))


def plain(spot: Spot) -> object:
    """Return a document as an editor sees it."""
    if isinstance(spot.value, dict):
        return {key: plain(value) for key, value in spot.items()}
    if isinstance(spot.value, list):
        return [plain(item) for item in spot.elements()]
    match spot.tag:
        case "null":
            return None
        case "bool":
            return spot.is_true
        case "int":
            return int(spot.text)
        case "float":
            return spot.number
    return spot.text


def refusals(data: object) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(data)]


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(VALIDATOR.schema)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_contract_tells_editors_its_schema(path: Path) -> None:
    key, _, schema = path.read_text(encoding="utf-8").partition("\n")[0].partition("=")
    assert key == "# yaml-language-server: $schema"
    assert json.loads((path.parent / schema).read_text(encoding="utf-8")) == VALIDATOR.schema


def test_the_file_is_the_schema() -> None:
    text = (Path(contracts.__file__).parent / "contract.schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == VALIDATOR.schema


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_contracts_fit_the_schema(path: Path) -> None:
    assert refusals(plain(read_document(path)[0])) == []


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_the_schema_refuses_what_is_wrong_in_shape_and_nothing_else(path: Path) -> None:
    try:
        document, faults, _ = read_document(path)
    except ContractError:
        return  # no document at all, so there is nothing to fit
    faults = Faults(faults.file)
    CONTRACT.check(document, faults)
    assert bool(refusals(plain(document))) == bool(faults.found)


SCALARS = [
    Spot("sale", 1, ""),
    Spot("Sale", 1, ""),
    Spot("true", 1, ""),
    Spot("true", 1, "", "bool"),
    Spot("yes", 1, ""),
    Spot("7", 1, ""),
    Spot("7", 1, "", "int"),
    Spot("-7", 1, "", "int"),
    Spot("0.5", 1, "", "float"),
    Spot(" ", 1, ""),
    Spot("a.b", 1, ""),
    Spot("", 1, "", "null"),
    Spot([], 1, ""),
    Spot([Spot("sale", 1, "")], 1, ""),
    Spot({}, 1, ""),
    Spot({"sale": Spot("7", 1, "", "int")}, 1, ""),
    Spot({"SALE": Spot("sale", 1, "")}, 1, ""),
]
SHAPES: list[Shape] = [
    Text(),
    Text("a lower-case name", "[a-z]+"),
    Text("a path", r"[^.\s]+(\.[^.\s]+)*"),
    Text(choices=("sale", "refund")),
    Flag(),
    Number(),
    Number("a whole number of at least 1", True, 1, 100),
    Number("a number above 0", above=0),
    ListOf(Text()),
    Number("a number of at least 7", minimum=7),
    Number("a number of at most 7", maximum=7),
    Number("a number above 7", above=7),
    MapOf(Number(), Text("a name", r".*\S.*")),
    MapOf(Text(), Text("a name", "[a-z]+"), may_be_empty=True),
    Either("a number or a list", scalar=Number(), many=ListOf(Text())),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_shape_and_its_schema_agree_on_every_kind_of_value(shape: Shape) -> None:
    validator = jsonschema.Draft202012Validator(shape.schema())
    for spot in SCALARS:
        faults = Faults("f")
        shape.check(spot, faults)
        assert validator.is_valid(plain(spot)) == (not faults.found), spot
