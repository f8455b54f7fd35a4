"""Every metric a panel may ask for: those of the contracts, of the exporters themselves, and of Prometheus.

In: contracts. Out: `Family` values, which check labels and label values, and a `DashboardError` with the nearest right
name for everything that does not exist. Knows no PromQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from contracts.model import REJECTION_REASONS, Contract, Metric
from contracts.self_metrics import FOLDER, LIVE, STORED

__all__ = ["Catalogue", "DashboardError", "Family"]

_TARGET_LABELS = ("job", "instance")
"""Labels Prometheus adds to whatever it scrapes."""


class DashboardError(Exception):
    """A dashboard asks for something that does not exist, or is not tidy."""


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One metric family: its labels, their closed values (where closed), and the unit its name states.

    A catalogue holds each once, so families are compared by identity.
    """

    metric: Metric
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the family."""
        return self.metric.name

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of its series in Prometheus, those of the target included."""
        return (*self.metric.labels, *_TARGET_LABELS)

    @property
    def unit(self) -> str:
        """Base unit by the naming rule: seconds, bytes, or empty for a plain number."""
        plain = self.name.removesuffix("_total")
        return next((unit for unit in ("seconds", "bytes") if plain.endswith("_" + unit)), "")

    @property
    def is_time(self) -> bool:
        """Whether it holds moments in Unix seconds, of which only the age means something."""
        return "_timestamp_seconds" in self.name

    def check_label(self, label: str) -> None:
        """Raise DashboardError unless series of this family have `label`."""
        if label not in self.labels:
            raise DashboardError(f'{self.name} has no label "{label}"; it has {", ".join(self.labels)}')

    def check_value(self, label: str, value: str) -> None:
        """Raise DashboardError unless `label` can show `value`. Open labels take any value."""
        self.check_label(label)
        known = self.values.get(label, ())
        if known and value not in known:
            raise DashboardError(f'{self.name}: {label} is never "{value}"; expected one of {", ".join(known)}')


class Catalogue:
    """Finds families by name and jobs by exporter."""

    def __init__(self, contracts: Sequence[Contract]) -> None:
        self.contracts = tuple(contracts)
        jobs = tuple(contract.job for contract in contracts)
        families = [*_of_contracts(contracts), *_of_exporters(contracts), *_of_processes(jobs)]
        self._families = {family.name: family for family in (*families, *_of_prometheus())}

    def family(self, name: str) -> Family:
        """Return the family called `name`.

        Raises:
            DashboardError: if no contract, no exporter and no Prometheus has it.
        """
        if name not in self._families:
            near = get_close_matches(name, self._families, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise DashboardError(f'the metric "{name}" stands in no contract (contracts/*.yaml){hint}')
        return self._families[name]

    def job(self, exporter: str) -> str:
        """Return the scrape job of an exporter."""
        for contract in self.contracts:
            if contract.name == exporter:
                return contract.job
        names = ", ".join(contract.name for contract in self.contracts)
        raise DashboardError(f'no contract is called "{exporter}"; there are {names}')

    def values(self, name: str, label: str) -> tuple[str, ...]:
        """Return the closed values of a label; DashboardError if it is open or does not exist."""
        family = self.family(name)
        family.check_label(label)
        if not family.values.get(label):
            raise DashboardError(f"{name}: the values of {label} are not closed; ask Prometheus for them")
        return family.values[label]


def _of_contracts(contracts: Iterable[Contract]) -> Iterable[Family]:
    for contract in contracts:
        for metric in contract.metrics:
            values = {label: contract.label_values(metric, label) for label in metric.labels}
            yield Family(metric, {**values, "job": (contract.job,)})


def _of_exporters(contracts: Sequence[Contract]) -> Iterable[Family]:
    """Return the families every exporter has about itself."""
    values = {
        "exporter": tuple(contract.name for contract in contracts),
        "job": tuple(contract.job for contract in contracts),
        "pair": tuple(pair.name for contract in contracts for pair in contract.pairs),
        "edge": tuple(edge for contract in contracts for pair in contract.pairs for edge in pair.edges),
    }
    outcomes = ("applied", "ignored", "blank", *REJECTION_REASONS)
    for name, metric in {**STORED, **LIVE, **FOLDER}.items():
        yield Family(metric, {**values, "outcome": outcomes} if name == "lines_total" else values)


def _of_processes(jobs: tuple[str, ...]) -> Iterable[Family]:
    """Return what the client library says about each exporter's process."""
    yield _foreign("process_resident_memory_bytes", "Memory of the process that is in RAM.", {"job": jobs})
    yield _foreign("process_cpu_seconds_total", "Processor time the process has used.", {"job": jobs})


def _of_prometheus() -> Iterable[Family]:
    """Return what Prometheus itself says. `up` may be asked for jobs of other repositories too."""
    yield _foreign("up", "1 if the last scrape of the target worked, else 0.")
    yield _foreign("scrape_duration_seconds", "How long the last scrape of the target took.")
    states = {"alertname": (), "severity": (), "alertstate": ("pending", "firing")}
    yield _foreign("ALERTS", "1 for every alert that is pending or firing; absent otherwise.", states)
    yield _foreign("ALERTS_FOR_STATE", "Since when an alert has been pending or firing, in Unix seconds.", states)


def _foreign(name: str, text: str, values: Mapping[str, tuple[str, ...]] | None = None) -> Family:
    labels = {label: label for label in values or {} if label not in _TARGET_LABELS}
    kind = "counter" if name.endswith("_total") else "gauge"
    metric = Metric(
        name=name, type="counter" if kind == "counter" else "gauge", job="sets", help=text, labels=labels, budget=1
    )
    return Family(metric, values or {})
