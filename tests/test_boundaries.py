"""The shape of the house, read from the source text: who may import whom, and how large a piece may be."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from io import StringIO
from pathlib import Path
from statistics import median
from tokenize import COMMENT, DEDENT, ENDMARKER, INDENT, NEWLINE, NL, generate_tokens

import pytest

from contracts.load import load_contracts
from contracts.no_live import VARIABLE

ROOT = Path(__file__).parents[1]
OURS = ("console", "contracts", "emitters", "exporters")
ENGINE = ROOT / "exporters/engine"

GROUND = {"fields", "objects", "records", "stored", "updates", "values"}
"""What flows between the stages and what is kept of them; every stage may import these."""

CONDUCTORS = {"ledger", "pipeline", "run"}
"""The modules that see more than one stage."""

BESIDE_THE_ENGINE = {"exporters.version"}
"""What the engine may import of the package around it."""

GATE = "contracts.no_live."
"""What every package may import, the witness too: whether live trading is on is one question, with one answer."""

WITNESS = {"emitters/session.py": "exporters.telemetry"}
"""The one door through which an emitter may tell us something: a session uses the telemetry as an outsider would."""

DOORS = ("exporters.reading.", "exporters.web.access.")
"""The doors through which the console reads files exactly, and asks whom it may let in."""

CAN_TRADE = {"requests", "httpx", "aiohttp", "ccxt", "websocket", "websockets", "grpc", "paramiko", "smtplib", "ftplib"}
HTTP = {f"exporters/engine/exposition/{name}.py" for name in ("app", "connection", "serve")}
CONSOLE = {f"console/{name}.py" for name in ("api/following", "app", "guard", "metrics", "serve")}
WEB = {f"exporters/web/{name}.py" for name in ("access", "certificates", "passwords")}
"""Who may connect and ask: TLS and passwords for those who listen."""

LISTENS = {"exporters/commands/demo/ports.py", "exporters/commands/demo/told.py"}
"""What else holds sockets of its own, to bind: whether a port is free, and whom Alertmanager tells in the demo."""

CLIENT = "exporters/commands/verify/client.py"
ASKS = {"exporters/commands/verify/", "exporters/commands/demo/", "exporters/commands/status/"}
"""The commands that may ask others, over HTTP, with GET alone."""

NETWORK = (
    "urllib.request",
    "http.",
    "ssl",
    "socket",
    "_socket",
    "socketserver",
    "asyncio",
    "uvicorn",
    "starlette",
    "multiprocessing.connection",
    "xmlrpc",
    "telnetlib",
    "imaplib",
    "poplib",
    "nntplib",
)

MODULES = [path for package in OURS for path in sorted((ROOT / package).rglob("*.py"))]
ENGINE_MODULES = [path for path in MODULES if path.is_relative_to(ENGINE) and path != ENGINE / "__init__.py"]
ROOMS = sorted((ROOT / "exporters").glob("*/__main__.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree_of(path: Path) -> ast.Module:
    """Return what a file says, read once."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Return all of it, whatever stands within what."""
    return tuple(ast.walk(tree_of(path)))


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Return the dotted name of every module or member imported anywhere in a file."""
    found: list[str] = []
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno}: relative import; write the whole name"
            found += (f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(found)


def packages(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


def stage_of(path: Path) -> str:
    """Return the stage a module of the engine belongs to: the first folder, or the module itself."""
    return path.relative_to(ENGINE).parts[0].removesuffix(".py")


def stages_in(path: Path) -> set[str]:
    """Return the stages a file imports from."""
    dotted = [name.split(".") for name in imports(path)]
    return {parts[2] for parts in dotted if parts[:2] == ["exporters", "engine"] and len(parts) > 2}


def faults_of(path: Path) -> list[str]:
    """Return what a module of the engine may not do and does: the walls every stage stands within."""
    stage, imported = stage_of(path), set(imports(path))
    faults = []
    others = stages_in(path) - GROUND - {stage} if stage not in CONDUCTORS else set()
    if others:
        faults.append(f"imports {', '.join(sorted(others))}: a stage knows no other; let `run` bring them together")
    around = {name for name in imported if name.startswith("exporters.") and not name.startswith("exporters.engine.")}
    around -= {f"{module}.{name.rpartition('.')[2]}" for module in BESIDE_THE_ENGINE for name in around}
    if around:
        faults.append(f"imports {', '.join(sorted(around))}: the engine knows nothing around it")
    if "time" in packages(path) and stage != "clock":
        faults.append("imports time: take a Clock")
    if "prometheus_client" in packages(path) and stage != "exposition":
        faults.append("imports prometheus_client: metrics leave the engine in `exposition`")
    return faults


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("emitters", {"emitters"}),
        ("contracts", {"contracts"}),
        ("exporters", {"exporters", "contracts"}),
        ("console", {"console", "contracts"}),
    ],
)
def test_imports_flow_one_way(package: str, allowed: set[str]) -> None:
    forbidden = {*OURS, "tests", "grafana"} - allowed
    wrong = [
        f"{name_of(path)}: {name}"
        for path in (ROOT / package).rglob("*.py")
        for name in imports(path)
        if name.partition(".")[0] in forbidden
        and not name.startswith(GATE)
        and name != WITNESS.get(name_of(path))
        and not (package == "console" and name.startswith(DOORS))
    ]
    assert wrong == []


def test_live_trading_is_read_in_one_place() -> None:
    named = [path for path in MODULES if VARIABLE in path.read_text(encoding="utf-8")]
    texts = {name_of(path): re.findall(rf'(["\']){VARIABLE}\1', path.read_text(encoding="utf-8")) for path in named}
    assert {name for name, hits in texts.items() if hits} == {"contracts/no_live.py"}


def test_every_module_of_the_engine_keeps_within_its_stage() -> None:
    faults = {name_of(path): faults_of(path) for path in ENGINE_MODULES}
    assert {name: found for name, found in faults.items() if found} == {}


def test_the_loop_sees_every_stage_through_as_few_doors_as_there_are() -> None:
    stages = {stage_of(path) for path in ENGINE_MODULES} - GROUND - CONDUCTORS
    assert {stage for name in CONDUCTORS for stage in stages_in(ENGINE / f"{name}.py")} >= stages - {"exposition"}
    assert stages_in(ENGINE / "run.py") & {"decode", "translate", "pairs", "refusals", "series"} == set()
    assert stages_in(ENGINE / "ledger.py") & {"decode", "translate", "pairs", "tail", "state"} == set()
    assert stages_in(ENGINE / "pipeline.py") - GROUND == {"decode", "translate", "pairs"}


def test_a_module_in_a_folder_below_a_stage_is_guarded_like_any_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tests.test_boundaries.ENGINE", tmp_path)
    stray = tmp_path / "tail/x/y.py"
    stray.parent.mkdir(parents=True)
    stray.write_text(
        "import time\n"
        "from prometheus_client import Metric\n"
        "from exporters.commands.settings import Settings\n"
        "from exporters.version import VERSION\n"
        "from exporters.engine.series import SeriesTable\n"
        "from exporters.engine.tail.stream import Stream\n"
        "from exporters.engine.values import Batch\n",
        encoding="utf-8",
    )
    assert faults_of(stray) == [
        "imports series: a stage knows no other; let `run` bring them together",
        "imports exporters.commands.settings.Settings: the engine knows nothing around it",
        "imports time: take a Clock",
        "imports prometheus_client: metrics leave the engine in `exposition`",
    ]


def test_rooms_import_the_shared_command_and_nothing_else_of_ours() -> None:
    for path in ROOMS:
        ours = {name for name in imports(path) if name.partition(".")[0] in OURS}
        assert ours == {"exporters.commands.export.room"}, name_of(path)
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 40, name_of(path)


def test_the_engine_names_no_exporter_and_no_port() -> None:
    contracts = load_contracts(ROOT / "contracts")
    words = [word for contract in contracts for word in (contract.name, contract.job, str(contract.port))]
    pattern = re.compile(r"\b(" + "|".join(words) + r")\b")
    found = {name_of(path): pattern.findall(path.read_text(encoding="utf-8")) for path in ENGINE_MODULES}
    assert {name: hits for name, hits in found.items() if hits} == {}


def test_yaml_is_known_in_one_place() -> None:
    assert [name_of(path) for path in MODULES if "yaml" in packages(path)] == ["contracts/load.py"]


def test_the_client_library_is_known_to_the_exporters_alone() -> None:
    others = [path for path in MODULES if name_of(path).startswith(("contracts/", "emitters/"))]
    assert [name_of(path) for path in (*others, *ROOMS) if "prometheus_client" in packages(path)] == []


def test_the_global_registry_is_never_used() -> None:
    names = ("REGISTRY", "Counter", "Gauge", "Histogram", "Summary", "Info", "Enum", "start_http_server")
    forbidden = {f"prometheus_client.{name}" for name in names} | {"prometheus_client.registry.REGISTRY"}
    assert [name_of(path) for path in MODULES if set(imports(path)) & forbidden] == []


def test_no_stage_asks_a_calendar_what_time_it_is() -> None:
    calls = re.compile(r"datetime\.(now|utcnow|today)\(|date\.today\(")
    assert [name_of(path) for path in ENGINE_MODULES if calls.search(path.read_text(encoding="utf-8"))] == []


def test_nothing_here_can_trade() -> None:
    assert [name_of(path) for path in MODULES if packages(path) & CAN_TRADE] == []
    users = {name_of(path) for path in MODULES if any(name.startswith(NETWORK) for name in imports(path))}
    assert users == {CLIENT, *HTTP, *WEB, *LISTENS, *CONSOLE}
    calls = re.compile(r"\bsocket\.(?!gethostname\b)\w+")
    quiet = [path for path in MODULES if name_of(path) not in {CLIENT, *HTTP, *WEB, *LISTENS, *CONSOLE}]
    assert [name_of(path) for path in quiet if calls.search(path.read_text(encoding="utf-8"))] == []


def test_whoever_listens_never_connects() -> None:
    for name in (*HTTP, *WEB, *LISTENS, *CONSOLE):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert re.findall(r"\.connect(?:_ex)?\(|create_connection|open_connection|sendto\(", text) == [], name


def test_only_named_commands_ask_others_and_only_with_get() -> None:
    module = CLIENT.removesuffix(".py").replace("/", ".")
    asking = {name_of(path) for path in MODULES if any(name.startswith(f"{module}.") for name in imports(path))}
    assert {name for name in asking if not name.startswith(tuple(ASKS))} == set()
    requests = [
        node
        for node in nodes_of(ROOT / CLIENT)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("Request", "urlopen", "HTTPConnection"))
    ]
    assert [[ast.unparse(node.func), *(word.arg for word in node.keywords)] for node in requests] == [
        ["urllib.request.Request", "headers"]
    ]
    assert [len(node.args) for node in requests] == [1], "without a body it is a GET"


def test_no_module_is_longer_than_300_lines() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def code_lines(text: str) -> set[int]:
    """Return the numbers of the lines that hold code, not only comments or nothing."""
    layout = {COMMENT, NL, NEWLINE, INDENT, DEDENT, ENDMARKER}
    return {
        line
        for token in generate_tokens(StringIO(text).readline)
        if token.type not in layout
        for line in range(token.start[0], token.end[0] + 1)
    }


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every function and its lines of code, the docstring left out."""
    lines = code_lines(path.read_text(encoding="utf-8"))
    for node in nodes_of(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = ast.get_docstring(node) is not None
            silent = set(range(first.lineno, (first.end_lineno or 0) + 1)) if documented else set()
            own = range(node.lineno, (node.end_lineno or 0) + 1)
            yield f"{name_of(path)}:{node.lineno} {node.name}", len(lines.intersection(own) - silent)


@pytest.mark.slow
def test_no_function_is_longer_than_40_lines_and_half_have_at_most_10() -> None:
    sizes = dict(found for path in MODULES for found in functions(path))
    assert {name: size for name, size in sizes.items() if size > 40} == {}
    assert median(sizes.values()) <= 10


@pytest.mark.parametrize("package", OURS)
def test_every_module_says_what_it_is_and_what_it_offers(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        tree = tree_of(path)
        assert ast.get_docstring(tree), f"{name_of(path)} has no docstring"
        if path.name.startswith("_"):
            continue
        targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        assert "__all__" in names, f"{name_of(path)} has no __all__"
