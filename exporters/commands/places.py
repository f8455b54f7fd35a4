"""Where scrape configs, rules, boards, units and runbooks are: in the package, or in the checkout it is run from.

In: nothing. Out: paths. A wheel carries them as `exporters/assets` (pyproject.toml says which); a checkout has no such
folder, and what it has at its root is used instead.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["ASSETS", "SHIPPED"]

_PACKAGED = Path(__file__).parents[1] / "assets"

ASSETS = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2]
"""The folder below which `prometheus/`, `grafana/` and `docs/runbooks/` are."""

SHIPPED = (
    "compose.yaml",
    "deploy",
    "docs/runbooks",
    "docs/fleet.md",
    "docs/no_live.md",
    "grafana/dashboards",
    "grafana/provisioning",
    "prometheus",
)
"""What is shipped, below ASSETS; pyproject.toml names the same."""
