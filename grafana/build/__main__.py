"""`python -m grafana.build`: write the dashboards, check that the committed ones are current, or sketch them.

In: contracts/*.yaml. Out: grafana/dashboards/**/*.json; exit code 1 if --check finds a difference or a contract or
board has a fault.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from contracts.compiler.document import ContractError
from contracts.load import load_contracts
from grafana.build.boards import boards_of, texts_of
from grafana.build.catalogue import DashboardError
from grafana.build.layout import sketch

__all__ = ["main"]

_ROOT = Path(__file__).parents[2]
_REMEDY = "run `python -m grafana.build` and commit the result"


@click.command()
@click.option("--check", "checked", is_flag=True, help="Write nothing; exit 1 if a committed dashboard is not current.")
@click.option("--sketch", "sketched", is_flag=True, help="Write nothing; print the grid of every dashboard.")
@click.option(
    "--contracts",
    type=click.Path(path_type=Path, file_okay=False),
    default=_ROOT / "contracts",
    show_default="contracts",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=_ROOT / "grafana" / "dashboards",
    show_default="grafana/dashboards",
)
def main(checked: bool, sketched: bool, contracts: Path, out: Path) -> None:
    """Generate the Grafana dashboards from the contracts."""
    try:
        loaded = load_contracts(contracts)
        if sketched:
            click.echo("\n\n".join(sketch(board) for board in boards_of(loaded)))
            return
        texts = texts_of(loaded)
    except (ContractError, DashboardError) as error:
        raise click.ClickException(str(error)) from error
    faults = _drift(texts, out) if checked else _write(texts, out)
    for fault in faults:
        click.echo(fault, err=True)
    sys.exit(1 if faults else 0)


def _drift(texts: dict[str, str], out: Path) -> list[str]:
    """Return what differs between the folder and what it should hold."""
    found = {str(path.relative_to(out)): path.read_text(encoding="utf-8") for path in out.rglob("*.json")}
    faults = []
    for name in sorted(texts.keys() | found.keys()):
        if name not in found:
            faults.append(f"{name}: is missing; {_REMEDY}")
        elif name not in texts:
            faults.append(f"{name}: belongs to no board; delete it")
        elif found[name] != texts[name]:
            faults.append(f"{name}: is not what the contracts and boards say now; {_REMEDY}")
    return faults


def _write(texts: dict[str, str], out: Path) -> list[str]:
    for name, text in texts.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text, encoding="utf-8")
        click.echo(f"wrote {name}")
    return []


if __name__ == "__main__":
    main()
