"""Which tests matter for which module: those of its folder, then those in which the stages meet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.mutants.faults import Mutant, find_mutants

__all__ = ["MUTATED", "find_all", "scope_of"]

MUTATED = ("exporters/engine", "contracts")

_TOGETHER = ("tests/engine/run", "tests/test_cases.py")
_ENGINE = Path("exporters/engine")


def scope_of(file: str) -> Sequence[str]:
    """Return the tests that should notice a fault in a module, in the order in which they are asked.

    >>> scope_of("exporters/engine/tail/stream.py")
    ('tests/engine/tail', 'tests/engine/run', 'tests/test_cases.py')
    >>> scope_of("exporters/engine/values.py")
    ('tests/engine/run', 'tests/engine', 'tests/test_cases.py')
    """
    path = Path(file)
    if not path.is_relative_to(_ENGINE):
        return ("tests/contracts", "tests/lint", "tests/test_cases.py")
    stage = path.relative_to(_ENGINE).parts[0].removesuffix(".py").replace("stored", "records")
    if not Path("tests/engine", stage).is_dir():
        return ("tests/engine/run", "tests/engine", "tests/test_cases.py")
    more = ("tests/commands/test_state.py",) if stage in ("state", "records") else ()
    return (f"tests/engine/{stage}", *more, *_TOGETHER)


def find_all(root: Path, only: str = "") -> list[Mutant]:
    """Return every mutant of the modules that are tried, or of those under the path `only`."""
    wanted = Path(only)
    files = [path.relative_to(root) for part in MUTATED for path in sorted((root / part).rglob("*.py"))]
    return [
        mutant
        for file in files
        if file == wanted or file.is_relative_to(wanted)
        for mutant in find_mutants(str(file), (root / file).read_text(encoding="utf-8"))
    ]
