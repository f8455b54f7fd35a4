"""The libraries that draw and read: whether they can be had, how they are installed, and how they are run.

In: node, npm and, to draw, chromium (all in Debian). Out: `.look/`, which git ignores, with Grafana's libraries and
two programs made of the sources here: `read.js` for node, `page.js` for a browser. Both are made anew when a source
is newer.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["FOLDER", "Choices", "LookError", "Looked", "draw", "is_installed", "missing", "prepare", "read"]

FOLDER = Path(__file__).parents[2] / ".look"
_SOURCES = Path(__file__).parent
_SHAPES = ".svg=text", ".png=dataurl", ".ttf=dataurl", ".woff=dataurl", ".woff2=dataurl"
_PACKAGES = {"node": "nodejs", "npm": "npm", "chromium": "chromium"}
_WITHIN_S = 120


class LookError(Exception):
    """It cannot be drawn or read; says what is missing or what went wrong."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person chooses at the top of a board, and on which screen it is.

    Attributes:
        prometheus: address of the Prometheus that is asked.
        width: of the screen, in pixels.
        range: of time, in seconds, up to `end` in Unix seconds.
        scrape: how often Prometheus scrapes, in seconds, as the data source is told.
        variables: name -> text of a variable; all others are as the board has them.
    """

    prometheus: str = "http://127.0.0.1:9092"
    width: int = 1600
    range: int = 1800
    end: float = field(default_factory=time.time)
    scrape: int = 5
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a board shows.

    Attributes:
        readings: one entry per panel: id, title, type, row, and `shows`, a list of title, text and colour.
        errors: what could not be asked or drawn.
        cut: titles that are wider than their place; known only if drawn.
    """

    readings: list[dict[str, Any]]
    errors: list[str]
    cut: list[str] = field(default_factory=list)


def missing(*programs: str) -> list[str]:
    """Return a sentence for each program that is not on PATH, with what to install."""
    return [
        f"{name} is not on PATH; on Debian: apt-get install {_PACKAGES[name]}"
        for name in programs
        if shutil.which(name) is None
    ]


def is_installed() -> bool:
    """Whether the libraries named in package.json are there already."""
    noted = FOLDER / "package.json"
    return noted.is_file() and noted.read_bytes() == (_SOURCES / "package.json").read_bytes()


def prepare() -> None:
    """Install the libraries if need be (two minutes, 640 MB, once) and make both programs.

    Raises:
        LookError: if node or npm is missing, or one of them fails.
    """
    faults = missing("node", "npm")
    if faults:
        raise LookError("\n".join(faults))
    FOLDER.mkdir(exist_ok=True)
    if not is_installed():
        (FOLDER / "package.json").unlink(missing_ok=True)
        staged = FOLDER / "wanted"
        staged.mkdir(exist_ok=True)
        shutil.copy(_SOURCES / "package.json", staged)
        quiet = ["--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
        _run(["npm", "install", *quiet], staged, None, 1200)
        shutil.rmtree(FOLDER / "node_modules", ignore_errors=True)
        (staged / "node_modules").rename(FOLDER / "node_modules")
        (staged / "package.json").rename(FOLDER / "package.json")
    newest = max(path.stat().st_mtime for path in _SOURCES.iterdir() if path.is_file())
    for source, platform, extra in (("read.ts", "node", []), ("page.tsx", "browser", ["--define:global=window"])):
        made = FOLDER / f"{Path(source).stem}.js"
        if not made.is_file() or made.stat().st_mtime < newest:
            _bundle(source, made, f"--platform={platform}", *extra)
    shutil.copy(_SOURCES / "index.html", FOLDER)


def _bundle(source: str, made: Path, *flags: str) -> None:
    """Join a source and the libraries it uses into one file."""
    fields = "--main-fields=main" if "--platform=node" in flags else "--main-fields=browser,module,main"
    shapes = [f"--loader:{shape}" for shape in _SHAPES]
    mode = "--define:process.env.NODE_ENV='production'"
    esbuild = str(FOLDER / "node_modules" / ".bin" / "esbuild")
    # A copy stands beside the libraries, as that is where esbuild looks for them.
    copied = FOLDER / "source"
    shutil.copytree(_SOURCES, copied, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    command = [esbuild, str(copied / source), "--bundle", f"--outfile={made}", fields, mode, *shapes, *flags]
    replaced = f"--alias:react-custom-scrollbars-2={copied / 'scroll.tsx'}"
    _run([*command, replaced, "--jsx=automatic", "--log-level=error"], FOLDER, None, _WITHIN_S)


def read(board: str, choices: Choices) -> Looked:
    """Return what the board with this JSON shows.

    Raises:
        LookError: if it cannot be read.
    """
    found = json.loads(_run(["node", str(FOLDER / "read.js"), json.dumps(asdict(choices))], FOLDER, board, _WITHIN_S))
    return Looked(found["readings"], found["errors"])


def draw(board: str, choices: Choices, picture: Path) -> Looked:
    """Draw the board with this JSON into a PNG, and return what it shows.

    Raises:
        LookError: if there is no chromium, or it cannot draw.
    """
    from playwright.sync_api import Error, sync_playwright

    faults = missing("chromium")
    if faults:
        raise LookError("\n".join(faults))
    try:
        with sync_playwright() as browsers:
            browser = browsers.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": choices.width, "height": 900})
            page.set_default_timeout(1000 * _WITHIN_S)
            page.goto((FOLDER / "index.html").as_uri(), wait_until="load")
            found = page.evaluate("([board, choices]) => look(board, choices)", [json.loads(board), asdict(choices)])
            cut = page.evaluate("cut()")
            page.screenshot(path=picture, full_page=True)
            browser.close()
    except Error as error:
        raise LookError(f"chromium could not draw it: {error}") from error
    return Looked(found["readings"], found["errors"], cut)


def _run(command: list[str], folder: Path, text: str | None, within_s: float) -> str:
    """Return what a program says."""
    done = subprocess.run(  # noqa: S603  # programs found by name, arguments of ours
        command, cwd=folder, input=text, capture_output=True, text=True, timeout=within_s, check=False
    )
    if done.returncode:
        raise LookError(f"{' '.join(command[:2])} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout
