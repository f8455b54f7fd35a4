"""`python -m grafana.look`: draw the boards against a running Prometheus, and print what every panel shows.

In: boards, a Prometheus with data (`make demo`). Out: out/look/<board>_<width>.png and a line per panel; exit code 1 if
something is missing, a query fails, a panel cannot be drawn or a title is cut.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from grafana.look.tools import Choices, Looked, LookError, draw, prepare, read

__all__ = ["main"]

_ROOT = Path(__file__).parents[2]
_BOARDS = _ROOT / "grafana" / "dashboards"


@click.command()
@click.argument("boards", nargs=-1, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--prometheus", default="http://127.0.0.1:9092", show_default=True, help="The Prometheus that is asked.")
@click.option("--width", "widths", type=click.IntRange(800, 4000), multiple=True, help="Pixels; default: 1600, 1280.")
@click.option("--minutes", type=click.IntRange(1, 1440), default=30, show_default=True, help="How far back it goes.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=_ROOT / "out" / "look", show_default="out/look"
)
@click.option("--text", "is_text", is_flag=True, help="Draw nothing: print texts and colours. Needs no browser.")
@click.option("--var", "variables", multiple=True, metavar="NAME=TEXT", help="A choice at the top, as instance=host-a.")
def main(
    boards: tuple[Path, ...],
    prometheus: str,
    widths: tuple[int, ...],
    minutes: int,
    out: Path,
    is_text: bool,
    variables: tuple[str, ...],
) -> None:
    """Show BOARDS (default: all) as Grafana would, without a Grafana."""
    chosen = dict(text.partition("=")[::2] for text in variables)
    faults = 0
    try:
        prepare()
        for path in boards or sorted(_BOARDS.rglob("*.json")):
            text = path.read_text(encoding="utf-8")
            for width in (widths or (1600, 1280))[: 1 if is_text else None]:
                choices = Choices(prometheus, width, 60 * minutes, variables=chosen)
                if is_text:
                    looked = read(text, choices)
                else:
                    out.mkdir(parents=True, exist_ok=True)
                    picture = out / f"{path.stem}_{width}.png"
                    looked = draw(text, choices, picture)
                    click.echo(f"drawn: {picture}")
                faults += _say(looked, is_said=width == (widths or (1600,))[0])
    except LookError as error:
        raise click.ClickException(str(error)) from error
    sys.exit(1 if faults else 0)


def _say(looked: Looked, is_said: bool) -> int:
    """Print what a board shows and what is wrong with it; return how much is wrong."""
    for panel in looked.readings if is_said else ():
        shown = "; ".join(
            " ".join((one["title"], one["text"], f"[{one.get('color')}]")).strip() for one in panel["shows"]
        )
        click.echo(f"{panel['row']} | {panel['title']} | {shown or 'nothing'}")
    for fault in (*looked.errors, *(f"the title is cut: {title}" for title in looked.cut)):
        click.echo(fault, err=True)
    return len(looked.errors) + len(looked.cut)


if __name__ == "__main__":
    main()
