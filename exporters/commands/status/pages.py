"""An exporter's metrics page as numbers that can be asked for by name and labels.

In: an address. Out: a page, or why there is none.
"""

from __future__ import annotations

from collections.abc import Iterator

from exporters.commands.verify.client import HttpClient, NoAnswerError, read_families

__all__ = ["Page", "fetch"]


class Page:
    """The samples of one page."""

    def __init__(self, samples: list[tuple[str, dict[str, str], float]]) -> None:
        self._samples = samples

    def series(self, name: str) -> Iterator[tuple[dict[str, str], float]]:
        """Yield labels and value of each series of a sample name."""
        return ((labels, value) for found, labels, value in self._samples if found == name)

    def by_label(self, name: str, label: str) -> dict[str, float]:
        """Return the values of a metric, summed by one label."""
        found: dict[str, float] = {}
        for labels, value in self.series(name):
            found[labels.get(label, "")] = found.get(labels.get(label, ""), 0.0) + value
        return found

    def value(self, name: str) -> float | None:
        """Return the largest value of a metric, None if it has no series."""
        return max((value for _, value in self.series(name)), default=None)


def fetch(client: HttpClient) -> Page | str:
    """Return the page behind an address, or in words why it cannot be had."""
    try:
        families = read_families(client.read())
    except NoAnswerError as error:
        return str(error)
    except ValueError:
        return f"{client.base}: not a metrics page"
    return Page([(sample.name, sample.labels, sample.value) for family in families for sample in family.samples])
