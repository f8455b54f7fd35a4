"""contracts/lint/rules.md: a section for each rule, with an example of what it finds and of what it accepts.

In: the rules' docstrings and the cases of tests/lint, where the lint is proven on them. Out: Markdown, the same for the
same rules, and one section of it (`peaktrade contract lint --explain`). A wheel has no tests; there it is only read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

__all__ = ["RULES", "UnknownRuleError", "explain", "rules_text"]

RULES = Path(__file__).parent / "rules.md"
_CASES = Path(__file__).parents[2] / "tests/lint/cases"
_LANGUAGES = {".yml": "yaml", ".yaml": "yaml", ".json": "json", ".md": "markdown", ".toml": "toml"}
_HEAD = """# The rules

Generated from the rules and from the cases they are proven on; `peaktrade contract lint --explain area/name` prints one
section. How to excuse a finding, and how to turn a rule off, is in [README.md](README.md).
"""
_SECTION = re.compile(r"\n## (?=[a-z]+/[a-z]+\n)")  # and no heading of an example
_LINES, _COLUMNS = 10, 200
"""Of one example, at most; what is longer is cut."""


class UnknownRuleError(Exception):
    """There is no rule of that name; the message says which was meant, or how to see all."""


def explain(name: str) -> str:
    """Return the section about one rule.

    Raises:
        UnknownRuleError: if there is none.
    """
    sections = dict(_sections(RULES.read_text(encoding="utf-8")))
    if name in sections:
        return sections[name]
    near = get_close_matches(name, sections)
    remedy = f"did you mean '{near[0]}'?" if near else "see --list"
    raise UnknownRuleError(f"no rule is named '{name}'; {remedy}")


def _sections(text: str) -> Iterator[tuple[str, str]]:
    for part in _SECTION.split(text)[1:]:
        yield part.partition("\n")[0], f"## {part.rstrip()}"


def rules_text(present: str) -> str:
    """Return rules.md as it should be; `present` where the cases are not, or the parser of PromQL is not installed."""
    try:
        from contracts.lint.check import EXCEPTION_RULE, find_rules
    except ImportError:
        return present
    if not _CASES.is_dir():
        return present
    from contracts.lint import allowances

    cases = [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(_CASES.glob("*.toml"))]
    found = [(rule.id, rule.severity, rule.doc) for rule in find_rules()]
    found.append((EXCEPTION_RULE, "error", str(allowances.__doc__)))
    contents = "".join(f"- [{name}](#{name.replace('/', '')})\n" for name, _, _ in sorted(found))
    return "\n".join([_HEAD, contents, *(_section(*one, cases) for one in sorted(found))])


def _section(name: str, severity: str, doc: str, cases: Sequence[Mapping[str, Any]]) -> str:
    bad = [case for file in cases for case in file.get("bad", []) if case["rule"] == name]
    good = [case for file in cases for case in file.get("good", []) if case["rule"] == name]
    parts = [
        f"## {name}\n",
        f"{doc.strip()}\n",
        f"A finding is {'an' if severity[0] in 'aeiou' else 'a'} {severity}.\n",
    ]
    if bad:
        shown = min(bad, key=lambda case: (len(case["old"]) > _COLUMNS, "\n" in case["old"], bad.index(case)))
        parts += [f"Found ({shown['name']}), in `{shown['file']}`:\n", _code(shown["file"], shown["new"])]
        parts += [_code("", "\n".join(shown["says"])), "Right:\n", _code(shown["file"], shown["old"])]
        others = [case for case in bad if case is not shown]
        parts += [f"Found, too: {'; '.join(case['name'] for case in others)}.\n"] if others else []
    if good:
        parts += [f"Accepted ({good[0]['name']}):\n", _code(good[0]["file"], good[0]["new"])]
        parts += [f"Accepted, too: {'; '.join(case['name'] for case in good[1:])}.\n"] if good[1:] else []
    return "\n".join(parts)


def _code(file: str, text: str) -> str:
    most = _COLUMNS if file else len(text)  # what the lint says is never cut
    lines = [line if len(line) <= most else line[: most - 3] + "..." for line in text.strip("\n").splitlines()]
    cut = [*lines[:_LINES], "..."][: len(lines)]
    fence = "````" if any(line.startswith("```") for line in cut) else "```"
    return f"{fence}{_LANGUAGES.get(Path(file).suffix, 'text')}\n" + "\n".join(cut or ["(nothing)"]) + f"\n{fence}\n"
