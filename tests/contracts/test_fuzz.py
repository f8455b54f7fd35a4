"""Whatever is done to a contract's text, the loader says where it is wrong, or the contract can be used."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import contracts
from contracts.compiler.document import ContractError
from contracts.load import load_contract
from contracts.model import Contract
from exporters.engine.decode import Decoder
from exporters.engine.series import SeriesTable
from exporters.engine.translate.translate import Translator
from tests.budget import amount

pytestmark = pytest.mark.thorough

SHIPPED = {path.stem: path.read_text(encoding="utf-8") for path in Path(contracts.__file__).parent.glob("*.yaml")}
_TOKEN = re.compile(r"\w+|[ ]+|[^\w ]")
ODD = [
    *("", "~", "null", "yes", "true", "0", "-1", "1.5", "1e400", ".nan", "0x1F", "9" * 30, "all", "source", "events"),
    *(
        "unknown",
        "other",
        "{}",
        "[]",
        "[[",
        "{a: [",
        "]",
        "}",
        ":",
        ": ",
        "- ",
        "? ",
        "&a ",
        "*a",
        "<<: ",
        "!!int ",
        "!",
    ),
    *(
        "\t",
        "\n",
        "#",
        "|",
        ">",
        "'",
        '"',
        '"\\ud800"',
        '"\\U00110000"',
        "\x00",
        "\x85",
        "\ud7ff",
        "%YAML 9",
        "---",
        "...",
    ),
    *("le", "__x", "order_id", "a.b", "a..b", "[a-z", "^", "\\", "values: ", "path: ", "value: ", "required: true"),
]


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a contract's name and its text after a few mutations of lines and tokens."""
    name = draw(st.sampled_from(sorted(SHIPPED)))
    parts = re.findall(r".*\n", SHIPPED[name])
    lines_first = draw(st.booleans())
    for _ in range(draw(st.integers(1, 2))):
        if lines_first:
            parts = _mutate(draw, parts)
    parts = _TOKEN.findall("".join(parts))
    for _ in range(draw(st.integers(0 if lines_first else 1, 3))):
        parts = _mutate(draw, parts)
    return name, "".join(parts)


def _mutate(draw: st.DrawFn, parts: list[str]) -> list[str]:
    at, other = (draw(st.integers(0, len(parts) - 1)) for _ in range(2))
    match draw(st.sampled_from(("delete", "double", "move", "replace", "odd", "cut"))):
        case "delete":
            return parts[:at] + parts[at + 1 :] or ["\n"]
        case "double":
            return parts[: at + 1] + parts[at:]
        case "move":
            return [*parts[:at], parts[other], *parts[at:]]
        case "replace":
            return [*parts[:at], parts[other], *parts[at + 1 :]]
        case "odd":
            return [*parts[:at], draw(st.sampled_from(ODD)), *parts[at + 1 :]]
    return parts[: at + 1]


def use(contract: Contract) -> None:
    """Do with a contract what an exporter does before the first line."""
    assert all(contract.worst_case_series(metric) <= metric.budget for metric in contract.metrics)
    Decoder(contract)
    translator = Translator(contract, {})
    SeriesTable(contract.metrics, contract.words).begin(contract, translator.defaults(), now=0.0)


ANY_PATH = """\
exporter: {{name: paths, help: Any path., port: 9200, job: paths}}
files: {{default: paths.jsonl}}
vocabulary: {{kind: {{values: [sale, refund]}}}}
sources: {{shop: {{match: {{{path}: {{present: true}}}}, read: {{kind: {path}}}}}}}
metrics: {{paths_total: {{type: counter, help: Events by kind., counts: kind, labels: [kind], budget: 2}}}}
"""


def shown_of(contract: Contract, line: bytes) -> float:
    """Return what the first series holds after one line."""
    translator, series = Translator(contract, {}), SeriesTable(contract.metrics, contract.words)
    series.begin(contract, translator.defaults(), now=0.0)
    series.apply(translator.translate(Decoder(contract).decode(line).events, 0.0).updates, 0.0)
    series.commit()
    ((_, samples),) = series.snapshot()
    return sum(sample.value for sample in samples if sample.labels == ("sale",))


@settings(max_examples=amount(30, 3000), deadline=None, derandomize=True)
@given(path=st.text(st.one_of(st.sampled_from("a.0[]*$\\\"' {}:-_/@~^|#%é"), st.characters(codec="utf-8")), max_size=9))
@example(path=".".join(["a"] * 32))
@example(path="fills.0.qty")
@example(path="f_a.x_61")
def test_any_path_that_is_accepted_is_read(folder: Path, path: str) -> None:
    file = folder / "paths.yaml"
    file.write_text(ANY_PATH.format(path=json.dumps(path)), encoding="utf-8")
    try:
        contract = load_contract(file)
    except ContractError:
        return
    event: object = "sale"
    for part in reversed(path.split(".")):
        event = {part: event}
    assert not set('[]*$\\"') & set(path)
    assert shown_of(contract, json.dumps(event).encode() + b"\n") == 1.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder to write mutated contracts to."""
    return tmp_path_factory.mktemp("mutated")


@pytest.mark.slow
@settings(max_examples=amount(40, 1500), deadline=None, derandomize=True)
@given(case=mutated())
def test_a_mutated_contract_is_refused_with_lines_or_can_be_used(folder: Path, case: tuple[str, str]) -> None:
    name, text = case
    path = folder / f"{name}.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        contract = load_contract(path)
    except ContractError as error:
        assert error.faults
        last = len(text.splitlines()) + 1
        for fault in error.faults:
            assert re.fullmatch(rf"{re.escape(str(path))}:\d+: \S.*: \S.*", str(fault)), fault
            assert 1 <= fault.line <= last, fault
    else:
        use(contract)
